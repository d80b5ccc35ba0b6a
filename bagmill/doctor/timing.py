"""What the times of a channel's messages tell; every threshold stands here and in docs/doctor.md."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from bagmill.doctor.findings import Finding, Severity, at_time, counted, seconds, spoken
from bagmill.doctor.intervals import Gap, Intervals, round_up
from bagmill.doctor.rates import Rates
from bagmill.doctor.series import LEAST_MESSAGES, Flags, Series

MS, SECOND = 1_000_000, 1_000_000_000

STEADY_SHARE = 0.8
"""A channel is steady if so many of its intervals lie between half and twice the median."""

LEAST_MEDIAN = 200_000
"""Messages at less than 200 µs come in bursts."""

GAP_FACTOR, LEAST_GAP = 5, 10 * MS
"""A gap is longer than five median intervals, and than 10 ms."""

EDGE_FACTOR, LEAST_EDGE = 10, 2 * SECOND
"""A channel starts late or ends early by more than ten median intervals, and than 2 s."""

WINDOW_MESSAGES, LEAST_WINDOW, LEAST_WINDOWS = 20, SECOND, 10
"""Rates are taken over windows of 20 messages or more, and 1 s or more; fewer than ten don't count."""

RATE_SHARE, RATE_WINDOWS = 0.3, 3
"""A rate has changed if it differs from the usual one by more than 30 % for three windows in a row."""

YEAR_2000 = 946_684_800 * SECOND
"""Log times before it come from a simulation, or from a clock that was never set."""


@dataclass(frozen=True, slots=True)
class RateChange:
    """A run of windows with another rate. Times in ns, rates in messages a second; `runs` counts all."""

    start: int
    end: int
    rate: float
    usual: float
    runs: int


class Timing:
    """Running state of all channels."""

    def __init__(self, channels: int, rhythmic: int) -> None:
        """Begin without messages; only the first `rhythmic` channels have enough to show a rhythm."""
        self.intervals = Intervals(channels, rhythmic)
        self.rates = Rates(rhythmic)
        self._rhythmic = rhythmic

    def take(self, series: Series) -> None:
        """Add the messages of a block."""
        self.intervals.take(series)
        self.rates.take(series)

    def steady(self, number: int) -> bool:
        """Whether a channel has a rhythm, which gaps and other rates can break."""
        if number >= self._rhythmic:
            return False
        median = self.intervals.quantile(number, 0.5)
        return (
            self.intervals.count[number] >= LEAST_MESSAGES
            and median >= LEAST_MEDIAN
            and self.intervals.share_between(number, median // 2, 2 * median) >= STEADY_SHARE
        )

    def bounds(self) -> tuple[int, int]:
        """First and last log time (ns) of all steady channels; (0, 0) if there are none."""
        steady = [number for number in range(len(self.intervals.longest)) if self.steady(number)]
        if not steady:
            return 0, 0
        return int(self.intervals.first[steady].min()), int(self.intervals.last[steady].max())

    def gaps(self, number: int) -> tuple[int, list[Gap]]:
        """How many gaps a channel has, and the longest of them."""
        threshold = round_up(max(GAP_FACTOR * self.intervals.quantile(number, 0.5), LEAST_GAP))
        longest = [gap for gap in self.intervals.longest[number] if gap.interval >= threshold]
        if self.intervals.back_count[number]:
            # Messages that came later in the file may fill what looks like a gap there.
            longest = [
                gap for gap in longest if self.rates.is_empty(number, gap.until - gap.interval, gap.until)
            ]
            return len(longest), longest
        return self.intervals.count_from(number, threshold), longest

    def rate_change(self, number: int) -> RateChange | None:
        """The longest time during which a channel had another rate than usual."""
        width, start = int(self.rates.width[number]), self.rates.first(number)
        counts = self.rates.counts(number, int(self.intervals.last[number]))
        median = self.intervals.quantile(number, 0.5)
        joined = max(1, -(-max(WINDOW_MESSAGES * median, LEAST_WINDOW) // width))
        windows = counts[: counts.size // joined * joined].reshape(-1, joined).sum(axis=1)
        filled = windows[windows > 0]
        if filled.size < LEAST_WINDOWS:
            return None
        usual = float(np.median(filled))
        other = (windows > 0) & (np.abs(windows - usual) > RATE_SHARE * usual)
        runs = _runs(other)
        if not runs:
            return None
        first, last = max(runs, key=lambda run: run[1] - run[0])
        span = joined * width
        rate = float(windows[first:last].mean()) / span * SECOND
        return RateChange(start + first * span, start + last * span, rate, usual / span * SECOND, len(runs))


def _runs(flags: Flags) -> list[tuple[int, int]]:
    """Start and end of each row of at least `RATE_WINDOWS` flags."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    pairs = zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)
    return [(first, last) for first, last in pairs if last - first >= RATE_WINDOWS]


def clock_findings(intervals: Intervals, topics: Sequence[str]) -> Iterator[Finding]:
    """Times that no clock shows today: of the whole recording, or of some of its channels."""
    filled = [number for number in range(len(topics)) if intervals.count[number]]
    unset = [number for number in filled if intervals.last[number] < YEAR_2000]
    text = "The log times lie before the year 2000, the first {:g} s after 1970."
    if unset and len(unset) == len(filled):
        first = int(intervals.first[unset].min())
        yield Finding(Severity.INFO, "time_not_set", text.format(first / SECOND), None, at_time(first))
        return
    for number in unset:
        first = int(intervals.first[number])
        text_here = text.format(first / SECOND)
        yield Finding(Severity.WARNING, "time_not_set", text_here, topics[number], at_time(first))


def timing_findings(timing: Timing, number: int, bounds: tuple[int, int], topic: str) -> Iterator[Finding]:
    """What the times of one channel tell; `bounds` are those of the recording."""
    yield from _backwards(timing.intervals, number, topic)
    if not timing.steady(number):
        return
    yield from _gaps(timing, number, topic)
    yield from _edges(timing.intervals, number, bounds, topic)
    yield from _rates(timing, number, topic)


def _backwards(intervals: Intervals, number: int, topic: str) -> Iterator[Finding]:
    count, most = int(intervals.back_count[number]), int(intervals.back_most[number])
    if count:
        yield Finding(
            Severity.WARNING,
            "time_backwards",
            f"Log time goes backwards {counted(count, 'time')}, by {spoken(most)} at most.",
            topic,
            at_time(int(intervals.back_to[number])),
            {"count": count, "largest_seconds": seconds(most)},
        )


def _gaps(timing: Timing, number: int, topic: str) -> Iterator[Finding]:
    count, longest = timing.gaps(number)
    if not longest:
        return
    worst, median = longest[0], timing.intervals.quantile(number, 0.5)
    yield Finding(
        Severity.WARNING,
        "gap",
        f"{counted(count, 'gap')}, the longest {spoken(worst.interval)} where {spoken(median)} are usual.",
        topic,
        at_time(worst.until - worst.interval),
        {
            "count": count,
            "usual_seconds": seconds(median),
            "longest": [
                {**at_time(gap.until - gap.interval), "seconds": seconds(gap.interval)} for gap in longest
            ],
        },
    )


def _edges(intervals: Intervals, number: int, bounds: tuple[int, int], topic: str) -> Iterator[Finding]:
    tolerated = max(EDGE_FACTOR * intervals.quantile(number, 0.5), LEAST_EDGE)
    first, last = int(intervals.first[number]), int(intervals.last[number])
    if (late := first - bounds[0]) > tolerated:
        text = f"Its first message comes {spoken(late)} after the recording begins."
        yield Finding(Severity.INFO, "starts_late", text, topic, at_time(first), {"seconds": seconds(late)})
    if (early := bounds[1] - last) > tolerated:
        text = f"Its last message comes {spoken(early)} before the recording ends."
        yield Finding(Severity.WARNING, "ends_early", text, topic, at_time(last), {"seconds": seconds(early)})


def _rates(timing: Timing, number: int, topic: str) -> Iterator[Finding]:
    change = timing.rate_change(number)
    if change is None:
        return
    span = spoken(change.end - change.start)
    yield Finding(
        Severity.WARNING,
        "rate_change",
        f"Its rate is {change.rate:.3g} Hz for {span} where {change.usual:.3g} Hz are usual; "
        f"{counted(change.runs, 'time')} in all.",
        topic,
        at_time(change.start),
        {
            "count": change.runs,
            "rate_hz": round(change.rate, 6),
            "usual_hz": round(change.usual, 6),
            "seconds": seconds(change.end - change.start),
        },
    )
