"""All that is kept of a recording's messages while it is read, by channel, and what is said at the end."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from bagmill.doctor.decoding import Trial
from bagmill.doctor.delivery import Delivery, delivery_findings
from bagmill.doctor.findings import Finding, Severity, seconds
from bagmill.doctor.series import Numbering, Series
from bagmill.doctor.timing import Timing, clock_findings, timing_findings
from bagmill.recording import Channel
from bagmill.recording.times import rfc3339


class Topics:
    """Running state of all channels of a recording, given by their ids."""

    def __init__(self, channels: Mapping[int, Channel], messages: Mapping[int, int]) -> None:
        """Begin; `messages` says how many each channel has, as far as is known before they are read."""
        self.numbering = Numbering({channel: messages.get(channel, 0) for channel in channels})
        self._channels = [channels[number] for number in self.numbering.channels]
        self._timing = Timing(len(channels), self.numbering.rhythmic)
        self._delivery = Delivery(len(channels))

    def take(self, series: Series) -> None:
        """Add the messages of a block."""
        self._timing.take(series)
        self._delivery.take(series)

    @property
    def messages(self) -> int:
        """Messages that were read."""
        return int(self._timing.intervals.count.sum())

    def findings(self) -> Iterator[Finding]:
        """What is said about each channel; where a topic has several, which one it is."""
        if not self.messages:
            yield Finding(Severity.INFO, "recording_empty", "The recording holds no messages.")
        yield from clock_findings(self._timing.intervals, [channel.topic for channel in self._channels])
        bounds = self._timing.bounds()
        shared = Counter(channel.topic for channel in self._channels)
        for number, channel in sorted(enumerate(self._channels), key=lambda one: one[1].id):
            for finding in self._of_channel(number, channel, bounds):
                several = shared[channel.topic] > 1
                yield replace(finding, where={"channel": channel.id, **finding.where}) if several else finding

    def _of_channel(self, number: int, channel: Channel, bounds: tuple[int, int]) -> Iterator[Finding]:
        count = int(self._timing.intervals.count[number])
        if not count:
            text = "There is a channel, but no message."
            yield Finding(Severity.INFO, "no_messages", text, channel.topic)
            return
        yield from timing_findings(self._timing, number, bounds, channel.topic)
        yield from delivery_findings(self._delivery, number, count, channel.topic)

    def facts(self, trials: Sequence[Trial]) -> dict[str, Any]:
        """How many messages there are, and numbers of each topic: of time, its busiest channel's."""
        intervals = self._timing.intervals
        by_topic: dict[str, list[int]] = {}
        for number, channel in enumerate(self._channels):
            by_topic.setdefault(channel.topic, []).append(number)
        tried: dict[str, list[Trial]] = {}
        for trial in trials:
            tried.setdefault(trial.table.topic, []).append(trial)
        found = {}
        for topic in sorted(by_topic):
            own = tried[topic]
            busiest = max(by_topic[topic], key=lambda number: int(intervals.count[number]))
            found[topic] = {
                "messages": sum(trial.read for trial in own),
                "bytes": sum(trial.bytes for trial in own),
                "unreadable": sum(trial.unreadable for trial in own),
                "decoded": all(trial.decoder.raw_reason is None for trial in own),
                **self._times(busiest),
            }
        return {"messages": self.messages, "topics": found}

    def _times(self, number: int) -> dict[str, Any]:
        intervals = self._timing.intervals
        if not intervals.count[number]:
            return dict.fromkeys(_TIMES)
        first, last = int(intervals.first[number]), int(intervals.last[number])
        longest = intervals.longest[number]
        rhythmic = number < self.numbering.rhythmic
        delay = self._delivery.clocks.median(number)
        values = (
            rfc3339(first),
            rfc3339(last),
            _rate(int(intervals.count[number]), last - first),
            seconds(intervals.quantile(number, 0.5)) if rhythmic else None,
            seconds(longest[0].interval) if longest else None,
            None if delay is None else seconds(delay),
        )
        return dict(zip(_TIMES, values, strict=True))


_TIMES = (
    "first_time",
    "last_time",
    "rate_hz",
    "median_interval_seconds",
    "longest_interval_seconds",
    "median_delay_seconds",
)


def _rate(messages: int, duration: int) -> float | None:
    return round((messages - 1) * 1e9 / duration, 6) if duration > 0 else None
