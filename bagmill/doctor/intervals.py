"""The time between a message and the next on its channel: histograms, the longest, and steps backwards."""

from dataclasses import dataclass

import numpy as np

from bagmill.doctor.series import Flags, Int64, Previous, Series

_PER_OCTAVE = 8
_BINS = 64 * _PER_OCTAVE
_SHIFT = 52 - 3
_ZERO = 1023 * _PER_OCTAVE
"""A float64 cut after three bits of its fraction: exponent and eighths of an octave as one integer."""

KEPT = 5
"""So many of a channel's longest intervals are kept with their places."""


def bins_of(intervals: Int64) -> Int64:
    """The bin of intervals of 0 ns or more: 0 for 0, then eight an octave, each 7 to 13 % wide."""
    bits = np.maximum(intervals, 1).astype(np.float64).view(np.int64) >> _SHIFT
    return np.where(intervals > 0, np.minimum(bits - _ZERO + 1, _BINS - 1), 0)


def floor_of(number: int) -> int:
    """The shortest interval (ns) of a bin."""
    if number <= 0:
        return 0
    bits = np.array([(number - 1 + _ZERO) << _SHIFT], np.int64)
    return int(np.ceil(bits.view(np.float64)[0]))


def round_up(interval: int) -> int:
    """The next interval (ns) above that begins a bin, so that those beyond it are counted exactly."""
    return floor_of(int(bins_of(np.array([interval]))[0]) + 1)


@dataclass(frozen=True, slots=True)
class Gap:
    """An interval (ns) and the log time of the message that ended it."""

    interval: int
    until: int


class Intervals:
    """Running state of all channels; times in ns.

    `first` and `last` are log times, `count` messages; `back_count`, `back_most` and `back_to` are the steps
    of log time backwards: how many, the largest, and the log time that it led to.
    """

    def __init__(self, channels: int, rhythmic: int) -> None:
        """Begin without messages; histograms are only kept of the first `rhythmic` channels."""
        self.longest: list[list[Gap]] = [[] for _ in range(channels)]
        self.first = np.full(channels, np.iinfo(np.int64).max)
        self.last = np.full(channels, -1, np.int64)
        self.count = np.zeros(channels, np.int64)
        self.back_count = np.zeros(channels, np.int64)
        self.back_most = np.zeros(channels, np.int64)
        self.back_to = np.zeros(channels, np.int64)
        self._rhythmic = rhythmic
        self._histogram = np.zeros((rhythmic, _BINS), np.int32)
        self._sums = np.zeros((rhythmic, _BINS), np.float64)
        self._previous = Previous(channels, np.int64)

    def take(self, series: Series) -> None:
        """Add the messages of a block."""
        here, times = series.present, series.log_time
        self.first[here] = np.minimum(self.first[here], np.minimum.reduceat(times, series.heads))
        self.last[here] = np.maximum(self.last[here], np.maximum.reduceat(times, series.heads))
        self.count[here] += series.lengths
        before, known = self._previous.shift(series, times)
        steps = np.where(known, times - before, 0)
        self._count(series.number, steps, known & (steps >= 0) & (series.number < self._rhythmic))
        self._note_longest(series, steps)
        self._note_backwards(series, steps)

    def _count(self, numbers: Int64, steps: Int64, counted: Flags) -> None:
        places = numbers[counted] * _BINS + bins_of(steps[counted])
        np.add.at(self._histogram.reshape(-1), places, 1)
        np.add.at(self._sums.reshape(-1), places, steps[counted])

    def _note_longest(self, series: Series, steps: Int64) -> None:
        highest = np.maximum.reduceat(steps, series.heads)
        for (number, part), high in zip(series.parts(), highest.tolist(), strict=True):
            kept = self.longest[number]
            least = kept[-1].interval if len(kept) == KEPT else 0
            if high <= least:
                continue
            own, times = steps[part], series.log_time[part]
            top = np.argsort(-own, kind="stable")[:KEPT]
            found = [Gap(int(own[row]), int(times[row])) for row in top.tolist() if own[row] > least]
            self.longest[number] = sorted(kept + found, key=lambda gap: (-gap.interval, gap.until))[:KEPT]

    def _note_backwards(self, series: Series, steps: Int64) -> None:
        counts = np.add.reduceat((steps < 0).astype(np.int64), series.heads)
        self.back_count[series.present] += counts
        for segment in np.flatnonzero(counts).tolist():
            number, part = series.part(segment)
            worst = int(np.argmin(steps[part]))
            if -steps[part][worst] > self.back_most[number]:
                self.back_most[number] = -steps[part][worst]
                self.back_to[number] = series.log_time[part][worst]

    def quantile(self, number: int, share: float) -> int:
        """The mean of the bin that holds the interval (ns) which `share` of a channel's do not exceed."""
        total = np.cumsum(self._histogram[number], dtype=np.int64)
        if not total[-1]:
            return 0
        found = int(np.searchsorted(total, share * total[-1]))
        return round(float(self._sums[number, found]) / int(self._histogram[number, found]))

    def count_from(self, number: int, interval: int) -> int:
        """How many intervals are as long as `interval` or longer, which is one of `round_up`."""
        return int(self._histogram[number, int(bins_of(np.array([interval]))[0]) :].sum())

    def share_between(self, number: int, shortest: int, longest: int) -> float:
        """Share of a channel's intervals (ns) between two, both as exact as their bins."""
        low, high = bins_of(np.array([shortest, longest])).tolist()
        counts = self._histogram[number]
        return float(counts[low : high + 1].sum() / max(1, counts.sum()))
