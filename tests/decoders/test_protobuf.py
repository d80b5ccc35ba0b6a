"""Protobuf messages, compared with what protobuf's own classes hold."""

from typing import Any

import pytest
from google.protobuf.message_factory import GetMessageClass

from bagmill.decoders import Decoder
from bagmill.recording import Schema
from bagmill.schemas.protobuf import load_descriptor
from tests.decoders.payloads import decode, reason, row, typed
from tests.schemas.descriptors import Proto, descriptor_set, everything, field, file, message

SCHEMA = Schema(1, "p.Everything", "protobuf", everything())


@pytest.fixture
def decoder() -> Decoder:
    return typed(SCHEMA, "protobuf")


def new() -> Any:
    return GetMessageClass(load_descriptor(SCHEMA.name, SCHEMA.data))()


def test_a_full_message(decoder: Decoder) -> None:
    sent = new()
    sent.a_double, sent.a_float, sent.a_int64, sent.a_uint64 = 1.5, 0.25, -(2**63), 2**64 - 1
    sent.a_sint32, sent.a_bool, sent.a_string, sent.a_bytes = -7, True, "grüß", b"\xff\0"
    sent.color = 7
    sent.point.x = 1.0
    sent.points.add(x=2.0)
    sent.points.add(y=3.0)
    sent.numbers.extend([1.0, 2.0])
    sent.colors.extend([0, 1, 99])
    sent.tags.update({"b": 2, "a": 1})
    sent.named[5].x = 4.0
    sent.as_text = "chosen"
    sent.maybe = 0
    sent.stamp.seconds, sent.stamp.nanos = 5, 6
    sent.nothing.SetInParent()

    found = row(decoder, sent.SerializeToString())

    assert {name: found[name] for name in ("a_double", "a_float", "a_int64", "a_uint64", "a_sint32")} == {
        "a_double": 1.5,
        "a_float": 0.25,
        "a_int64": -(2**63),
        "a_uint64": 2**64 - 1,
        "a_sint32": -7,
    }
    assert (found["a_bool"], found["a_string"], found["a_bytes"], found["color"]) == (
        True,
        "grüß",
        b"\xff\0",
        7,
    )
    assert found["point"] == {"x": 1.0, "y": 0.0}
    assert found["points"] == [{"x": 2.0, "y": 0.0}, {"x": 0.0, "y": 3.0}]
    assert (found["numbers"], found["colors"]) == ([1.0, 2.0], [0, 1, 99])
    assert found["tags"] == [("a", 1), ("b", 2)]
    assert found["named"] == [(5, {"x": 4.0, "y": 0.0})]
    assert (found["as_text"], found["as_point"], found["maybe"]) == ("chosen", None, 0)
    assert found["stamp"] == {"seconds": 5, "nanos": 6}
    assert found["nothing"] == {"structure_needs_at_least_one_member": 0}


def test_an_empty_message_has_defaults_and_nulls(decoder: Decoder) -> None:
    found = row(decoder, b"")

    assert {name for name, value in found.items() if value is None} == {
        "point",
        "as_text",
        "as_point",
        "maybe",
        "stamp",
        "nothing",
    }
    assert (found["a_double"], found["a_string"], found["points"], found["tags"]) == (0.0, "", [], [])


def test_the_other_name_of_the_schema_encoding() -> None:
    assert typed(Schema(1, SCHEMA.name, "proto", SCHEMA.data), "protobuf").fields.names[0] == "a_double"


@pytest.mark.parametrize(
    ("payload", "complaint"),
    [
        (b"\x09\0\0", "no valid protobuf"),
        (b"\x72\xff\xff\xff\xff\x0f", "no valid protobuf"),
        (b"\0", "no valid protobuf"),
        (b"\x72\x02\xff\xfe", "protobuf"),
    ],
)
def test_what_is_no_protobuf_is_refused_with_a_reason(
    decoder: Decoder, payload: bytes, complaint: str
) -> None:
    rows, unreadable = decode(decoder, payload, b"")

    assert len(rows) == 1
    assert complaint in unreadable[0][1]


def test_a_text_of_proto2_that_is_none() -> None:
    data = descriptor_set(
        file("a.proto", [message("A", [field("s", 1, Proto.TYPE_STRING)])], syntax="proto2")
    )

    assert "UTF-8" in reason(typed(Schema(1, "p.A", "protobuf", data), "protobuf"), b"\x0a\x02\xff\xfe")


def test_fields_that_the_schema_does_not_list_are_told_once(decoder: Decoder) -> None:
    unknown = b"\xa2\x06\x01x"  # field 100

    decode(decoder, b"", unknown, unknown)

    assert [note.code for note in decoder.notes] == ["unknown_fields"]


def test_unknown_fields_of_inner_messages_are_seen_too(decoder: Decoder) -> None:
    inner = b"\xa2\x06\x01x"

    decode(decoder, b"\xaa\x01" + bytes([len(inner)]) + inner)

    assert [note.code for note in decoder.notes] == ["unknown_fields"]


def test_extensions_are_columns() -> None:
    body = message("A", [field("x", 1, Proto.TYPE_INT32)])
    body.extension_range.add(start=100, end=200)
    extended = file("a.proto", [body], syntax="proto2")
    extended.extension.add(
        name="more", number=100, type=Proto.TYPE_STRING, label=Proto.LABEL_OPTIONAL, extendee=".p.A"
    )
    extended.extension.add(
        name="many", number=101, type=Proto.TYPE_INT32, label=Proto.LABEL_REPEATED, extendee=".p.A"
    )
    decoder = typed(Schema(1, "p.A", "protobuf", descriptor_set(extended)), "protobuf")

    rows, _ = decode(decoder, b"\x08\x05\xa2\x06\x01z\xa8\x06\x07\xa8\x06\x08", b"")

    assert rows == [
        {"x": 5, "p.more": "z", "p.many": [7, 8]},
        {"x": None, "p.more": None, "p.many": []},
    ]
    assert decoder.notes == []


def test_a_message_without_fields_has_no_columns() -> None:
    data = descriptor_set(file("a.proto", [message("A", [])]))

    assert decode(typed(Schema(1, "p.A", "protobuf", data), "protobuf"), b"", b"") == ([{}, {}], [])
