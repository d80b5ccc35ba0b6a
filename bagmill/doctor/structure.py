"""What the file itself tells: its parts, chunks, CRCs, attachments and metadata."""

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from bagmill.doctor.findings import Finding, Severity, counted
from bagmill.errors import RecordingDamaged
from bagmill.recording import ChunkIndex, Crc, Loss, Recording, Summary, SummarySource
from bagmill.tables import Table

MB = 1 << 20
LARGE_CHUNK = 64 * MB
"""Decompressed bytes; above them a chunk is large."""

SMALL_CHUNK, MANY_CHUNKS = 1 << 14, 100
"""A hundred chunks or more are small if half of them hold less than 16 KiB."""

MOST_CHECKED = 1 << 28
"""Attachments above 256 MiB are not taken into memory to be checked."""


def loss_findings(losses: Sequence[Loss]) -> Iterator[Finding]:
    """Damaged places, those that cost messages first."""
    for loss in sorted(losses, key=lambda loss: loss.harmless):
        where = {"offset": loss.offset} | ({} if loss.length is None else {"length": loss.length})
        severity = Severity.WARNING if loss.harmless else Severity.ERROR
        lost = {topic: count for topic, count in loss.messages.items() if count}
        yield Finding(severity, loss.code, str(loss), None, where, {"messages": lost} if lost else {})


def file_findings(recording: Recording) -> Iterator[Finding]:
    """What is to be said about the file, once all of it has been read."""
    contents = recording.contents
    yield from _summary(recording)
    yield from _chunks(contents.chunks)
    if contents.without_crc:
        yield Finding(
            Severity.INFO,
            "crc_missing",
            f"No CRC was made for {contents.without_crc} of {counted(len(contents.chunks), 'chunk')}.",
            facts={"count": contents.without_crc},
        )
    yield from _attachments(recording)
    yield from _metadata(recording)


def _summary(recording: Recording) -> Iterator[Finding]:
    structure, messages = recording.structure, recording.summary.message_count
    if structure.closed and not structure.has_summary:
        yield Finding(Severity.WARNING, "summary_missing", "There is no summary.")
    elif structure.summary is not None and recording.summary.source is SummarySource.SCAN:
        yield Finding(Severity.WARNING, "summary_incomplete", "The summary does not say all that is there.")
    chunks = recording.contents.chunks
    if messages and not chunks:
        yield Finding(Severity.INFO, "not_chunked", "The messages stand outside of chunks.")
    elif messages and recording.summary.source is SummarySource.SUMMARY:
        indexed = sum(chunk.indexed_messages or 0 for chunk in recording.summary.chunks)
        if indexed < messages:
            text = f"The message indexes name {indexed} of {counted(messages, 'message')}."
            yield Finding(Severity.INFO, "index_missing", text, facts={"count": messages - indexed})


def _chunks(chunks: Sequence[ChunkIndex]) -> Iterator[Finding]:
    sizes = np.array([chunk.uncompressed_size for chunk in chunks], np.float64)
    if not chunks:
        return
    large = sizes > LARGE_CHUNK
    if large.any():
        worst = int(np.argmax(sizes))
        yield Finding(
            Severity.WARNING,
            "chunks_large",
            f"{counted(int(large.sum()), 'chunk')} above {LARGE_CHUNK // MB} MiB, the largest of "
            f"{sizes[worst] / MB:.0f} MiB.",
            where={"offset": chunks[worst].offset},
            facts={"count": int(large.sum()), "largest_bytes": chunks[worst].uncompressed_size},
        )
    if len(chunks) >= MANY_CHUNKS and np.median(sizes) < SMALL_CHUNK:
        median = int(np.median(sizes))
        yield Finding(
            Severity.INFO,
            "chunks_small",
            f"{len(chunks)} chunks, half of them with {median} bytes or less.",
            facts={"count": len(chunks), "median_bytes": median},
        )
    yield from _overlaps([chunk for chunk in chunks if chunk.end_time])


def _overlaps(chunks: Sequence[ChunkIndex]) -> Iterator[Finding]:
    """Chunks with messages that begin before one in front of them ends."""
    starts = np.array([chunk.start_time for chunk in chunks], np.uint64)
    ends = np.maximum.accumulate(np.array([chunk.end_time for chunk in chunks], np.uint64))
    overlapping = np.flatnonzero(starts[1:] < ends[:-1]) + 1
    if overlapping.size:
        disordered = int((starts[1:] < starts[:-1]).sum())
        yield Finding(
            Severity.INFO,
            "chunks_overlap",
            f"Chunks overlap in time: of {len(chunks)}, {overlapping.size} begin before an earlier one ends, "
            f"{disordered} before the one in front begins.",
            where={"offset": chunks[int(overlapping[0])].offset},
            facts={"count": int(overlapping.size), "out_of_order": disordered},
        )


def _attachments(recording: Recording) -> Iterator[Finding]:
    for entry in recording.contents.attachments:
        if entry.length > MOST_CHECKED:
            continue
        try:
            recording.attachment_data(entry)
        except RecordingDamaged as error:
            yield Finding(
                Severity.WARNING, "attachment_damaged", error.message, where={"offset": entry.offset}
            )


def _metadata(recording: Recording) -> Iterator[Finding]:
    entries = recording.contents.metadata
    for entry in entries:
        try:
            recording.metadata_values(entry)
        except RecordingDamaged as error:
            yield Finding(Severity.WARNING, "metadata_damaged", error.message, where={"offset": entry.offset})
    for name, count in Counter(entry.name for entry in entries).items():
        if count > 1:
            text = f"The metadata {name!r} stands there {count} times."
            last = max(entry.offset for entry in entries if entry.name == name)
            yield Finding(
                Severity.INFO, "metadata_repeated", text, where={"offset": last}, facts={"count": count}
            )


def schema_findings(summary: Summary, tables: Sequence[Table]) -> Iterator[Finding]:
    """Definitions that nobody uses, and topics that have several."""
    used = {channel.schema_id for channel in summary.channels.values()}
    for schema in summary.schemas.values():
        if schema.id not in used:
            text = f"No channel uses the schema {schema.name!r}."
            yield Finding(Severity.INFO, "schema_unused", text, where={"schema": schema.id})
    names: dict[str, list[str]] = {}
    for table in tables:
        names.setdefault(table.topic, []).append(table.schema.name if table.schema else "none")
    for topic, own in names.items():
        if len(own) > 1:
            text = f"Its channels have {len(own)} different schemas or encodings: {', '.join(own)}."
            yield Finding(Severity.WARNING, "several_schemas", text, topic, facts={"count": len(own)})


def crc_facts(recording: Recording, losses: Sequence[Loss]) -> dict[str, object]:
    """State of all CRCs: chunks by what was found, the data section, the summary."""
    contents, structure = recording.contents, recording.structure
    places = {chunk.offset for chunk in contents.chunks}
    at = [loss for loss in losses if loss.offset in places]
    wrong = sum(loss.code == "crc_mismatch" for loss in at)
    broken = sum(loss.code != "crc_mismatch" for loss in at)
    summary = Crc.NONE
    if structure.has_summary and structure.summary_crc:
        summary = Crc.RIGHT if structure.summary is not None else Crc.WRONG
    return {
        "chunks": {
            "checked": max(0, len(places) - contents.without_crc - broken),
            "mismatched": wrong,
            "without": contents.without_crc,
        },
        "data_section": recording.check_data_crc().value,
        "summary": summary.value,
    }
