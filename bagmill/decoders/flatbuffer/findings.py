"""Where values stand, and what is wrong with messages."""

from typing import NamedTuple

import numpy as np

from bagmill.decoders.base import Buffer, Offsets
from bagmill.decoders.places.budget import GREEDY, Budget
from bagmill.decoders.places.view import Mask, Rows, Values, View

_U32 = np.dtype("<u4")
_MOST = (1 << 31) - 1
"""Elements or bytes that all values of a column may have."""


class Spots(NamedTuple):
    """Where values of one kind stand, and which rows they become: `size` rows, of which some may have none.

    `rows`: the row of each; None: value i is row i. `messages`: the message that each is a part of; None:
    value i of message i.
    """

    at: Offsets
    rows: Rows
    messages: Rows
    size: int

    def pick(self, which: Mask) -> "Spots":
        """Those that are chosen."""
        some = np.flatnonzero(which)
        rows = some if self.rows is None else self.rows[some]
        messages = some if self.messages is None else self.messages[some]
        return Spots(self.at[some], rows, messages, self.size)

    def moved(self, at: Offsets) -> "Spots":
        """The same with values elsewhere."""
        return self._replace(at=at)


class Findings:
    """The messages from `start` to `end` of a buffer; what is wrong with any is noted, the first thing only.

    Nothing may be read before `inside` or `follow` have said which spots are inside their message.
    """

    def __init__(self, buffer: Buffer, start: Offsets, end: Offsets) -> None:
        self.view = View(buffer)
        self.budget = Budget(start, end)
        self._start = start
        self._end = end
        self._reasons = [""]
        self._reason = np.zeros(start.size, np.int32)

    def good(self) -> Mask:
        """The messages with which nothing is wrong."""
        good: Mask = (self._reason == 0) & ~self.budget.greedy
        return good

    def reasons(self) -> list[tuple[int, str]]:
        """The numbers of the other messages, and what is wrong."""
        return [
            (index, GREEDY if self.budget.greedy[index] else self._reasons[self._reason[index]])
            for index in np.flatnonzero(~self.good()).tolist()
        ]

    def keep(self, spots: Spots, good: Mask, reason: str) -> Spots:
        """The good spots; the messages of the others have this reason."""
        if good.all():
            return spots
        messages = np.flatnonzero(~good) if spots.messages is None else spots.messages[~good]
        messages = messages[self._reason[messages] == 0]
        self._reasons.append(reason)
        self._reason[messages] = len(self._reasons) - 1
        return spots.pick(good)

    def inside(self, spots: Spots, size: int | Offsets, name: str) -> Spots:
        """Those with so many bytes inside their message; `name`: of what stands there."""
        return self.keep(spots, self.are_inside(spots, size), f"{name} reaches beyond the message")

    def are_inside(self, spots: Spots, size: int | Offsets) -> Mask:
        """Which have so many bytes inside their message."""
        messages = spots.messages
        start = self._start if messages is None else self._start[messages]
        end = self._end if messages is None else self._end[messages]
        inside: Mask = (spots.at >= start) & (spots.at + size <= end)
        return inside

    def follow(self, spots: Spots, name: str, size: int = _U32.itemsize) -> Spots:
        """Where the offsets at these places point to, if that is inside, with so many bytes at least."""
        offsets = self.view.numbers(spots.at, _U32)
        spots = self.keep(spots.moved(spots.at + offsets), offsets > 0, f"{name} points to itself")
        return self.inside(spots, size, name)

    def affordable(self, spots: Spots, cells: Values, counts: Offsets) -> Mask:
        """Which may make so many cells, and do not have more values, `counts` of each, than a column can."""
        messages = np.arange(spots.at.size) if spots.messages is None else spots.messages
        allowed = self.budget.spend(messages, cells)
        fits: Mask = np.cumsum(counts) <= _MOST
        return fits if allowed is None else fits & allowed
