"""Sequence numbers: where a publisher counts its messages, numbers that are missing were lost on the way."""

import numpy as np

from bagmill.doctor.series import Int64, Previous, Series

_APART = 1 << 33
"""Between the numbers of two channels, so that one running maximum serves all."""


class Sequences:
    """Running state of all channels.

    `steps` counts pairs of messages in a row, `ones` those whose numbers follow each other. `most`
    is the most numbers left out at once and `most_at` the log time (ns) behind that hole.
    """

    def __init__(self, channels: int) -> None:
        self.steps = np.zeros(channels, np.int64)
        self.ones = np.zeros(channels, np.int64)
        self._balance = np.zeros(channels, np.int64)
        self.most = np.zeros(channels, np.int64)
        self.most_at = np.zeros(channels, np.int64)
        self._previous = Previous(channels, np.int64)
        self._highest = np.full(channels, -1, np.int64)

    def take(self, series: Series) -> None:
        """Add the messages of a block."""
        numbers = series.sequence.astype(np.int64)
        before, known = self._previous.shift(series, numbers)
        follows = known & (numbers == before + 1)
        highest = self._highest_before(series, numbers)
        left_out = np.where(known, np.maximum(numbers - highest - 1, 0), 0)
        made_up = known & (numbers < highest)
        self.steps[series.present] += np.add.reduceat(known.astype(np.int64), series.heads)
        self.ones[series.present] += np.add.reduceat(follows.astype(np.int64), series.heads)
        holes = np.add.reduceat(left_out, series.heads)
        self._balance[series.present] += holes - np.add.reduceat(made_up.astype(np.int64), series.heads)
        for segment in np.flatnonzero(holes).tolist():
            number, part = series.part(segment)
            worst = int(np.argmax(left_out[part]))
            if left_out[part][worst] > self.most[number]:
                self.most[number] = left_out[part][worst]
                self.most_at[number] = series.log_time[part][worst]

    def missing(self, number: int) -> int:
        """How many numbers a channel left out, and did not make up for later."""
        return max(0, int(self._balance[number]))

    def _highest_before(self, series: Series, numbers: Int64) -> Int64:
        """The highest number before each message, on its channel."""
        apart = series.segment * _APART
        raised = numbers + apart
        raised[series.heads] = np.maximum(
            raised[series.heads], self._highest[series.present] + apart[series.heads]
        )
        highest = np.maximum.accumulate(raised) - apart
        before = np.empty_like(highest)
        before[1:] = highest[:-1]
        before[series.heads] = self._highest[series.present]
        self._highest[series.present] = highest[series.tails]
        return before
