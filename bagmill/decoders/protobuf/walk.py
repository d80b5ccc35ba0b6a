"""Walking through all messages of one type at once.

Each message has a cursor. Cursors that meet the same field take that step together; the field with the
lowest number goes first while the others wait, so that messages that leave fields out come together again.
A step costs some numpy calls, however many cursors take it. Where too few do, they go on one by one.
"""

from array import array
from dataclasses import dataclass

import numpy as np

from bagmill.decoders.base import Offsets
from bagmill.decoders.places.view import Mask, Rows, Values, View
from bagmill.decoders.protobuf.follow import MAX_LENGTH, MAX_TAG, MOST_BYTES, Follower, Malformed
from bagmill.decoders.protobuf.plan import BAD, FIXED32, FIXED64, GROUP, LENGTH, LONG, MessagePlan, Run
from bagmill.decoders.protobuf.varints import read_varints

_FEW = 48
"""Up to this many cursors are quicker one by one, and up to three times as many on a long list of bytes."""

_PATIENCE = 64
"""How often few cursors step together all the same: the others may be waiting just behind."""

_LONG_LIST = 8


@dataclass(frozen=True, slots=True)
class Batch:
    """What was found in `rows`: the numbers as they are on the wire, or where bytes begin and end.

    `runs`: a row may be there several times, one behind the other.
    """

    rows: Rows
    values: Values
    end: Offsets | None = None
    runs: bool = False


class Walk:
    """Finds the fields of the messages from `cursors` to `ends` in a buffer.

    Afterwards `batches` are there by slot, in the order in which each message has them. `bad`: messages that
    are not walked to their end, because they can't be. `strange`: messages with fields that are not known.
    """

    def __init__(
        self, plan: MessagePlan, view: View, cursors: Offsets, ends: Offsets, depth: int = 0
    ) -> None:
        self.batches: list[list[Batch]] = [[] for _ in plan.slots]
        self.bad: Mask = np.zeros(ends.size, np.bool_)
        self.strange: Mask = np.zeros(ends.size, np.bool_)
        self._plan = plan
        self._view = view
        self._ends = ends
        self._waiting: dict[int, list[tuple[Rows, Offsets]]] = {}
        self._follower = Follower(plan, view.data, depth)
        if ends.size:
            self._meet(None, cursors)
            self._run()
            self._collect()

    def _run(self) -> None:
        patience = _PATIENCE if self._ends.size > _FEW else 0
        before, repeats = BAD, 0
        while self._waiting:
            number = min(self._waiting)
            rows, cursors = self._take(number)
            wire = self._plan.slots[number].wire
            repeats = repeats + 1 if number == before else 0
            before = number
            few = cursors.size <= _FEW
            patience -= few
            long = repeats > _LONG_LIST and wire == LENGTH and cursors.size <= 3 * _FEW
            if wire == GROUP or long or (few and patience < 0):
                self._follow(number, rows, cursors)
            else:
                self._step(number, rows, cursors)

    def _take(self, number: int) -> tuple[Rows, Offsets]:
        """All cursors that wait at a slot."""
        waiting = self._waiting.pop(number)
        if len(waiting) == 1:
            return waiting[0]
        rows = np.concatenate([rows for rows, _ in waiting if rows is not None])
        cursors = np.concatenate([cursors for _, cursors in waiting])
        if rows.size < self._ends.size:
            return rows, cursors
        return None, cursors[np.argsort(rows)]

    def _meet(self, rows: Rows, cursors: Offsets) -> None:
        """Read the next tag of each message that has not ended, and let its cursor wait at the field."""
        ends = self._ends if rows is None else self._ends.take(rows)
        over = cursors >= ends
        if over.any():
            self._mark(self.bad, rows, cursors > ends)
            rows, cursors = _select(~over, rows, cursors)
        if not cursors.size:
            return
        first = self._view.bytes(cursors)
        if (first == first[0]).all() and first[0] < 0x80:
            self._wait(int(self._plan.by_first_byte[first[0]]), rows, cursors, 1)
            return
        numbers = self._plan.by_first_byte.take(first)
        for number in np.unique(numbers).tolist():
            chosen = _select(numbers == number, rows, cursors)
            if number == LONG:
                self._meet_long(*chosen)
            else:
                self._wait(number, *chosen, 1)

    def _meet_long(self, rows: Rows, cursors: Offsets) -> None:
        """As `_meet`, for tags of several bytes."""
        tags, after, _ = read_varints(self._view, cursors)
        tags[(after - cursors > MOST_BYTES) | (tags > MAX_TAG)] = 0
        different, numbers = np.unique(tags, return_inverse=True)
        for place, tag in enumerate(different.tolist()):
            chosen = np.flatnonzero(numbers == place)
            chosen_rows = chosen if rows is None else rows[chosen]
            self._wait(self._plan.slot(tag), chosen_rows, cursors[chosen], (after - cursors)[chosen])

    def _wait(self, number: int, rows: Rows, cursors: Offsets, tag: int | Offsets) -> None:
        """Wait behind a tag of so many bytes."""
        if number == BAD:
            self._mark(self.bad, rows)
        elif number == self._plan.unknown_group:
            self._waiting.setdefault(number, []).append((rows, cursors))
        else:
            self._waiting.setdefault(number, []).append((rows, cursors + tag))

    def _step(self, number: int, rows: Rows, cursors: Offsets) -> None:
        """Take the field that all these cursors stand before."""
        slot = self._plan.slots[number]
        if number in self._plan.runs:
            rows, cursors = self._together(self._plan.runs[number], rows, cursors)
            if not cursors.size:
                return
        if slot.wire == LENGTH:
            rows, values, ends = self._bytes(rows, cursors)
            batch, after = Batch(rows, values, ends), ends
        else:
            rows, found, after = self._numbers(slot.wire, rows, cursors)
            batch = Batch(rows, found)
        if slot.tag:
            self.batches[number].append(batch)
        else:
            self._mark(self.strange, rows)
        self._meet(rows, after)

    def _together(self, run: Run, rows: Rows, cursors: Offsets) -> tuple[Rows, Offsets]:
        """Take all numbers of a run where they are all there; return the other cursors."""
        last = self._view.buffer.size - run.size
        if last < 0:
            return rows, cursors
        whole = cursors + run.size <= (self._ends if rows is None else self._ends.take(rows))
        windows = self._view.windows(np.minimum(cursors, last), run.size)
        for at, tag in run.tags:
            whole &= windows[:, at] == tag
        rest = _select(~whole, rows, cursors)
        if not whole.any():
            return rest
        if rest[1].size:
            rows, cursors = _select(whole, rows, cursors)
            windows = windows[whole]
        for number, at in run.slots:
            kind = "<u8" if self._plan.slots[number].wire == FIXED64 else "<u4"
            values = np.ndarray((cursors.size,), kind, windows, at, strides=(run.size,))
            self.batches[number].append(Batch(rows, values.copy()))
        self._meet(rows, cursors + run.size)
        return rest

    def _numbers(self, wire: int, rows: Rows, cursors: Offsets) -> tuple[Rows, Values, Offsets]:
        if wire == FIXED64:
            return rows, self._view.words(cursors), cursors + 8
        if wire == FIXED32:
            return rows, self._view.halves(cursors), cursors + 4
        values, after, bad = read_varints(self._view, cursors)
        if bad is None:
            return rows, values, after
        self._mark(self.bad, rows, bad)
        rows, after = _select(~bad, rows, after)
        return rows, values[~bad], after

    def _bytes(self, rows: Rows, cursors: Offsets) -> tuple[Rows, Offsets, Offsets]:
        """Where bytes begin and end; those that would reach beyond their message are bad."""
        lengths, first, _ = read_varints(self._view, cursors)
        last = first + lengths.astype(np.int64)
        bad = last > (self._ends if rows is None else self._ends.take(rows))
        if lengths.dtype == np.uint64:
            bad |= (lengths > MAX_LENGTH) | (first - cursors > MOST_BYTES)
        if not bad.any():
            return rows, first, last
        self._mark(self.bad, rows, bad)
        rows, first = _select(~bad, rows, first)
        return rows, first, last[~bad]

    def _follow(self, number: int, rows: Rows, cursors: Offsets) -> None:
        """Let each of these cursors go on alone, to the end of its message."""
        ends = self._ends if rows is None else self._ends[rows]
        numbers = range(ends.size) if rows is None else rows.tolist()
        for row, cursor, end in zip(numbers, cursors.tolist(), ends.tolist(), strict=True):
            try:
                strange = self._follower.follow(row, number, cursor, end)
            except Malformed:
                self.bad[row] = True
            else:
                self.strange[row] |= strange

    def _collect(self) -> None:
        """Add what was found by following."""
        for number, found in self._follower.found():
            wire = self._plan.slots[number].wire
            at = _array(found.at)
            rows: Rows = np.repeat(_array(found.rows), np.diff(_array(found.first), append=at.size))
            end: Offsets | None = None
            if wire == GROUP:
                values, end = at, _array(found.end)
            elif wire == LENGTH:
                rows, values, end = self._bytes(rows, at)
            else:
                rows, values, _ = self._numbers(wire, rows, at)
            self.batches[number].append(Batch(rows, values, end, runs=True))

    def _mark(self, mask: Mask, rows: Rows, which: Mask | None = None) -> None:
        if rows is None:
            mask |= True if which is None else which
        else:
            mask[rows if which is None else rows[which]] = True


def _select(which: Mask, rows: Rows, cursors: Offsets) -> tuple[Rows, Offsets]:
    chosen = np.flatnonzero(which)
    return (chosen if rows is None else rows[chosen]), cursors[chosen]


def _array(values: "array[int]") -> Offsets:
    return np.frombuffer(values, np.int64)
