"""Chunks: from stored to decompressed, checked bytes.

Sizes come from the file and are believed only as far as they are possible: a chunk is at most MAX_RECORD
bytes when decompressed, and never bigger than its codec could make of the bytes that are stored.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import zstandard
from zlib_ng.zlib_ng import crc32

from bagmill.recording.records import (
    HEAD_SIZE,
    MAX_RECORD,
    ChunkHead,
    CrcMismatch,
    Malformed,
    UnknownCompression,
)
from bagmill.recording.source import Source

Bytes = npt.NDArray[np.uint8]

CHUNK_HEAD_SIZE = 8 + 8 + 8 + 4 + 4 + 8
"""A chunk's fields in front of its data, without the compression's name."""

MOST_NAME = 16
"""Longest name of a compression that is read."""

_STORED = frozenset({"", "none"})
_MOST_RATIO = {"zstd": 1 << 15, "lz4": 256}
"""What the formats can reach: 128 KiB of zstd from 4 bytes of block, 255 bytes of lz4 from one."""

_FRAME_SLACK = 1 << 17
_PIECE = 1 << 10


def is_stored(head: ChunkHead) -> bool:
    """Whether a chunk's data is not compressed."""
    return head.compression in _STORED


def refuse_impossible(head: ChunkHead, most: int = MAX_RECORD) -> None:
    """Check the sizes that a chunk claims, before any memory is taken for it.

    Raises:
        Malformed: the sizes can't be (UnknownCompression: nor can they be judged).
    """
    if is_stored(head):
        if head.data_size != head.uncompressed_size:
            raise Malformed(
                f"a chunk without compression claims {head.uncompressed_size} bytes and has {head.data_size}"
            )
        return
    ratio = _MOST_RATIO.get(head.compression)
    if ratio is None:
        raise UnknownCompression(f"the chunk's compression {head.compression!r} is not known")
    if head.uncompressed_size > head.data_size * ratio + _FRAME_SLACK:
        raise Malformed(
            f"{head.data_size} bytes can't hold the {head.uncompressed_size} that the chunk claims"
        )
    if max(head.uncompressed_size, head.data_size) > most:
        raise Malformed(
            f"the chunk's {head.uncompressed_size} bytes are more than the {most} that are read at once"
        )


class Decompressor:
    """Decompresses chunks into memory of the caller's. For one thread; the codecs release the GIL."""

    def __init__(self) -> None:
        self._zstd = zstandard.ZstdDecompressor()

    def fill(self, compression: str, data: Bytes, target: memoryview) -> None:
        """Decompress `data` so that it fills `target` exactly.

        Raises:
            Malformed: the data is damaged, or holds more or fewer bytes.
        """
        try:
            reader = self._open(compression, data)
            count = reader.readinto(target) if len(target) else 0
            rest = reader.read(1) if count == len(target) else b""
        except (zstandard.ZstdError, OSError) as exc:
            raise Malformed(f"the chunk can't be decompressed ({exc})") from exc
        if count != len(target) or rest:
            raise Malformed(f"the chunk does not hold the {len(target)} bytes that it claims")

    def fill_at_once(self, compression: str, data: Bytes, target: memoryview) -> bool:
        """The same in half the time; False if the data is damaged, but not always if there is too little."""
        import pyarrow as pa  # only here: reading a summary must not load pyarrow

        try:
            target[:] = memoryview(pa.Codec(compression).decompress(data, len(target))).cast("B")
        except OSError:
            return False
        return True

    def salvage(self, compression: str, data: Bytes, most: int = MAX_RECORD) -> bytearray:
        """Decompress the beginning of a chunk that is cut off: what comes out before the data ends."""
        out = bytearray()
        try:
            reader = self._open(compression, data)
            while len(out) < most and (piece := reader.read(_PIECE)):
                out += piece
        except (zstandard.ZstdError, OSError):
            pass
        return out

    def _open(self, compression: str, data: Bytes) -> Any:
        if compression == "zstd":
            return self._zstd.stream_reader(data.data, read_across_frames=True)
        import pyarrow as pa

        return pa.CompressedInputStream(pa.BufferReader(pa.py_buffer(data)), compression)


def check_crc(head: ChunkHead, data: memoryview) -> None:
    """Compare the CRC-32 of decompressed records with the chunk's own; 0 means that the writer made none.

    Raises:
        CrcMismatch: they differ.
    """
    if head.crc and not matches(head, data):
        raise CrcMismatch("the chunk's CRC does not match")


def matches(head: ChunkHead, data: memoryview) -> bool:
    """Whether decompressed records have the CRC-32 of the chunk's head."""
    return crc32(data) == head.crc


def crc_of(source: Source, start: int, end: int) -> int:
    """CRC-32 of bytes `start` to `end` of the file, in constant memory."""
    buffer = memoryview(bytearray(1 << 20))
    crc = 0
    while start < end:
        part = buffer[: min(len(buffer), end - start)]
        source.read_into(start, part)
        crc = crc32(part, crc)
        start += len(part)
    return crc


def head_bytes(length: int) -> int:
    """How many bytes of a chunk record's content to read for its head."""
    return min(length - HEAD_SIZE, CHUNK_HEAD_SIZE + MOST_NAME)
