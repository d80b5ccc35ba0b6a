"""When there is a row: at each picture of the slowest camera, at each joint state, or at a rate."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bagmill.dataset.drafting.fields import Candidate
from bagmill.dataset.inspect import rate_of
from bagmill.dataset.samples import Sample
from bagmill.recording import Span

_MOST_HZ = 100
_SLOWEST = 0.2
"""Topics with fewer messages a second are no trigger, if there are others."""
_STALE_PERIODS = 10
_LEAST_STALE = 0.2
_REGULAR = 3.0
"""Topics whose long gaps (one of 100) are so many times their usual one do not come evenly."""
_SPORADIC = 30.0
"""And above this, they come when something happens: their last value stays true."""
_ROUND_RATES = (1, 2, 5, 10, 15, 20, 24, 25, 30, 40, 50, 60, 75, 100)
_NEAR = 0.05
_FEWEST_GAPS = 8


@dataclass(frozen=True)
class TopicRate:
    """How often a topic has messages, and how evenly.

    `usual` and `long` are the median and the 99th percentile of the seconds between two of a sample, 0 where
    that is not known.
    """

    topic: str
    messages: int
    hz: float
    usual: float
    long: float
    in_order: bool
    joints: bool
    span: Span | None

    @property
    def is_even(self) -> bool:
        """Whether the seconds between messages are much alike, and none stands before an earlier one."""
        return self.in_order and 0 < self.long <= _REGULAR * self.usual

    @property
    def staleness(self) -> float | None:
        """Seconds after which its last value is old; None where messages come when something happens."""
        if not self.usual or self.long > _SPORADIC * self.usual:
            return None
        return max(_LEAST_STALE, float(f"{max(_STALE_PERIODS * self.usual, _REGULAR * self.long):.2g}"))


def topic_rate(sample: Sample, messages: int, span: Span | None) -> TopicRate:
    """What a sample and the summary say of a topic's times."""
    names = {field.name for field in sample.decoder.fields}
    joints = {"name", "position"} <= names or {"joint_names", "positions"} <= names
    usual, long, in_order = _gaps(sample)
    hz = rate_of(messages, span) or 0.0
    return TopicRate(sample.table.topic, messages, hz, usual, long, in_order, joints, span)


def covered(rate: TopicRate, base: TopicRate) -> float:
    """Share of the time of another topic, 0 to 1, in which a topic has messages."""
    if rate.span is None or base.span is None or base.span.last == base.span.first:
        return 1.0
    both = min(rate.span.last, base.span.last) - max(rate.span.first, base.span.first)
    return max(0.0, both / (base.span.last - base.span.first))


def _gaps(sample: Sample) -> tuple[float, float, bool]:
    parts = np.split(sample.log_time, np.cumsum(sample.runs)[:-1]) if sample.runs else []
    in_order = all(bool((np.diff(part) >= 0).all()) for part in parts)
    gaps = np.concatenate([np.diff(np.sort(part)) for part in parts] or [np.zeros(0, np.int64)])
    if gaps.size < _FEWEST_GAPS:
        return 0.0, 0.0, in_order
    usual, long = np.percentile(gaps, [50, 99]) / 1e9
    return float(usual), float(long), in_order


def choose_rows(
    candidates: Sequence[Candidate], rates: dict[str, TopicRate]
) -> tuple[dict[str, Any], str, str]:
    """The `rows` of the spec, the topic that they follow, and the reason."""
    topics = list(dict.fromkeys(one.topic for one in candidates))
    cameras = list(dict.fromkeys(one.topic for one in candidates if one.is_image))
    if cameras:
        fast = [one for one in cameras if rates[one].hz >= _SLOWEST] or cameras
        slowest = min(fast, key=lambda topic: (rates[topic].hz, topic))
        others = f", the slowest of {len(cameras)} cameras" if len(cameras) > 1 else ""
        text = f"a row for each picture of {slowest} ({_hz(rates[slowest])}){others}: no picture stands twice"
        return {"kind": "trigger", "topic": slowest}, slowest, text
    joints = [topic for topic in topics if rates[topic].joints]
    densest = max(joints or topics, key=lambda topic: (rates[topic].hz, topic))
    rate = rates[densest]
    if joints:
        text = f"a row for each message of {densest} ({_hz(rate)}), the densest topic of joints"
        return {"kind": "trigger", "topic": densest}, densest, text
    if rate.hz > _MOST_HZ * 1.2 or not rate.is_even:
        return _at_rate(rate)
    text = f"a row for each message of {densest} ({_hz(rate)}), the densest topic: none of its values is lost"
    return {"kind": "trigger", "topic": densest}, densest, text


def _at_rate(rate: TopicRate) -> tuple[dict[str, Any], str, str]:
    wanted = min(_MOST_HZ, max(1, rate.hz))
    near = [one for one in _ROUND_RATES if abs(one / wanted - 1) <= _NEAR]
    hz = float(near[-1] if near else round(wanted))
    why = f"has {_hz(rate)}" + ("" if rate.is_even else ", and does not come evenly")
    text = f"rows at {hz:g} Hz: {rate.topic}, the densest topic, {why}"
    return {"kind": "rate", "hz": hz}, rate.topic, text


def _hz(rate: TopicRate) -> str:
    return f"{rate.hz:.3g} Hz"
