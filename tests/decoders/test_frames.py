"""Messages that were compressed one by one, as rosbag2's `compression_mode: MESSAGE` does."""

import struct

import numpy as np
import pytest
import zstandard

from bagmill.decoders.frames import decompress
from tests.decoders.payloads import block, decode, reason, ros2, row

LITTLE = bytes([0, 1, 0, 0])


def frame(payload: bytes, *, sized: bool = True) -> bytes:
    return zstandard.ZstdCompressor(write_content_size=sized).compress(payload)


def message(number: int) -> bytes:
    return LITTLE + struct.pack("<i", number)


@pytest.mark.parametrize("sized", [True, False])
def test_frames_are_decompressed_and_told_once(sized: bool) -> None:
    decoder = ros2("int32 a")

    rows, unreadable = decode(decoder, *(frame(message(n), sized=sized) for n in range(100)))
    decode(decoder, frame(message(1)))

    assert [found["a"] for found in rows] == list(range(100))
    assert unreadable == []
    assert [note.code for note in decoder.notes] == ["compressed_messages"]


def test_plain_messages_between_them_keep_their_places() -> None:
    payloads = [frame(message(n)) if n % 3 else message(n) for n in range(50)]
    payloads[7] = frame(b"\0\1\0\0\1")
    payloads[9] = b"\0\1\0\0\1"
    payloads[10] = frame(message(10))[:-1]

    rows, unreadable = decode(ros2("int32 a"), *payloads)

    assert [found["a"] for found in rows] == [n for n in range(50) if n not in (7, 9, 10)]
    assert [number for number, _ in unreadable] == [7, 9, 10]
    assert "inside the value" in unreadable[0][1]
    assert "can't be decompressed" in unreadable[2][1]


def test_portions_are_as_big_as_they_may_be() -> None:
    buffer, start, end = block([frame(bytes(100))] * 7)

    portions = list(decompress(buffer, start, end, np.array([0, 2, 3, 4, 6]), portion=200))

    assert [portion.rows.tolist() for portion in portions] == [[0, 2], [3, 4], [6]]
    assert [len(portion.buffer) for portion in portions] == [200, 200, 100]


def test_messages_that_take_too_much_together_are_refused() -> None:
    buffer, start, end = block([frame(bytes(100)), frame(bytes(100)), frame(bytes(40))])

    (portion,) = decompress(buffer, start, end, np.arange(3), most=150)

    assert portion.rows.tolist() == [0, 2]
    assert [number for number, _ in portion.unreadable] == [1]


def with_content_size(size: int) -> bytes:
    """A frame that says it holds `size` bytes (RFC 8878, 3.1.1.1): 8 bytes of size, an empty last block."""
    return b"\x28\xb5\x2f\xfd" + b"\xe0" + struct.pack("<Q", size) + b"\1\0\0"


@pytest.mark.parametrize(
    ("payload", "complaint"),
    [
        (frame(message(1)) + b"\0", "unused data"),
        (frame(message(1)) + frame(message(2)), "unused data"),
        (frame(message(1), sized=False) + b"\0", "bytes follow its end"),
        (frame(bytes(2000), sized=False)[:-1], "its end is missing"),
        (b"\x28\xb5\x2f\xfd", "can't be decompressed"),
        (with_content_size(1 << 40), f"holds {1 << 40} bytes"),
        (with_content_size(1 << 20), f"at most {16 << 15} are taken"),
        (with_content_size(5), "can't be decompressed"),
        (frame(frame(message(1))), "encapsulation 28b5 is not decoded"),
    ],
)
def test_frames_that_are_wrong(payload: bytes, complaint: str) -> None:
    assert complaint in reason(ros2("int32 a"), payload)


def test_a_frame_of_too_many_bytes_is_refused_on_the_way() -> None:
    buffer, start, end = block([frame(bytes(1 << 25), sized=False)])

    (portion,) = decompress(buffer, start, end, np.arange(1), most=1 << 20)

    assert "it holds more than 1048576 bytes" in portion.unreadable[0][1]


def test_the_two_bytes_alone_are_no_frame() -> None:
    assert "encapsulation 28b5 is not decoded" in reason(ros2("int32 a"), b"\x28\xb5\0\0\1\0\0\0")


def test_an_empty_frame_is_an_empty_message() -> None:
    assert "0 bytes are no CDR message" in reason(ros2("int32 a"), frame(b""))
    assert row(ros2("int32 a"), frame(message(7))) == {"a": 7}
