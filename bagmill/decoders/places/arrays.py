"""Arrow arrays made from numpy's, without a Python object for any value."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from bagmill.decoders.base import Buffer, Offsets
from bagmill.decoders.places.view import Mask
from bagmill.kernels import WITHOUT_CHECKS, call, indices

_BIG = 4096
"""Bytes from which on it costs nothing to make a Python object for a piece."""


def number_array(kind: pa.DataType, values: npt.NDArray[Any], present: Mask | None = None) -> pa.Array:
    """Numbers or booleans; null where not `present`."""
    packed = np.packbits(values, bitorder="little") if values.dtype == np.bool_ else values
    return _array(kind, values.size, present, [packed])


def bytes_array(kind: pa.DataType, sizes: Offsets, data: Buffer, present: Mask | None = None) -> pa.Array:
    """Strings or binary values, which lie one behind the other in `data`."""
    return _array(kind, sizes.size, present, [offsets_of(sizes), data])


def fixed_array(kind: pa.DataType, size: int, data: npt.NDArray[np.uint8]) -> pa.Array:
    """Binary values of a fixed size."""
    return _array(kind, size, None, [data])


def list_array(
    kind: pa.DataType, counts: Offsets, elements: pa.Array, present: Mask | None = None
) -> pa.Array:
    """Lists or maps of so many elements each; null where not `present`."""
    return _array(kind, counts.size, present, [offsets_of(counts)], [elements])


def struct_array(
    kind: pa.DataType, size: int, members: Sequence[pa.Array], present: Mask | None = None
) -> pa.Array:
    """Structs, or lists of a fixed size with their elements as the only member; null where not `present`."""
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
    sizes = last - first
    total = int(sizes.sum())
    if not total:
        return np.empty(0, np.uint8)
    size = int(sizes[0])
    if size and bool((sizes == size).all()):
        windows = np.ndarray((buffer.size - size + 1,), f"V{size}", buffer, strides=(1,))
        return windows[first].view(np.uint8)
    if total >= _BIG * sizes.size:
        pieces = [buffer[start:end] for start, end in zip(first.tolist(), last.tolist(), strict=True)]
        return np.concatenate(pieces)
    return _gather_small(buffer, first, last, total)


def _gather_small(buffer: Buffer, first: Offsets, last: Offsets, total: int) -> Buffer:
    """Let Arrow copy the pieces, which nothing in numpy does as fast: as every second value of an array."""
    places = np.arange(0, 2 * first.size, 2)
    if (first[1:] < first[:-1]).any():
        order = np.argsort(first, kind="stable")
        first, last = first[order], last[order]
        places[order] = places.copy()
    small = buffer.size < 1 << 31
    borders = np.empty(2 * first.size, np.int32 if small else np.int64)
    borders[0::2], borders[1::2] = first, last
    every = _array(pa.binary() if small else pa.large_binary(), borders.size - 1, None, [borders, buffer])
    taken = call("take", every, indices(places), options=WITHOUT_CHECKS)
    return np.frombuffer(taken.buffers()[2], np.uint8, total)
