"""Index: what a recording holds, as one JSON file and the message definitions beside it.

Costs what reading the summary costs, whatever the recording weighs; without a usable summary it is scanned.
"""

import json
from pathlib import Path
from typing import Any

from bagmill.errors import OutputFailed, RecordingDamaged
from bagmill.probe import shown
from bagmill.recording import Channel, Recording, Schema, Span, Summary
from bagmill.recording.spans import union
from bagmill.recording.times import rfc3339
from bagmill.report import OutputFile, Progress, ProgressSink, Report, Warn, silent
from bagmill.schemafiles import schema_key, schema_paths, write_schemas

SCHEMA_VERSION = 1
FILE = "index.json"

MAX_METADATA = 1 << 20
"""Metadata records above 1 MiB are named in the index, but their values are left out."""


def index(
    recording: Path,
    output: Path,
    options: object = None,  # noqa: ARG001  the same form as convert and visualize
    progress: ProgressSink = silent,
) -> Report:
    """Write `index.json` and `schemas/` below `output`, an empty folder.

    The same recording gives the same bytes. `options` has nothing to choose: an index is of everything.

    Raises:
        RecordingError: the file is no recording, or it is damaged and nothing is readable.
        OutputFailed: the files can't be written.
    """
    with Recording.open(recording) as source:
        summary = source.load_summary(lambda done: progress(Progress("index", done, source.size)))
        content = _Content(source, summary)
        body = content.everything()
        with_text = [schema for schema in summary.schemas.values() if schema.data]
        files = write_schemas(output, with_text)
        _write(output / FILE, body)
        progress(Progress("index", source.size, source.size, {"messages": summary.message_count}))
        return _report(source, summary, files, content.warnings)


class _Content:
    """Makes the content of `index.json`, and collects what the user must know."""

    def __init__(self, source: Recording, summary: Summary) -> None:
        self.warnings = [Warn("damaged", str(loss), {"offset": loss.offset}) for loss in summary.losses]
        self._source = source
        self._summary = summary
        self._spans = source.spans()
        self._files = schema_paths(schema for schema in summary.schemas.values() if schema.data)

    def everything(self) -> dict[str, Any]:
        """The whole content, ready for JSON."""
        source, summary = self._source, self._summary
        return {
            "schema_version": SCHEMA_VERSION,
            "kind": "index",
            "recording": shown(source.path.name),
            "size": source.size,
            "identity": {"size": source.identity.size, "sha256": source.identity.sha256},
            "profile": source.profile,
            "library": source.library,
            "indexed": summary.source.value,
            **_moment("start_time", summary.start_time),
            **_moment("end_time", summary.end_time),
            **_duration(summary.start_time, summary.end_time),
            "messages": summary.message_count,
            "chunks": _chunks(summary),
            "attachments": self._attachments(),
            "metadata": self._metadata(),
            "losses": [loss.facts() for loss in summary.losses],
            "schemas": [
                {"id": schema.id, **self._schema(schema)}
                for schema in sorted(summary.schemas.values(), key=lambda schema: schema.id)
            ],
            "topics": self._topics(),
        }

    def _attachments(self) -> list[dict[str, Any]]:
        return [
            {
                "name": attachment.name,
                "media_type": attachment.media_type,
                "size": attachment.size,
                **_moment("log_time", attachment.log_time),
                **_moment("create_time", attachment.create_time or None),
            }
            for attachment in self._summary.attachments
        ]

    def _metadata(self) -> list[dict[str, Any]]:
        entries = []
        for entry in self._summary.metadata:
            values: dict[str, str] | None = None
            where = {"offset": entry.offset}
            if entry.length > MAX_METADATA:
                text = f"The metadata {entry.name!r} has {entry.length} bytes; its values are left out."
                self.warnings.append(Warn("metadata_too_big", text, where))
            else:
                try:
                    values = self._source.metadata_values(entry)
                except RecordingDamaged as exc:
                    self.warnings.append(Warn("damaged", exc.message, where))
            entries.append({"name": entry.name, "values": values})
        return entries

    def _topics(self) -> dict[str, dict[str, Any]]:
        by_topic: dict[str, list[Channel]] = {}
        for channel in sorted(self._summary.channels.values(), key=lambda channel: channel.id):
            by_topic.setdefault(channel.topic, []).append(channel)
        return {topic: self._topic(by_topic[topic]) for topic in sorted(by_topic)}

    def _topic(self, channels: list[Channel]) -> dict[str, Any]:
        counts, payload = self._summary.message_counts, self._summary.payload_bytes
        messages = sum(counts[channel.id] for channel in channels)
        span = union(self._spans[channel.id] for channel in channels if channel.id in self._spans)
        return {
            "schemas": self._schemas(channels),
            "message_encodings": sorted({channel.message_encoding for channel in channels}),
            "messages": messages,
            "rate_hz": _rate(messages, span),
            **_moment("first_time", span.first if span else None),
            **_moment("last_time", span.last if span else None),
            "exact": span is None or span.exact,
            "bytes": None if payload is None else sum(payload[channel.id] for channel in channels),
            "channels": [
                {
                    "id": channel.id,
                    "schema_id": channel.schema_id,
                    "message_encoding": channel.message_encoding,
                    "messages": counts[channel.id],
                    "metadata": channel.metadata,
                }
                for channel in channels
            ],
        }

    def _schemas(self, channels: list[Channel]) -> list[dict[str, Any]]:
        """Different schemas of a topic, in the order of their channels."""
        known = self._summary.schemas
        used = [known[channel.schema_id] for channel in channels if channel.schema_id in known]
        different = {schema_key(schema): schema for schema in reversed(used)}
        return [self._schema(schema) for schema in reversed(different.values())]

    def _schema(self, schema: Schema) -> dict[str, Any]:
        file = self._files.get(schema_key(schema))
        return {"name": schema.name, "encoding": schema.encoding, "file": file}


def _chunks(summary: Summary) -> dict[str, Any]:
    codecs: dict[str, dict[str, int]] = {}
    for chunk in summary.chunks:
        codec = codecs.setdefault(
            chunk.compression or "none", {"count": 0, "compressed_bytes": 0, "uncompressed_bytes": 0}
        )
        codec["count"] += 1
        codec["compressed_bytes"] += chunk.compressed_size
        codec["uncompressed_bytes"] += chunk.uncompressed_size
    return {"count": len(summary.chunks), "compression": dict(sorted(codecs.items()))}


def _moment(name: str, nanoseconds: int | None) -> dict[str, str | None]:
    """A time as RFC 3339 and as ns (text: JSON numbers lose digits), both null where there is none."""
    if nanoseconds is None:
        return {name: None, f"{name}_ns": None}
    return {name: rfc3339(nanoseconds), f"{name}_ns": str(nanoseconds)}


def _duration(start: int | None, end: int | None) -> dict[str, float | str | None]:
    if start is None or end is None:
        return {"duration_seconds": None, "duration_ns": None}
    return {"duration_seconds": (end - start) / 1e9, "duration_ns": str(end - start)}


def _rate(messages: int, span: Span | None) -> float | None:
    """Messages a second; null where there is no time between them."""
    if messages < 2 or span is None or span.last == span.first:
        return None
    return round((messages - 1) * 1e9 / (span.last - span.first), 6)


def _write(path: Path, content: dict[str, Any]) -> None:
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, indent=2)
    try:
        path.write_bytes(text.encode() + b"\n")
    except OSError as exc:
        raise OutputFailed(f"writing failed: {exc.strerror or exc}", where={"path": shown(path)}) from exc


def _report(source: Recording, summary: Summary, files: list[str], warnings: list[Warn]) -> Report:
    identity = source.identity
    return Report(
        outputs=tuple(OutputFile(path) for path in [FILE, *files]),
        warnings=tuple(warnings),
        counters={"messages": summary.message_count, "bytes": source.size},
        body={
            "source": {
                "name": shown(source.path.name),
                "size": identity.size,
                "sha256": identity.sha256,
            },
            "indexed": summary.source.value,
            "messages": summary.message_count,
            "losses": [loss.facts() for loss in summary.losses],
        },
        complete=all(loss.harmless for loss in summary.losses),
    )
