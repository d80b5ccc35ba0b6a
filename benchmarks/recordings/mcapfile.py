"""Writes MCAP as a recorder does, but many messages at a time: 1 M of them take seconds, not minutes.

Chunks of about 768 KiB (the default of the C++ library, also in rosbag2), each with its CRC and the message
indexes of its channels behind it; then a summary with everything. All records but the messages and their
indexes are written by the `mcap` package, and its reader reads the files in a test.
"""

import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

import numpy as np
import pyarrow as pa
from mcap.data_stream import RecordBuilder
from mcap.opcode import Opcode
from mcap.records import (
    Channel,
    Chunk,
    ChunkIndex,
    DataEnd,
    Footer,
    Header,
    McapRecord,
    Schema,
    Statistics,
    SummaryOffset,
)
from numpy.typing import NDArray

MAGIC = b"\x89MCAP0\r\n"
CHUNK_BYTES = 768 * 1024
_HEAD = np.dtype(
    [
        ("opcode", "u1"),
        ("length", "<u8"),
        ("channel", "<u2"),
        ("sequence", "<u4"),
        ("log", "<u8"),
        ("pub", "<u8"),
    ]
)
_CODECS = {"zstd": ("zstd", 1), "lz4": ("lz4", None)}

Int64 = NDArray[np.int64]


@dataclass(frozen=True)
class Batch:
    """Messages of one channel with their times in ns; log times rise."""

    channel: int
    log_time: Int64
    publish_time: Int64
    messages: Sequence[bytes | memoryview]


@dataclass
class McapFile:
    """An MCAP file that is being written; `compression` is `zstd` or `lz4`."""

    file: BinaryIO
    profile: str
    compression: str
    _schemas: list[Schema] = field(default_factory=list)
    _channels: list[Channel] = field(default_factory=list)
    _chunks: list[ChunkIndex] = field(default_factory=list)
    _counts: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        name, level = _CODECS[self.compression]
        self._codec = pa.Codec(name, compression_level=level)
        self.file.write(MAGIC + _bytes(Header(profile=self.profile, library="bagmill benchmarks")))

    def channel(self, topic: str, encoding: str, schema: tuple[str, str, bytes]) -> int:
        """Make a channel with a schema of its own (name, encoding, data); returns its id."""
        number = len(self._channels) + 1
        name, schema_encoding, data = schema
        self._schemas.append(Schema(id=number, name=name, encoding=schema_encoding, data=data))
        self._channels.append(
            Channel(id=number, topic=topic, message_encoding=encoding, schema_id=number, metadata={})
        )
        self._counts[number] = 0
        return number

    def write(self, batches: Sequence[Batch]) -> None:
        """Write some time of all channels, in the order of log times; ends with a chunk."""
        heads = np.concatenate([self._heads(batch) for batch in batches])
        order = np.argsort(heads["log"], kind="stable")
        head = heads[order]
        messages = [message for batch in batches for message in batch.messages]
        ends = np.cumsum(head["length"].astype(np.int64) + 9)
        for first, last in _cuts(ends):
            parts = self._prelude() + _interleaved(head[first:last], [messages[i] for i in order[first:last]])
            self._write_chunk(head[first:last], b"".join(parts))

    def finish(self) -> None:
        """Write the summary."""
        self.file.write(_bytes(DataEnd(0)))
        start = self.file.tell()
        groups: list[Sequence[McapRecord]] = [
            self._schemas,
            self._channels,
            [self._statistics()],
            self._chunks,
        ]
        opcodes = [Opcode.SCHEMA, Opcode.CHANNEL, Opcode.STATISTICS, Opcode.CHUNK_INDEX]
        summary, offsets = b"", b""
        for opcode, group in zip(opcodes, groups, strict=True):
            data = b"".join(map(_bytes, group))
            offsets += _bytes(SummaryOffset(opcode, group_start=start + len(summary), group_length=len(data)))
            summary += data
        offset_start = start + len(summary)
        crc = zlib.crc32(summary + offsets + struct.pack("<BQQQ", Opcode.FOOTER, 20, start, offset_start))
        footer = Footer(summary_start=start, summary_offset_start=offset_start, summary_crc=crc)
        self.file.write(summary + offsets + _bytes(footer) + MAGIC)

    def _heads(self, batch: Batch) -> NDArray[np.void]:
        heads = np.zeros(len(batch.messages), _HEAD)
        heads["opcode"] = Opcode.MESSAGE
        heads["length"] = np.fromiter(map(len, batch.messages), np.int64) + 22
        heads["channel"] = batch.channel
        heads["sequence"] = self._counts[batch.channel] + np.arange(len(heads))
        heads["log"], heads["pub"] = batch.log_time, batch.publish_time
        self._counts[batch.channel] += len(heads)
        return heads

    def _prelude(self) -> list[bytes | memoryview]:
        """Schemas and channels stand at the beginning of the first chunk."""
        if self._chunks:
            return []
        return [_bytes(record) for pair in zip(self._schemas, self._channels, strict=True) for record in pair]

    def _write_chunk(self, head: NDArray[np.void], data: bytes) -> None:
        start = self.file.tell()
        compressed = self._codec.compress(data, asbytes=True)
        first, last = int(head["log"].min()), int(head["log"].max())
        chunk = Chunk(
            compression=self.compression,
            data=compressed,
            message_start_time=first,
            message_end_time=last,
            uncompressed_crc=zlib.crc32(data),
            uncompressed_size=len(data),
        )
        self.file.write(_bytes(chunk))
        end = self.file.tell()
        places = self._write_indexes(head, len(data))
        self._chunks.append(
            ChunkIndex(
                chunk_start_offset=start,
                chunk_length=end - start,
                compression=self.compression,
                compressed_size=len(compressed),
                uncompressed_size=len(data),
                message_start_time=first,
                message_end_time=last,
                message_index_offsets=places,
                message_index_length=self.file.tell() - end,
            )
        )

    def _write_indexes(self, head: NDArray[np.void], size: int) -> dict[int, int]:
        """Write a MessageIndex for each channel; returns where they stand."""
        lengths = head["length"].astype(np.int64) + 9
        offsets = size - lengths.sum() + np.cumsum(lengths) - lengths
        entries = np.column_stack([head["log"].astype("<u8"), offsets.astype("<u8")])
        places = {}
        for channel in np.unique(head["channel"]):
            data = entries[head["channel"] == channel].tobytes()
            places[int(channel)] = self.file.tell()
            self.file.write(
                struct.pack("<BQHI", Opcode.MESSAGE_INDEX, 6 + len(data), channel, len(data)) + data
            )
        return places

    def _statistics(self) -> Statistics:
        return Statistics(
            attachment_count=0,
            channel_count=len(self._channels),
            channel_message_counts=self._counts,
            chunk_count=len(self._chunks),
            message_count=sum(self._counts.values()),
            metadata_count=0,
            message_start_time=min((chunk.message_start_time for chunk in self._chunks), default=0),
            message_end_time=max((chunk.message_end_time for chunk in self._chunks), default=0),
            schema_count=len(self._schemas),
        )


def _bytes(record: McapRecord) -> bytes:
    builder = RecordBuilder()
    record.write(builder)
    return bytes(builder.end())  # type: ignore[no-untyped-call]


def _cuts(ends: Int64) -> Iterator[tuple[int, int]]:
    """Ranges of messages that become a chunk: it is closed by the message that fills it."""
    first = 0
    while first < len(ends):
        before = int(ends[first - 1]) if first else 0
        last = min(int(np.searchsorted(ends, before + CHUNK_BYTES)) + 1, len(ends))
        yield first, last
        first = last


def _interleaved(head: NDArray[np.void], messages: Sequence[bytes | memoryview]) -> list[bytes | memoryview]:
    """Head and content of each message in turn."""
    data, size = memoryview(head.tobytes()), _HEAD.itemsize
    parts: list[bytes | memoryview] = [b""] * (2 * len(messages))
    parts[::2] = [data[place : place + size] for place in range(0, len(data), size)]
    parts[1::2] = messages
    return parts
