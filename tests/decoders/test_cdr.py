"""ROS 2 messages, byte by byte: what is read, and what is refused."""

import struct

import pytest

from bagmill.decoders import make_decoder
from bagmill.recording import Schema
from tests.decoders.payloads import decode, reason, ros2, row

LITTLE, BIG = bytes([0, 1, 0, 0]), bytes([0, 0, 0, 0])


def text(value: bytes) -> bytes:
    return struct.pack("<I", len(value) + 1) + value + b"\0"


def test_values_are_aligned_to_their_size_behind_the_header() -> None:
    body = struct.pack("<b7xdHxxI?", -5, 1.5, 7, 9, True)

    assert row(ros2("int8 a\nfloat64 b\nuint16 c\nuint32 d\nbool e"), LITTLE + body) == {
        "a": -5,
        "b": 1.5,
        "c": 7,
        "d": 9,
        "e": True,
    }


def test_big_endian() -> None:
    body = struct.pack(">b7xdH", -5, 1.5, 7) + b"\0\0" + struct.pack(">I", 3) + struct.pack(">3h", 1, -2, 3)

    decoder = ros2("int8 a\nfloat64 b\nuint16 c\nint16[] d")

    assert row(decoder, BIG + body) == {"a": -5, "b": 1.5, "c": 7, "d": [1, -2, 3]}
    assert decoder.notes == []


def test_arrays_of_numbers() -> None:
    body = struct.pack("<3d", 1, 2, 3) + struct.pack("<I", 40) + struct.pack("<40f", *range(40))

    found = row(ros2("float64[3] fixed\nfloat32[] many"), LITTLE + body)

    assert found == {"fixed": [1.0, 2.0, 3.0], "many": [float(n) for n in range(40)]}


def test_long_arrays_of_either_byte_order() -> None:
    for order, header in ("<", LITTLE), (">", BIG):
        body = struct.pack(f"{order}I", 100) + struct.pack(f"{order}100H", *range(100))
        assert row(ros2("uint16[] many"), header + body) == {"many": list(range(100))}


def test_arrays_of_booleans() -> None:
    body = bytes([1, 0]) + bytes(2) + struct.pack("<I", 40) + bytes([1, 0] * 20)

    assert row(ros2("bool[2] two\nbool[] many"), LITTLE + body) == {
        "two": [True, False],
        "many": [True, False] * 20,
    }


def test_an_empty_sequence_is_not_aligned() -> None:
    """Fast CDR and Cyclone DDS align elements, and of none there is nothing to align."""
    body = struct.pack("<I", 0) + b"\7"

    assert row(ros2("float64[] none\nuint8 next"), LITTLE + body) == {"none": [], "next": 7}


def test_bytes_are_one_value() -> None:
    body = struct.pack("<I", 3) + b"abc" + b"xyz" + b"\xff\x80"

    found = row(ros2("uint8[] data\nbyte[3] fixed\nchar[2] chars"), LITTLE + body)

    assert found == {"data": b"abc", "fixed": b"xyz", "chars": b"\xff\x80"}


def test_texts() -> None:
    body = text("grüß dich".encode()) + bytes(-len(text("grüß dich".encode())) % 4) + text(b"") + bytes(3)
    body += struct.pack("<I", 0) + struct.pack("<I", 2) + text(b"abc") + text(b"d")

    found = row(ros2("string a\nstring b\nstring c\nstring[] d"), LITTLE + body)

    assert found == {"a": "grüß dich", "b": "", "c": "", "d": ["abc", "d"]}


@pytest.mark.parametrize("width", [2, 4])
@pytest.mark.parametrize(("order", "header"), [("<", LITTLE), (">", BIG)])
def test_wide_texts_of_both_widths(width: int, order: str, header: bytes) -> None:
    """Fast DDS writes each UTF-16 unit in 4 bytes, others in 2; here with a pair of units."""
    units = [ord("a"), ord("ß"), 0xD83D, 0xDE00]
    code = {2: "H", 4: "I"}[width]
    body = struct.pack(f"{order}I4{code}", 4, *units) + struct.pack(f"{order}I", 5)

    assert row(ros2("wstring w\nuint32 n"), header + body) == {"w": "aß😀", "n": 5}


def test_messages_in_messages() -> None:
    text_ = "Point[2] two\nPoint[] many\nPoint one\n===\nMSG: pkg/Point\nint8 x\nint16 y"
    points = b"".join(struct.pack("<bxh", n, -n) for n in (1, 2))
    body = points + struct.pack("<I", 2) + points + struct.pack("<bxh", 3, -3)

    assert row(ros2(text_), LITTLE + body) == {
        "two": [{"x": 1, "y": -1}, {"x": 2, "y": -2}],
        "many": [{"x": 1, "y": -1}, {"x": 2, "y": -2}],
        "one": {"x": 3, "y": -3},
    }


def test_a_message_without_fields_is_one_byte() -> None:
    decoder = ros2("Nothing a\nint8 x\nNothing[] b\n===\nMSG: pkg/Nothing\n")

    assert row(decoder, LITTLE + bytes([0, 5, 0, 0, 2, 0, 0, 0, 0, 0])) == {
        "a": {"structure_needs_at_least_one_member": 0},
        "x": 5,
        "b": [{"structure_needs_at_least_one_member": 0}] * 2,
    }
    assert decode(ros2(""), LITTLE + b"\0") == ([{}], [])


def test_numbers_that_are_no_numbers_stay_so() -> None:
    found = row(ros2("float64 a\nfloat32 b"), LITTLE + struct.pack("<df", float("nan"), float("-inf")))

    assert found["a"] != found["a"]
    assert found["b"] == float("-inf")


@pytest.mark.parametrize(
    ("definition", "body", "complaint"),
    [
        ("int32 a\nint32 b", struct.pack("<i", 1), "ends at byte 4 of the body, inside the value at byte 4"),
        ("float64 a", b"", "inside the value at byte 0"),
        ("int32 a", struct.pack("<ii", 1, 2), "4 bytes are left over"),
        ("int8 a", b"\1\0\0\0\0", "4 bytes are left over"),
        ("int8 a", b"\1\0\5\0", "3 bytes are left over"),
        ("int8 a", b"\1\0\0", "2 bytes are left over"),
        ("string a", struct.pack("<I", 2**32 - 1) + b"abc\0", "4294967295 bytes are needed"),
        ("string a", struct.pack("<I", 3) + b"abc", "does not end with NUL"),
        ("string a", text(b"\xff\xfe"), "is no UTF-8"),
        ("uint8[] a", struct.pack("<I", 2**32 - 1), "4294967295 bytes are needed"),
        ("float64[] a", struct.pack("<I", 2**32 - 1), "34359738360 bytes are needed"),
        ("string[] a", struct.pack("<I", 2**32 - 1), "4294967295 elements"),
        ("P[] a\n===\nMSG: pkg/P\nint8 x", struct.pack("<I", 2**32 - 1), "4294967295 elements"),
        ("P[] a\n===\nMSG: pkg/P\n", struct.pack("<I", 2**32 - 1), "4294967295 elements"),
        ("int8[2000000000] a", b"\1\2", "2000000000 bytes are needed"),
        ("string[1000000] a", b"\1\0\0\0\0", "1000000 elements"),
        ("int8[<=2] a", struct.pack("<I3b", 3, 1, 2, 3), "at most 2 are allowed"),
        ("wstring a", struct.pack("<III", 2, 0xD83D, 0x0041), "is no UTF-16"),
        ("wstring a", struct.pack("<I", 2**32 - 1), "are needed"),
    ],
)
def test_what_does_not_fit_is_refused_with_a_reason(definition: str, body: bytes, complaint: str) -> None:
    assert complaint in reason(ros2(definition), LITTLE + body)


@pytest.mark.parametrize(
    ("payload", "complaint"),
    [
        (b"", "0 bytes are no CDR message"),
        (b"\0\1\0", "3 bytes are no CDR message"),
        (b"\0\4\0\0\5", "encapsulation 0004 is not decoded"),
        (b"\0\x16\0\0\5", "encapsulation 0016 is not decoded"),
        (b"\xca\xfe\0\0\5", "encapsulation cafe is not decoded"),
        (b"\x28\xb5\x2f\xfd\x04\0", "a zstd frame instead of CDR"),
    ],
)
def test_headers_that_are_none(payload: bytes, complaint: str) -> None:
    assert complaint in reason(ros2("int8 a"), payload)


@pytest.mark.parametrize(
    "payload",
    [
        LITTLE + b"\5",
        LITTLE + b"\5\0\0\0",
        bytes([0, 1, 0, 3]) + b"\5\xaa\xbb\xcc",
        bytes([0, 1, 0, 2]) + b"\5\xaa\xbb",
    ],
)
def test_padding_behind_the_last_field_is_no_data(payload: bytes) -> None:
    assert row(ros2("int8 a"), payload) == {"a": 5}


def test_a_parameter_list_that_is_plain_is_read() -> None:
    assert row(ros2("int8 a"), bytes([0, 3, 0, 0, 5])) == {"a": 5}


def test_a_parameter_list_that_is_one_is_refused() -> None:
    parameters = struct.pack("<HHi", 1, 4, 5) + struct.pack("<HH", 0x3F02, 0)

    assert "a parameter list (encapsulation 0003)" in reason(ros2("int8 a"), bytes([0, 3, 0, 0]) + parameters)


def test_one_bad_message_does_not_harm_the_others() -> None:
    rows, unreadable = decode(ros2("int8 a"), LITTLE + b"\1", LITTLE, LITTLE + b"\3", b"x", LITTLE + b"\5")

    assert rows == [{"a": 1}, {"a": 3}, {"a": 5}]
    assert [index for index, _ in unreadable] == [1, 3]


def test_no_messages_are_no_rows() -> None:
    assert decode(ros2("int8 a")) == ([], [])


def test_a_header_that_lies_about_the_byte_order_is_found_out_by_lengths() -> None:
    decoder = ros2("string name\nint8 x")

    rows, unreadable = decode(decoder, *(BIG + text(b"abc") + bytes([n]) for n in range(5)))

    assert [found["x"] for found in rows] == [0, 1, 2, 3, 4]
    assert unreadable == []
    assert [note.code for note in decoder.notes] == ["wrong_byte_order"]


@pytest.mark.parametrize("values", [[0.0, 3.3, 6.6], [2.0], [1e-3, 1e3], [-9.81]])
def test_a_header_that_lies_about_the_byte_order_is_found_out_by_strange_numbers(values: list[float]) -> None:
    true, lying = ros2("float64 x\nint32[2] n"), ros2("float64 x\nint32[2] n")

    right, _ = decode(true, *(BIG + struct.pack(">dii", value, 5, -7) for value in values))
    wrong, _ = decode(lying, *(BIG + struct.pack("<dii", value, 5, -7) for value in values))

    assert right == wrong == [{"x": value, "n": [5, -7]} for value in values]
    assert (len(true.notes), len(lying.notes)) == (0, 1)


def test_what_was_found_out_about_the_byte_order_holds_for_later_messages() -> None:
    decoder = ros2("float64 x")
    decode(decoder, BIG + struct.pack("<d", 3.3))

    # On its own this one could be either.
    assert row(decoder, BIG + struct.pack("<d", 5e-324)) == {"x": 5e-324}


def test_a_column_that_collides_is_renamed() -> None:
    assert row(ros2("int8 log_time\nint8 x\nint8 X"), LITTLE + b"\1\2\3") == {"log_time_": 1, "x": 2, "X_": 3}


@pytest.mark.parametrize(
    ("schema", "encoding", "complaint"),
    [
        (None, "cdr", "without a schema"),
        (Schema(1, "a", "flatbuffer", b""), "cdr", "'flatbuffer'"),
        (Schema(1, "a", "omgidl", b""), "cdr", "does not define a"),
        (Schema(1, "a", "ros2msg", b"int8 a"), "wrong_format", "'wrong_format'"),
        (Schema(1, "a", "", b""), "cdr", "''"),
        (Schema(1, "a", "ros2msg", b"\xff"), "cdr", "no UTF-8"),
        (Schema(1, "a", "ros2msg", b"int8["), "cdr", "no field"),
        (Schema(1, "p/msg/A", "ros2msg", b"A[] a"), "cdr", "holds itself"),
        (Schema(1, "p/msg/A", "ros2msg", b"uint8[4000000000] a"), "cdr", "4000000000"),
        (Schema(1, "p/A", "ros1msg", b"N[] a\n===\nMSG: p/N\n"), "ros1", "takes no bytes"),
    ],
)
def test_what_can_not_be_decoded_is_kept_as_bytes(
    schema: Schema | None, encoding: str, complaint: str
) -> None:
    decoder = make_decoder(schema, encoding)

    assert decoder.raw_reason is not None
    assert complaint in decoder.raw_reason.message
    assert decode(decoder, b"any", b"", b"\0") == ([{"data": b"any"}, {"data": b""}, {"data": b"\0"}], [])
