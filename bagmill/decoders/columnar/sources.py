"""Where values are copied from: places anywhere in a buffer, or the same places in all rows of a matrix.

Nothing that is returned shares memory with the buffer. All values of one leaf are copied by one or a few
calls, in the order of the messages.
"""

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from bagmill.decoders.base import Buffer, Offsets
from bagmill.decoders.columnar.elements import Lists

Array = npt.NDArray[Any]
Int32s = npt.NDArray[np.int32]

_LONG = 2048
"""From this mean length on pieces of bytes are copied one by one."""

_WIDE = 1024
"""Up to this many bytes, values that lie together are first copied together."""


class Source(Protocol):
    """Copies values out. Each place stands for `rows` entries; `spread` gives its value to all of them."""

    rows: int

    def spread(self, values: Offsets) -> Offsets:
        """The values of all entries, from those of the places."""
        ...

    def values(self, places: Offsets, offset: int, dtype: str, count: int = 1) -> Array:
        """`count` values at each place plus `offset`, flat."""
        ...

    def ragged(self, places: Offsets, lengths: Offsets) -> tuple[Int32s, Buffer]:
        """Pieces of bytes, joined; and where each begins, with the end of the last."""
        ...

    def together(self, places: Offsets, size: int) -> "tuple[Source, Offsets]":
        """A source that is faster for several values in the `size` bytes at the places."""
        ...

    def elements(self, lists: Lists, size: int) -> Buffer | None:
        """The first `size` bytes of all elements, as rows; None if their places must be worked out."""
        ...


class Scattered:
    """Places in a buffer, in ascending order; each stands for one entry."""

    rows = 1

    def __init__(self, buffer: Buffer) -> None:
        self._buffer = buffer

    def spread(self, values: Offsets) -> Offsets:
        """Each place is one entry."""
        return values

    def values(self, places: Offsets, offset: int, dtype: str, count: int = 1) -> Array:
        """Copy through a view of values at every byte."""
        if offset:
            places = places + offset
        one = np.dtype(dtype)
        size = one.itemsize * count
        item = one if count == 1 else np.dtype((np.void, size))
        return np.ndarray((self._buffer.size - size + 1,), item, self._buffer, strides=(1,))[places].view(one)

    def ragged(self, places: Offsets, lengths: Offsets) -> tuple[Int32s, Buffer]:
        """Copy pieces of one length at once, long pieces one by one, and others with Arrow's `take`."""
        offsets = offsets_of(lengths)
        total = int(offsets[-1])
        if total == 0:
            return offsets, np.zeros(0, np.uint8)
        if lengths[0] * len(lengths) == total and (lengths == lengths[0]).all():
            return offsets, self.values(places, 0, "u1", int(lengths[0]))
        if total >= _LONG * len(places):
            return offsets, self._one_by_one(places, lengths, total)
        return offsets, self._take(places, lengths)

    def _one_by_one(self, places: Offsets, lengths: Offsets, total: int) -> Buffer:
        result, done = np.empty(total, np.uint8), 0
        for place, length in zip(places.tolist(), lengths.tolist(), strict=True):
            result[done : done + length] = self._buffer[place : place + length]
            done += length
        return result

    def _take(self, places: Offsets, lengths: Offsets) -> Buffer:
        """Arrow sees the pieces as every second one of all that the buffer falls into."""
        small = self._buffer.size < 1 << 31
        borders = np.empty(2 * len(places), np.int32 if small else np.int64)
        borders[::2] = places
        np.add(places, lengths, out=borders[1::2], casting="same_kind")
        kind = pa.binary() if small else pa.large_binary()
        buffers = [None, pa.py_buffer(borders), pa.py_buffer(self._buffer)]
        pieces = pa.Array.from_buffers(kind, len(borders) - 1, buffers)
        taken = pc.take(pieces, pa.array(np.arange(0, len(borders), 2)), boundscheck=False)
        return np.frombuffer(taken.buffers()[2], np.uint8)

    def together(self, places: Offsets, size: int) -> tuple[Source, Offsets]:
        """Copy the bytes first: a place that is far from the last costs more than all bytes around it."""
        if size > _WIDE:
            return self, places
        return Matrix(self.values(places, 0, "u1", size).reshape(-1, size)), np.zeros(1, np.int64)

    def elements(self, lists: Lists, size: int) -> Buffer | None:
        """Those of long lists are copied list by list."""
        return lists.bytes(self._buffer, size)


class Matrix:
    """Rows of bytes of one length; a place is an offset in the row and stands for an entry in each row."""

    def __init__(self, rows: npt.NDArray[np.uint8]) -> None:
        self._bytes = rows
        self.rows, self._width = rows.shape

    def spread(self, values: Offsets) -> Offsets:
        """Repeat them for each row."""
        return np.tile(values, self.rows)

    def values(self, places: Offsets, offset: int, dtype: str, count: int = 1) -> Array:
        """Copy columns: all of a row, then those of the next."""
        step = _step(places)
        if step is not None:
            return self._view(int(places[0]) + offset, len(places), step, dtype, count).copy().reshape(-1)
        result = np.empty((self.rows, len(places), count), dtype)
        for number, place in enumerate(places.tolist()):
            result[:, number : number + 1] = self._view(place + offset, 1, 0, dtype, count)
        return result.reshape(-1)

    def _view(self, begin: int, places: int, step: int, dtype: str, count: int) -> Array:
        size = np.dtype(dtype).itemsize
        shape, strides = (self.rows, places, count), (self._width, step, size)
        return np.ndarray(shape, dtype, self._bytes, begin, strides)

    def ragged(self, places: Offsets, lengths: Offsets) -> tuple[Int32s, Buffer]:
        """Copy the pieces column by column."""
        ends = np.cumsum(lengths)
        result = np.empty((self.rows, int(ends[-1]) if len(ends) else 0), np.uint8)
        pieces = zip(places.tolist(), lengths.tolist(), ends.tolist(), strict=True)
        for place, length, end in pieces:
            result[:, end - length : end] = self._bytes[:, place : place + length]
        return offsets_of(self.spread(lengths)), result.reshape(-1)

    def together(self, places: Offsets, size: int) -> tuple[Source, Offsets]:
        """They are together already."""
        del size
        return self, places

    def elements(self, lists: Lists, size: int) -> Buffer | None:
        """There is nothing that is faster."""
        del lists, size
        return None


def _step(places: Offsets) -> int | None:
    """The distance of places that follow each other evenly."""
    if len(places) < 2:
        return 0
    steps = np.diff(places)
    return int(steps[0]) if (steps == steps[0]).all() else None


def offsets_of(lengths: Offsets) -> Int32s:
    """Where pieces of these lengths begin when they are joined, with the end of the last."""
    offsets = np.zeros(len(lengths) + 1, np.int32)
    np.cumsum(lengths, dtype=np.int32, out=offsets[1:])
    return offsets
