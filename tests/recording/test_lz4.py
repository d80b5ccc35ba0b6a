"""LZ4 frames of stored blocks, read right into their places, and those that only look like them."""

import random
import struct
import zlib
from itertools import product
from pathlib import Path

import lz4.frame
import numpy as np
import pytest

from bagmill.recording.filling import Filler
from bagmill.recording.lz4frames import START, StoredFrame
from bagmill.recording.records import ChunkHead, CrcMismatch, Malformed
from bagmill.recording.source import Source

BLOCKS = {
    lz4.frame.BLOCKSIZE_MAX64KB: 1 << 16,
    lz4.frame.BLOCKSIZE_MAX256KB: 1 << 18,
    lz4.frame.BLOCKSIZE_MAX1MB: 1 << 20,
    lz4.frame.BLOCKSIZE_MAX4MB: 1 << 22,
}
NOISE = random.Random(1).randbytes((1 << 22) + 70_000)
BEFORE = b"before"


def frame(data: bytes, block: int = lz4.frame.BLOCKSIZE_MAX64KB, **options: bool) -> bytes:
    packed: bytes = lz4.frame.compress(data, block_size=block, **options)
    return packed


def guess(packed: bytes, size: int) -> StoredFrame | None:
    return StoredFrame.guess(packed[:START], len(packed), size)


def source(folder: Path, packed: bytes) -> Source:
    path = folder / "packed"
    path.write_bytes(BEFORE + packed)
    return Source.open(path)


def filled(folder: Path, packed: bytes, data: bytes, *, crc: bool = True, size: int | None = None) -> bytes:
    """What a chunk of this frame is filled with; its head claims the bytes and the CRC of `data`."""
    size = len(data) if size is None else size
    target = bytearray(size)
    known = zlib.crc32(data) if crc else 0
    head = ChunkHead(0, len(packed) + 50, 1, 2, size, known, "lz4", len(BEFORE), len(packed))
    Filler(source(folder, packed)).fill(head, memoryview(target))
    return bytes(target)


@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize("flags", list(product([False, True], repeat=4)), ids=str)
def test_stored_blocks_are_read_in_one_piece(tmp_path: Path, block: int, flags: tuple[bool, ...]) -> None:
    names = ("block_linked", "block_checksum", "content_checksum", "store_size")
    options = dict(zip(names, flags, strict=True))
    whole = BLOCKS[block]
    for size in (1000, whole - 1, whole, whole + 1, min(3 * whole + 7, len(NOISE))):
        data = NOISE[:size]
        packed = frame(data, block, **options)
        target = np.zeros(size, np.uint8)
        found = guess(packed, size)

        assert found is not None
        assert found.read(source(tmp_path, packed), len(BEFORE), target.data)
        assert target.tobytes() == data


@pytest.mark.parametrize(
    "data",
    [bytes(200_000), NOISE[:70_000] + bytes(70_000), b"", NOISE[:60_000] * 3],
    ids=["zeros", "half noise", "nothing", "the same again"],
)
def test_others_are_decompressed(tmp_path: Path, data: bytes) -> None:
    packed = frame(data)

    assert guess(packed, len(data)) is None
    assert filled(tmp_path, packed, data) == data
    assert filled(tmp_path, packed, data, crc=False) == data


def test_a_frame_that_only_has_the_size_of_one_of_stored_blocks(tmp_path: Path) -> None:
    """The second block is stored in two pieces, with nothing at the end to make up for it."""
    data = NOISE[:100_000]
    packed = frame(data, store_size=False)
    header, stored = packed[:7], 1 << 31
    cut = [data[: 1 << 16], data[1 << 16 : 80_000], data[80_000:]]
    blocks = [struct.pack("<I", stored | len(piece)) + piece for piece in cut]
    other = header + b"".join(blocks) + bytes(4)

    assert guess(other, len(data)) is None
    assert filled(tmp_path, other, data) == data

    alike = header + blocks[0] + blocks[1] + bytes(len(packed) - 7 - sum(map(len, blocks[:2])))
    found = guess(alike, len(data))
    assert found is not None
    assert not found.read(source(tmp_path, alike), len(BEFORE), memoryview(bytearray(len(data))))
    with pytest.raises(Malformed):
        filled(tmp_path, alike, data)


def test_a_flipped_byte_in_a_stored_block_is_a_wrong_crc(tmp_path: Path) -> None:
    data = NOISE[:100_000]
    packed = bytearray(frame(data))
    packed[70_000] ^= 1

    with pytest.raises(CrcMismatch):
        filled(tmp_path, bytes(packed), data)


def test_a_frame_that_holds_less_than_the_chunk_claims(tmp_path: Path) -> None:
    for data in (NOISE[:100_000], bytes(100_000)):
        with pytest.raises(Malformed, match="does not hold the 100001 bytes"):
            filled(tmp_path, frame(data), data, size=100_001)


def test_several_frames_in_one_chunk(tmp_path: Path) -> None:
    """The specification of MCAP does not forbid them."""
    one, two = NOISE[:100_000], bytes(50_000)

    assert filled(tmp_path, frame(one) + frame(two), one + two) == one + two


@pytest.mark.parametrize("size", [100_000, 1 << 20])
def test_a_file_that_gets_shorter(tmp_path: Path, size: int) -> None:
    data = NOISE[:size]
    packed = frame(data)
    opened = source(tmp_path, packed)
    (tmp_path / "packed").write_bytes((BEFORE + packed)[:-10])
    found = guess(packed, size)

    assert found is not None
    assert not found.read(opened, len(BEFORE), memoryview(bytearray(size)))
