"""Putting together what was decoded apart."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from bagmill.decoders.base import Offsets
from bagmill.decoders.columnar.block import Part
from bagmill.kernels import call, indices


def merge(parts: Sequence[Part], type_: pa.StructType) -> Part:
    """Put the rows of all parts in the order of their messages; `type_`: of all of them."""
    filled = [part for part in parts if len(part[1])]
    if not filled:
        return pa.array([], type_), np.zeros(0, np.int64)
    if len(filled) == 1:
        return filled[0]
    rows = np.concatenate([rows for _, rows in filled])
    order = np.argsort(rows)
    # Some may have left blobs in place, which is of no use where all are copied.
    array = pa.concat_arrays([array if array.type == type_ else array.cast(type_) for array, _ in filled])
    return call("take", array, indices(order)), rows[order]


def others(some: Offsets, rows: Offsets) -> Offsets:
    """The rows without those of some numbers."""
    return rows[:0] if len(some) == len(rows) else np.delete(rows, some)
