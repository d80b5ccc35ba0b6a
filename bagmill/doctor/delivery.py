"""How messages came: log time against publish time, messages that are there twice, numbers that are not."""

from collections.abc import Iterator

from bagmill.doctor.clocks import Clocks
from bagmill.doctor.findings import Finding, Severity, at_time, counted, seconds, spoken
from bagmill.doctor.repeats import Repeats
from bagmill.doctor.sequences import Sequences
from bagmill.doctor.series import Series

MS, SECOND = 1_000_000, 1_000_000_000

MOST_DELAY = 5 * SECOND
"""Messages that are logged 5 s after they were published, or before, tell of two clocks."""

LEAST_DRIFT, LEAST_DRIFT_TIME = 20 * MS, 10 * SECOND
"""A drift is 20 ms or more over 10 s or more, and more than twice what the delays scatter."""

LEAST_RUN = 10
"""So many equal messages in a row are worth saying."""

COUNTING_SHARE = 0.9
"""A publisher counts its messages if so many sequence numbers follow the one before."""


class Delivery:
    """Running state of all channels."""

    def __init__(self, channels: int) -> None:
        self.clocks = Clocks(channels)
        self.repeats = Repeats(channels)
        self.sequences = Sequences(channels)

    def take(self, series: Series) -> None:
        """Add the messages of a block."""
        self.clocks.take(series)
        self.repeats.take(series)
        self.sequences.take(series)


def delivery_findings(delivery: Delivery, number: int, count: int, topic: str) -> Iterator[Finding]:
    """What is said about one channel that has `count` messages."""
    yield from _clocks(delivery.clocks, number, count, topic)
    yield from _drift(delivery.clocks, number, topic)
    yield from _repeats(delivery.repeats, number, count, topic)
    yield from _dropped(delivery.sequences, number, topic)


def _clocks(clocks: Clocks, number: int, count: int, topic: str) -> Iterator[Finding]:
    if without := int(clocks.without[number]):
        text = f"{counted(count, 'message')}, {without} of them without a publish time."
        yield Finding(Severity.INFO, "publish_time_missing", text, topic, {}, {"count": without})
    median = clocks.median(number)
    if median is not None and abs(median) > MOST_DELAY:
        order = "after" if median > 0 else "before"
        text = f"Messages are logged {spoken(abs(median))} {order} they were published, by the median."
        facts = {"median_delay_seconds": seconds(median)}
        yield Finding(Severity.WARNING, "clock_offset", text, topic, {}, facts)
    elif late := int(clocks.late[number]):
        most = int(clocks.most[number])
        yield Finding(
            Severity.WARNING,
            "publish_after_log",
            f"{late} of {counted(count, 'message')} were published after they were logged, by up to "
            f"{spoken(most)}.",
            topic,
            at_time(int(clocks.most_at[number])),
            {"count": late, "largest_seconds": seconds(most)},
        )


def _drift(clocks: Clocks, number: int, topic: str) -> Iterator[Finding]:
    drift = clocks.drift(number)
    if drift is None or drift.over < LEAST_DRIFT_TIME:
        return
    if abs(drift.change) >= max(LEAST_DRIFT, 2 * drift.scatter):
        yield Finding(
            Severity.WARNING,
            "clock_drift",
            f"The delay between publishing and logging changes by {spoken(drift.change)} over "
            f"{spoken(drift.over)}.",
            topic,
            {},
            {"change_seconds": seconds(drift.change), "over_seconds": seconds(drift.over)},
        )


def _repeats(repeats: Repeats, number: int, count: int, topic: str) -> Iterator[Finding]:
    if again := int(repeats.again[number]):
        yield Finding(
            Severity.WARNING,
            "messages_repeated",
            f"{again} of {counted(count, 'message')} stand in the recording twice: same sequence number, log "
            "time and content.",
            topic,
            at_time(int(repeats.again_at[number])),
            {"count": again},
        )
    same, run = int(repeats.same[number]), int(repeats.run[number])
    if run >= LEAST_RUN:
        yield Finding(
            Severity.INFO,
            "content_repeated",
            f"{same} of {counted(count, 'message')} are the same, byte for byte, as the one before; "
            f"up to {run} in a row.",
            topic,
            at_time(int(repeats.run_at[number])),
            {"count": same, "longest_run": run},
        )


def _dropped(sequences: Sequences, number: int, topic: str) -> Iterator[Finding]:
    missing, steps = sequences.missing(number), int(sequences.steps[number])
    if missing and sequences.ones[number] >= COUNTING_SHARE * steps:
        most = int(sequences.most[number])
        yield Finding(
            Severity.WARNING,
            "messages_dropped",
            f"{counted(missing, 'sequence number')} are left out, up to {most} at once.",
            topic,
            at_time(int(sequences.most_at[number])),
            {"count": missing, "largest": most},
        )
