"""Columns as plain Python, for references that are slow and obvious."""

from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import settings

from bagmill.dataset.spec import Feature
from bagmill.dataset.transforms import Chain, steps
from bagmill.dataset.values import Values, ValueType, element_of

FEW = settings(max_examples=40, deadline=None)
Row = Any
"""A value, nested lists of values, or None for a missing one."""


def kind(dtype: str, *shape: int | None) -> ValueType:
    return ValueType(element_of(dtype), shape)


def values_of(rows: list[Row], type_: ValueType) -> Values:
    """A column of rows."""
    if len(type_.shape) > 1 and type_.is_dense:
        rows = [None if row is None else np.array(row).reshape(-1).tolist() for row in rows]
    return Values.from_arrow(pa.array(rows, type_.arrow), type_)


def rows_of(values: Values) -> list[Row]:
    """The rows of a column."""
    if not values.type.is_dense:
        rows: list[Row] = values.to_arrow().to_pylist()
        return rows
    data = values.data.tolist()
    return [row if there else None for row, there in zip(data, values.present, strict=True)]


def chain(source: ValueType, *transforms: dict[str, Any]) -> Chain:
    """The chain of some transforms, each at `/<number>`."""
    facts = {"source": {"constant": 0}, "transforms": transforms}
    specs = [(f"/{place}", one) for place, one in enumerate(Feature.model_validate(facts).transforms)]
    return Chain(source, tuple(steps(specs, source)))


def run(rows: list[Row], source: ValueType, *transforms: dict[str, Any]) -> list[Row]:
    """Rows after some transforms. The column is a slice of a longer one, as batches of Arrow are."""
    longer = values_of([rows[0], *rows, rows[-1]] if rows else [], source)
    column = Values.from_arrow(longer.to_arrow().slice(1, len(rows)), source) if rows else longer
    done = chain(source, *transforms)(column)
    assert done.to_arrow().type == done.type.arrow
    assert Values.from_arrow(done.to_arrow(), done.type).present.tolist() == done.present.tolist()
    return rows_of(done)
