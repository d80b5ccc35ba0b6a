"""Arrow arrays made from numpy's, without a Python object for any value."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from bagmill.decoders.base import Buffer, Offsets
from bagmill.decoders.protobuf.view import Mask

_BIG = 4096
"""Bytes from which on it costs nothing to make a Python object for a piece."""


def number_array(kind: pa.DataType, values: npt.NDArray[Any], present: Mask | None = None) -> pa.Array:
    """Numbers or booleans; null where not `present`."""
    packed = np.packbits(values, bitorder="little") if values.dtype == np.bool_ else values
    return _array(kind, values.size, present, [packed])


def bytes_array(kind: pa.DataType, sizes: Offsets, data: Buffer, present: Mask | None = None) -> pa.Array:
    """Strings or binary values, which lie one behind the other in `data`."""
    return _array(kind, sizes.size, present, [offsets_of(sizes), data])


def list_array(kind: pa.DataType, counts: Offsets, elements: pa.Array) -> pa.Array:
    """Lists or maps of so many elements each."""
    return _array(kind, counts.size, None, [offsets_of(counts)], [elements])


def struct_array(
    kind: pa.DataType, size: int, members: Sequence[pa.Array], present: Mask | None = None
) -> pa.Array:
    """Structs; null where not `present`."""
    return _array(kind, size, present, [], members)


def _array(
    kind: pa.DataType,
    size: int,
    present: Mask | None,
    buffers: Sequence[npt.NDArray[Any]],
    children: Sequence[pa.Array] | None = None,
) -> pa.Array:
    validity = None if present is None else pa.py_buffer(np.packbits(present, bitorder="little"))
    return pa.Array.from_buffers(
        kind, size, [validity, *(pa.py_buffer(buffer) for buffer in buffers)], children=children
    )


def offsets_of(sizes: Offsets) -> npt.NDArray[np.int32]:
    """Where each of some values begins, and where the last ends. The sum must be less than 2^31."""
    offsets = np.zeros(sizes.size + 1, np.int32)
    np.cumsum(sizes, out=offsets[1:])
    return offsets


def gather(buffer: Buffer, first: Offsets, last: Offsets) -> Buffer:
    """Copy the pieces `buffer[first[i]:last[i]]`, all of them inside the buffer, one behind the other."""
    if not first.size:
        return np.empty(0, np.uint8)
    sizes = last - first
    size, total = int(sizes[0]), int(sizes.sum())
    if not total:
        return np.empty(0, np.uint8)
    if size and bool((sizes == size).all()):
        windows = np.ndarray((buffer.size - size + 1,), f"V{size}", buffer, strides=(1,))
        return windows[first].view(np.uint8)
    if total >= _BIG * sizes.size:
        pieces = [buffer[start:end] for start, end in zip(first.tolist(), last.tolist(), strict=True)]
        return np.concatenate(pieces)
    # Arrow copies small ragged pieces faster than anything in numpy: as every second value of an array.
    borders = np.empty(2 * first.size, np.int64)
    borders[0::2], borders[1::2] = first, last
    every = _array(pa.large_binary(), 2 * first.size - 1, None, [borders, buffer])
    taken = every.take(pa.array(np.arange(0, 2 * first.size - 1, 2)))
    _, _, data = taken.buffers()
    return np.frombuffer(data, np.uint8, total)
