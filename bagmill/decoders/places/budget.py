"""How much may be made of messages: nested ones, and what several places of a message share."""

import numpy as np

from bagmill.decoders.base import Offsets
from bagmill.decoders.places.view import Mask, Values

_FREE_CELLS = 8 << 20
_CELLS_PER_BYTE = 8
"""Cells that one decoding may make of elements: those that are free, and those by the messages' bytes."""

GREEDY = "it asks for far more values than its size can explain"


class Budget:
    """Counts cells, values of 8 bytes, before they are made; `greedy`: the messages that get none.

    A few bytes can be an empty message in a list, which makes a row with as many cells as its type has
    fields. Where all messages together ask for far more cells than their bytes can explain, those are greedy
    that ask for the most.
    """

    def __init__(self, start: Offsets, end: Offsets) -> None:
        self.greedy: Mask = np.zeros(start.size, np.bool_)
        self._excess = (start - end) * _CELLS_PER_BYTE
        self._left = _FREE_CELLS + _CELLS_PER_BYTE * int((end - start).sum())

    def spend(self, messages: Offsets, cells: int | Values) -> Mask | None:
        """Count the cells of elements of these messages; tell which may be made, None for all."""
        if isinstance(cells, int):
            asked = np.bincount(messages, minlength=self._excess.size) * cells
        else:
            asked = np.bincount(messages, cells, self._excess.size).astype(np.int64)
        self._excess += asked
        self._left -= int(asked.sum())
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
