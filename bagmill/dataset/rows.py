"""When there is a row: the times of all candidates, before any is dropped."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bagmill.dataset.fitting import check_rate
from bagmill.dataset.joins import Join, Timeline, counts, join
from bagmill.dataset.spec import (
    ConcatSource,
    Rate,
    Source,
    Spec,
    StackSource,
    Sync,
    TopicSource,
    topics_of,
)

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class RowTimes:
    """The times of rows (ns, ascending), and the topic whose messages they are, if they are any's."""

    times: Ints
    own: str | None

    def join(self, topic: str, timeline: Timeline, sync: Sync) -> Join:
        """The messages of a topic that rows take; a row that is a message takes itself."""
        return Join.own(timeline, sync) if topic == self.own else join(timeline, self.times, sync)

    def counts(self, timeline: Timeline) -> Ints:
        """How many messages came since the row before."""
        return counts(timeline, self.times)


def row_times(spec: Spec, timelines: Mapping[str, Timeline]) -> RowTimes:
    """The times of all rows of a recording.

    Raises:
        SpecUnfit: there would be far too many.
    """
    if not isinstance(spec.rows, Rate):
        return RowTimes(timelines[spec.rows.topic].every, spec.rows.topic)
    topics = grid_topics(spec)
    lines = [timelines[topic].times for topic in topics]
    if not lines or not all(line.size for line in lines):
        return RowTimes(np.zeros(0, np.int64), None)
    first, last = max(int(line[0]) for line in lines), max(int(line[-1]) for line in lines)
    check_rate(spec, first, last)
    return RowTimes(grid(first, last, spec.rows.hz), None)


def grid(first: int, last: int, hz: float) -> Ints:
    """Times from the first to the last at most, 1/hz s apart, each rounded to ns for itself."""
    count = int((last - first) * hz / 1e9) + 2
    times: Ints = first + np.rint(np.arange(count) * 1e9 / hz).astype(np.int64)
    return times[times <= last]


def grid_topics(spec: Spec) -> list[str]:
    """The topics that say where a grid begins and ends: those with values of features.

    Topics that are only counted do not hold it up, unless there are no others.
    """
    sources = [feature.source for feature in spec.features.values()]
    with_values = {topic for source in sources for topic in _valued(source)}
    return sorted(with_values or {topic for source in sources for topic in topics_of(source)})


def _valued(source: Source) -> Sequence[str]:
    match source:
        case TopicSource():
            return [source.topic]
        case ConcatSource():
            return [topic for one in source.concat for topic in _valued(one)]
        case StackSource():
            return [topic for one in source.stack for topic in _valued(one)]
    return []
