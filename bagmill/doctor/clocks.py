"""Log time against publish time: what the recorder's clock and the publisher's tell about each other."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from bagmill.doctor.series import Int64, Series

SAMPLES = 1024
"""At most so many messages of a channel are kept: every one, then every second, every fourth, ..."""

TOLERATED_NS = 1_000_000
"""A publish time up to 1 ms behind the log time may be rounding."""


@dataclass(slots=True)
class Sample:
    """Log times and delays (log time - publish time), in ns, of evenly chosen messages of one channel."""

    stride: int = 1
    seen: int = 0
    times: list[int] = field(default_factory=list)
    delays: list[int] = field(default_factory=list)

    def take(self, times: Int64, delays: Int64) -> None:
        """Choose from the next messages."""
        first = -self.seen % self.stride
        self.seen += times.size
        self.times += times[first :: self.stride].tolist()
        self.delays += delays[first :: self.stride].tolist()
        while len(self.times) > SAMPLES:
            self.times, self.delays = self.times[::2], self.delays[::2]
            self.stride *= 2


@dataclass(frozen=True, slots=True)
class Drift:
    """How the delay changed (ns) over some time (ns), and by how much it scatters about that (ns)."""

    change: int
    over: int
    scatter: int


class Clocks:
    """Running state of all channels.

    `without` counts messages whose publish time is 0 (not set), `late` those that were published later than
    logged, beyond what is tolerated; `most` is the worst of these (ns) and `most_at` its log time.
    """

    def __init__(self, channels: int) -> None:
        self.without = np.zeros(channels, np.int64)
        self.late = np.zeros(channels, np.int64)
        self.most = np.zeros(channels, np.int64)
        self.most_at = np.zeros(channels, np.int64)
        self._samples = [Sample() for _ in range(channels)]

    def take(self, series: Series) -> None:
        """Add the messages of a block."""
        unset = (series.publish_time == 0) & (series.log_time > 0)
        delays = series.log_time - series.publish_time
        self.without[series.present] += np.add.reduceat(unset.astype(np.int64), series.heads)
        late = delays < -TOLERATED_NS
        counts = np.add.reduceat(late.astype(np.int64), series.heads)
        self.late[series.present] += counts
        for segment, (number, part) in enumerate(series.parts()):
            is_set = ~unset[part]
            self._samples[number].take(series.log_time[part][is_set], delays[part][is_set])
            if counts[segment]:
                self._note_worst(number, series.log_time[part], delays[part])

    def _note_worst(self, number: int, times: Int64, delays: Int64) -> None:
        worst = int(np.argmin(delays))
        if -delays[worst] > self.most[number]:
            self.most[number], self.most_at[number] = -delays[worst], times[worst]

    def median(self, number: int) -> int | None:
        """The middle delay (ns) of the sample; None without publish times."""
        delays = self._samples[number].delays
        return int(np.median(np.array(delays, np.int64))) if delays else None

    def drift(self, number: int) -> Drift | None:
        """How the delay changed from the first fifth of a channel's messages to the last.

        None if there are less than 50, or if it did not go one way through the fifths between.
        """
        sample = self._samples[number]
        if len(sample.delays) < 50:
            return None
        times, delays = np.array(sample.times, np.int64), np.array(sample.delays, np.int64)
        parts = np.array_split(delays, 5)
        middles = [int(np.median(part)) for part in parts]
        if not _one_way(np.diff(middles)):
            return None
        over = [int(np.median(part)) for part in np.array_split(times, 5)]
        scatter = max(int(np.ptp(np.quantile(part, (0.1, 0.9)))) for part in parts)
        return Drift(middles[-1] - middles[0], over[-1] - over[0], scatter)


def _one_way(steps: npt.NDArray[np.int64]) -> bool:
    return bool((steps > 0).all() or (steps < 0).all())
