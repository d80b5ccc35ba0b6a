"""Recordings made on purpose to have one fault each, and what the doctor says about them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcap.writer import Writer

from bagmill.doctor import Diagnosis, Finding, diagnose
from tests.convert.making import POINT, point

SECOND = 1_000_000_000
MS = 1_000_000
START = 1_700_000_000 * SECOND
SCHEMA = ("pkg/msg/Point", "ros2msg", POINT.encode())


@dataclass(frozen=True)
class Sent:
    """A message; times in ns."""

    topic: str
    log_time: int
    publish_time: int
    sequence: int
    data: bytes


def steady(
    count: int, *, topic: str = "/p", hertz: float = 100, first: int = START, start: int = 0
) -> list[Sent]:
    """Messages at one rate, each published 1 ms before it was logged, numbered from `start`."""
    step = round(SECOND / hertz)
    return [
        Sent(topic, first + step * n, first + step * n - MS, start + n, point(start + n, 1))
        for n in range(count)
    ]


def without(sent: Sequence[Sent], first: int, last: int) -> list[Sent]:
    """Leave out messages `first` to `last`, numbers closed up."""
    kept = [*sent[:first], *sent[last:]]
    return [
        Sent(one.topic, one.log_time, one.publish_time, number, one.data) for number, one in enumerate(kept)
    ]


def write(path: Path, sent: Iterable[Sent], *, chunk_size: int = 1 << 20, **topics: Any) -> Path:
    """Write messages as they come. `topics`: other schemas (name, encoding, data), message encodings."""
    with path.open("wb") as file:
        writer = Writer(file, chunk_size=chunk_size)
        writer.start()
        schema = writer.register_schema(*SCHEMA)
        channels: dict[str, int] = {}
        for one in sent:
            if one.topic not in channels:
                channels[one.topic] = writer.register_channel(one.topic, "cdr", schema)
            writer.add_message(channels[one.topic], one.log_time, one.data, one.publish_time, one.sequence)
        writer.finish()  # type: ignore[no-untyped-call]
    return path


def examined(folder: Path, sent: Iterable[Sent], **how: Any) -> Diagnosis:
    """Write messages and examine the recording."""
    return diagnose(write(folder / "made.mcap", sent, **how))


def examined_bytes(folder: Path, content: bytes) -> Diagnosis:
    """Examine bytes made by hand."""
    path = folder / "made.mcap"
    path.write_bytes(content)
    return diagnose(path)


def codes(diagnosis: Diagnosis) -> list[str]:
    """The codes of all findings."""
    return [finding.code for finding in diagnosis.findings]


def the(diagnosis: Diagnosis, code: str) -> Finding:
    """The only finding of a code."""
    (found,) = [finding for finding in diagnosis.findings if finding.code == code]
    return found
