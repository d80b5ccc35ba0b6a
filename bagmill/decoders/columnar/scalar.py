"""One cursor at a time, in plain Python: faster than vectors where there are few, as in one long list.

It finds the same as the vectors do, from the same plan.
"""

import struct
from array import array
from collections.abc import Callable, Iterable

import numpy as np

from bagmill.decoders.base import Buffer, Offsets
from bagmill.decoders.columnar.alignment import WIDEST
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
from bagmill.decoders.columnar.walked import Part

Move = Callable[[int, int, int], int]
"""From a position, the message's end and the origin of alignment to the position behind the step."""


class _Bad(Exception):
    """The message does not fit."""


class ScalarWalk:
    """Walks messages, or the elements of a list, of `buffer`.

    `counted`: where counts were read, if `note` says so.
    """

    def __init__(self, plan: Plan, buffer: Buffer, *, note: bool = False) -> None:
        self.counted: list[int] = []
        self._plan = plan
        self._data = buffer.data
        self._unpack = struct.Struct(f"{plan.wire.order}I").unpack_from
        self._found = [array("q") for _ in range(plan.slots)]
        self._moves: dict[int, tuple[Move, ...]] = {}
        self._inner: dict[int, tuple[int, ...]] = {}
        self._note = note

    def message(self, row: int, start: int, end: int) -> bool:
        """Walk a message; False if it is bad."""
        found, root = self._found, self._plan.root
        marks = self._marks(root)
        try:
            position = start
            for move in self._frame(root):
                position = move(position, end, start)
        except _Bad:
            self._back(marks)
            return False
        found[root.key].append(start)
        found[self._plan.row].append(row)
        found[self._plan.end].append(position)
        return True

    def elements(self, frame: Frame, count: int, position: int, limit: int, origin: int) -> int | None:
        """Walk so many elements; the position behind them, None if the message is bad."""
        marks = self._marks(frame)
        try:
            return self._elements(frame)(count, position, limit, origin)
        except _Bad:
            self._back(marks)
            return None

    def slots(self) -> list[Offsets]:
        """What was found, by slot."""
        return [
            np.frombuffer(values, np.int64) if values else np.zeros(0, np.int64) for values in self._found
        ]

    def part(self, frame: Frame) -> Part | None:
        """What was found of a frame's entries, if anything."""
        if not self._found[frame.key]:
            return None
        return {slot: np.frombuffer(self._found[slot], np.int64) for slot in frame.slots}

    def _marks(self, frame: Frame) -> list[tuple[int, int]]:
        """How much was found of a frame and those in it, to go back to."""
        if frame.key not in self._inner:
            self._inner[frame.key] = tuple(_all_slots(frame))
        return [(slot, len(self._found[slot])) for slot in self._inner[frame.key]]

    def _back(self, marks: Iterable[tuple[int, int]]) -> None:
        for slot, length in marks:
            del self._found[slot][length:]

    def _frame(self, frame: Frame) -> tuple[Move, ...]:
        if frame.key not in self._moves:
            self._moves[frame.key] = tuple(self._move(step) for step in frame.steps)
        return self._moves[frame.key]

    def _elements(self, frame: Frame) -> Callable[[int, int, int, int], int]:
        moves, add = self._frame(frame), self._found[frame.key].append

        def walk(count: int, position: int, limit: int, origin: int) -> int:
            for _ in range(count):
                if position >= limit:
                    raise _Bad
                add(position)
                for move in moves:
                    position = move(position, limit, origin)
            return position

        return walk

    def _move(self, step: Step) -> Move:
        match step:
            case Align(alignment=alignment):
                return _align(alignment)
            case Run():
                return self._run(step)
            case Ragged():
                return self._ragged(step)
            case Records():
                return self._records(step)
            case Loop():
                return self._loop(step)
            case Enter(end=end):
                return self._enter(end)
            case Leave(end=end):
                return self._leave(end)

    def _run(self, step: Run) -> Move:
        add, size = self._found[step.place].append, step.size

        def move(position: int, _limit: int, _origin: int) -> int:
            add(position)
            return position + size

        return move

    def _counter(self, bound: int | None) -> Callable[[int, int], int]:
        unpack, data, counted, note = self._unpack, self._data, self.counted, self._note

        def read(position: int, limit: int) -> int:
            if position + COUNT > limit:
                raise _Bad
            count: int = unpack(data, position)[0]
            if bound is not None and count > bound:
                raise _Bad
            if note:
                counted.append(position)
            return count

        return read

    def _ragged(self, step: Ragged) -> Move:
        add_place, add_count = self._found[step.place].append, self._found[step.counts].append
        size, mask, read = step.size, step.alignment - 1, self._counter(step.bound)

        def move(position: int, limit: int, origin: int) -> int:
            count = read(position, limit)
            position += COUNT
            if mask and count:
                position += (origin - position) & mask
            end = position + count * size
            if end > limit:
                raise _Bad
            add_place(position)
            add_count(count)
            return end

        return move

    def _records(self, step: Records) -> Move:
        add_place, add_count = self._found[step.place].append, self._found[step.counts].append
        add_residue = None if step.residue is None else self._found[step.residue].append
        layout, amount = step.layout, self._amount(step)
        mask = layout.lead - 1

        def move(position: int, limit: int, origin: int) -> int:
            count, position = amount(position, limit)
            residue = 0
            if count:
                position += (origin - position) & mask
                residue = (position - origin) % WIDEST
            add_place(position)
            add_count(count)
            if add_residue:
                add_residue(residue)
            end = position + layout.span(residue, count) if count else position
            if end > limit:
                raise _Bad
            return end

        return move

    def _loop(self, step: Loop) -> Move:
        amount, walk = self._amount(step), self._elements(step.frame)
        add_count = self._found[step.counts].append

        def move(position: int, limit: int, origin: int) -> int:
            count, position = amount(position, limit)
            add_count(count)
            return walk(count, position, limit, origin)

        return move

    def _enter(self, slot: int) -> Move:
        add, read = self._found[slot].append, self._counter(None)

        def move(position: int, limit: int, _origin: int) -> int:
            size = read(position, limit)
            position += COUNT
            if position + size > limit:
                raise _Bad
            add(position + size)
            return position

        return move

    def _leave(self, slot: int) -> Move:
        ends = self._found[slot]

        def move(position: int, _limit: int, _origin: int) -> int:
            if position != ends[-1]:
                raise _Bad
            return position

        return move

    def _amount(self, step: Loop | Records) -> Callable[[int, int], tuple[int, int]]:
        """The function that finds how many elements follow, and where."""
        fixed, least = step.fixed, step.least
        read, ahead = self._counter(step.bound), COUNT if fixed is None else 0

        def amount(position: int, limit: int) -> tuple[int, int]:
            count = read(position, limit) if fixed is None else fixed
            position += ahead
            if count * least > limit - position:
                raise _Bad
            return count, position

        return amount


def _align(alignment: int) -> Move:
    mask = alignment - 1
    return lambda position, _limit, origin: position + ((origin - position) & mask)


def _all_slots(frame: Frame) -> Iterable[int]:
    yield from frame.slots
    for step in frame.steps:
        if isinstance(step, Loop):
            yield from _all_slots(step.frame)
