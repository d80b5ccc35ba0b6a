"""What is found out about the messages of a topic while they are decoded."""

import numpy as np

from bagmill.decoders.base import Buffer, Offsets
from bagmill.decoders.protobuf.view import Mask, View

_FREE_CELLS = 8 << 20
_CELLS_PER_BYTE = 8
"""Cells that one decoding may make of nested messages in lists: those that are free, and those by bytes."""


class Account:
    """Messages by number: `doubtful`, to be looked at again; `strange`, with unknown fields; `greedy`.

    Two bytes are an empty message in a list, and make a row with as many cells as its type has fields. So
    cells are counted before they are made; where they are far more than the bytes can explain, those messages
    are greedy that ask for the most.
    """

    def __init__(self, buffer: Buffer, start: Offsets, end: Offsets) -> None:
        self.view = View(buffer)
        self.doubtful: Mask = np.zeros(start.size, np.bool_)
        self.strange: Mask = np.zeros(start.size, np.bool_)
        self.greedy: Mask = np.zeros(start.size, np.bool_)
        self._excess = (start - end) * _CELLS_PER_BYTE
        self._left = _FREE_CELLS + _CELLS_PER_BYTE * int((end - start).sum())

    def spend(self, messages: Offsets, cells: int) -> Mask | None:
        """Count `cells` for each element of these messages; tell which may be made, None for all."""
        self._excess += np.bincount(messages, minlength=self._excess.size) * cells
        self._left -= messages.size * cells
        if self._left < 0:
            self._refuse_greediest()
        return ~self.greedy[messages] if self.greedy.any() else None

    def _refuse_greediest(self) -> None:
        self._excess[self.greedy] = 0
        order = np.argsort(-self._excess)
        refused = np.cumsum(self._excess[order])
        over = int(refused[-1]) - _FREE_CELLS
        count = int(np.searchsorted(refused, over)) + 1
        self.greedy[order[:count]] = True
        self._left = int(refused[count - 1]) - over
