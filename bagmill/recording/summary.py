"""The summary of a recording: what it holds, read from the end of the file in one piece.

Sections and their records: MCAP specification, "Summary Section" and "Footer".
"""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

from zlib_ng.zlib_ng import crc32

from bagmill.probe import MAGIC
from bagmill.recording.losses import Loss
from bagmill.recording.parse import (
    read_attachment_index,
    read_channel,
    read_chunk_index,
    read_footer,
    read_metadata_index,
    read_schema,
    read_statistics,
    split_records,
)
from bagmill.recording.records import (
    HEAD,
    HEAD_SIZE,
    SUMMARY_OPCODES,
    Attachment,
    Channel,
    ChunkIndex,
    Footer,
    Malformed,
    Metadata,
    Opcode,
    Schema,
    Statistics,
)
from bagmill.recording.source import Source

MAX_SUMMARY = 1 << 29
"""A summary section above 512 MiB is not taken into memory; the file is scanned instead."""

_FOOTER_SIZE = HEAD_SIZE + 20
_DATA_END_SIZE = HEAD_SIZE + 4


class SummarySource(StrEnum):
    """Where a summary comes from."""

    SUMMARY = "summary"
    SCAN = "scan"


@dataclass(slots=True)
class Summary:
    """What a recording holds.

    `message_counts` is by channel id, 0 for channels without messages. `start_time` and `end_time` are the
    first and last log time in ns, None without messages. `statistics` is the writer's own count, kept also
    where a scan made the rest. Only a scan fills `first_times`, `last_times` (ns) and `payload_bytes` (the
    messages' own bytes), by channel id, and `losses`.
    """

    source: SummarySource = SummarySource.SUMMARY
    schemas: dict[int, Schema] = field(default_factory=dict)
    channels: dict[int, Channel] = field(default_factory=dict)
    chunks: list[ChunkIndex] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    metadata: list[Metadata] = field(default_factory=list)
    message_counts: dict[int, int] = field(default_factory=dict)
    start_time: int | None = None
    end_time: int | None = None
    statistics: Statistics | None = None
    first_times: dict[int, int] = field(default_factory=dict)
    last_times: dict[int, int] = field(default_factory=dict)
    payload_bytes: dict[int, int] | None = None
    losses: tuple[Loss, ...] = ()

    @property
    def chunked(self) -> bool:
        """Whether there are chunks."""
        return bool(self.chunks)

    @property
    def message_count(self) -> int:
        """Number of messages on all channels."""
        return sum(self.message_counts.values())

    def indexes_are_complete(self) -> bool:
        """Whether the MessageIndex records, going by their sizes, name every message that was counted.

        Only then can a chunk without an index for a channel be known to hold nothing of it.
        """
        if self.source is not SummarySource.SUMMARY or not self.chunks:
            return False
        named = [chunk.indexed_messages for chunk in self.chunks]
        return None not in named and sum(count or 0 for count in named) == self.message_count


def read_trailer(source: Source) -> Footer | None:
    """Read the Footer and the magic bytes at the file's end; None where they aren't there."""
    offset = source.size - len(MAGIC) - _FOOTER_SIZE
    if offset < len(MAGIC):
        return None
    data = source.read(offset, _FOOTER_SIZE + len(MAGIC))
    if data[_FOOTER_SIZE:] != MAGIC or HEAD.unpack_from(data) != (Opcode.FOOTER, 20):
        return None
    return read_footer(data[HEAD_SIZE:_FOOTER_SIZE], offset)


def read_summary(source: Source, footer: Footer) -> Summary:
    """Read the summary section that the footer points to, complete or not.

    Raises:
        Malformed: there is none, it is out of place, its CRC doesn't match, or a record in it is not valid.
    """
    start, end = _bounds(footer)
    data = source.read(start, footer.offset + HEAD_SIZE + 16 - start)
    if HEAD.unpack(source.read(start - _DATA_END_SIZE, HEAD_SIZE)) != (Opcode.DATA_END, 4):
        raise Malformed("the summary does not follow the end of the data")
    if footer.summary_crc and crc32(data) != footer.summary_crc:
        raise Malformed("the summary's CRC does not match")
    summary = Summary()
    for opcode, begin, stop in split_records(memoryview(data)[: footer.offset - start]):
        if start + begin - HEAD_SIZE >= end:
            break
        _add_record(summary, opcode, data[begin:stop])
    _take_statistics(summary)
    for chunk in summary.chunks:
        if not len(MAGIC) <= chunk.offset <= chunk.end <= start or chunk.compressed_size > chunk.length:
            raise Malformed("the chunk index points outside of the data section")
    summary.chunks.sort(key=lambda chunk: chunk.offset)
    return summary


def _bounds(footer: Footer) -> tuple[int, int]:
    """Start and end of the summary section, which the summary offsets (if there are any) follow."""
    start, end = footer.summary_start, footer.summary_offset_start or footer.offset
    if start == 0:
        raise Malformed("there is no summary")
    if not len(MAGIC) + _DATA_END_SIZE <= start <= end <= footer.offset:
        raise Malformed("the footer points outside of the file")
    if footer.offset - start > MAX_SUMMARY:
        raise Malformed("the summary is too big to be one")
    return start, end


def _add_record(summary: Summary, opcode: int, content: bytes) -> None:
    match opcode:
        case Opcode.SCHEMA:
            schema = read_schema(content)
            if schema.id:
                summary.schemas.setdefault(schema.id, schema)
        case Opcode.CHANNEL:
            channel = read_channel(content)
            summary.channels.setdefault(channel.id, channel)
        case Opcode.CHUNK_INDEX:
            summary.chunks.append(read_chunk_index(content))
        case Opcode.ATTACHMENT_INDEX:
            summary.attachments.append(read_attachment_index(content))
        case Opcode.METADATA_INDEX:
            summary.metadata.append(read_metadata_index(content))
        case Opcode.STATISTICS:
            summary.statistics = read_statistics(content)
        case _ if opcode <= Opcode.DATA_END and opcode not in SUMMARY_OPCODES:
            raise Malformed(f"a {Opcode(opcode).name.lower()} record stands in the summary")
        case _:
            pass


def _take_statistics(summary: Summary) -> None:
    statistics = summary.statistics
    if statistics is None:
        return
    counts = statistics.channel_message_counts
    summary.message_counts = {channel: counts.get(channel, 0) for channel in summary.channels}
    if statistics.message_count:
        summary.start_time, summary.end_time = statistics.start_time, statistics.end_time


def is_complete(summary: Summary) -> bool:
    """Whether a summary says everything that a scan would: all counts, channels, schemas and indexes."""
    statistics = summary.statistics
    if statistics is None:
        return False
    counts = statistics.channel_message_counts
    schema_ids = {channel.schema_id for channel in summary.channels.values()} - {0}
    have = Counter(
        channels=len(summary.channels),
        schemas=len(summary.schemas),
        chunks=len(summary.chunks),
        attachments=len(summary.attachments),
        metadata=len(summary.metadata),
    )
    want = Counter(
        channels=statistics.channel_count,
        schemas=statistics.schema_count,
        chunks=statistics.chunk_count,
        attachments=statistics.attachment_count,
        metadata=statistics.metadata_count,
    )
    return (
        sum(counts.values()) == statistics.message_count
        and counts.keys() <= summary.channels.keys()
        and schema_ids <= summary.schemas.keys()
        and have >= want
        and statistics.start_time <= statistics.end_time
    )
