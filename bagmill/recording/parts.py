"""Attachments and metadata, read when somebody asks for them."""

from zlib_ng.zlib_ng import crc32

from bagmill.errors import RecordingDamaged
from bagmill.probe import shown
from bagmill.recording.parse import Fields, read_attachment_head, read_metadata
from bagmill.recording.records import HEAD, HEAD_SIZE, MAX_RECORD, Attachment, Malformed, Metadata, Opcode
from bagmill.recording.source import Source


def metadata_values(source: Source, entry: Metadata) -> dict[str, str]:
    """Read the values of a metadata record.

    Raises:
        RecordingDamaged: no such record stands there.
    """
    try:
        return read_metadata(_content(source, Opcode.METADATA, entry.offset, entry.length))[1]
    except Malformed as exc:
        raise _damaged(source, f"The metadata {entry.name!r} can't be read: {exc}.", entry.offset) from exc


def attachment_data(source: Source, entry: Attachment) -> bytes:
    """Read an attachment's data and check its CRC (0 means that there is none).

    Raises:
        RecordingDamaged: no such record stands there, or the CRC does not match.
    """
    try:
        content = _content(source, Opcode.ATTACHMENT, entry.offset, entry.length)
        read_attachment_head(content, entry.offset, entry.length)
        fields = Fields(content, 16)
        fields.blob(), fields.blob()
        data = fields.take(fields.u64())
        checked, crc = fields.at, fields.u32()
        if crc and crc32(content[:checked]) != crc:
            raise Malformed("its CRC does not match")
    except Malformed as exc:
        raise _damaged(source, f"The attachment {entry.name!r} can't be read: {exc}.", entry.offset) from exc
    return data


def _content(source: Source, opcode: int, offset: int, length: int) -> bytes:
    """Content of the record that should stand at `offset` with this length."""
    if not HEAD_SIZE <= length <= MAX_RECORD or offset + length > source.size:
        raise Malformed("no such record is in the file")
    record = source.read(offset, length)
    if HEAD.unpack_from(record) != (opcode, length - HEAD_SIZE):
        raise Malformed("another record stands in its place")
    return record[HEAD_SIZE:]


def _damaged(source: Source, message: str, offset: int) -> RecordingDamaged:
    return RecordingDamaged(message, where={"path": shown(source.path), "offset": offset})
