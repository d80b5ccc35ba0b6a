"""How much is decoded at a time: bounded by payload bytes and by cells, so that memory is."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from bagmill.recording import Block

SLICE_BYTES = 8 << 20
"""Payload bytes that are decoded at a time."""

SLICE_CELLS = 4 << 20
"""Cells, rows times columns, that are decoded at a time."""


def slices(block: Block, rows: npt.NDArray[np.int64], columns: int) -> Iterator[npt.NDArray[np.int64]]:
    """Cut rows of a table with so many columns into runs whose payloads are about `SLICE_BYTES`."""
    most = max(1, SLICE_CELLS // max(1, columns))
    ends = np.cumsum(block.end[rows] - block.start[rows])
    first = 0
    while first < rows.size:
        before = int(ends[first - 1]) if first else 0
        last = int(np.searchsorted(ends, before + SLICE_BYTES, side="right"))
        last = min(max(last, first + 1), first + most)
        yield rows[first:last]
        first = last
