"""What newer CDR adds, byte by byte: alignment to 4, headers of values and of members, unions, maps."""

import struct
from collections.abc import Callable

import pytest

from bagmill.decoders import Decoder
from bagmill.recording import Schema
from tests.decoders.payloads import Rows, decode, reason, ros2, row, typed

PLAIN, PLAIN2, DELIMITED2, LIST, LIST2 = (bytes([0, kind, 0, 0]) for kind in (1, 7, 9, 3, 11))


def idl(text: str) -> Decoder:
    """The decoder of the struct `A`."""
    return typed(Schema(1, "A", "omgidl", text.encode()), "cdr")


def sized(body: bytes) -> bytes:
    return struct.pack("<I", len(body)) + body


def text(value: bytes) -> bytes:
    return sized(value + b"\0")


def parameter(number: int, body: bytes) -> bytes:
    return struct.pack("<HH", number, len(body)) + body


def long_parameter(number: int, body: bytes) -> bytes:
    return struct.pack("<HHII", 0x3F01, 8, number, len(body)) + body


SENTINEL = struct.pack("<HH", 0x3F02, 0)


def member(number: int, code: int, body: bytes) -> bytes:
    return struct.pack("<I", code << 28 | number) + body


def test_version_2_aligns_to_4_at_most() -> None:
    body = struct.pack("<b3xdbxHq", -5, 1.5, 1, 2, -3)

    found = row(ros2("int8 a\nfloat64 b\nint8 c\nuint16 d\nint64 e"), PLAIN2 + body)

    assert found == {"a": -5, "b": 1.5, "c": 1, "d": 2, "e": -3}


@pytest.mark.parametrize("header", [bytes([0, 6, 0, 0]), bytes([0, 0x10, 0, 0])])
def test_version_2_big_endian(header: bytes) -> None:
    assert row(ros2("int8 a\nfloat64 b"), header + struct.pack(">b3xd", -5, 1.5)) == {"a": -5, "b": 1.5}


def test_version_2_has_sizes_before_lists_of_what_is_no_number() -> None:
    texts = struct.pack("<I", 2) + text(b"abc") + text(b"d")
    body = sized(texts) + bytes(-len(texts) % 4) + struct.pack("<I2h", 2, 1, -1) + sized(b"\1\2\3\4")
    definition = "string[] a\nint16[] b\nP[2] c\n===\nMSG: pkg/P\nuint8 x\nuint8 y"

    assert row(ros2(definition), PLAIN2 + body) == {
        "a": ["abc", "d"],
        "b": [1, -1],
        "c": [{"x": 1, "y": 2}, {"x": 3, "y": 4}],
    }


@pytest.mark.parametrize("size", [3, 5, 2**32 - 1])
def test_sizes_that_are_wrong_are_refused(size: int) -> None:
    body = struct.pack("<I", size) + b"\1\2\3\4"

    complaint = reason(ros2("P[2] c\n===\nMSG: pkg/P\nuint8 x\nuint8 y"), PLAIN2 + body)

    assert "takes 4 bytes, where its header says 3" in complaint or "are needed at byte 4" in complaint


def test_appendable_types_have_sizes() -> None:
    decoder = idl(
        "@appendable struct B { octet x; double y; }; @appendable struct A { B b; sequence<B> c; };"
    )
    one = sized(struct.pack("<B3xd", 7, 1.5))
    body = one + sized(struct.pack("<I", 2) + one + one)

    found = row(decoder, DELIMITED2 + sized(body))

    assert found == {"b": {"x": 7, "y": 1.5}, "c": [{"x": 7, "y": 1.5}] * 2}
    assert row(decoder, bytes([0, 0x15, 0, 0]) + sized(body)) == found


@pytest.mark.parametrize("change", [-1, 1])
def test_an_appendable_message_of_another_size_is_refused(change: int) -> None:
    """Neither a newer type's fields nor those that an older one lacks have columns here."""
    decoder = idl("@appendable struct A { octet x; octet y; };")

    complaint = reason(decoder, DELIMITED2 + struct.pack("<I", 2 + change) + bytes(2 + change))

    assert "where its header says" in complaint or "inside the value" in complaint


def test_optional_members_of_version_2_have_a_flag() -> None:
    decoder = idl("@final struct A { @optional long a; octet b; @optional string c; };")

    rows, unreadable = decode(
        decoder,
        PLAIN2 + struct.pack("<?3xiB?", True, -5, 7, False),
        PLAIN2 + struct.pack("<?B?x", False, 7, True) + text(b"hello"),
    )

    assert unreadable == []
    assert rows == [{"a": -5, "b": 7, "c": None}, {"a": None, "b": 7, "c": "hello"}]


@pytest.mark.parametrize("header", [parameter, long_parameter])
def test_optional_members_of_version_1_are_parameters(header: Callable[[int, bytes], bytes]) -> None:
    decoder = idl("@final struct A { octet x; @optional double a; @optional string b; };")
    value = struct.pack("<d", 2.5)

    # Alignment counts anew behind a header.
    rows, unreadable = decode(
        decoder,
        PLAIN + b"\7\0\0\0" + header(1, value) + header(2, b""),
        PLAIN + b"\7\0\0\0" + header(1, b"") + header(2, text(b"hello")),
    )

    assert unreadable == []
    assert rows == [{"x": 7, "a": 2.5, "b": None}, {"x": 7, "a": None, "b": "hello"}]


def test_what_follows_an_optional_member_is_aligned_as_before() -> None:
    decoder = idl("@final struct A { @optional octet a; double b; };")

    body = parameter(0, b"\7") + bytes(3) + struct.pack("<d", 1.5)

    assert row(decoder, PLAIN + body) == {"a": 7, "b": 1.5}


MUTABLE = "@mutable struct A { long a; @optional string b; @id(77) octet c; };"
EXPECTED = {"a": -5, "b": "hey", "c": 9}


def test_a_parameter_list() -> None:
    parts = [parameter(0, struct.pack("<i", -5)), parameter(1, text(b"hey")), parameter(77, b"\x09\0\0\0")]

    assert row(idl(MUTABLE), LIST + b"".join(parts) + SENTINEL) == EXPECTED
    assert row(idl(MUTABLE), LIST + b"".join(reversed(parts)) + SENTINEL) == EXPECTED
    assert row(idl(MUTABLE), LIST + parts[0] + parts[2] + SENTINEL) == EXPECTED | {"b": None}


def test_a_mutable_type_that_is_plain_is_read() -> None:
    body = struct.pack("<i", -5) + parameter(1, text(b"hey")) + b"\x09"

    assert row(idl(MUTABLE), LIST + body) == EXPECTED


def test_a_list_of_version_2() -> None:
    parts = [
        member(0, 2, struct.pack("<i", -5)),
        member(1, 4, sized(text(b"hey"))),
        member(77, 0, b"\x09"),
    ]

    assert row(idl(MUTABLE), LIST2 + sized(b"".join(parts))) == EXPECTED
    own = [parts[0], member(1, 5, text(b"hey")), parts[2]]
    assert row(idl(MUTABLE), LIST2 + sized(b"".join(own))) == EXPECTED
    assert row(idl(MUTABLE), bytes([0, 0x13, 0, 0]) + sized(b"".join(own))) == EXPECTED


def test_lengths_that_count_elements() -> None:
    decoder = idl("@mutable struct A { sequence<long> a; sequence<double> b; @key sequence<octet> c; };")
    body = (
        member(0, 6, struct.pack("<I2i", 2, 1, -1))
        + member(1, 7, struct.pack("<Id", 1, 2.5))
        + member(2, 5, struct.pack("<I3s", 3, b"abc"))
    )

    assert row(decoder, LIST2 + sized(body)) == {"a": [1, -1], "b": [2.5], "c": b"abc"}


def test_members_that_the_schema_does_not_have_are_passed_over_and_told() -> None:
    known = [member(0, 2, struct.pack("<i", -5)), member(77, 0, b"\x09\0\0\0")]
    decoder = idl(MUTABLE)

    found = row(decoder, LIST2 + sized(known[0] + member(5, 3, bytes(8)) + known[1][:5]))

    assert found == EXPECTED | {"b": None}
    assert [note.code for note in decoder.notes] == ["unknown_fields"]


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (member(0, 2, struct.pack("<i", 1)), "the member c is missing"),
        (member(5 | 1 << 31, 0, b"\1"), "member 5 must be understood"),
        (member(0, 3, bytes(8)), "takes 4 bytes, where its header says 8"),
        (member(0, 4, struct.pack("<I", 2**32 - 1)), "4294967295 bytes are needed"),
        (member(0, 7, struct.pack("<I", 2**32 - 1)), "34359738364 bytes are needed"),
    ],
)
def test_lists_of_version_2_that_are_wrong(body: bytes, complaint: str) -> None:
    assert complaint in reason(idl(MUTABLE), LIST2 + sized(body))


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (parameter(0, struct.pack("<i", 1)) + SENTINEL, "the member c is missing"),
        (parameter(0x4005, b"\1\0\0\0") + SENTINEL, "member 5 must be understood"),
        (parameter(0, bytes(8)) + SENTINEL, "takes 4 bytes, where its header says 8"),
        (struct.pack("<HH", 0, 65535), "65535 bytes are needed"),
        (long_parameter(0, b"")[:-4] + b"\xff" * 4, "4294967295 bytes are needed"),
        (parameter(0, struct.pack("<i", 1)), "inside the value"),
    ],
)
def test_parameter_lists_that_are_wrong(body: bytes, complaint: str) -> None:
    assert complaint in reason(idl(MUTABLE), LIST + body)


UNION = "union U switch (long) { case 1: case 2: double a; case 3: string b; %s};"


def unions(form: str, header: bytes, *bodies: bytes) -> Rows:
    decoder = idl(f"{form} {UNION % ''} @final struct A {{ U u; octet x; }};")
    rows, unreadable = decode(decoder, *(header + body for body in bodies))
    assert unreadable == []
    return [found["u"] | {"x": found["x"]} for found in rows]


EXPECTED_UNIONS = [
    {"_d": 2, "a": 1.5, "b": None, "x": 7},
    {"_d": 3, "a": None, "b": "hey", "x": 7},
    {"_d": 9, "a": None, "b": None, "x": 7},
]


def test_unions() -> None:
    version1 = (
        struct.pack("<i4xdB", 2, 1.5, 7),
        struct.pack("<i", 3) + text(b"hey") + b"\7",
        struct.pack("<iB", 9, 7),
    )
    version2 = (struct.pack("<idB", 2, 1.5, 7), *version1[1:])
    delimited = [sized(body[:-1]) + b"\7" for body in version2]

    assert unions("@final", PLAIN, *version1) == EXPECTED_UNIONS
    assert unions("@final", PLAIN2, *version2) == EXPECTED_UNIONS
    assert unions("@appendable", PLAIN2, *delimited) == EXPECTED_UNIONS


def test_unions_whose_members_have_headers() -> None:
    version1 = (
        parameter(0, struct.pack("<i", 2)) + parameter(1, struct.pack("<d", 1.5)) + SENTINEL + b"\7",
        parameter(0, struct.pack("<i", 3)) + parameter(2, text(b"hey")) + SENTINEL + b"\7",
        parameter(0, struct.pack("<i", 9)) + SENTINEL + b"\7",
    )
    version2 = (
        sized(member(0, 2, struct.pack("<i", 2)) + member(1, 3, struct.pack("<d", 1.5))) + b"\7",
        sized(member(0, 2, struct.pack("<i", 3)) + member(2, 5, text(b"hey"))) + b"\7",
        sized(member(0, 2, struct.pack("<i", 9))) + b"\7",
    )

    assert unions("@mutable", PLAIN, *version1) == EXPECTED_UNIONS
    assert unions("@mutable", PLAIN2, *version2) == EXPECTED_UNIONS


def test_a_union_that_holds_what_it_does_not_choose_is_refused() -> None:
    decoder = idl(f"@mutable {UNION % ''} @final struct A {{ U u; }};")
    body = sized(member(0, 2, struct.pack("<i", 1)) + member(2, 5, text(b"hey")))

    assert "that 1 does not choose" in reason(decoder, PLAIN2 + body)


def test_unions_with_a_default() -> None:
    decoder = idl(f"@final {UNION % 'default: octet c; '} @final struct A {{ U u; }};")

    assert row(decoder, PLAIN + struct.pack("<iB", 9, 5)) == {"u": {"_d": 9, "a": None, "b": None, "c": 5}}


def test_maps() -> None:
    decoder = idl("@final struct A { map<short, double> a; map<string, octet, 2> b; };")
    numbers1 = struct.pack("<Ih2xdh6xd", 2, 1, 1.5, -1, 2.5)
    numbers2 = struct.pack("<Ih2xdh2xd", 2, 1, 1.5, -1, 2.5)
    texts = struct.pack("<I", 1) + text(b"ab") + b"\7"

    found = {"a": [(1, 1.5), (-1, 2.5)], "b": [("ab", 7)]}

    assert row(decoder, PLAIN + numbers1 + texts) == found
    assert row(decoder, PLAIN2 + numbers2 + sized(texts)) == found
    too_many = struct.pack("<II", 0, 3) + (text(b"ab") + b"\7") * 3
    assert "at most 2 are allowed" in reason(decoder, PLAIN + too_many)


def test_lists_of_enums_have_a_size_with_some_writers() -> None:
    definition = "enum E { ONE, TWO }; @final struct A { sequence<E> a; E b[2]; };"
    values, more = struct.pack("<I2i", 2, 0, 1), struct.pack("<2i", 1, 0)

    for body in values + more, sized(values) + sized(more):
        assert row(idl(definition), PLAIN2 + body) == {"a": [0, 1], "b": [1, 0]}


def test_wide_strings_whose_length_is_in_bytes() -> None:
    decoder = ros2("wstring w\nuint32 n")
    units = "aß😀".encode("utf-16-le")

    assert row(decoder, PLAIN + struct.pack("<I", 8) + units + struct.pack("<I", 5)) == {"w": "aß😀", "n": 5}
    assert "is no UTF-16" in reason(decoder, PLAIN + struct.pack("<I", 3) + b"a\0b\0" + struct.pack("<I", 5))


def test_what_most_messages_fit_is_how_a_writer_writes() -> None:
    """The second could be two wide characters as well, of 4 bytes each."""
    decoder = ros2("wstring w\nuint8[] rest")
    clear = struct.pack("<I", 3) + "abc".encode("utf-16-le") + bytes(2) + struct.pack("<I", 0)
    unclear = struct.pack("<I", 1) + b"a\0\0\0" + struct.pack("<I", 0)

    rows, _ = decode(decoder, *(PLAIN + body for body in (clear, unclear, clear)))

    assert [found["w"] for found in rows] == ["abc", "a", "abc"]


def test_messages_of_several_encapsulations_keep_their_order() -> None:
    decoder = ros2("int8 a\nfloat64 b")
    bodies = {PLAIN: "<b7xd", PLAIN2: "<b3xd", bytes([0, 6, 0, 0]): ">b3xd"}
    order = [PLAIN, PLAIN2, bytes([0, 6, 0, 0])] * 20

    rows, unreadable = decode(
        decoder, *(header + struct.pack(bodies[header], at, at / 2) for at, header in enumerate(order)), b"x"
    )

    assert [found["a"] for found in rows] == list(range(60))
    assert [found["b"] for found in rows] == [at / 2 for at in range(60)]
    assert [index for index, _ in unreadable] == [60]
