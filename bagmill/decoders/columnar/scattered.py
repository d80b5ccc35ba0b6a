"""Values at places anywhere in a buffer."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa

from bagmill.decoders.base import Buffer, Offsets
from bagmill.decoders.columnar.elements import Lists, settle
from bagmill.decoders.columnar.leaves import Array, Int32s, Leaves, anywhere, dtype_of, offsets_of
from bagmill.decoders.columnar.plan import Number, Numbers, Plan, Rows, Run, Text
from bagmill.kernels import WITHOUT_CHECKS, call, indices

_LONG = 2048
"""From this mean length on pieces of bytes are copied one by one."""

_WIDE = 1024
"""Up to this many bytes, values that lie together are first copied together."""


class Scattered:
    """Reads where a walk found that values are, by slot; `runs`: bytes of runs that are copied already."""

    def __init__(
        self,
        plan: Plan,
        buffer: Buffer,
        slots: Mapping[int, Offsets] | Sequence[Offsets],
        runs: Mapping[int, Buffer] | None = None,
    ) -> None:
        self._plan = plan
        self.order = plan.wire.order
        self._buffer = buffer
        self._slots = slots
        self._runs = dict(runs or {})

    def number(self, column: Number) -> Array:
        """Copy them from the buffer, or from the bytes of their run.

        The first byte from a place that is far from the last costs more than the next hundred.
        """
        dtype, count = dtype_of(self.order, column.kind), column.fixed or 1
        if column.place not in self._runs:
            size = self._plan.runs.get(column.place, _WIDE + 1)
            if size > _WIDE:
                places = self._slots[column.place] + column.offset
                return self._gather(places, count * dtype.itemsize).view(dtype)
            run = self._gather(self._slots[column.place], size).view(np.uint8).reshape(-1, size)
            self._runs[column.place] = run
        run = self._runs[column.place]
        strides = (run.shape[1], dtype.itemsize)
        view: Array = np.ndarray((len(run), count), dtype, run, column.offset, strides)
        return view.copy().reshape(-1)

    def ragged(self, column: Text | Numbers) -> tuple[Int32s, Buffer]:
        """Copy pieces of one length at once, long pieces one by one, and others with Arrow's `take`."""
        places, lengths = self._slots[column.place], self._slots[column.counts] * column.size
        if isinstance(column, Text) and column.terminated:
            lengths = lengths - (lengths > 0)
        offsets = offsets_of(lengths)
        total = int(offsets[-1])
        if total == 0:
            return offsets, np.zeros(0, np.uint8)
        if (lengths == lengths[0]).all():
            return offsets, self._gather(places, int(lengths[0])).view(np.uint8)
        if total >= _LONG * len(places):
            return offsets, self._one_by_one(places, lengths, total)
        return offsets, self._take(places, lengths)

    def marks(self, column: Text) -> Buffer:
        """Copy single bytes."""
        places, lengths = self._slots[column.place], self._slots[column.counts]
        if lengths.all():
            last: Buffer = self._buffer[places + (lengths - 1)]
            return last
        marks: Buffer = np.zeros(len(places), np.uint8)
        some = np.flatnonzero(lengths)
        marks[some] = self._buffer[places[some] + (lengths[some] - 1)]
        return marks

    def offsets(self, count: int) -> Int32s:
        """Sum the counts up."""
        return offsets_of(self._slots[count])

    def elements(self, column: Rows) -> Iterator[tuple[Leaves, int]]:
        """Copy the elements of long lists list by list; of others, work out where each is."""
        frame, step = column.frame, column.records
        for lists in Lists.found(step, self._slots).pieces():
            length = int(lists.counts.sum())
            run = frame.steps[0]
            if len(frame.steps) == 1 and isinstance(run, Run) and lists.are_long:
                runs = {run.place: lists.bytes(self._buffer, run.size)}
                yield Scattered(self._plan, self._buffer, {}, runs), length
            else:
                yield Scattered(self._plan, self._buffer, settle(frame, *lists.starts())), length

    def _gather(self, places: Offsets, size: int) -> Array:
        if not len(places):
            return np.zeros(0, np.uint8)
        values: Array = anywhere(self._buffer, size)[places]
        return values

    def _one_by_one(self, places: Offsets, lengths: Offsets, total: int) -> Buffer:
        result, done = np.empty(total, np.uint8), 0
        for place, length in zip(places.tolist(), lengths.tolist(), strict=True):
            result[done : done + length] = self._buffer[place : place + length]
            done += length
        return result

    def _take(self, places: Offsets, lengths: Offsets) -> Buffer:
        pieces, numbers = cut(self._buffer, places, lengths)
        taken = call("take", pieces, numbers, options=WITHOUT_CHECKS)
        return np.frombuffer(taken.buffers()[2], np.uint8)


def cut(buffer: Buffer, places: Offsets, lengths: Offsets) -> tuple[pa.Array, pa.Array]:
    """Cut a buffer into values, without a copy, and say which of them are wanted.

    To Arrow values stand one behind the other, so what lies between two that are wanted is one as well.
    """
    small = buffer.size < 1 << 31
    borders = np.empty(2 * len(places), np.int32 if small else np.int64)
    borders[::2] = places
    np.add(places, lengths, out=borders[1::2], casting="same_kind")
    kind = pa.binary() if small else pa.large_binary()
    buffers = [None, pa.py_buffer(borders), pa.py_buffer(buffer)]
    pieces = pa.Array.from_buffers(kind, len(borders) - 1, buffers)
    return pieces, indices(np.arange(0, len(borders), 2))
