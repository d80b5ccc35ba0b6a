"""Is this really a record of its kind? What the frame and the fields of a record tell together."""

from bagmill.recording.chunks import head_bytes, is_stored, refuse_impossible
from bagmill.recording.parse import read_chunk_head
from bagmill.recording.records import HEAD, HEAD_SIZE, MAX_RECORD, SLACK, Malformed, Opcode
from bagmill.recording.source import Window


def may_be_record(window: Window, at: int, limit: int) -> bool:
    """Whether a record may begin at file offset `at`: its length is possible, or `limit` is there."""
    if at >= limit:
        return at == limit
    head = window.at(at, HEAD_SIZE)
    if len(head) < HEAD_SIZE:
        return False
    opcode, length = HEAD.unpack_from(head)
    return bool(opcode) and bool(length <= limit - at - HEAD_SIZE)


def is_padding(window: Window, at: int, end: int, limit: int) -> bool:
    """Whether a record that is longer than its fields has fields of a later version, and no wrong length."""
    return end - at <= SLACK and may_be_record(window, end, limit) and not is_chunk(window, at, end)


def chunk_at(window: Window, offset: int, limit: int) -> bool:
    """Whether a Chunk record that holds together in itself, and ends before `limit`, stands at `offset`."""
    head = window.at(offset, HEAD_SIZE)
    if len(head) < HEAD_SIZE:
        return False
    opcode, length = HEAD.unpack_from(head)
    end = offset + HEAD_SIZE + int(length)
    return opcode == Opcode.CHUNK and end <= limit and is_chunk(window, offset, end)


def is_chunk(window: Window, offset: int, end: int) -> bool:
    """Whether the content of a record is that of a chunk, whatever its opcode says."""
    length = end - offset
    try:
        chunk = read_chunk_head(window.at(offset + HEAD_SIZE, head_bytes(length)), offset, length)
        refuse_impossible(chunk, most=length if is_stored(chunk) else MAX_RECORD)
    except Malformed:
        return False
    return chunk.data_offset + chunk.data_size == end and chunk.start_time <= chunk.end_time
