"""The places of elements of a fixed size, and of all that is in them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from bagmill.decoders.base import Buffer, Offsets
from bagmill.decoders.columnar.alignment import WIDEST, Layout
from bagmill.decoders.columnar.plan import Align, Frame, Records, Run
from bagmill.decoders.columnar.walked import Part

PIECE = 1 << 20
"""Most elements whose places are worked out at once: a place takes 8 bytes, an element maybe one."""

_MANY = 64
"""From this mean number on, the elements of each list are copied on their own."""


class Lists(NamedTuple):
    """Lists of elements: where the first of each is, and the position that alignment counts from.

    `skipped`, `counts`: how many elements of a list come before those that are meant, and how many those are.
    """

    layout: Layout
    place: Offsets
    origin: Offsets
    skipped: Offsets
    counts: Offsets

    @classmethod
    def found(cls, step: Records, slots: Mapping[int, Offsets] | Sequence[Offsets]) -> "Lists":
        """The lists that a step has recorded."""
        place, count = slots[step.place], slots[step.counts]
        # In a regular layout nothing is aligned to more than the first value is.
        origin = place if step.residue is None else place - slots[step.residue]
        return cls(step.layout, place, origin, np.zeros_like(count), count)

    def pieces(self, most: int = PIECE) -> "Iterator[Lists]":
        """The same elements in parts of `most` or less."""
        ends = np.cumsum(self.counts)
        total = int(ends[-1]) if len(ends) else 0
        if total <= most:
            yield self
            return
        for first in range(0, total, most):
            begin = np.clip(first - (ends - self.counts), 0, self.counts)
            end = np.clip(first + most - (ends - self.counts), 0, self.counts)
            some = np.flatnonzero(end > begin)
            yield Lists(self.layout, self.place[some], self.origin[some], begin[some], (end - begin)[some])

    def starts(self) -> tuple[Offsets, Offsets]:
        """Where each element begins, and the origin for it."""
        number = self._numbers()
        start = np.repeat(self.place, self.counts) + number * self.layout.stride
        if self.layout.regular:
            return start, start
        residue = (self.place - self.origin) % WIDEST
        shift = np.array(self.layout.first_stride)[residue] - self.layout.stride
        start += np.where(number > 0, np.repeat(shift, self.counts), 0)
        return start, np.repeat(self.origin, self.counts)

    def _numbers(self) -> Offsets:
        """Of each element, how many come before it in its list."""
        before = np.cumsum(self.counts) - self.counts
        numbers: Offsets = np.arange(int(self.counts.sum())) + np.repeat(self.skipped - before, self.counts)
        return numbers

    @property
    def are_long(self) -> bool:
        """Whether the lists are long enough to be copied one by one."""
        return self.layout.regular and int(self.counts.sum()) >= _MANY * len(self.counts)

    def bytes(self, buffer: Buffer, size: int) -> Buffer:
        """The first `size` bytes of each element, copied list by list; for a regular layout only."""
        total, stride = int(self.counts.sum()), self.layout.stride
        result, done = np.empty((total, size), np.uint8), 0
        begin = self.place + self.skipped * stride
        for place, count in zip(begin.tolist(), self.counts.tolist(), strict=True):
            if count:
                view = np.ndarray((count, size), np.uint8, buffer, place, (stride, 1))
                result[done : done + count] = view
                done += count
        return result


def settle(frame: Frame, start: Offsets, origin: Offsets) -> Part:
    """Walk elements of a fixed size, of which it is known that they are whole."""
    found, position = {frame.key: start}, start
    for step in frame.steps:
        match step:
            case Align(alignment=alignment):
                position = position + ((origin - position) & (alignment - 1))
            case Run(place=place, size=size):
                found[place] = position
                position = position + size
            case Records():
                position = _array(step, found, position, origin)
            case _:
                raise TypeError(f"not of a fixed size: {step}")
    return found


def _array(step: Records, found: Part, position: Offsets, origin: Offsets) -> Offsets:
    layout = step.layout
    place = position + ((origin - position) & (layout.lead - 1))
    residue = (place - origin) % WIDEST
    count = np.full(len(place), step.fixed)
    found[step.place], found[step.counts] = place, count
    if step.residue is not None:
        found[step.residue] = residue
    return place + span(layout, residue, count)


def span(layout: Layout, residue: Offsets, count: Offsets) -> Offsets:
    """The bytes that elements take, where there are any."""
    if layout.regular:
        result: Offsets = (count - 1) * layout.stride + layout.size
        return result
    stride, size = np.array(layout.first_stride)[residue], np.array(layout.first_size)[residue]
    return np.where(count > 1, stride + (count - 2) * layout.stride + layout.size, size)
