"""What a walk has found: for each slot of the plan one array."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bagmill.decoders.base import Offsets
from bagmill.decoders.columnar.plan import Frame, Plan

Mask = npt.NDArray[np.bool_]
Part = dict[int, Offsets]
"""Some entries of a frame: their values by slot."""


class Walked(NamedTuple):
    """`slots[n]`: slot n of all entries of its frame, in order. `start`: where all messages begin."""

    plan: Plan
    start: Offsets
    slots: list[Offsets]

    @property
    def rows(self) -> Offsets:
        """The numbers of the messages that were walked to the end."""
        return self.slots[self.plan.row]

    def message_of(self, positions: Offsets) -> Offsets:
        """The number of the message that each position lies in."""
        return np.searchsorted(self.start, positions, side="right") - 1

    def without(self, messages: Offsets) -> "Walked":
        """The same without what belongs to some messages."""
        bad = np.zeros(len(self.start), np.bool_)
        bad[messages] = True
        slots = self.slots.copy()
        _keep(slots, self.plan.root, ~bad[self.rows])
        for frame in self.plan.loops:
            _keep(slots, frame, ~bad[self.message_of(slots[frame.key])])
        return Walked(self.plan, self.start, slots)


def _keep(slots: list[Offsets], frame: Frame, fine: Mask) -> None:
    for slot in frame.slots:
        slots[slot] = slots[slot][fine]


def join(frame: Frame, parts: Sequence[Part], slots: list[Offsets]) -> None:
    """Put the parts of a frame together. Where entries begin tells their order."""
    if not parts:
        parts = [{slot: np.zeros(0, np.int64) for slot in frame.slots}]
    key = np.concatenate([part[frame.key] for part in parts])
    order = None if (key[1:] >= key[:-1]).all() else np.argsort(key)
    for slot in frame.slots:
        values = parts[0][slot] if len(parts) == 1 else np.concatenate([part[slot] for part in parts])
        slots[slot] = values if order is None else values[order]
