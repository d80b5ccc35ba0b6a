"""Records topics into a file, some seconds at a time: memory does not grow with the recording."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.recordings.facts import Bytes, Facts, TopicFacts
from benchmarks.recordings.mcapfile import Batch, Int64, McapFile
from benchmarks.recordings.signals import Vector

START_NS = 1_760_000_000_000_000_000
"""2025-10-09T08:53:20Z."""


@dataclass(frozen=True)
class Moments:
    """When messages were measured: their numbers, seconds since the start, and stamps in ns."""

    number: Int64
    seconds: Vector
    stamp: Int64

    @property
    def sec(self) -> Int64:
        """Whole seconds of the stamps."""
        return self.stamp // 1_000_000_000

    @property
    def nanosec(self) -> Int64:
        """The rest of the stamps."""
        return self.stamp % 1_000_000_000

    def __len__(self) -> int:
        return len(self.number)


Maker = Callable[[Moments, np.random.Generator, TopicFacts], Sequence[Bytes]]
"""Makes the messages of some moments and notes what they hold."""


@dataclass(frozen=True)
class Topic:
    """A topic: `schema` is (name, encoding, data), `encoding` that of its messages."""

    name: str
    hertz: int
    encoding: str
    schema: tuple[str, str, bytes]
    make: Maker


@dataclass(frozen=True)
class Recording:
    """What to record: so many seconds, made `slab` seconds at a time."""

    topics: Sequence[Topic]
    profile: str
    compression: str
    seconds: int
    slab: int
    seed: int = 0

    def write(self, path: Path) -> Facts:
        """Write the file; the same bytes each time."""
        facts = Facts()
        with path.open("wb") as file:
            mcap = McapFile(file, self.profile, self.compression)
            channels = [mcap.channel(topic.name, topic.encoding, topic.schema) for topic in self.topics]
            for begin in range(0, self.seconds, self.slab):
                end = min(begin + self.slab, self.seconds)
                mcap.write(
                    [self._batch(place, channels[place], begin, end, facts) for place in range(len(channels))]
                )
            mcap.finish()
        return facts

    def _batch(self, place: int, channel: int, begin: int, end: int, facts: Facts) -> Batch:
        topic = self.topics[place]
        random = np.random.default_rng([self.seed, place, begin])
        number = np.arange(begin * topic.hertz, end * topic.hertz)
        period = 1_000_000_000 // topic.hertz
        measured, published, logged = (random.integers(0, period // 8, len(number)) for _ in range(3))
        moments = Moments(number, number / topic.hertz, START_NS + number * period + measured)
        messages = topic.make(moments, random, facts.of(topic.name))
        facts.of(topic.name).count(messages)
        publish_time = moments.stamp + 150_000 + published
        return Batch(channel, publish_time + 60_000 + logged, publish_time, messages)
