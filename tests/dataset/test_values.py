"""Values of many rows: kept as they are through Arrow, taken, filled, joined."""

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bagmill.dataset.lists import densify
from bagmill.dataset.values import RAW_IMAGE, TIMESTAMP, Values, ValueType, element_of, fill
from tests.dataset.columns import FEW, Row, kind, rows_of, values_of

ELEMENTS: dict[str, st.SearchStrategy[Any]] = {
    "bool": st.booleans(),
    "int8": st.integers(-128, 127),
    "uint64": st.integers(0, 2**64 - 1),
    "int64": st.integers(-(2**63), 2**63 - 1),
    "float32": st.floats(width=32, allow_nan=False),
    "float64": st.floats(allow_nan=False),
    "string": st.text(max_size=5),
    "binary": st.binary(max_size=5),
}
SHAPES: list[tuple[int | None, ...]] = [(), (3,), (2, 3), (None,), (None, 2), (2, None), (None, None)]


def value_of(dtype: str, shape: tuple[int | None, ...]) -> st.SearchStrategy[Row]:
    if not shape:
        return ELEMENTS[dtype]
    inner = value_of(dtype, shape[1:])
    size = shape[0]
    return st.lists(inner, max_size=3) if size is None else st.lists(inner, min_size=size, max_size=size)


@st.composite
def column(draw: st.DrawFn) -> tuple[list[Row], ValueType]:
    dtype, shape = draw(st.sampled_from(sorted(ELEMENTS))), draw(st.sampled_from(SHAPES))
    rows = draw(st.lists(st.none() | value_of(dtype, shape), max_size=6))
    return rows, kind(dtype, *shape)


@FEW
@given(column())
def test_rows_survive_arrow_and_json(drawn: tuple[list[Row], ValueType]) -> None:
    rows, type_ = drawn
    values = values_of(rows, type_)

    assert rows_of(values) == rows
    assert values.present.tolist() == [row is not None for row in rows]
    assert rows_of(Values.from_arrow(values.to_arrow(), type_)) == rows
    assert rows_of(Values.from_arrow(pa.chunked_array([values.to_arrow()] * 2), type_)) == rows + rows
    assert ValueType.from_json(json.loads(json.dumps(type_.to_json()))) == type_
    assert values.to_arrow().type == type_.arrow == type_.field("a").type


@FEW
@given(column(), st.data())
def test_taking_filling_and_leaving_out(drawn: tuple[list[Row], ValueType], data: st.DataObject) -> None:
    rows, type_ = drawn
    values = values_of(rows, type_)
    indices = data.draw(st.lists(st.integers(-1, len(rows) - 1), max_size=8))
    keep = np.array(data.draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows))), np.bool_)

    taken = values.take(np.array(indices, np.int64))
    assert rows_of(taken) == [None if index < 0 else rows[index] for index in indices]
    assert rows_of(values.where(keep)) == [
        row if kept else None for row, kept in zip(rows, keep, strict=True)
    ]
    assert rows_of(Values.concat([values, taken])) == rows + rows_of(taken)
    one = next((row for row in rows if row is not None), None)
    if one is not None:
        filled = fill(values, values_of([one], type_))
        assert rows_of(filled) == [one if row is None else row for row in rows]
    assert rows_of(Values.missing(3, type_)) == [None] * 3


@FEW
@given(st.lists(st.none() | st.lists(st.floats(allow_nan=False), max_size=3), max_size=5))
def test_lists_of_one_length_become_dense(rows: list[Row]) -> None:
    found = densify(values_of(rows, kind("float64", None)))

    lengths = {len(row) for row in rows if row is not None}
    if len(lengths) == 1 and lengths != {0}:
        assert found is not None
        assert found.type == kind("float64", lengths.pop())
        assert rows_of(found) == rows
    else:
        assert found is None


def required(dtype: str) -> pa.Field:
    return pa.field("element", element_of(dtype), nullable=False)


@pytest.mark.parametrize(
    ("type_", "text", "arrow"),
    [
        (kind("float32", 14), "float32[14]", pa.list_(required("float32"), 14)),
        (kind("float64", 3, 3), "float64[3, 3]", pa.list_(required("float64"), 9)),
        (kind("float64", None, 3), "float64[any, 3]", pa.list_(pa.list_(required("float64"), 3))),
        (kind("string", 2), "string[2]", pa.list_(pa.string(), 2)),
        (kind("timestamp"), "timestamp", TIMESTAMP),
        (ValueType(RAW_IMAGE, image=True), "image", RAW_IMAGE),
    ],
)
def test_types_of_columns(type_: ValueType, text: str, arrow: pa.DataType) -> None:
    assert (str(type_), type_.arrow) == (text, arrow)
    shape = (type_.field("a").metadata or {}).get(b"shape")
    assert shape == (json.dumps(type_.shape).encode() if len(type_.shape) > 1 else None)


def test_times_are_ns() -> None:
    values = Values.dense(np.array([1, 0]), np.array([True, False]), kind("timestamp"))

    assert values.to_arrow().cast(pa.int64()).to_pylist() == [1, None]
    assert Values.from_arrow(values.to_arrow(), values.type).data.tolist() == [1, 0]


def test_what_is_missing_is_zero_whatever_it_was() -> None:
    values = Values.dense(np.array([5.0, 7.0]), np.array([True, False]), kind("float64"))

    assert values.data.tolist() == [5.0, 0.0]
