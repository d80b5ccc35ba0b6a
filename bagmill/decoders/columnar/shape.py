"""What is known of all messages of one shape from the first of them: what is copied from where, and what is
the same in all.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple
from weakref import ReferenceType, ref

import numpy as np
import pyarrow as pa

from bagmill.decoders.base import Buffer, Offsets
from bagmill.decoders.columnar.arrays import pieces
from bagmill.decoders.columnar.elements import Lists, settle
from bagmill.decoders.columnar.leaves import Int32s, dtype_of
from bagmill.decoders.columnar.plan import Column, Elements, Members, Number, Numbers, Plan, Rows, Text
from bagmill.decoders.columnar.scattered import Scattered
from bagmill.decoders.columnar.texts import read_texts
from bagmill.decoders.columnar.walked import Mask

_GAP = 8
"""Fewer bytes than this are faster compared than left out."""

Key = tuple[int, int]
"""A leaf: the slot of its place, and its offset from there."""


class Copy(NamedTuple):
    """Values to copy from each message, `shape` of them: `place` and `steps` in it, `at` and `strides` in
    what is gathered of the leaf.
    """

    leaf: Key
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    place: int
    steps: tuple[int, ...]
    at: int
    strides: tuple[int, ...]


class Repeated:
    """Texts that are the same in all messages: `lengths` and bytes are those in one of them."""

    def __init__(self, type_: pa.DataType, lengths: Offsets, data: bytes) -> None:
        self._type = type_
        self._lengths = lengths
        self._data = data
        self._offsets: ReferenceType[Int32s] | None = None
        self._joined: ReferenceType[Buffer] | None = None

    def column(self, messages: int) -> pa.Array:
        """The texts of so many messages; as long as earlier ones are in use, they share their memory."""
        count, size = messages * len(self._lengths), messages * len(self._data)
        offsets = self._offsets() if self._offsets else None
        data = self._joined() if self._joined else None
        if offsets is None or data is None or len(offsets) <= count:
            offsets = joined_offsets(self._lengths, messages)
            data = np.frombuffer(self._data * messages, np.uint8)
            self._offsets, self._joined = ref(offsets), ref(data)
        return pieces(self._type, offsets[: count + 1], data[:size])


def joined_offsets(lengths: Offsets, messages: int) -> Int32s:
    """The offsets of pieces that are joined message by message, from their lengths in each."""
    ends = np.cumsum(lengths, dtype=np.int32)
    total = ends[-1] if len(ends) else np.int32(0)
    result = np.zeros(messages * len(ends) + 1, np.int32)
    before = np.arange(messages, dtype=np.int32) * total
    np.add(before[:, None], ends, out=result[1:].reshape(messages, len(ends)))
    return result


class Shape:
    """Messages that are all like `first`, of which `slots` tells what a walk has found.

    `same`: the bytes that are taken to be the same in all messages; those in `counts` must be. Texts of only
    such bytes are not copied from each message but `repeated`. What is taken so must be looked at: `compared`
    are these bytes as ranges.

    `widths`: the bytes that are gathered of a leaf from each message; `entries`: the elements of each list.
    """

    def __init__(self, plan: Plan, slots: list[Offsets], first: Buffer, same: Mask, counts: Mask) -> None:
        self.first = first
        self.slots = slots
        self.end = int(slots[plan.end][0])
        self.order = plan.wire.order
        self.copies: list[Copy] = []
        self.widths: dict[Key, int] = {}
        self.entries: dict[int, int] = {}
        self.repeated: dict[int, Repeated] = {}
        self._one = Scattered(plan, first, slots)
        self._same = same
        self._looked_at = counts.copy()
        self._collect(plan.column, slots)
        self.compared = _ranges(self._looked_at, same)

    def lengths(self, column: Text | Numbers) -> Offsets:
        """The bytes of each text (without its end mark) or sequence in a message."""
        count = self.slots[column.counts]
        if isinstance(column, Text) and column.terminated:
            count = count - (count > 0)
        return count * column.size

    def _collect(self, column: Column, slots: Mapping[int, Offsets] | list[Offsets]) -> None:
        """Note what is to be copied for a column and those in it."""
        match column:
            case Number():
                places, dtype = slots[column.place] + column.offset, dtype_of(self.order, column.kind)
                self._take((column.place, column.offset), places, dtype, column.fixed or 1)
            case Text():
                if not self._repeat(column):
                    self._join(column)
            case Numbers():
                self._join(column)
            case Members(fields=fields):
                for item in fields:
                    self._collect(item, slots)
            case Elements(element=element):
                self._collect(element, slots)
            case Rows(records=records, frame=frame, element=element):
                lists = Lists.found(records, slots)
                self.entries[records.place] = int(lists.counts.sum())
                self._collect(element, settle(frame, *lists.starts()))

    def _take(self, leaf: Key, places: Offsets, dtype: np.dtype[Any], count: int = 1) -> None:
        """Note `count` values at each place."""
        size = count * dtype.itemsize
        self.widths[leaf] = len(places) * size
        steps = np.diff(places)
        if len(places) and (steps == steps[:1]).all():
            step = int(steps[0]) if len(steps) else 0
            shape, strides = (len(places), count), (size, dtype.itemsize)
            self.copies.append(Copy(leaf, dtype, shape, int(places[0]), (step, dtype.itemsize), 0, strides))
        else:
            for number, place in enumerate(places.tolist()):
                at, one = number * size, (dtype.itemsize,)
                self.copies.append(Copy(leaf, dtype, (count,), place, one, at, one))

    def _join(self, column: Text | Numbers) -> None:
        """Note pieces of bytes, and the last byte of each."""
        leaf, at = (column.place, 0), 0
        lengths = self.lengths(column).tolist()
        for place, length in zip(self.slots[column.place].tolist(), lengths, strict=True):
            if length:
                self.copies.append(Copy(leaf, np.dtype(f"V{length}"), (), place, (), at, ()))
            at += length
        self.widths[leaf] = at
        if isinstance(column, Text) and column.terminated:
            self._take((column.counts, 0), self._last(column), np.dtype("u1"))

    def _last(self, column: Text) -> Offsets:
        """Where the texts that have bytes end."""
        count = self.slots[column.counts]
        last: Offsets = (self.slots[column.place] + (count - 1))[count > 0]
        return last

    def _repeat(self, column: Text) -> bool:
        """Note the texts of a column if they are the same, and fine, in all messages."""
        bytes_ = _within(self.slots[column.place], self.slots[column.counts] * column.size)
        if not self._same[bytes_].all():
            return False
        found, wrong = read_texts((column,), self._one)
        if wrong:
            return False
        self._looked_at[bytes_] = True
        _, offsets, data = found[column.place].buffers()
        borders = np.frombuffer(offsets, np.int32).astype(np.int64)
        self.repeated[column.place] = Repeated(column.type, borders[1:] - borders[:-1], bytes(data))
        return True


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
