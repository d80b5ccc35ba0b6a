"""How many messages came when: counts of each channel over time, in as many steps for any duration."""

import numpy as np

from bagmill.doctor.series import Int64, Series

STEPS = 512
_FIRST_WIDTH = 1_000_000


class Rates:
    """Counts by channel over steps of time from its first message on.

    Steps begin 1 ms wide; when a time lies behind the last one, pairs are joined and the width (ns) doubles.
    So the counts don't depend on how the messages came in blocks.
    """

    def __init__(self, rhythmic: int) -> None:
        """Begin without messages; only the first `rhythmic` channels are counted."""
        self.width = np.full(rhythmic, _FIRST_WIDTH, np.int64)
        self._first = np.full(rhythmic, -1, np.int64)
        self._counts = np.zeros((rhythmic, STEPS), np.int32)

    def take(self, series: Series) -> None:
        """Add the messages of a block; what is earlier than the channel's first message is not counted."""
        channels = int(np.searchsorted(series.present, self._first.size))
        if not channels:
            return
        here, heads = series.present[:channels], series.heads[:channels]
        messages = slice(0, int(series.tails[channels - 1]) + 1)
        number, times = series.number[messages], series.log_time[messages]
        self._first[here] = np.where(self._first[here] < 0, times[heads], self._first[here])
        ago = times - self._first[number]
        farthest = np.maximum.reduceat(ago, heads)
        while (short := farthest // STEPS >= self.width[here]).any():
            self._widen(here[short])
        later = ago >= 0
        places = number[later] * STEPS + ago[later] // self.width[number[later]]
        np.add.at(self._counts.reshape(-1), places, 1)

    def _widen(self, numbers: Int64) -> None:
        joined = self._counts[numbers].reshape(-1, STEPS // 2, 2).sum(axis=2)
        self._counts[numbers] = 0
        self._counts[numbers, : STEPS // 2] = joined
        self.width[numbers] *= 2

    def first(self, number: int) -> int:
        """When the first step of a channel begins: the log time (ns) of its first message in the file."""
        return int(self._first[number])

    def counts(self, number: int, end: int) -> Int64:
        """Messages in each whole step of a channel's time up to `end` (log time, ns)."""
        whole = (end - self._first[number]) // self.width[number]
        return self._counts[number, : int(min(whole, STEPS))].astype(np.int64)

    def is_empty(self, number: int, after: int, before: int) -> bool:
        """Whether no step that lies between two log times (ns) has a message, and there is such a step."""
        width, first = int(self.width[number]), int(self._first[number])
        low, high = -(-(after - first) // width), (before - first) // width
        inside = self._counts[number, max(0, low) : max(0, high)]
        return inside.size > 0 and not inside.any()
