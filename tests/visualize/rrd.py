"""Rerun recordings as tests look at them, and small MCAP files to make them from."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from mcap.writer import CompressionType, Writer
from rerun.chunk import RrdReader

from bagmill.options import VisualizeOptions
from bagmill.report import Report
from bagmill.visualize import visualize
from bagmill.visualize.sdk import run_cli
from bagmill.visualize.tally import components

SECOND = 1_000_000_000


class Message(NamedTuple):
    """One message to write; times in ns."""

    topic: str
    data: bytes
    log_time: int
    schema: tuple[str, str, bytes] = ("", "", b"")
    encoding: str = "json"


class Shown(NamedTuple):
    """A finished run."""

    path: Path
    report: Report

    @property
    def topics(self) -> Mapping[str, Any]:
        return dict(self.report.body["topics"])


def show(recording: Path, output: Path, **options: Any) -> Shown:
    """Visualize into a new folder."""
    output.mkdir(parents=True)
    report = visualize(recording, output, VisualizeOptions(**options))
    return Shown(output / "recording.rrd", report)


def write_mcap(path: Path, messages: Iterable[Message], *, chunked: bool = True) -> Path:
    """Write messages in the order given."""
    with path.open("wb") as file:
        writer = Writer(file, compression=CompressionType.ZSTD, use_chunking=chunked)
        writer.start()
        channels: dict[tuple[object, ...], int] = {}
        for message in messages:
            key = (message.topic, message.schema, message.encoding)
            if key not in channels:
                schema = writer.register_schema(*message.schema) if message.schema[0] else 0
                channels[key] = writer.register_channel(message.topic, message.encoding, schema)
            writer.add_message(channels[key], message.log_time, message.data, message.log_time)
        writer.finish()  # type: ignore[no-untyped-call]
    return path


def json_messages(topic: str, name: str, values: Iterable[Mapping[str, Any]]) -> list[Message]:
    """JSON messages a second apart; types come from the messages."""
    schema = (name, "jsonschema", b'{"type": "object"}')
    return [
        Message(topic, json.dumps(value).encode(), (number + 1) * SECOND, schema)
        for number, value in enumerate(values)
    ]


def rows_in(path: Path) -> dict[str, Counter[str]]:
    """Entity → component → rows, read back without the program's own counting."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for chunk in RrdReader(path).stream():
        for component, values in components(chunk.to_record_batch()):
            found[chunk.entity_path][component] += sum(value is not None for value in values.to_pylist())
    return found


def values_in(path: Path, entity: str, component: str) -> list[Any]:
    """All rows of a component in the order of their log times; static ones first."""
    rows: list[tuple[int, Any]] = []
    for chunk in RrdReader(path).stream():
        if chunk.entity_path != entity:
            continue
        batch = chunk.to_record_batch()
        columns = dict(components(batch))
        if component in columns:
            times = (
                [0] * len(batch)
                if chunk.is_static
                else batch.column("message_log_time").cast("int64").to_pylist()
            )
            rows += zip(times, columns[component].to_pylist(), strict=True)
    return [value for _, value in sorted(rows, key=lambda row: row[0])]


def equal(one: Path, other: Path) -> bool:
    """Whether two files hold the same data."""
    return run_cli("rrd", "compare", "--unordered", str(one), str(other)).returncode == 0
