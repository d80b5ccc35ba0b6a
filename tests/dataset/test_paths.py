"""Fields by path: against walking each message in Python, and what is said where there is no such field."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bagmill.dataset.paths import _paths, resolve
from bagmill.dataset.pathtext import Index, Name, Slice, parse_path
from bagmill.dataset.values import RAW_IMAGE
from bagmill.errors import SpecUnfit
from tests.dataset.columns import FEW, Row, rows_of

F64 = pa.float64()
XYZ = pa.struct([(name, F64) for name in "xyz"])
XYZW = pa.struct([(name, F64) for name in "xyzw"])
STAMP = pa.struct([("sec", pa.int32()), ("nanosec", pa.uint32())])
SCHEMA = pa.schema(
    [
        ("header", pa.struct([("stamp", STAMP), ("frame_id", pa.string())])),
        ("position", pa.list_(F64)),
        ("name", pa.list_(pa.string())),
        (
            "transforms",
            pa.list_(pa.struct([("rotation", XYZW), ("translation", XYZ), ("child", pa.string())])),
        ),
        ("grid", pa.list_(pa.list_(pa.int32(), 2), 3)),
        ("covariance", pa.list_(F64, 9)),
        ("data", pa.binary()),
        ("key", pa.binary(4)),
        ("flag", pa.bool_()),
        ("sequence_", pa.uint32()),
        pa.field("mode", pa.int8(), metadata={"enum": "Mode"}),
        ("a.b", pa.int16()),
        ("table", pa.map_(pa.string(), F64)),
    ]
)
small = st.floats(-9, 9)
xyz = st.fixed_dictionaries(dict.fromkeys("xyz", small))
xyzw = st.fixed_dictionaries(dict.fromkeys("xyzw", small))
transform = st.fixed_dictionaries(
    {"rotation": st.none() | xyzw, "translation": xyz, "child": st.text(max_size=2)}
)
message = st.fixed_dictionaries(
    {
        "header": st.none()
        | st.fixed_dictionaries(
            {
                "stamp": st.fixed_dictionaries({"sec": st.integers(0, 9), "nanosec": st.integers(0, 9)}),
                "frame_id": st.text(max_size=2),
            }
        ),
        "position": st.none() | st.lists(small, max_size=4),
        "name": st.lists(st.text(max_size=2), max_size=3),
        "transforms": st.lists(transform, max_size=3),
        "grid": st.lists(st.lists(st.integers(0, 9), min_size=2, max_size=2), min_size=3, max_size=3),
        "covariance": st.lists(small, min_size=9, max_size=9),
        "data": st.none() | st.binary(max_size=4),
        "key": st.binary(min_size=4, max_size=4),
        "flag": st.booleans(),
        "sequence_": st.integers(0, 9),
        "mode": st.integers(0, 3),
        "a.b": st.integers(0, 9),
        "table": st.just([]),
    }
)


class Absent(Exception):
    """There is no value there."""


def walked(value: Any, steps: list[Any]) -> Row:
    """The value at a path in one message, step by step."""
    if value is None:
        raise Absent
    if not steps:
        return whole(value)
    step, rest = steps[0], steps[1:]
    if isinstance(step, Name):
        return walked(value.get(step.name, value.get(f"{step.name}_")), rest)
    items = list(value)
    if isinstance(step, Index):
        if not -len(items) <= step.index < len(items):
            raise Absent
        return walked(items[step.index], rest)
    chosen = items[step.first : step.last]
    if step.width is not None and len(chosen) != step.width:
        raise Absent
    return [walked(item, rest) for item in chosen]


def whole(value: Any) -> Row:
    """A value as a column holds it."""
    if isinstance(value, dict) and "sec" in value:
        return value["sec"] * 10**9 + value["nanosec"]
    if isinstance(value, dict):
        return [value[name] for name in "xyzw" if name in value]
    return [walked(item, []) for item in value] if isinstance(value, list) else value


PATHS = [
    "header.stamp",
    "header.frame_id",
    "header.stamp.sec",
    "position",
    "position[0]",
    "position[-2]",
    "position[1:3]",
    "position[-2:]",
    "position[1:]",
    "position[:-1]",
    "position[-3:-1]",
    "name",
    "name[0]",
    "name[0:2]",
    "transforms[*].translation",
    "transforms[*].rotation",
    "transforms[0].rotation.w",
    "transforms[-1].child",
    "transforms[1:].child",
    "transforms[0:2].translation.x",
    "grid",
    "grid[1]",
    "grid[*][0]",
    "grid[-1][1]",
    "covariance",
    "covariance[0:3]",
    "covariance[-3:]",
    "covariance[::]".replace("::", ":"),
    "data",
    "data[0]",
    "data[*]",
    "data[0:2]",
    "key",
    "key[1:3]",
    "flag",
    "sequence",
    "mode",
    "`a.b`",
]


ACCESSES = {path: resolve(path, SCHEMA, "/here") for path in PATHS}


def expected(messages: list[dict[str, Any]], path: str) -> list[Row]:
    steps, rows = parse_path(path), []
    for one in messages:
        try:
            rows.append(walked(one, steps))
        except Absent:
            rows.append(None)
    return rows


@FEW
@given(messages=st.lists(message, max_size=5))
def test_fields_are_what_walking_finds(messages: list[dict[str, Any]]) -> None:
    batch = pa.RecordBatch.from_pylist([*messages[:1], *messages], schema=SCHEMA).slice(len(messages[:1]))

    for path, access in ACCESSES.items():
        found = access.extract(batch)
        assert (path, rows_of(found)) == (path, expected(messages, path))
        assert found.type == access.type
        assert access.columns == (access.column,)


@pytest.mark.parametrize(
    ("path", "type_"),
    [
        ("header.stamp", "timestamp"),
        ("transforms[*].rotation", "float64[any, 4]"),
        ("position[0:7]", "float64[7]"),
        ("grid", "int32[3, 2]"),
        ("grid[*][0]", "int32[3]"),
        ("covariance[-3:]", "float64[3]"),
        ("data[*]", "uint8[any]"),
        ("key", "binary"),
    ],
)
def test_types_of_fields(path: str, type_: str) -> None:
    assert str(resolve(path, SCHEMA, "").type) == type_


def test_quaternions_are_rotations_in_the_order_of_their_names() -> None:
    turned = pa.struct([(name, pa.float32()) for name in "wxyz"])
    schema = pa.schema([("q", turned)])
    batch = pa.RecordBatch.from_pylist([{"q": {"w": 1.0, "x": 2.0, "y": 3.0, "z": 4.0}}], schema=schema)

    access = resolve("q", schema, "")

    assert access.type.rotation
    assert rows_of(access.extract(batch)) == [[2.0, 3.0, 4.0, 1.0]]
    assert not resolve("transforms[0].translation", SCHEMA, "").type.rotation


def test_the_whole_message_may_be_a_value() -> None:
    assert str(resolve(None, pa.schema(list(XYZ)), "").type) == "float64[3]"
    assert str(resolve(None, pa.schema([("data", pa.float32())]), "").type) == "float32"
    assert resolve(None, pa.schema(list(XYZW)), "").columns == ("x", "y", "z", "w")


IMAGE = pa.schema(
    [
        ("header", pa.struct([("frame_id", pa.string())])),
        ("height", pa.uint32()),
        ("width", pa.uint32()),
        ("encoding", pa.string()),
        ("is_bigendian", pa.uint8()),
        ("step", pa.uint32()),
        ("data", pa.binary()),
    ]
)


def test_images_are_taken_whole() -> None:
    row = {
        "header": {"frame_id": "a"},
        "height": 2,
        "width": 1,
        "encoding": "mono8",
        "is_bigendian": 1,
        "step": 1,
        "data": b"ab",
    }
    batch = pa.RecordBatch.from_pylist([row, row | {"data": None}], schema=IMAGE)

    access = resolve(None, IMAGE, "")

    assert access.type.image
    assert access.type.element == RAW_IMAGE
    expected = {key: row[key] for key in ("height", "width", "encoding", "step", "data")} | {
        "big_endian": True
    }
    assert rows_of(access.extract(batch)) == [expected, None]


def test_compressed_images_are_their_bytes() -> None:
    schema = pa.schema([("format", pa.string()), ("data", pa.binary()), ("frame_id", pa.string())])
    batch = pa.RecordBatch.from_pylist([{"format": "jpeg", "data": b"123", "frame_id": ""}], schema=schema)

    access = resolve(None, schema, "")

    assert (str(access.type), access.type.image) == ("binary", True)
    assert rows_of(access.extract(batch)) == [b"123"]


@pytest.mark.parametrize(
    ("path", "detail", "hint"),
    [
        ("positoin", "The message has no field 'positoin'", "`position`"),
        ("header.stmp", "`header` has no field 'stmp'", "`stamp`"),
        ("frame_id", "The message has no field 'frame_id'", "`header.frame_id`"),
        ("position.x", "`position` is a list of elements (double) and has no field 'x'", "[0]"),
        ("flag[0]", "`flag` is bool, which has no elements", None),
        ("header", "`header` is a message with `stamp`, `frame_id`", "Take one of its fields"),
        ("transforms", "`transforms[*]` is a message", "Take one of its fields"),
        ("covariance[9]", "`covariance` has 9 elements, and 9 is none of them", None),
        ("covariance[5:12]", "`covariance` has 9 elements, and not all of `[5:12]`", None),
        ("position[3:3]", "`position` has nothing in `[3:3]`", None),
        ("table", "`table` is a map", None),
        ("[0]", "'[0]' is no path", None),
        ("a..b", "'a..b' is no path", None),
        ("position[1", "'position[1' is no path", None),
        (".position", "'.position' is no path", None),
        ("position[0]x", "'position[0]x' is no path", None),
    ],
)
def test_what_is_not_there_is_refused_with_what_is(path: str, detail: str, hint: str | None) -> None:
    with pytest.raises(SpecUnfit) as caught:
        resolve(path, SCHEMA, "/features/a/source/field")

    (fault,) = caught.value.items
    assert fault.pointer == "/features/a/source/field"
    assert detail in fault.detail
    assert hint is None or hint in (fault.hint or "")


def test_the_paths_of_a_message_can_all_be_taken() -> None:
    paths = [path for path in _paths(pa.struct(list(SCHEMA))) if path != "transforms"]

    assert "header.stamp" in paths
    assert "`a.b`" in paths
    assert all(resolve(path, SCHEMA, "").type is not None for path in paths)


def test_slices_have_a_width_if_both_ends_are_counted_from_one_side() -> None:
    assert [Slice(*ends).width for ends in ((0, 7), (None, 3), (-3, None), (-3, -1), (2, None), (1, -1))] == [
        *(7, 3, 3, 2),
        *(None, None),
    ]


def test_bytes_of_slices_of_batches_are_their_own() -> None:
    batch = pa.RecordBatch.from_pylist(
        [{"data": b"abc"}, {"data": b"de"}, {"data": b""}], pa.schema([("data", pa.binary())])
    )

    assert rows_of(resolve("data[*]", batch.schema, "").extract(batch.slice(1))) == [[100, 101], []]
    assert np.array_equal(resolve("data[0]", batch.schema, "").extract(batch).present, [True, True, False])
