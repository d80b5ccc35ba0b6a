"""Records of an MCAP file (MCAP specification, "Records").

Everything is little-endian. A record is an opcode (1 byte), the length of its content (uint64) and the
content; fields that are added at the end of a content by later versions are ignored.
"""

from enum import IntEnum
from struct import Struct
from typing import ClassVar, NamedTuple

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


PAIR = Struct("<HQ")
"""Entry of a map of channel ids to numbers."""


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

    code: ClassVar[str] = "damaged"

    @property
    def damage(self) -> "Damage":
        """What a loss keeps of it. The exception itself would keep every buffer of its traceback alive."""
        return Damage(str(self), self.code)


class Damage(NamedTuple):
    """Why something is lost: in words, and for machines."""

    reason: str
    code: str = "damaged"


class CrcMismatch(Malformed):
    """Records that are not the ones that were written."""

    code = "crc_mismatch"


class UnknownCompression(Malformed):
    """A chunk that only another program can decompress."""

    code = "unknown_compression"


class Header(NamedTuple):
    """First record of a file."""

    profile: str
    library: str


class Schema(NamedTuple):
    """A message definition; `data` is in the language that `encoding` names."""

    id: int
    name: str
    encoding: str
    data: bytes


class Channel(NamedTuple):
    """A stream of messages on a topic; `schema_id` 0 means that there is no schema."""

    id: int
    topic: str
    message_encoding: str
    schema_id: int
    metadata: dict[str, str]


class ChunkIndex(NamedTuple):
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
        return dict(PAIR.iter_unpack(self.index_map))

    @property
    def indexed_messages(self) -> int | None:
        """How many messages the MessageIndex records name, by their sizes; None if that can't be told."""
        entries = self.message_index_length - (len(self.index_map) // PAIR.size) * (HEAD_SIZE + 6)
        return entries // 16 if entries >= 0 and entries % 16 == 0 else None


class Attachment(NamedTuple):
    """A file in the recording. `offset` and `length` are its record's, `size` is its data's; times in ns."""

    name: str
    media_type: str
    offset: int
    length: int
    size: int
    log_time: int
    create_time: int


class Metadata(NamedTuple):
    """Named key-value pairs; the values stand in the record of `length` bytes at `offset`."""

    name: str
    offset: int
    length: int


class Statistics(NamedTuple):
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


class Footer(NamedTuple):
    """Last record of a file; `offset` is its own, a start of 0 means that there is no such section."""

    offset: int
    summary_start: int
    summary_offset_start: int
    summary_crc: int


class ChunkHead(NamedTuple):
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
