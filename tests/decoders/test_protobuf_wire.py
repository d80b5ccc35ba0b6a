"""Single messages in every form that the wire allows, and in some that it does not."""

import pytest

from bagmill.decoders import Decoder
from bagmill.recording import Schema
from tests.decoders.payloads import decode, typed
from tests.decoders.protobuf_reference import Reference
from tests.decoders.protobufs import varint
from tests.schemas.descriptors import Proto, descriptor_set, enum, field, file, map_entry, message

FF = b"\xff" * 9
ZEROS = b"\x80" * 9


def _three() -> bytes:
    body = message(
        "A",
        [
            field("i", 1, Proto.TYPE_INT32),
            field("u", 2, Proto.TYPE_UINT64),
            field("b", 3, Proto.TYPE_BOOL),
            field("r", 4, Proto.TYPE_INT32, repeated=True),
            field("s", 5, Proto.TYPE_STRING),
            field("f", 6, Proto.TYPE_DOUBLE),
            field("z", 7, Proto.TYPE_SINT32),
            field("t", 8, Proto.TYPE_STRING, repeated=True),
            field("d", 9, Proto.TYPE_FIXED32, repeated=True),
            field("m", 10, Proto.TYPE_MESSAGE, type_name=".p.B", oneof=0),
            field("n", 11, Proto.TYPE_MESSAGE, type_name=".p.B", oneof=0),
            field("k", 12, Proto.TYPE_MESSAGE, type_name=".p.A.KEntry", repeated=True),
            field("o", 13, Proto.TYPE_MESSAGE, type_name=".p.B"),
            field("wide", 2000, Proto.TYPE_FLOAT),
            field("last", 2**29 - 1, Proto.TYPE_BOOL, repeated=True),
        ],
        oneofs=["choice"],
    )
    body.nested_type.append(map_entry("KEntry", Proto.TYPE_STRING, Proto.TYPE_MESSAGE, ".p.B"))
    inner = message("B", [field("x", 1, Proto.TYPE_INT32), field("r", 2, Proto.TYPE_INT32, repeated=True)])
    return descriptor_set(file("a.proto", [body, inner]))


def _two() -> bytes:
    body = message(
        "A",
        [
            field("e", 1, Proto.TYPE_ENUM, type_name=".p.E"),
            field("r", 2, Proto.TYPE_ENUM, type_name=".p.E", repeated=True),
            field("k", 3, Proto.TYPE_MESSAGE, type_name=".p.A.KEntry", repeated=True),
            field("c", 4, Proto.TYPE_ENUM, type_name=".p.E", oneof=0),
            field("i", 5, Proto.TYPE_INT32, oneof=0),
            field("s", 6, Proto.TYPE_STRING),
            field("g", 7, Proto.TYPE_GROUP, type_name=".p.A.G"),
            field("h", 8, Proto.TYPE_GROUP, type_name=".p.A.G", repeated=True),
        ],
        oneofs=["choice"],
    )
    body.nested_type.append(map_entry("KEntry", Proto.TYPE_STRING, Proto.TYPE_ENUM, ".p.E"))
    body.nested_type.append(message("G", [field("y", 2, Proto.TYPE_INT32), field("s", 3, Proto.TYPE_STRING)]))
    needed = field("needed", 9, Proto.TYPE_INT32)
    needed.label = Proto.LABEL_REQUIRED
    body.field.append(needed)
    return descriptor_set(
        file("a.proto", [body], syntax="proto2", enums=[enum("E", {"Z": 0, "X": 1, "Y": -1})])
    )


CASES = {
    "three": [
        # varints: of 10 bytes the bits beyond 64 mean nothing, of 11 bytes there are none
        b"\x10" + FF + b"\x01",
        b"\x10" + FF + b"\x7f",
        b"\x10" + ZEROS + b"\x02",
        b"\x10" + FF + b"\xff\x01",
        b"\x10" + FF,
        b"\x08\x85\x80\x80\x00",
        b"\x08\xff\xff\xff\xff\xff\x01",
        b"\x18\x80\x80\x80\x80\x10",
        b"\x18" + ZEROS + b"\x02",
        b"\x38\xff\xff\xff\xff\xff\x01",
        # tags
        b"\x88\x00\x05",
        b"\x88\x80\x80\x80\x00\x05",
        b"\x88\x80\x80\x80\x80\x00\x05",
        b"\x88\x80\x80\x80\x10\x05",
        b"\xf8\xff\xff\xff\x0f\x01",
        b"\xf8\xff\xff\xff\x1f\x01",
        b"\x85\x7d\0\0\0\x3f",
        b"\x00\x05",
        b"\x80\x00\x05",
        b"\x0e",
        b"\x0f",
        b"\xa6\x06",
        b"\x88",
        # lengths
        b"\x2a\x81\x80\x00x",
        b"\x2a\x81\x80\x80\x80\x00x",
        b"\x2a\x81\x80\x80\x80\x80\x00x",
        b"\x2a\x80\x80\x80\x80\x08",
        b"\x2a" + FF + b"\x01",
        b"\x2a\x02x",
        b"\x2a",
        # another wire type than expected is an unknown field
        b"\x0d\1\2\3\4",
        b"\x28\x05",
        b"\x32\x08" + bytes(8),
        b"\x0a\x01\x05",
        b"\x25\1\0\0\0",
        b"\x53\x08\x05\x54",
        # packed and not
        b"\x22\x02\x05\x80",
        b"\x22\x0a" + ZEROS + b"\x02",
        b"\x22\x0b" + ZEROS + b"\x80\x01",
        b"\x22\x0b" + FF + b"\x01\x05",
        b"\x20\x05\x20\x06",
        b"\x20\x05\x22\x02\x07\x08\x20\x06",
        b"\x22\x02\x07\x08\x22\x00\x22\x01\x09",
        b"\x4a\x08\1\0\0\0\2\0\0\0\x4a\x04\3\0\0\0",
        b"\x4a\x07\1\0\0\0\2\0\0",
        b"\x4d\1\0\0\0\x4d\2\0\0\0",
        b"\xfa\xff\xff\xff\x0f\x02\x01\x00",
        # groups
        b"\xa3\x06\xa4\x06",
        b"\x0b\x08\x05\x0c",
        b"\xa3\x06\xab\x06\x08\x05\xac\x06\x0a\x02ab\x0d\1\2\3\4\x09" + bytes(8) + b"\xa4\x06\x08\x07",
        b"\xa3\x06\x08\x05",
        b"\xa3\x06\xac\x06",
        b"\xa3\x06\x00\xa4\x06",
        b"\xa3\x06\x0a\x7f\xa4\x06",
        b"\xa3\x06\x0f\xa4\x06",
        b"\x0c",
        b"\xa4\x06",
        *(b"\xa3\x06" * depth + b"\xa4\x06" * depth for depth in (99, 100, 101)),
        *(b"\x6a" + varint(depth * 4) + (b"\xa3\x06" * depth + b"\xa4\x06" * depth) for depth in (99, 100)),
        # text
        b"\x2a\x01\xff",
        b"\x2a\x01\xff\x2a\x01a",
        b"\x42\x01a\x42\x01\xff",
        b"\x2a\x03\xed\xa0\x80",
        b"\x2a\x04\xf4\x90\x80\x80",
        b"\x2a\x01\xc3\x42\x01\xa4",
        b"\x42\x01\xc3\x42\x01\xa4",
        b"\x2a\x01\0",
        # parts of one message
        b"\x6a\x02\x08\x05\x6a\x02\x10\x06",
        b"\x6a\x02\x08\x05\x6a\x02\x08\x06",
        b"\x52\x02\x08\x05\x52\x02\x10\x06",
        b"\x52\x02\x08\x05\x5a\x00\x52\x02\x10\x06",
        b"\x6a\x01\x08",
        b"\x6a\x03\x08\x05\x0c",
        b"\x6a\x02\x18\x05",
        b"\x08\x01\x28\x00\x08\x02",
        # maps
        b"\x62\x00",
        b"\x62\x03\x0a\x01b\x62\x03\x0a\x01a",
        b"\x62\x05\x12\x00\x0a\x01b\x62\x07\x0a\x01b\x12\x02\x08\x05",
        b"\x62\x0b\x0a\x01b\x12\x02\x08\x05\x12\x02\x10\x06",
        b"\x62\x05\x0a\x01b\x18\x05",
        b"\x62\x07\x0a\x01b\x12\x02\x18\x05",
        b"\x62\x03\x0a\x01\xff",
        b"\x62\x02\x08\x05",
    ],
    "two": [
        b"\x08\x01",
        b"\x08\x05",
        b"\x08\x01\x08\x05",
        b"\x08" + FF + b"\x01",
        b"\x08\xff\xff\xff\xff\x0f",
        b"\x08\x81\x80\x80\x80\x10",
        b"\x10\x01\x10\x05\x10\x00",
        b"\x12\x03\x01\x05\x01",
        b"\x1a\x05\x0a\x01k\x10\x01",
        b"\x1a\x05\x0a\x01k\x10\x05",
        b"\x1a\x03\x0a\x01k",
        b"\x1a\x05\x0a\x01\xff\x10\x01",
        b"\x20\x01\x28\x07",
        b"\x28\x07\x20\x05",
        b"\x32\x01\xff",
        b"\x32\x01\xff\x32\x01a",
        b"\x3b\x10\x05\x3c\x48\x01",
        b"\x3a\x02\x10\x05",
        b"\x3b\x10\x05\x44",
        b"\x3b\x3b\x3c\x10\x05\x3c",
        b"\x3b\x1a\x02\x3c\x3c\x10\x05\x3c",
        b"\x3b\x3c\x3b\x10\x05\x3c",
        b"\x43\x10\x05\x44\x43\x10\x06\x44",
        b"\x43\x1a\x01\xff\x44",
        b"\x3b\x10\x05",
        b"\x48\x05",
        b"",
    ],
}
SCHEMAS = {"three": _three(), "two": _two()}


def decoder(kind: str) -> Decoder:
    return typed(Schema(1, "p.A", "protobuf", SCHEMAS[kind]), "protobuf")


@pytest.mark.parametrize("times", [1, 100])
@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        pytest.param(kind, payload, id=f"{kind}-{payload[:24].hex()}")
        for kind in CASES
        for payload in CASES[kind]
    ],
)
def test_it_is_read_as_protobuf_reads_it(kind: str, payload: bytes, times: int) -> None:
    expected, unreadable, unknown = Reference("p.A", SCHEMAS[kind]).read([payload])
    chosen = decoder(kind)

    rows, reasons = decode(chosen, *[payload] * times)

    assert rows == expected * times
    assert len(reasons) == len(unreadable) * times
    assert bool(chosen.notes) == unknown


@pytest.mark.parametrize("kind", CASES)
def test_all_of_them_side_by_side(kind: str) -> None:
    payloads = CASES[kind] * 2
    expected, unreadable, _ = Reference("p.A", SCHEMAS[kind]).read(payloads)

    rows, reasons = decode(decoder(kind), *payloads)

    assert rows == expected
    assert [index for index, _ in reasons] == unreadable


def test_a_long_list_that_is_not_packed() -> None:
    element = b"\x20\x07"

    rows, _ = decode(decoder("three"), element * 100_000, b"\x42\x01a" * 50_000)

    assert rows[0]["r"] == [7] * 100_000
    assert rows[1]["t"] == ["a"] * 50_000


def test_many_long_lists_of_messages() -> None:
    lists = [b"".join(b"\x62\x04\x0a\x02" + f"{key:02}".encode() for key in range(40))] * 100

    rows, _ = decode(decoder("three"), *lists)

    assert [len(row["k"]) for row in rows] == [40] * 100
    assert rows[7]["k"][11] == ("11", {"x": 0, "r": []})


def test_messages_whose_fields_alternate_without_end() -> None:
    rows, _ = decode(decoder("three"), *[b"\x08\x01\x10\x02" * 2_000] * 60)

    assert {(row["i"], row["u"]) for row in rows} == {(1, 2)}


def test_bytes_that_are_all_the_same() -> None:
    for byte in range(0, 256, 7):
        rows, reasons = decode(decoder("three"), *[bytes([byte]) * 200] * 50)
        expected, unreadable, _ = Reference("p.A", SCHEMAS["three"]).read([bytes([byte]) * 200])
        assert rows == expected * 50
        assert len(reasons) == len(unreadable) * 50


def wide() -> Decoder:
    inner = message("B", [field(f"f{number}", number, Proto.TYPE_INT64) for number in range(1, 3000)])
    body = message("A", [field("b", 1, Proto.TYPE_MESSAGE, type_name=".p.B", repeated=True)])
    return typed(Schema(1, "p.A", "protobuf", descriptor_set(file("a.proto", [body, inner]))), "protobuf")


def test_empty_messages_of_a_wide_type_are_refused_before_they_take_memory() -> None:
    small = b"\x0a\x02\x08\x05"

    rows, reasons = decode(wide(), small, b"\x0a\x00" * 300_000, small, b"\x0a\x00" * 300_000 + b"\xa3")

    assert [row["b"][0]["f1"] for row in rows] == [5, 5]
    assert [index for index, _ in reasons] == [1, 3]
    assert all("far more values" in reason for _, reason in reasons)


def test_a_few_empty_messages_of_a_wide_type_are_fine() -> None:
    rows, reasons = decode(wide(), *[b"\x0a\x00" * 10] * 20)

    assert [len(row["b"]) for row in rows] == [10] * 20
    assert reasons == []
