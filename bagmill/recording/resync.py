"""Finding the way back behind a damaged place: the next chunk, or the next records that hold together."""

from collections.abc import Container, Iterator

import numpy as np
import numpy.typing as npt

from bagmill.probe import MAGIC
from bagmill.recording.chunks import CHUNK_HEAD_SIZE
from bagmill.recording.frames import chunk_at
from bagmill.recording.messages import Views
from bagmill.recording.records import (
    HEAD,
    HEAD_SIZE,
    MESSAGE_HEAD_SIZE,
    Opcode,
)
from bagmill.recording.source import Source, Window

_FIRST, _LARGEST = 1 << 12, 1 << 22
"""Search windows grow from 4 KiB to 4 MiB: many small damages must not each cost a large read."""

_LEAST = HEAD_SIZE + CHUNK_HEAD_SIZE + 4
"""Bytes from a candidate on that the vectorized tests look at."""

_CHAIN = 3
"""So many records in a row that hold together are believed to be records."""

_RUN = (Opcode.SCHEMA, Opcode.CHANNEL, Opcode.MESSAGE)
_AFTER = (*_RUN, Opcode.ATTACHMENT, Opcode.METADATA, Opcode.DATA_END)


def next_chunk(source: Source, start: int, limit: int) -> int | None:
    """Find the first chunk at or behind `start` that ends before `limit`."""
    window = Window(source, limit)
    for at, data in _windows(source, start, limit):
        for position in _chunk_candidates(data):
            if chunk_at(window, at + position, limit):
                return at + position
    return None


def next_run(source: Source, start: int, limit: int, channels: Container[int]) -> int | None:
    """Find the first record at or behind `start` that begins a chain of valid records outside of chunks."""
    window = Window(source, limit)
    for at, data in _windows(source, start, limit):
        for position in _record_candidates(data, limit - at):
            if _holds_together(window, at + position, limit, channels):
                return at + position
    return None


def _windows(source: Source, start: int, limit: int) -> Iterator[tuple[int, npt.NDArray[np.uint8]]]:
    """Overlapping pieces of the file, growing in size, each with its offset.

    They end at the magic bytes of another recording (one that was appended, or stands in an attachment): what
    comes then is not this recording's.
    """
    size = _FIRST
    while limit - start >= HEAD_SIZE:
        size = min(size, limit - start)
        data = source.read(start, size)
        foreign = data.find(MAGIC)
        yield start, np.frombuffer(data, np.uint8)[: foreign if foreign >= 0 else size]
        if foreign >= 0:
            return
        start = limit if start + size == limit else start + size - _LEAST
        size = min(size * 2, _LARGEST)


def _chunk_candidates(data: npt.NDArray[np.uint8]) -> list[int]:
    """Positions where a Chunk record may begin, by its opcode and by its three lengths agreeing."""
    if data.size < _LEAST:
        return []
    views = Views(data)
    at = np.flatnonzero(data[: data.size - _LEAST + 1] == Opcode.CHUNK)
    name = views.u32[at + HEAD_SIZE + 28]
    at, name = at[name <= 4], name[name <= 4].astype(np.intp)
    stored = views.u64[at + HEAD_SIZE + 32 + name]
    positions: list[int] = at[
        views.u64[at + 1] == stored + (name + CHUNK_HEAD_SIZE).astype(np.uint64)
    ].tolist()
    return positions


def _record_candidates(data: npt.NDArray[np.uint8], rest: int) -> list[int]:
    """Positions where a record that may stand outside of chunks can begin, by opcode and length."""
    if data.size < HEAD_SIZE:
        return []
    at = np.flatnonzero(np.isin(data[: data.size - HEAD_SIZE + 1], _RUN))
    lengths = Views(data).u64[at + 1]
    positions: list[int] = at[(lengths >= 6) & (lengths <= max(0, rest - HEAD_SIZE))].tolist()
    return positions


def _holds_together(window: Window, at: int, limit: int, channels: Container[int]) -> bool:
    """Whether a chain of valid records begins here, or a shorter one that ends where the section does."""
    for _ in range(_CHAIN):
        if at == limit:
            return True
        head = window.at(at, HEAD_SIZE + 2)
        if len(head) < HEAD_SIZE + 2:
            return False
        opcode, length = HEAD.unpack_from(head)
        if opcode not in _AFTER or length > limit - at - HEAD_SIZE:
            return False
        if opcode == Opcode.DATA_END:
            return bool(length == 4)
        channel = int.from_bytes(head[HEAD_SIZE:], "little")
        if opcode == Opcode.MESSAGE and (length < MESSAGE_HEAD_SIZE or channel not in channels):
            return False
        at += HEAD_SIZE + length
    return True
