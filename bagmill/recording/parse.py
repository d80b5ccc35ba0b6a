"""How the bytes of records are read (MCAP specification, "Serialization")."""

from collections.abc import Iterator
from struct import Struct
from struct import error as StructError  # noqa: N812

from bagmill.recording.records import (
    HEAD,
    HEAD_SIZE,
    PAIR,
    SLACK,
    Attachment,
    Channel,
    ChunkHead,
    ChunkIndex,
    Footer,
    Header,
    Malformed,
    Metadata,
    Schema,
    Statistics,
)

_U16, _U32, _U64 = Struct("<H"), Struct("<I"), Struct("<Q")
_CHUNK_START = Struct("<QQQI")
"""Start and end time, uncompressed size and CRC of a chunk."""


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
        return dict(PAIR.iter_unpack(self.pairs()))

    def pairs(self) -> bytes:
        """Read the bytes of a map of uint16 to uint64."""
        body = self.blob()
        if len(body) % PAIR.size:
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


def read_attachment_head(
    content: bytes | memoryview, offset: int, length: int, slack: int = SLACK
) -> Attachment:
    """Read the fields of an Attachment record in front of its data.

    Args:
        content: the first bytes of the record's content.
        offset: file offset of the record.
        length: length of the record, opcode and length field included.
        slack: most bytes behind its known fields.

    Raises:
        Malformed: they don't agree with the record's length.
    """
    fields = Fields(content)
    log_time, create_time = fields.u64(), fields.u64()
    name, media_type, size = fields.text(), fields.text(), fields.u64()
    if not 0 <= length - (HEAD_SIZE + fields.at + size + 4) <= slack:
        raise Malformed("an attachment's length is not its record's")
    return Attachment(name, media_type, offset, length, size, log_time, create_time)


def read_metadata_head(content: bytes | memoryview, offset: int, length: int, slack: int) -> Metadata:
    """Read the name of a Metadata record; the arguments are those of `read_attachment_head`.

    Raises:
        Malformed: its fields don't agree with the record's length.
    """
    fields = Fields(content)
    name, size = fields.text(), fields.u32()
    if not 0 <= length - (HEAD_SIZE + fields.at + size) <= slack:
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
    if len(content) < _CHUNK_START.size:
        raise Malformed("a chunk's record is too short")
    start_time, end_time, uncompressed, crc = _CHUNK_START.unpack_from(content)
    fields = Fields(content, _CHUNK_START.size)
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
