"""What a generator knows of its recording, so that every output can be checked value by value.

A column is known by a number that does not depend on how its values are cut into batches or row groups: the
sum of the bits of its numbers as float64 or int64, modulo 2^64, or the CRC-32 of its joined strings or blobs.
"""

import json
import sys
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

MODULUS = 1 << 64
Bytes = bytes | memoryview


@dataclass
class TopicFacts:
    """A topic: its messages, their bytes, and by the path of each checked column what it adds up to."""

    messages: int = 0
    size: int = 0
    numbers: dict[str, int] = field(default_factory=dict)
    blobs: dict[str, int] = field(default_factory=dict)

    def count(self, messages: Sequence[Bytes]) -> None:
        """Add messages."""
        self.messages += len(messages)
        self.size += sum(map(len, messages))

    def add(self, path: str, values: Any) -> None:
        """Add numbers of a column."""
        self.numbers[path] = (self.numbers.get(path, 0) + bits(np.asarray(values))) % MODULUS

    def add_rows(self, rows: NDArray[np.void]) -> None:
        """Add all fields of records; `path@0` is an element of `path`."""
        for name in rows.dtype.names or ():
            self.add(name.partition("@")[0], rows[name])

    def join(self, path: str, values: Iterable[Bytes]) -> None:
        """Add strings or blobs of a column, in their order."""
        crc = self.blobs.get(path, 0)
        for value in values:
            crc = zlib.crc32(value, crc)
        self.blobs[path] = crc


@dataclass
class Facts:
    """A recording: its topics by name."""

    topics: dict[str, TopicFacts] = field(default_factory=dict)

    def of(self, topic: str) -> TopicFacts:
        """The facts of a topic, new at first."""
        return self.topics.setdefault(topic, TopicFacts())

    @property
    def messages(self) -> int:
        """Messages of all topics."""
        return sum(topic.messages for topic in self.topics.values())

    @property
    def size(self) -> int:
        """Bytes of all messages."""
        return sum(topic.size for topic in self.topics.values())

    def write(self, path: Path) -> None:
        """Write as JSON."""
        path.write_text(json.dumps({name: asdict(topic) for name, topic in self.topics.items()}, indent=1))

    @classmethod
    def read(cls, path: Path) -> "Facts":
        """Read what `write` wrote."""
        content: Mapping[str, dict[str, Any]] = json.loads(path.read_text())
        return cls({name: TopicFacts(**topic) for name, topic in content.items()})


def bits(values: NDArray[Any]) -> int:
    """Sum of the bits of numbers as 64-bit ones, modulo 2^64: the same whatever their order."""
    kind = np.float64 if values.dtype.kind == "f" else np.int64
    whole = np.ascontiguousarray(values).astype(kind, copy=False).view(np.uint64)
    return int(whole.sum(dtype=np.uint64))


if __name__ == "__main__":  # what is in recordings, for the report
    known = [Facts.read(Path(name).with_suffix(".facts.json")) for name in sys.argv[1:]]
    print(
        json.dumps({"messages": sum(f.messages for f in known), "message_bytes": sum(f.size for f in known)})
    )
