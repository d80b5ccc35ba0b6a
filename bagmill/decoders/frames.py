"""Messages that a recorder compressed one by one (rosbag2's `compression_mode: MESSAGE`).

Each payload is a zstd frame (RFC 8878), and the recording itself does not say so.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import zstandard

from bagmill.decoders.base import Buffer, Offsets, UnreadableMessage

MOST_BYTES = 1 << 30
"""Most bytes that a message, or all that are decoded at once, may take when they are decompressed."""

_MAGIC = np.frombuffer(b"\x28\xb5\x2f\xfd", np.uint8)
_MOST_RATIO = 1 << 15
"""What zstd can reach: 128 KiB from 4 bytes of a block."""

_PORTION = 1 << 26
"""Decompressed bytes that are held at once, or one message."""

_STEP = 1 << 10
"""Bytes of a frame of unknown content that are decompressed at once; they can hold 32 MiB."""


class Portion(NamedTuple):
    """Some messages, decompressed; `rows`: their numbers. `unreadable`: those that could not be, and why."""

    buffer: Buffer
    start: Offsets
    end: Offsets
    rows: Offsets
    unreadable: tuple[tuple[int, str], ...]


def compressed(buffer: Buffer, start: Offsets, kinds: Offsets) -> Offsets:
    """The numbers of the messages that are zstd frames; `kinds`: their first two bytes, big-endian."""
    rows = np.flatnonzero(kinds == 0x28B5)
    fine: Offsets = rows[(buffer[start[rows] + 2] == _MAGIC[2]) & (buffer[start[rows] + 3] == _MAGIC[3])]
    return fine


def decompress(
    buffer: Buffer,
    start: Offsets,
    end: Offsets,
    rows: Offsets,
    most: int = MOST_BYTES,
    portion: int = _PORTION,
) -> Iterator[Portion]:
    """Decompress some messages, up to `most` bytes in all, and `portion` bytes or one message at a time."""
    waiting: list[tuple[int, bytes]] = []
    unreadable: list[tuple[int, str]] = []
    held = total = 0
    for row in rows.tolist():
        try:
            payload = _payload(buffer[start[row] : end[row]].tobytes(), most - total)
        except UnreadableMessage as error:
            unreadable.append((row, f"a zstd frame instead of CDR, which can't be decompressed: {error}"))
            continue
        waiting.append((row, payload))
        held, total = held + len(payload), total + len(payload)
        if held >= portion:
            yield _portion(waiting, unreadable)
            waiting, unreadable, held = [], [], 0
    yield _portion(waiting, unreadable)


def _payload(frame: bytes, most: int) -> bytes:
    """The content of a frame.

    Raises:
        UnreadableMessage: it is damaged, or bigger than `most` bytes or than any frame of its length can be.
    """
    most = min(most, len(frame) * _MOST_RATIO)
    try:
        size = zstandard.frame_content_size(frame)
        if size > most:
            raise UnreadableMessage(f"it says that it holds {size} bytes, and at most {most} are taken")
        if size >= 0:
            return zstandard.ZstdDecompressor().decompress(frame, allow_extra_data=False)
        return _unsized(frame, most)
    except zstandard.ZstdError as error:
        raise UnreadableMessage(str(error)) from None


def _unsized(frame: bytes, most: int) -> bytes:
    """The content of a frame that does not say how long it is."""
    decompressor = zstandard.ZstdDecompressor().decompressobj()
    parts, total, read = [], 0, 0
    while read < len(frame) and not decompressor.eof:
        parts.append(decompressor.decompress(frame[read : read + _STEP]))
        read += _STEP
        total += len(parts[-1])
        if total > most:
            raise UnreadableMessage(f"it holds more than {most} bytes")
    if not decompressor.eof or read < len(frame) or decompressor.unused_data:
        raise UnreadableMessage("its end is missing" if not decompressor.eof else "bytes follow its end")
    return b"".join(parts)


def _portion(waiting: list[tuple[int, bytes]], unreadable: list[tuple[int, str]]) -> Portion:
    payloads = [payload for _, payload in waiting]
    lengths = np.array([len(payload) for payload in payloads], np.int64)
    ends = np.cumsum(lengths)
    rows = np.array([row for row, _ in waiting], np.int64)
    data = np.frombuffer(b"".join(payloads), np.uint8)
    return Portion(data, ends - lengths, ends, rows, tuple(unreadable))
