"""MCAP bytes made by hand, for every layout and every fault; and a plain look at what the reader gives."""

import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Self

import lz4.frame
import zstandard

from bagmill.options import OnCorrupt
from bagmill.recording import Loss, Recording

MAGIC = b"\x89MCAP0\r\n"


class Message(NamedTuple):
    """One message as it stands in a file."""

    channel: int
    sequence: int
    log_time: int
    publish_time: int
    data: bytes


def text(value: str | bytes) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return struct.pack("<I", len(data)) + data


def text_map(values: dict[str, str]) -> bytes:
    return text(b"".join(text(key) + text(value) for key, value in values.items()))


def number_map(values: dict[int, int]) -> bytes:
    return text(b"".join(struct.pack("<HQ", key, value) for key, value in values.items()))


def record(opcode: int, content: bytes) -> bytes:
    return struct.pack("<BQ", opcode, len(content)) + content


def header(profile: str = "", library: str = "by hand") -> bytes:
    return record(0x01, text(profile) + text(library))


def schema(number: int, name: str = "Example", encoding: str = "c", data: bytes = b"def") -> bytes:
    return record(0x03, struct.pack("<H", number) + text(name) + text(encoding) + text(data))


def channel(number: int, topic: str = "/a", schema_id: int = 1, encoding: str = "json") -> bytes:
    fields = struct.pack("<HH", number, schema_id) + text(topic) + text(encoding)
    return record(0x04, fields + text_map({"foo": "bar"}))


def message(content: Message) -> bytes:
    head = struct.pack("<HIQQ", content.channel, content.sequence, content.log_time, content.publish_time)
    return record(0x05, head + content.data)


def message_index(number: int, entries: Iterable[tuple[int, int]]) -> bytes:
    pairs = b"".join(struct.pack("<QQ", *entry) for entry in entries)
    return record(0x07, struct.pack("<H", number) + text(pairs))


def attachment(name: str, data: bytes, *, crc: int | None = None) -> bytes:
    fields = struct.pack("<QQ", 5, 6) + text(name) + text("text/plain") + struct.pack("<Q", len(data)) + data
    return record(0x09, fields + struct.pack("<I", zlib.crc32(fields) if crc is None else crc))


def metadata(name: str, values: dict[str, str]) -> bytes:
    return record(0x0C, text(name) + text_map(values))


def compress(compression: str, data: bytes) -> bytes:
    if compression == "zstd":
        return zstandard.ZstdCompressor(level=1).compress(data)
    if compression == "lz4":
        packed: bytes = lz4.frame.compress(data)
        return packed
    return data


def chunk(
    records: bytes,
    times: tuple[int, int],
    compression: str = "",
    *,
    crc: int | None = None,
    uncompressed: int | None = None,
) -> bytes:
    """A Chunk record; `crc` and `uncompressed` (bytes) are right unless they are given."""
    packed = compress(compression, records)
    size = len(records) if uncompressed is None else uncompressed
    checked = zlib.crc32(records) if crc is None else crc
    fields = struct.pack("<QQQI", *times, size, checked)
    return record(0x06, fields + text(compression) + struct.pack("<Q", len(packed)) + packed)


def messages(count: int, channels: int = 1, *, first: int = 0, size: int = 20) -> list[Message]:
    """Messages in turns on channels 1 to `channels`, 10 ns apart from 1000 on."""
    numbers = range(first, first + count)
    return [
        Message(1 + number % channels, number, 1000 + 10 * number, 1001 + 10 * number, _payload(number, size))
        for number in numbers
    ]


def _payload(number: int, size: int) -> bytes:
    return (struct.pack("<I", number) * (size // 4 + 1))[:size]


@dataclass
class Maker:
    """Puts a file together and keeps the books for its summary."""

    channels: dict[int, bytes] = field(default_factory=dict)
    schemas: dict[int, bytes] = field(default_factory=dict)
    data: bytearray = field(default_factory=lambda: bytearray(MAGIC + header()))
    indexes: list[bytes] = field(default_factory=list)
    counts: dict[int, int] = field(default_factory=dict)
    times: list[int] = field(default_factory=list)
    chunks: int = 0
    extra_statistics: tuple[int, int] = (0, 0)

    @classmethod
    def plain(cls, channels: int = 1) -> Self:
        """One schema, and channels 1 to `channels` on topics `/a`, `/b`, ..."""
        made = cls(schemas={1: schema(1)})
        made.channels = {number: channel(number, f"/{chr(96 + number)}") for number in range(1, channels + 1)}
        return made

    def definitions(self) -> bytes:
        return b"".join([*self.schemas.values(), *self.channels.values()])

    def add(self, data: bytes) -> Self:
        """Append bytes as they are."""
        self.data += data
        return self

    def note(self, *content: Message) -> Self:
        """Count messages for the summary."""
        for one in content:
            self.counts[one.channel] = self.counts.get(one.channel, 0) + 1
            self.times.append(one.log_time)
        return self

    def loose(self, content: Iterable[Message]) -> Self:
        """Append messages outside of chunks."""
        for one in content:
            self.note(one).add(message(one))
        return self

    def chunk(
        self,
        content: list[Message],
        compression: str = "",
        *,
        define: bool = True,
        named: list[Message] | None = None,
        crc: int | None = None,
        between: bytes = b"",
        times: tuple[int, int] | None = None,
    ) -> Self:
        """Append a chunk and its MessageIndex records.

        Args:
            content: its messages.
            compression: its codec.
            define: begin it with all schemas and channels.
            named: the messages that the index names, where that is not all; [] leaves out the index.
            crc: a CRC that is not the right one.
            between: bytes in front of each message.
            times: bounds that are not the right ones.
        """
        records = bytearray(self.definitions() if define else b"")
        entries: dict[int, list[tuple[int, int]]] = {}
        for one in content:
            records += between
            if named is None or one in named:
                entries.setdefault(one.channel, []).append((one.log_time, len(records)))
            records += message(one)
        log_times = [one.log_time for one in content] or [0]
        bounds = times or (min(log_times), max(log_times))
        self.note(*content)
        return self.raw_chunk(chunk(bytes(records), bounds, compression, crc=crc), bounds, entries)

    def raw_chunk(
        self, made: bytes, bounds: tuple[int, int], entries: dict[int, list[tuple[int, int]]]
    ) -> Self:
        """Append a Chunk record and its MessageIndex records, and note its ChunkIndex."""
        start = len(self.data)
        self.add(made)
        places: dict[int, int] = {}
        after = len(self.data)
        for number, pairs in entries.items():
            places[number] = len(self.data)
            self.add(message_index(number, pairs))
        (uncompressed,) = struct.unpack_from("<Q", made, 9 + 16)
        (name_size,) = struct.unpack_from("<I", made, 9 + 28)
        compression = made[9 + 32 : 9 + 32 + name_size]
        self.chunks += 1
        self.indexes.append(
            record(
                0x08,
                struct.pack("<QQQQ", *bounds, start, len(made))
                + number_map(places)
                + struct.pack("<Q", len(self.data) - after)
                + text(compression)
                + struct.pack("<QQ", len(made) - 9 - 40 - name_size, uncompressed),
            )
        )
        return self

    def statistics(self) -> bytes:
        first, last = min(self.times, default=0), max(self.times, default=0)
        numbers = struct.pack(
            "<QHIIIIQQ",
            sum(self.counts.values()),
            len(self.schemas),
            len(self.channels),
            *self.extra_statistics,
            self.chunks,
            first,
            last,
        )
        return record(0x0B, numbers + number_map(self.counts))

    def finish(
        self,
        *,
        summary: bool = True,
        repeat: bool = True,
        statistics: bool = True,
        indexes: bool = True,
        crc: bool = True,
        data_crc: bool = False,
        more: bytes = b"",
    ) -> bytes:
        """End the data section, write the parts of the summary that are asked for, and the footer."""
        made = bytes(self.data)
        made += record(0x0F, struct.pack("<I", zlib.crc32(made) if data_crc else 0))
        section = b""
        if summary:
            section += self.definitions() if repeat else b""
            section += self.statistics() if statistics else b""
            section += b"".join(self.indexes) if indexes else b""
            section += more
        return made + section + footer(len(made) if section else 0, section, crc=crc)


def footer(start: int, section: bytes, *, crc: bool = True) -> bytes:
    """Footer and magic bytes behind a summary section."""
    head = struct.pack("<BQQQ", 0x02, 20, start, 0)
    checked = zlib.crc32(section + head) if crc else 0
    return head + struct.pack("<I", checked) + MAGIC


class Read(NamedTuple):
    """What a reader gave: all messages in its order, and what it said was lost."""

    messages: list[Message]
    losses: list[Loss]

    @property
    def told(self) -> bool:
        """Whether it said that something is missing."""
        return any(not loss.harmless for loss in self.losses)

    @property
    def lost(self) -> dict[str, int]:
        """Messages known to be lost, by topic."""
        total: dict[str, int] = {}
        for loss in self.losses:
            for topic, count in loss.messages.items():
                total[topic] = total.get(topic, 0) + count
        return total


def messages_of(recording: Recording, **asked: object) -> Iterator[Message]:
    """Messages one by one, copied out of the blocks."""
    for block in recording.blocks(**asked):  # type: ignore[arg-type]
        rows = zip(
            block.channel_id.tolist(),
            block.sequence.tolist(),
            block.log_time.tolist(),
            block.publish_time.tolist(),
            block.start.tolist(),
            block.end.tolist(),
            strict=True,
        )
        for number, sequence, log_time, publish_time, start, end in rows:
            data = block.buffer[start:end].tobytes()
            yield Message(number, sequence, log_time, publish_time, data)


def read(path: Path, content: bytes | None = None, **asked: object) -> Read:
    """Write `content` to `path` if there is any, and read it."""
    if content is not None:
        path.write_bytes(content)
    with Recording.open(path) as recording:
        return Read(list(messages_of(recording, **asked)), recording.losses)


FAIL = OnCorrupt.FAIL
