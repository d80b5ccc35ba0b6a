"""ROS 1 messages: no header, no alignment, no NUL."""

import struct

import pytest

from tests.decoders.payloads import decode, reason, ros1, row


def test_nothing_is_aligned() -> None:
    body = struct.pack("<bdHI?", -5, 1.5, 7, 9, True)

    assert row(ros1("int8 a\nfloat64 b\nuint16 c\nuint32 d\nbool e"), body) == {
        "a": -5,
        "b": 1.5,
        "c": 7,
        "d": 9,
        "e": True,
    }


def test_texts_have_no_end_mark() -> None:
    body = struct.pack("<I3sI", 3, b"abc", 0) + struct.pack("<II1s", 1, 1, b"d")

    assert row(ros1("string a\nstring b\nstring[] c"), body) == {"a": "abc", "b": "", "c": ["d"]}


def test_times_and_durations() -> None:
    body = struct.pack("<IIii", 2**32 - 1, 5, -1, -2)

    assert row(ros1("time t\nduration d"), body) == {
        "t": {"sec": 2**32 - 1, "nanosec": 5},
        "d": {"sec": -1, "nanosec": -2},
    }


def test_bytes_and_chars() -> None:
    body = bytes([0xFF, 0xFF]) + struct.pack("<I", 2) + b"\xff\0" + struct.pack("<I", 1) + b"\x80"

    assert row(ros1("byte b\nchar c\nbyte[] bs\nchar[] cs"), body) == {
        "b": -1,
        "c": 255,
        "bs": b"\xff\0",
        "cs": b"\x80",
    }


def test_a_message_without_fields_takes_no_bytes() -> None:
    decoder = ros1("Nothing a\nint8 x\n===\nMSG: pkg/Nothing\n")

    assert row(decoder, b"\5") == {"a": {"structure_needs_at_least_one_member": 0}, "x": 5}
    assert decode(ros1(""), b"") == ([{}], [])


@pytest.mark.parametrize(
    ("definition", "body", "complaint"),
    [
        ("int32 a", b"\1\2\3", "inside the value at byte 0"),
        ("int32 a", b"\1\2\3\4\0", "1 bytes are left over"),
        ("", b"\0", "1 bytes are left over"),
        ("string a", struct.pack("<I", 2**32 - 1) + b"abc", "4294967295 bytes are needed"),
        ("uint8[] a", struct.pack("<I", 4) + b"abc", "4 bytes are needed"),
        ("time[] a", struct.pack("<I", 2**31), "2147483648 elements"),
    ],
)
def test_what_does_not_fit_is_refused_with_a_reason(definition: str, body: bytes, complaint: str) -> None:
    assert complaint in reason(ros1(definition), body)
