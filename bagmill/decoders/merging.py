"""Putting together what was decoded apart."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from bagmill.decoders.base import Offsets

Part = tuple[pa.StructArray, Offsets]
"""Some of the messages as rows, and their numbers, ascending."""


def merge(parts: Sequence[Part]) -> Part:
    """Put the rows of all parts (one at least) in the order of their messages."""
    parts = [part for part in parts if len(part[1])] or parts[:1]
    if len(parts) == 1:
        return parts[0]
    rows = np.concatenate([rows for _, rows in parts])
    order = np.argsort(rows)
    array = pa.concat_arrays([array for array, _ in parts])
    return array.take(pa.array(order)), rows[order]
