"""Which message each row takes: the times of a topic's messages joined to the times of rows.

All of it is on arrays of sorted times, so it takes time in proportion to rows and messages. Times are int64
ns, not negative.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from bagmill.dataset.spec import Sync

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

NEVER = np.iinfo(np.int64).max
"""The time of what is no message, such as a constant: it is never too old."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """When the messages of a topic were.

    Messages are numbered in the order of the file. `times`: distinct times, ascending; `messages`: for each
    the message, the last one in the file of those with this time; `every`: the times of all messages,
    ascending; `order`: the messages in this order, those of one time as in the file.
    """

    times: Ints
    messages: Ints
    every: Ints
    order: Ints

    @classmethod
    def of(cls, times: Ints) -> Self:
        """Of the times of messages in the order of the file."""
        if (times[1:] > times[:-1]).all():
            order = np.arange(times.size)
            return cls(times, order, times, order)
        order = np.argsort(times, kind="stable")
        every = times[order]
        is_last = np.append(every[1:] != every[:-1], np.ones(min(1, every.size), np.bool_))
        return cls(every[is_last], order[is_last], every, order)


@dataclass(frozen=True, slots=True)
class Join:
    """The messages that rows take.

    Attributes:
        first: number of each row's message, -1 where there is none, int64[N].
        second: with `linear` the message after the row, -1 where the first has its very time, int64[N].
        share: how far from the first to the second a row lies, 0 to 1, float64[N].
        time: of the first, in ns; 0 where there is none, int64[N].
    """

    first: Ints
    second: Ints | None
    share: Floats | None
    time: Ints

    @classmethod
    def own(cls, timeline: Timeline, sync: Sync) -> Self:
        """Each message of a topic is a row, and takes itself; rows stand in the order of their times."""
        linear = sync.policy == "linear"
        count = timeline.order.size
        return cls(
            timeline.order,
            np.full(count, -1, np.int64) if linear else None,
            np.zeros(count) if linear else None,
            timeline.every,
        )

    def part(self, rows: slice | Ints) -> "Join":
        """Of some rows."""
        second, share = self.second, self.share
        return Join(
            self.first[rows],
            None if second is None else second[rows],
            None if share is None else share[rows],
            self.time[rows],
        )


def nanoseconds(seconds: float) -> int:
    """A duration of the spec in ns."""
    return round(seconds * 1e9)


def join(timeline: Timeline, rows: Ints, sync: Sync) -> Join:
    """Join messages to the times of rows, which ascend (ns, int64[N]), as `Sync` says."""
    times = timeline.times
    if not times.size:
        none = np.full(rows.size, -1, np.int64)
        return _joined(timeline, none, none if sync.policy == "linear" else None, rows)
    before = np.searchsorted(times, rows, side="right") - 1
    if sync.policy == "linear":
        return _linear(timeline, before, rows, sync)
    chosen = _nearest(times, before, rows) if sync.policy == "nearest" else before
    age = rows - times[np.maximum(chosen, 0)]
    fine = chosen >= 0
    tolerance = 0 if sync.policy == "exact" and sync.tolerance is None else sync.tolerance
    if tolerance is not None:
        fine &= np.abs(age) <= nanoseconds(tolerance)
    if sync.staleness is not None:
        fine &= age <= nanoseconds(sync.staleness)
    return _joined(timeline, np.where(fine, chosen, -1), None, rows)


def counts(timeline: Timeline, rows: Ints) -> Ints:
    """How many messages there are up to each row's time that come after the row before; int64[N]."""
    return np.diff(np.searchsorted(timeline.every, rows, side="right"), prepend=0).astype(np.int64)


def _nearest(times: Ints, before: Ints, rows: Ints) -> Ints:
    """Of the times around each row the nearer one, the earlier of two equally near."""
    after = np.minimum(before + 1, times.size - 1)
    first = np.maximum(before, 0)
    takes_after = np.abs(times[after] - rows) < np.abs(rows - times[first])
    return np.where(takes_after, after, first)


def _linear(timeline: Timeline, before: Ints, rows: Ints, sync: Sync) -> Join:
    times = timeline.times
    first = np.maximum(before, 0)
    age = rows - times[first]
    hits = (before >= 0) & (age == 0)
    after = np.where(hits, before, before + 1)
    fine = (before >= 0) & (after < times.size)
    after = np.minimum(after, times.size - 1)
    ahead = times[after] - rows
    if sync.tolerance is not None:
        fine &= np.maximum(age, ahead) <= nanoseconds(sync.tolerance)
    if sync.staleness is not None:
        fine &= age <= nanoseconds(sync.staleness)
    second = np.where(fine & ~hits, after, -1)
    return _joined(timeline, np.where(fine, before, -1), second, rows)


def _joined(timeline: Timeline, first: Ints, second: Ints | None, rows: Ints) -> Join:
    """The join by messages of one by places in `times`."""
    time = _at(timeline.times, first, 0)
    if second is None:
        return Join(_at(timeline.messages, first, -1), None, None, time)
    span = np.maximum(_at(timeline.times, second, 0) - time, 1)
    share = np.where(second >= 0, (rows - time) / span, 0.0)
    return Join(_at(timeline.messages, first, -1), _at(timeline.messages, second, -1), share, time)


def _at(array: Ints, places: Ints, absent: int) -> Ints:
    """The elements at some places, `absent` where the place is negative."""
    if not array.size:
        return np.full(places.size, absent, np.int64)
    return np.where(places >= 0, array[np.maximum(places, 0)], absent)
