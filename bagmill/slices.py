"""How much is decoded at a time: bounded by payload bytes and by cells, so that memory is."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from bagmill.recording import Block

SLICE_BYTES = 8 << 20
"""Payload bytes that are decoded at a time."""

SLICE_CELLS = 4 << 20
"""Cells, rows times the values that each has at least, that are decoded at a time."""


def slices(block: Block, rows: npt.NDArray[np.int64], fields: pa.Schema) -> Iterator[npt.NDArray[np.int64]]:
    """Cut rows of a table with these fields into runs whose payloads are about `SLICE_BYTES`."""
    most = max(1, SLICE_CELLS // max(1, sum(cells(field.type) for field in fields)))
    ends = np.cumsum(block.end[rows] - block.start[rows])
    first = 0
    while first < rows.size:
        before = int(ends[first - 1]) if first else 0
        last = int(np.searchsorted(ends, before + SLICE_BYTES, side="right"))
        last = min(max(last, first + 1), first + most)
        yield rows[first:last]
        first = last


def cells(type_: pa.DataType) -> int:
    """How many values a row takes in a column: those of a struct also where it is null, all of an array.

    Of a list it is one element: two bytes of JSON are an object with all members null.
    """
    if pa.types.is_struct(type_):
        return sum(cells(field.type) for field in type_)
    if pa.types.is_fixed_size_list(type_):
        return int(type_.list_size) * cells(type_.value_type)
    if pa.types.is_list(type_):
        return cells(type_.value_type)
    return 1
