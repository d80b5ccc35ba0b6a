"""Many cursors at once: a step moves the cursors of all messages with a few calls of numpy.

Nothing is checked where fixed values are passed over: a cursor that is too far is found out by the next
check, before anything is read there. A cursor that fails leaves the vectors, and its message is bad; of what
was recorded for bad messages nothing is used.
"""

import numpy as np

from bagmill.decoders.base import Buffer, Offsets
from bagmill.decoders.columnar.alignment import WIDEST
from bagmill.decoders.columnar.elements import span
from bagmill.decoders.columnar.plan import (
    COUNT,
    Align,
    Enter,
    Frame,
    Leave,
    Loop,
    Plan,
    Ragged,
    Records,
    Run,
    Step,
)
from bagmill.decoders.columnar.scalar import ScalarWalk
from bagmill.decoders.columnar.walked import Mask, Part, Walked, join

FEW = 24
"""Fewer cursors than this are faster one by one."""

_INDEX, _LEFT = -1, -2
"""What a cursor in a list carries with it: which entry the list belongs to, and how many elements follow."""


class Cursors:
    """The cursors of entries of one frame, and what they recorded: `found`, by slot.

    `limit`: where the message ends; `origin`: from where alignment counts; `row`: the number of the message.
    """

    __slots__ = ("found", "limit", "origin", "position", "row")

    def __init__(self, position: Offsets, limit: Offsets, origin: Offsets, row: Offsets) -> None:
        self.position = position
        self.limit = limit
        self.origin = origin
        self.row = row
        self.found: Part = {}

    def some(self, index: Offsets) -> "Cursors":
        """Cursors that begin where some of these are."""
        return Cursors(self.position[index], self.limit[index], self.origin[index], self.row[index])

    def keep(self, fine: Mask) -> None:
        """Let the others go."""
        self.position = self.position[fine]
        self.limit = self.limit[fine]
        self.origin = self.origin[fine]
        self.row = self.row[fine]
        self.found = {slot: values[fine] for slot, values in self.found.items()}


def walk(plan: Plan, buffer: Buffer, start: Offsets, end: Offsets, few: int = FEW) -> Walked:
    """Walk the bodies `buffer[start[i]:end[i]]`; in what is found, bad messages are left out.

    `few` (1 at least): with fewer cursors than this, each is walked on its own.
    """
    return _Walk(plan, buffer, len(start), few).messages(start, end)


class _Walk:
    def __init__(self, plan: Plan, buffer: Buffer, messages: int, few: int) -> None:
        self._plan = plan
        self._few = few
        self._scalar = ScalarWalk(plan, buffer)
        # A cursor may be too far, and must then read something all the same.
        words = buffer if buffer.size >= COUNT else np.zeros(COUNT, np.uint8)
        self._words = np.ndarray((words.size - COUNT + 1,), f"{plan.wire.order}u4", words, strides=(1,))
        self._bad = np.zeros(messages, np.bool_)
        self._parts: dict[int, list[Part]] = {frame.key: [] for frame in (plan.root, *plan.loops)}

    def messages(self, start: Offsets, end: Offsets) -> Walked:
        if len(start) < self._few:
            for row, (first, last) in enumerate(zip(start.tolist(), end.tolist(), strict=True)):
                self._bad[row] = not self._scalar.message(row, first, last)
        else:
            cursors = Cursors(start, end, start, np.arange(len(start)))
            cursors.found[self._plan.root.key] = start
            self._pass(self._plan.root, cursors)
            part = self._parts[self._plan.root.key][0]
            part[self._plan.row], part[self._plan.end] = cursors.row, cursors.position
        return self._result(start)

    def _result(self, start: Offsets) -> Walked:
        slots = [np.zeros(0, np.int64)] * self._plan.slots
        for frame in (self._plan.root, *self._plan.loops):
            one = self._scalar.part(frame)
            join(frame, self._parts[frame.key] + ([one] if one else []), slots)
        walked = Walked(self._plan, start, slots)
        return walked.without(np.flatnonzero(self._bad)) if self._bad.any() else walked

    def _pass(self, frame: Frame, cursors: Cursors) -> None:
        for step in frame.steps:
            self._move(step, cursors)
        self._parts[frame.key].append(cursors.found)

    def _move(self, step: Step, cursors: Cursors) -> None:
        match step:
            case Align(alignment=alignment):
                cursors.position = _aligned(cursors.position, cursors.origin, alignment)
            case Run(place=place, size=size):
                cursors.found[place] = cursors.position
                cursors.position = cursors.position + size
            case Ragged():
                self._ragged(step, cursors)
            case Records():
                self._records(step, cursors)
            case Loop():
                self._loop(step, cursors)
            case Enter(end=end):
                length = self._read(cursors.position)
                cursors.position = cursors.position + COUNT
                cursors.found[end] = cursors.position + length
                self._check(cursors.found[end] <= cursors.limit, cursors)
            case Leave(end=end):
                self._check(cursors.position == cursors.found[end], cursors)

    def _check(self, fine: Mask, cursors: Cursors) -> None:
        if not fine.all():
            self._bad[cursors.row[~fine]] = True
            cursors.keep(fine)

    def _read(self, position: Offsets) -> Offsets:
        """The counts there. Of a cursor too far, any; the check for its end finds it out."""
        counts: Offsets = self._words[np.minimum(position, self._words.size - 1)].astype(np.int64)
        return counts

    def _ragged(self, step: Ragged, cursors: Cursors) -> None:
        count = self._read(cursors.position)
        place = cursors.position + COUNT
        if step.alignment > 1:
            place = np.where(count > 0, _aligned(place, cursors.origin, step.alignment), place)
        cursors.found[step.place] = place
        cursors.found[step.counts] = count
        cursors.position = place + count * step.size
        fine = cursors.position <= cursors.limit
        if step.bound is not None:
            fine &= count <= step.bound
        self._check(fine, cursors)

    def _count(self, step: Records | Loop, cursors: Cursors) -> None:
        """Find how many elements follow, and refuse more than there can be."""
        if step.fixed is None:
            count = self._read(cursors.position)
            cursors.position = cursors.position + COUNT
        else:
            count = np.full(len(cursors.position), step.fixed)
        cursors.found[step.counts] = count
        fine = count <= (cursors.limit - cursors.position) // step.least
        if step.bound is not None:
            fine &= count <= step.bound
        self._check(fine, cursors)

    def _records(self, step: Records, cursors: Cursors) -> None:
        self._count(step, cursors)
        count, layout = cursors.found[step.counts], step.layout
        place = cursors.position
        if layout.lead > 1:
            place = np.where(count > 0, _aligned(place, cursors.origin, layout.lead), place)
        cursors.found[step.place] = place
        residue = (place - cursors.origin) % WIDEST
        if step.residue is not None:
            cursors.found[step.residue] = residue
        cursors.position = np.where(count > 0, place + span(layout, residue, count), place)
        self._check(cursors.position <= cursors.limit, cursors)

    def _loop(self, step: Loop, cursors: Cursors) -> None:
        """Walk the first elements of all lists at once, then the second of all that have one, and so on."""
        self._count(step, cursors)
        count = cursors.found[step.counts]
        index = np.flatnonzero(count)
        left = count[index]
        cursors.position = cursors.position.copy()
        while len(index) >= self._few:
            inner = cursors.some(index)
            inner.found = {step.frame.key: inner.position, _INDEX: index, _LEFT: left}
            self._check(inner.position < inner.limit, inner)
            self._pass(step.frame, inner)
            index, left = inner.found[_INDEX], inner.found[_LEFT] - 1
            cursors.position[index] = inner.position
            index, left = index[left > 0], left[left > 0]
        self._one_by_one(step.frame, cursors, index, left)
        self._check(~self._bad[cursors.row], cursors)

    def _one_by_one(self, frame: Frame, cursors: Cursors, index: Offsets, left: Offsets) -> None:
        some = cursors.some(index)
        values = (index, left, some.position, some.limit, some.origin, some.row)
        for at, count, position, limit, origin, row in zip(
            *(value.tolist() for value in values), strict=True
        ):
            end = self._scalar.elements(frame, count, position, limit, origin)
            if end is None:
                self._bad[row] = True
            else:
                cursors.position[at] = end


def _aligned(position: Offsets, origin: Offsets, alignment: int) -> Offsets:
    return position + ((origin - position) & (alignment - 1))
