"""Messages of one shape: where all counts and lengths are the same, the walk of the first holds for all.

That is how most telemetry is: the same names of frames, the same joints. Then a message is a row of a matrix
and a leaf is some of its columns. The matrix is made in pieces that the cache of a processor can hold.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from bagmill.decoders.base import Buffer, Offsets
from bagmill.decoders.columnar.arrays import pieces
from bagmill.decoders.columnar.elements import Lists, settle
from bagmill.decoders.columnar.leaves import Array, Int32s, Leaves, anywhere, dtype_of
from bagmill.decoders.columnar.plan import (
    COUNT,
    Column,
    Elements,
    Members,
    Number,
    Numbers,
    Plan,
    Rows,
    Text,
)
from bagmill.decoders.columnar.scalar import ScalarWalk
from bagmill.decoders.columnar.scattered import Scattered
from bagmill.decoders.columnar.texts import read_texts
from bagmill.decoders.columnar.walked import Mask

_FEW = 32
"""For fewer messages it does not pay."""

_MOST_BYTES = 1 << 14
"""Longer messages are few in a block, and copied fast in other ways."""

_GAP = 8
"""Fewer bytes than this are faster compared than left out."""

_PIECE = 1 << 20
"""Bytes of messages that are copied at once."""


def one_shape(plan: Plan, buffer: Buffer, start: Offsets, end: Offsets, header: int) -> "Uniform | None":
    """The values of messages of one shape; None if they are not."""
    if len(start) < _FEW:
        return None
    size = int(end[0] - start[0])
    if not 0 < size <= _MOST_BYTES or not (end - start == size).all():
        return None
    sample = anywhere(buffer, size)[start[:_FEW]].view(np.uint8).reshape(-1, size)
    walk = ScalarWalk(plan, sample[0].copy(), note=True)
    if not walk.message(0, header, size) or walk.slots()[plan.end][0] > size:
        return None
    counts = np.zeros(size, np.bool_)
    counts[np.add.outer(np.array(walk.counted, np.int64), np.arange(COUNT))] = True
    alike = (sample == sample[0]).all(axis=0)
    if not alike[counts].all():
        return None
    for same in alike, counts:
        uniform = Uniform(plan, walk.slots(), len(start), sample[0], same)
        if uniform.read(buffer, start, counts):
            return uniform
    return None


class Uniform:
    """The values of messages that are all like the first, of which `slots` tells what a walk has found.

    `same`: the bytes that are taken to be the same in all messages. Texts of only such bytes are not copied
    from each message but repeated: they are in `texts`, by the slot of their places.
    """

    def __init__(self, plan: Plan, slots: list[Offsets], messages: int, first: Buffer, same: Mask) -> None:
        self.end = int(slots[plan.end][0])
        self.order = plan.wire.order
        self.texts: dict[int, pa.Array] = {}
        self._slots = slots
        self._messages = messages
        self._first = first
        self._one = Scattered(plan, first, slots)
        self._same = same
        self._repeated = np.zeros_like(same)
        self._copies: list[tuple[int, tuple[int, ...], tuple[int, ...], Array]] = []
        self._found: dict[tuple[int, int], Array] = {}
        self._entries: dict[int, int] = {}
        self._collect(plan.column, slots)

    def read(self, buffer: Buffer, start: Offsets, counts: Mask) -> bool:
        """Copy the values of all messages; False if bytes differ that are taken to be the same."""
        size = len(self._first)
        view, step = anywhere(buffer, size), max(_PIECE // size, 1)
        same = _ranges(self._repeated | counts, self._same)
        for first in range(0, self._messages, step):
            rows = view[start[first : first + step]]
            if not all(_alike(rows, self._first, begin, end) for begin, end in same):
                return False
            for offset, shape, strides, target in self._copies:
                source: Array = np.ndarray((len(rows), *shape), target.dtype, rows, offset, (size, *strides))
                target[first : first + step] = source
        return True

    def number(self, column: Number) -> Array:
        """They have been copied."""
        return self._found[column.place, column.offset].reshape(-1)

    def ragged(self, column: Text | Numbers) -> tuple[Int32s, Buffer]:
        """They have been copied."""
        return self._borders(self._lengths(column)), self._found[column.place, 0].reshape(-1)

    def marks(self, column: Text) -> Buffer:
        """They have been copied."""
        return self._found[column.count, 0].reshape(-1)

    def offsets(self, count: int) -> Int32s:
        """Those of one message, again and again."""
        return self._borders(self._slots[count])

    def elements(self, column: Rows) -> Iterator[tuple[Leaves, int]]:
        """They have been copied."""
        yield self, self._entries[column.records.place]

    def _collect(self, column: Column, slots: Mapping[int, Offsets] | list[Offsets]) -> None:
        """Note what is to be copied for a column and those in it."""
        match column:
            case Number():
                places, dtype = slots[column.place] + column.offset, dtype_of(self.order, column.kind)
                self._found[column.place, column.offset] = self._take(places, dtype, column.count or 1)
            case Text():
                repeated = self._repeat(column)
                if repeated is None:
                    self._join(column)
                else:
                    self.texts[column.place] = repeated
            case Numbers():
                self._join(column)
            case Members(fields=fields):
                for item in fields:
                    self._collect(item, slots)
            case Elements(element=element):
                self._collect(element, slots)
            case Rows(records=records, frame=frame, element=element):
                lists = Lists.found(records, slots)
                self._entries[records.place] = int(lists.count.sum()) * self._messages
                self._collect(element, settle(frame, *lists.starts()))

    def _take(self, places: Offsets, dtype: np.dtype[Any], count: int = 1) -> Array:
        """Note values to copy; where they will be: by message, by place."""
        result: Array = np.empty((self._messages, len(places), count), dtype)
        steps = np.diff(places)
        if len(places) and (steps == steps[:1]).all():
            step = int(steps[0]) if len(steps) else 0
            self._copies.append((int(places[0]), result.shape[1:], (step, dtype.itemsize), result))
        else:
            for number, place in enumerate(places.tolist()):
                self._copies.append((place, (count,), (dtype.itemsize,), result[:, number]))
        return result

    def _join(self, column: Text | Numbers) -> None:
        """Note pieces of bytes to copy, and the last byte of each."""
        places, lengths = self._slots[column.place], self._lengths(column)
        total = int(lengths.sum())
        result = np.empty((self._messages, total), np.uint8)
        self._found[column.place, 0] = result
        ends = np.cumsum(lengths).tolist()
        for place, length, end in zip(places.tolist(), lengths.tolist(), ends, strict=True):
            if length:
                shape, strides = (self._messages,), (total,)
                target: Array = np.ndarray(shape, f"V{length}", result, end - length, strides)
                self._copies.append((place, (), (), target))
        if isinstance(column, Text) and column.terminated:
            self._found[column.count, 0] = self._take(self._last(column), np.dtype("u1"))

    def _last(self, column: Text) -> Offsets:
        """Where the texts that have bytes end."""
        count = self._slots[column.count]
        last: Offsets = (self._slots[column.place] + (count - 1))[count > 0]
        return last

    def _repeat(self, column: Text) -> pa.Array | None:
        """The texts of a column if they are the same, and fine, in all messages."""
        bytes_ = _within(self._slots[column.place], self._slots[column.count] * column.size)
        if not self._same[bytes_].all():
            return None
        found, wrong = read_texts((column,), self._one)
        if wrong:
            return None
        self._repeated[bytes_] = True
        _, offsets, data = found[column.place].buffers()
        borders = np.frombuffer(offsets, np.int32).astype(np.int64)
        repeated = np.tile(np.frombuffer(data, np.uint8), self._messages)
        return pieces(column.type, self._borders(borders[1:] - borders[:-1]), repeated)

    def _lengths(self, column: Text | Numbers) -> Offsets:
        count = self._slots[column.count]
        if isinstance(column, Text) and column.terminated:
            count = count - (count > 0)
        return count * column.size

    def _borders(self, lengths: Offsets) -> Int32s:
        """The offsets of joined pieces, from the lengths in one message."""
        ends = np.cumsum(lengths, dtype=np.int32)
        total = ends[-1] if len(ends) else np.int32(0)
        result = np.zeros(self._messages * len(ends) + 1, np.int32)
        before = np.arange(self._messages, dtype=np.int32) * total
        np.add(before[:, None], ends, out=result[1:].reshape(self._messages, len(ends)))
        return result


def _within(places: Offsets, lengths: Offsets) -> Offsets:
    """The positions of all bytes of some pieces."""
    before = np.cumsum(lengths) - lengths
    positions: Offsets = np.repeat(places - before, lengths) + np.arange(int(lengths.sum()))
    return positions


def _ranges(wanted: Mask, same: Mask) -> list[tuple[int, int]]:
    """The bytes that are wanted, as few ranges; small gaps are taken in if they are the same too."""
    borders = np.flatnonzero(np.diff(np.concatenate(([False], wanted, [False])))).tolist()
    result: list[tuple[int, int]] = []
    for begin, end in zip(borders[::2], borders[1::2], strict=True):
        if result and begin - result[-1][1] < _GAP and same[result[-1][1] : begin].all():
            begin = result.pop()[0]
        result.append((begin, end))
    return result


def _alike(rows: Array, first: Buffer, begin: int, end: int) -> bool:
    """Whether a range of bytes is the same in all rows and in the first message."""
    dtype = np.dtype("u4" if end - begin == COUNT else "u1")
    shape = len(rows), (end - begin) // dtype.itemsize
    values: Array = np.ndarray(shape, dtype, rows, begin, (rows.itemsize, dtype.itemsize))
    return bool((values == first[begin:end].view(dtype)).all())
