"""Values that wait in a file: those that are taken are those that were put there."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bagmill.dataset.spool import GAP_BYTES, HeldValues, Spool, SpooledValues, keep
from bagmill.dataset.values import RAW_IMAGE, Values, ValueType
from bagmill.errors import OutputFailed

BIG = GAP_BYTES + 1
IMAGE = ValueType(RAW_IMAGE, image=True)


def blob(number: int) -> bytes:
    return bytes([number % 251]) * (BIG if number % 3 == 0 else number % 7)


def image(number: int) -> dict[str, Any]:
    return {
        "height": number,
        "width": 1,
        "encoding": "rgb8",
        "big_endian": False,
        "step": 3,
        "data": blob(number),
    }


KINDS: dict[str, tuple[ValueType, Callable[[int], Any]]] = {
    "bytes": (ValueType(pa.binary()), blob),
    "texts": (ValueType(pa.string()), lambda number: "é" * (number % 5)),
    "images": (IMAGE, image),
    "lists": (ValueType(pa.float32(), (None,)), lambda number: [number + 0.5] * (number % 4)),
    "vectors": (ValueType(pa.int16(), (600,)), lambda number: [number] * 600),
    "matrices": (ValueType(pa.float64(), (2, 100)), lambda number: [float(number)] * 200),
}


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=40, deadline=None)
@given(st.data())
def test_what_is_taken_is_what_was_put_there(kind: str, data: st.DataObject) -> None:
    type_, make = KINDS[kind]
    parts = data.draw(st.lists(st.lists(st.none() | st.integers(0, 200), max_size=5), max_size=4))
    plain = [None if one is None else make(one) for part in parts for one in part]
    wanted = data.draw(st.lists(st.integers(-1, len(plain) - 1), max_size=8))
    with TemporaryDirectory() as folder:
        spool = Spool(Path(folder))
        kept = keep(type_, spool)
        assert isinstance(kept, SpooledValues)
        for part in parts:
            array = pa.array([None if one is None else make(one) for one in part], type_.arrow)
            kept.add(Values.from_arrow(array, type_))
        found = kept.take(np.array(wanted, np.int64))
        sizes = kept.bytes_of(np.array(wanted, np.int64))
        assert not list(Path(folder).iterdir())
        spool.close()

    assert found.type == type_
    assert found.to_arrow().to_pylist() == [None if one < 0 else plain[one] for one in wanted]
    assert found.present.tolist() == [one >= 0 and plain[one] is not None for one in wanted]
    if kind == "bytes":
        assert sizes.tolist() == [len(plain[one] or b"") if one >= 0 else 0 for one in wanted]


@pytest.mark.parametrize(
    "type_",
    [ValueType(pa.float64(), (14,)), ValueType(pa.bool_()), ValueType(pa.string(), (None,))],
    ids=str,
)
def test_small_and_odd_values_stay_in_memory(tmp_path: Path, type_: ValueType) -> None:
    kept = keep(type_, Spool(tmp_path))

    assert isinstance(kept, HeldValues)
    assert kept.take(np.array([-1], np.int64)).present.tolist() == [False]


def test_a_folder_that_can_not_be_written_is_an_error_of_the_output(tmp_path: Path) -> None:
    with pytest.raises(OutputFailed):
        Spool(tmp_path / "absent").append(np.zeros(3, np.uint8))
