"""forward_fill: rows without a value take that of the newest row before them, of the same episode."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from bagmill.dataset.joins import nanoseconds
from bagmill.dataset.values import Values

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(slots=True)
class ForwardFill:
    """Fills one column, piece by piece, in the order of its rows.

    `staleness`: seconds that the oldest message behind a value may be older than a row that has it.
    """

    staleness: float | None
    _last: Values | None = field(default=None, init=False)
    _last_time: int = field(default=0, init=False)
    _last_episode: int = field(default=-1, init=False)

    def __call__(self, values: Values, times: Ints, rows: Ints, episodes: Ints) -> tuple[Values, Mask]:
        """Fill the next rows.

        Args:
            values: of N rows.
            times: of the oldest message behind each value, ns, int64[N].
            rows: times of the rows, ns, ascending, int64[N].
            episodes: number of each row's episode, ascending, int64[N].

        Returns:
            the values, and which of them were filled.
        """
        if not len(values):
            return values, np.zeros(0, np.bool_)
        if self._last is not None:  # stands before them as a row of its own
            values = Values.concat([self._last, values])
            times = np.append(self._last_time, times)
            episodes = np.append(self._last_episode, episodes)
            rows = np.append(rows[0], rows)
        newest = np.maximum.accumulate(np.where(values.present, np.arange(len(values)), -1))
        source = np.maximum(newest, 0)
        fine = (newest >= 0) & (episodes[source] == episodes)
        if self.staleness is not None:
            fine &= values.present | (rows - times[source] <= nanoseconds(self.staleness))
        filled = fine & ~values.present
        first = 0 if self._last is None else 1
        if filled.any():
            found = values.take(np.where(fine, source, -1)[first:])
        else:
            found = values if not first else values.take(np.arange(first, len(values)))
        self._keep(values, times, episodes, int(newest[-1]))
        return found, filled[first:]

    def _keep(self, values: Values, times: Ints, episodes: Ints, newest: int) -> None:
        if newest >= 0:
            self._last = values.take(np.array([newest], np.int64))
            self._last_time, self._last_episode = int(times[newest]), int(episodes[newest])
