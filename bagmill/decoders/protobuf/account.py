"""What is found out about the messages of a topic while they are decoded."""

import numpy as np

from bagmill.decoders.base import Buffer, Offsets
from bagmill.decoders.places.budget import Budget
from bagmill.decoders.places.view import Mask, View


class Account:
    """Messages by number: `doubtful`, to be looked at again, and `strange`, with unknown fields."""

    def __init__(self, buffer: Buffer, start: Offsets, end: Offsets) -> None:
        self.view = View(buffer)
        self.budget = Budget(start, end)
        self.doubtful: Mask = np.zeros(start.size, np.bool_)
        self.strange: Mask = np.zeros(start.size, np.bool_)

    @property
    def good(self) -> Mask:
        """Those that are what they seem."""
        return ~(self.doubtful | self.budget.greedy)
