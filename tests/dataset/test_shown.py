"""How values are shown in a preview."""

import json
from typing import Any

import pyarrow as pa
import pytest

from bagmill.dataset.shown import MOST_ELEMENTS, MOST_LETTERS, shown

LONG = list(range(MOST_ELEMENTS + 1))


@pytest.mark.parametrize(
    ("value", "kind", "shape", "wanted"),
    [
        (None, pa.int64(), (), None),
        (True, pa.bool_(), (), True),
        (7, pa.uint8(), (), 7),
        (2**60, pa.int64(), (), str(2**60)),
        (1.5, pa.float32(), (), 1.5),
        (float("nan"), pa.float64(), (), "NaN"),
        (float("inf"), pa.float64(), (), "Infinity"),
        (float("-inf"), pa.float32(), (), "-Infinity"),
        ("é", pa.string(), (), "é"),
        ("x" * 501, pa.string(), (), "x" * MOST_LETTERS + "…"),
        (b"\xff\xd8\xff\xe0", pa.binary(), (), {"bytes": 4, "media_type": "image/jpeg"}),
        (b"\0", pa.binary(), (), {"bytes": 1, "media_type": None}),
        ([1.0, float("nan")], pa.list_(pa.float64(), 2), (2,), [1.0, "NaN"]),
        ([1, None], pa.list_(pa.int64()), (None,), [1, None]),
        ([], pa.list_(pa.int64()), (None,), []),
        ([1, 2, 3, 4, 5, 6], pa.list_(pa.int64(), 6), (3, 2), [[1, 2], [3, 4], [5, 6]]),
        (list(range(8)), pa.list_(pa.int64(), 8), (2, 2, 2), [[[0, 1], [2, 3]], [[4, 5], [6, 7]]]),
        (LONG, pa.list_(pa.int64()), (None,), {"elements": len(LONG), "first": LONG[:-1]}),
        ([["a"], []], pa.list_(pa.list_(pa.string())), (None, None), [["a"], []]),
        ({"a": b"x"}, pa.struct([("a", pa.binary())]), (), {"a": {"bytes": 1, "media_type": None}}),
    ],
)
def test_values_become_plain_data(value: Any, kind: pa.DataType, shape: Any, wanted: Any) -> None:
    found = shown(pa.array([value], kind)[0], shape)

    assert found == wanted
    assert json.loads(json.dumps(found, allow_nan=False)) == found
