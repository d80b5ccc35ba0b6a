"""Messages of one shape: where all counts and lengths are the same, the walk of the first holds for all.

That is how most telemetry is: the same names of frames, the same joints. Then a message is a row of a matrix
and a leaf is some of its columns. The matrix is made in pieces that the cache of a processor can hold.
"""

from collections.abc import Iterator

import numpy as np

from bagmill.decoders.base import Buffer, Offsets
from bagmill.decoders.columnar.leaves import Array, Int32s, Leaves, anywhere, dtype_of
from bagmill.decoders.columnar.plan import COUNT, Number, Numbers, Plan, Rows, Text
from bagmill.decoders.columnar.scalar import ScalarWalk
from bagmill.decoders.columnar.shape import Key, Shape, joined_offsets

_FEW = 32
"""For fewer messages it does not pay."""

_MOST_BYTES = 1 << 14
"""Longer messages are few in a block, and copied fast in other ways."""

_PIECE = 1 << 20
"""Bytes of messages that are copied at once."""


class OneShape:
    """Reads messages that are all of one shape, and remembers it: that of the next block mostly is the same.

    `header`: bytes before the body of a message.
    """

    def __init__(self, plan: Plan, header: int) -> None:
        self._plan = plan
        self._header = header
        self._last: Shape | None = None

    def read(self, buffer: Buffer, start: Offsets, end: Offsets) -> "Uniform | None":
        """The values of all messages; None if they are not of one shape."""
        if len(start) < _FEW:
            return None
        size = int(end[0] - start[0])
        if not 0 < size <= _MOST_BYTES or not (end - start == size).all():
            return None
        if self._last is not None and len(self._last.first) == size:
            values = _values(self._last, buffer, start)
            if values is not None:
                return values
        for shape in self._possible(buffer, start, size):
            values = _values(shape, buffer, start)
            if values is not None:
                self._last = shape
                return values
        return None

    def _possible(self, buffer: Buffer, start: Offsets, size: int) -> Iterator[Shape]:
        """The shape of the first messages: with all that they have in common, then with only their counts."""
        sample = anywhere(buffer, size)[start[:_FEW]].view(np.uint8).reshape(-1, size)
        first = sample[0].copy()
        walk = ScalarWalk(self._plan, first, note=True)
        if not walk.message(0, self._header, size) or walk.slots()[self._plan.end][0] > size:
            return
        counts = np.zeros(size, np.bool_)
        counts[np.add.outer(np.array(walk.counted, np.int64), np.arange(COUNT))] = True
        alike = (sample == first).all(axis=0)
        if alike[counts].all():
            for same in alike, counts:
                yield Shape(self._plan, walk.slots(), first, same, counts)


def _values(shape: Shape, buffer: Buffer, start: Offsets) -> "Uniform | None":
    """Copy the values of all messages; None if bytes differ that are taken to be the same."""
    found = {leaf: np.empty((len(start), width), np.uint8) for leaf, width in shape.widths.items()}
    copies = []
    for copy in shape.copies:
        strides = (shape.widths[copy.leaf], *copy.strides)
        target: Array = np.ndarray((len(start), *copy.shape), copy.dtype, found[copy.leaf], copy.at, strides)
        copies.append((copy, target))
    size = len(shape.first)
    view, step = anywhere(buffer, size), max(_PIECE // size, 1)
    for first in range(0, len(start), step):
        rows = view[start[first : first + step]]
        if not all(_alike(rows, shape.first, begin, end) for begin, end in shape.compared):
            return None
        for copy, target in copies:
            source: Array = np.ndarray(
                (len(rows), *copy.shape), copy.dtype, rows, copy.place, (size, *copy.steps)
            )
            target[first : first + step] = source
    return Uniform(shape, len(start), found)


def _alike(rows: Array, first: Buffer, begin: int, end: int) -> bool:
    """Whether a range of bytes is the same in all rows and in the first message."""
    dtype = np.dtype("u4" if end - begin == COUNT else "u1")
    shape = len(rows), (end - begin) // dtype.itemsize
    values: Array = np.ndarray(shape, dtype, rows, begin, (rows.itemsize, dtype.itemsize))
    return bool((values == first[begin:end].view(dtype)).all())


class Uniform:
    """The values of messages of one shape: `found`, by leaf, what was copied of each message.

    `texts`: those that are the same in all messages, by the slot of their places.
    """

    def __init__(self, shape: Shape, messages: int, found: dict[Key, Buffer]) -> None:
        self.end = shape.end
        self.order = shape.order
        self._shape = shape
        self._messages = messages
        self._found = found
        self.texts = {place: text.column(messages) for place, text in shape.repeated.items()}

    def number(self, column: Number) -> Array:
        """They have been copied."""
        dtype = dtype_of(self.order, column.kind)
        return self._found[column.place, column.offset].reshape(-1).view(dtype)

    def ragged(self, column: Text | Numbers) -> tuple[Int32s, Buffer]:
        """They have been copied."""
        offsets = joined_offsets(self._shape.lengths(column), self._messages)
        return offsets, self._found[column.place, 0].reshape(-1)

    def marks(self, column: Text) -> Buffer:
        """They have been copied."""
        return self._found[column.counts, 0].reshape(-1)

    def offsets(self, count: int) -> Int32s:
        """Those of one message, again and again."""
        return joined_offsets(self._shape.slots[count], self._messages)

    def elements(self, column: Rows) -> Iterator[tuple[Leaves, int]]:
        """They have been copied."""
        yield self, self._shape.entries[column.records.place] * self._messages
