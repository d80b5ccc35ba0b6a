"""Records of an MCAP file and how their bytes are read (MCAP specification, "Records" and "Serialization").

Everything is little-endian. A record is an opcode (1 byte), the length of its content (uint64) and the
content; fields that are added at the end of a content by later versions are ignored.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from struct import Struct
from struct import error as StructError  # noqa: N812

MAGIC = b"\x89MCAP0\r\n"
"""First and last eight bytes of every file; the `0` is the major version."""

HEAD = Struct("<BQ")
"""Opcode and content length, in front of every record."""

HEAD_SIZE = HEAD.size
MESSAGE_HEAD_SIZE = 22
"""Channel id, sequence, log time and publish time, in front of a message's own bytes."""

MESSAGE_START = HEAD_SIZE + MESSAGE_HEAD_SIZE
"""From the start of a message record to the message's own bytes."""

MAX_RECORD = 1 << 30
"""Records (and decompressed chunks) above 1 GiB are never taken into memory whole."""

SLACK = 1 << 16
"""Most bytes behind a record's known fields, for fields of later versions; more is a wrong length."""

_U16, _U32, _U64 = Struct("<H"), Struct("<I"), Struct("<Q")


class Opcode(IntEnum):
    """Kinds of records. 0x10 to 0x7F are reserved, 0x80 to 0xFF are private; both are skipped."""

    HEADER = 0x01
    FOOTER = 0x02
    SCHEMA = 0x03
    CHANNEL = 0x04
    MESSAGE = 0x05
    CHUNK = 0x06
    MESSAGE_INDEX = 0x07
    CHUNK_INDEX = 0x08
    ATTACHMENT = 0x09
    ATTACHMENT_INDEX = 0x0A
    STATISTICS = 0x0B
    METADATA = 0x0C
    METADATA_INDEX = 0x0D
    SUMMARY_OFFSET = 0x0E
    DATA_END = 0x0F


SUMMARY_OPCODES = frozenset(
    {
        Opcode.SCHEMA,
        Opcode.CHANNEL,
        Opcode.CHUNK_INDEX,
        Opcode.ATTACHMENT_INDEX,
        Opcode.METADATA_INDEX,
        Opcode.STATISTICS,
        Opcode.SUMMARY_OFFSET,
    }
)
"""What may stand between DataEnd and Footer."""


class Malformed(ValueError):
    """Bytes that don't follow the specification. Internal: callers turn it into a loss or an error."""


@dataclass(frozen=True, slots=True)
class Header:
    """First record of a file."""

    profile: str
    library: str


@dataclass(frozen=True, slots=True)
class Schema:
    """A message definition; `data` is in the language that `encoding` names."""

    id: int
    name: str
    encoding: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Channel:
    """A stream of messages on a topic; `schema_id` 0 means that there is no schema."""

    id: int
    topic: str
    message_encoding: str
    schema_id: int
    metadata: dict[str, str]


@dataclass(frozen=True, slots=True)
class ChunkIndex:
    """Where a chunk stands. Offsets and lengths in bytes of the file, times in ns (both inclusive).

    `message_index_length` is the size of all MessageIndex records behind the chunk, 0 where there are none
    (or where the file has no chunk index and this entry was made by a scan).
    """

    offset: int
    length: int
    start_time: int
    end_time: int
    compression: str
    compressed_size: int
    uncompressed_size: int
    message_index_length: int = 0
    index_map: bytes = b""

    @property
    def end(self) -> int:
        """Offset of the first byte behind the chunk record."""
        return self.offset + self.length

    @property
    def message_index_offsets(self) -> dict[int, int]:
        """Channel id to the file offset of its MessageIndex record; empty where none are known.

        Read when asked for: a long recording has many chunks, and few callers need it.
        """
        return dict(_PAIR.iter_unpack(self.index_map))

    @property
    def indexed_messages(self) -> int | None:
        """How many messages the MessageIndex records name, by their sizes; None if that can't be told."""
        entries = self.message_index_length - (len(self.index_map) // _PAIR.size) * (HEAD_SIZE + 6)
        return entries // 16 if entries >= 0 and entries % 16 == 0 else None


_PAIR = Struct("<HQ")


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file in the recording. `offset` and `length` are its record's, `size` is its data's; times in ns."""

    name: str
    media_type: str
    offset: int
    length: int
    size: int
    log_time: int
    create_time: int


@dataclass(frozen=True, slots=True)
class Metadata:
    """Named key-value pairs; the values stand in the record of `length` bytes at `offset`."""

    name: str
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class Statistics:
    """What the writer counted. Times in ns; `channel_message_counts` may be missing, and is empty then."""

    message_count: int
    schema_count: int
    channel_count: int
    attachment_count: int
    metadata_count: int
    chunk_count: int
    start_time: int
    end_time: int
    channel_message_counts: dict[int, int]


@dataclass(frozen=True, slots=True)
class Footer:
    """Last record of a file; `offset` is its own, a start of 0 means that there is no such section."""

    offset: int
    summary_start: int
    summary_offset_start: int
    summary_crc: int


@dataclass(frozen=True, slots=True)
class ChunkHead:
    """A chunk's fields in front of its records. `data_offset` is a file offset; `crc` 0: not computed."""

    offset: int
    length: int
    start_time: int
    end_time: int
    uncompressed_size: int
    crc: int
    compression: str
    data_offset: int
    data_size: int


class Fields:
    """Reads fields one after the other and raises Malformed where the bytes end too early."""

    __slots__ = ("_at", "_data")

    def __init__(self, data: bytes | memoryview, at: int = 0) -> None:
        self._data = data
        self._at = at

    @property
    def at(self) -> int:
        """Position of the next field."""
        return self._at

    def u16(self) -> int:
        """Read a uint16."""
        return self._number(_U16)

    def u32(self) -> int:
        """Read a uint32."""
        return self._number(_U32)

    def u64(self) -> int:
        """Read a uint64, also a time in ns."""
        return self._number(_U64)

    def take(self, size: int) -> bytes:
        """Read `size` bytes."""
        end = self._at + size
        if end > len(self._data):
            raise Malformed(f"a field of {size} bytes runs past the end of its record")
        part = bytes(self._data[self._at : end])
        self._at = end
        return part

    def blob(self) -> bytes:
        """Read bytes behind their uint32 length."""
        return self.take(self.u32())

    def text(self) -> str:
        """Read a string. The specification asks for UTF-8; other bytes are kept visible as `\\xff`."""
        return self.blob().decode("utf-8", "backslashreplace")

    def text_map(self) -> dict[str, str]:
        """Read a map of strings; of a key that is there twice the last value stays."""
        body = Fields(self.blob())
        return dict(body._text_pairs())

    def counts(self) -> dict[int, int]:
        """Read a map of uint16 to uint64."""
        return dict(_PAIR.iter_unpack(self.pairs()))

    def pairs(self) -> bytes:
        """Read the bytes of a map of uint16 to uint64."""
        body = self.blob()
        if len(body) % _PAIR.size:
            raise Malformed("a map of channel ids is not a whole number of entries")
        return body

    def _text_pairs(self) -> Iterator[tuple[str, str]]:
        while self._at < len(self._data):
            yield self.text(), self.text()

    def _number(self, kind: Struct) -> int:
        try:
            (value,) = kind.unpack_from(self._data, self._at)
        except StructError:
            raise Malformed("a number runs past the end of its record") from None
        self._at += kind.size
        return int(value)


def read_header(content: bytes | memoryview) -> Header:
    """Read the content of a Header record."""
    fields = Fields(content)
    return Header(profile=fields.text(), library=fields.text())


def read_schema(content: bytes | memoryview) -> Schema:
    """Read the content of a Schema record."""
    fields = Fields(content)
    return Schema(id=fields.u16(), name=fields.text(), encoding=fields.text(), data=fields.blob())


def read_channel(content: bytes | memoryview) -> Channel:
    """Read the content of a Channel record."""
    fields = Fields(content)
    channel_id, schema_id = fields.u16(), fields.u16()
    return Channel(channel_id, fields.text(), fields.text(), schema_id, fields.text_map())


def read_chunk_index(content: bytes | memoryview) -> ChunkIndex:
    """Read the content of a ChunkIndex record."""
    fields = Fields(content)
    start_time, end_time, offset, length = fields.u64(), fields.u64(), fields.u64(), fields.u64()
    index_map = fields.pairs()
    index_length, compression = fields.u64(), fields.text()
    compressed, uncompressed = fields.u64(), fields.u64()
    return ChunkIndex(
        offset, length, start_time, end_time, compression, compressed, uncompressed, index_length, index_map
    )


def read_attachment_index(content: bytes | memoryview) -> Attachment:
    """Read the content of an AttachmentIndex record."""
    fields = Fields(content)
    offset, length, log_time, create_time, size = (fields.u64() for _ in range(5))
    return Attachment(fields.text(), fields.text(), offset, length, size, log_time, create_time)


def read_metadata_index(content: bytes | memoryview) -> Metadata:
    """Read the content of a MetadataIndex record."""
    fields = Fields(content)
    offset, length = fields.u64(), fields.u64()
    return Metadata(fields.text(), offset, length)


def read_metadata(content: bytes | memoryview) -> tuple[str, dict[str, str]]:
    """Read the content of a Metadata record: its name and its values."""
    fields = Fields(content)
    return fields.text(), fields.text_map()


def read_attachment_head(content: bytes | memoryview, offset: int, length: int) -> Attachment:
    """Read the fields of an Attachment record in front of its data; `length` is of the whole record in bytes.

    Raises:
        Malformed: they don't agree with the record's length.
    """
    fields = Fields(content)
    log_time, create_time = fields.u64(), fields.u64()
    name, media_type, size = fields.text(), fields.text(), fields.u64()
    if not 0 <= length - (HEAD_SIZE + fields.at + size + 4) <= SLACK:
        raise Malformed("an attachment's length is not its record's")
    return Attachment(name, media_type, offset, length, size, log_time, create_time)


def read_metadata_head(content: bytes | memoryview, offset: int, length: int) -> Metadata:
    """Read the name of a Metadata record; `length` is of the whole record in bytes.

    Raises:
        Malformed: its fields don't agree with the record's length.
    """
    fields = Fields(content)
    name, size = fields.text(), fields.u32()
    if not 0 <= length - (HEAD_SIZE + fields.at + size) <= SLACK:
        raise Malformed("the length of a metadata record is wrong")
    return Metadata(name, offset, length)


def read_statistics(content: bytes | memoryview) -> Statistics:
    """Read the content of a Statistics record."""
    fields = Fields(content)
    messages, schemas = fields.u64(), fields.u16()
    channels, attachments, metadata, chunks = (fields.u32() for _ in range(4))
    start_time, end_time = fields.u64(), fields.u64()
    return Statistics(
        messages, schemas, channels, attachments, metadata, chunks, start_time, end_time, fields.counts()
    )


def read_chunk_head(content: bytes | memoryview, offset: int, length: int) -> ChunkHead:
    """Read the fields of a Chunk record in front of its data.

    Args:
        content: the first bytes of the record's content.
        offset: file offset of the record.
        length: length of the record, opcode and length field included.

    Raises:
        Malformed: too short, or the data's own length doesn't fit into the record.
    """
    fields = Fields(content)
    start_time, end_time, uncompressed, crc = fields.u64(), fields.u64(), fields.u64(), fields.u32()
    compression, size = fields.text(), fields.u64()
    head = ChunkHead(
        offset,
        length,
        start_time,
        end_time,
        uncompressed,
        crc,
        compression,
        offset + HEAD_SIZE + fields.at,
        size,
    )
    if HEAD_SIZE + fields.at + size > length:
        raise Malformed("a chunk's data is longer than its record")
    return head


def read_footer(content: bytes | memoryview, offset: int) -> Footer:
    """Read the content of a Footer record that stands at `offset`."""
    fields = Fields(content)
    return Footer(offset, fields.u64(), fields.u64(), fields.u32())


def split_records(data: bytes | memoryview, at: int = 0) -> Iterator[tuple[int, int, int]]:
    """Go through records that fill `data` from `at` on.

    Yields:
        opcode, start and end of the content within `data`.

    Raises:
        Malformed: the records don't end where `data` ends.
    """
    size = len(data)
    while at < size:
        if at + HEAD_SIZE > size:
            raise Malformed("a record's head is cut off")
        opcode, length = HEAD.unpack_from(data, at)
        start = at + HEAD_SIZE
        if opcode == 0 or length > size - start:
            raise Malformed(f"the record at byte {at} of the section is not valid")
        at = start + length
        yield opcode, start, at
