"""Small recordings for tests, written with the `mcap` package, and datasets made of them."""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from mcap.writer import CompressionType, Writer

from bagmill.convert import convert
from bagmill.options import ConvertOptions
from bagmill.report import Report

SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND
POINT = "float64 x\nfloat64 y"


@dataclass(frozen=True)
class Sent:
    """A message; `publish_time` is `log_time` unless given. Times in ns."""

    data: bytes
    log_time: int
    publish_time: int | None = None


@dataclass(frozen=True)
class Stream:
    """A channel with its messages. `schema`: name, encoding and data; None for no schema."""

    topic: str
    schema: tuple[str, str, bytes] | None
    encoding: str
    messages: Sequence[Sent] = field(default_factory=tuple)


def point(x: float, y: float) -> bytes:
    """A ROS 2 payload of `POINT`."""
    return b"\0\1\0\0" + struct.pack("<dd", x, y)


def points(topic: str, count: int, *, name: str = "pkg/msg/Point", first: int = 0) -> Stream:
    """`count` points, one each second."""
    sent = [Sent(point(n, -n), START + n * SECOND) for n in range(first, first + count)]
    return Stream(topic, (name, "ros2msg", POINT.encode()), "cdr", sent)


def texts(topic: str, *payloads: bytes, schema: tuple[str, str, bytes] | None = None) -> Stream:
    """JSON messages, one each second."""
    sent = [Sent(payload, START + n * SECOND) for n, payload in enumerate(payloads)]
    return Stream(topic, schema, "json", sent)


def record(
    path: Path,
    *streams: Stream,
    chunk_size: int = 1 << 20,
    metadata: Mapping[str, dict[str, str]] | None = None,
) -> Path:
    """Write a recording in which the messages of all streams take turns; `metadata` are records by name."""
    with path.open("wb") as file:
        writer = Writer(file, chunk_size=chunk_size, compression=CompressionType.ZSTD)
        writer.start(profile="", library="test")
        schemas: dict[tuple[str, str, bytes], int] = {}
        channels = []
        for stream in streams:
            if stream.schema is not None and stream.schema not in schemas:
                name, encoding, data = stream.schema
                schemas[stream.schema] = writer.register_schema(name, encoding, data)
            number = 0 if stream.schema is None else schemas[stream.schema]
            channels.append(writer.register_channel(stream.topic, stream.encoding, number))
        for turn in range(max((len(stream.messages) for stream in streams), default=0)):
            for channel, stream in zip(channels, streams, strict=True):
                if turn < len(stream.messages):
                    sent = stream.messages[turn]
                    published = sent.log_time if sent.publish_time is None else sent.publish_time
                    writer.add_message(channel, sent.log_time, sent.data, published, sequence=turn)
        for name, values in (metadata or {}).items():
            writer.add_metadata(name, values)
        writer.finish()  # type: ignore[no-untyped-call]
    return path


@dataclass(frozen=True)
class Dataset:
    """What a conversion left behind."""

    folder: Path
    report: Report

    @property
    def topics(self) -> dict[str, Any]:
        """The tables as the manifest names them."""
        found: dict[str, Any] = self.report.body["topics"]
        return found

    def rows(self, key: str) -> list[dict[str, Any]]:
        """The rows of a table."""
        return [row for name in self.topics[key]["files"] for row in read(self.folder / name)]

    @property
    def unreadable(self) -> list[dict[str, Any]]:
        """The rows of the unreadable messages."""
        return [row for name in self.report.body["unreadable"] for row in read(self.folder / name)]

    @property
    def codes(self) -> list[str]:
        """The codes of the warnings."""
        return [warning.code for warning in self.report.warnings]


def read(path: Path) -> list[dict[str, Any]]:
    """The rows of one file, times as ns."""
    table = pq.ParquetFile(path).read()
    times = [name for name in ("log_time", "publish_time") if name in table.column_names]
    for name in times:
        at = table.column_names.index(name)
        table = table.set_column(at, name, table.column(name).cast("int64"))
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows


def dataset(recording: Path, folder: Path, **options: Any) -> Dataset:
    """Convert a recording into a new folder."""
    folder.mkdir()
    return Dataset(folder, convert(recording, folder, ConvertOptions(**options)))
