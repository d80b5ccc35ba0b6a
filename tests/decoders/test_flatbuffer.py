"""Flatbuffer messages, made by the field's own compiler and by hand."""

import json
import struct
from pathlib import Path
from random import Random
from typing import Any

import pytest

from bagmill.decoders import Decoder
from bagmill.recording import Schema
from tests.decoders.flatbuffer_writing import Messages, encode, encode_schema
from tests.decoders.flatbuffers import Choice, Made, Many, Member, Named, Ref, Scalar, Text, Type
from tests.decoders.payloads import decode, reason, row, typed

FOLDER = Path(__file__).parents[1] / "schemas" / "flatbuffer"
FULL, LEAST = (FOLDER / "full.bin").read_bytes(), (FOLDER / "least.bin").read_bytes()
UNION = {"Inner": None, "Renamed": None, "Vec": None, "Text": None}
EMPTY = {"structure_needs_at_least_one_member": 0}
INNER = {"name": None, "v": None, "numbers": None}


@pytest.fixture
def decoder() -> Decoder:
    schema = Schema(1, "test.Everything", "flatbuffer", (FOLDER / "everything.bfbs").read_bytes())
    return typed(schema, "flatbuffer")


def test_a_full_message(decoder: Decoder) -> None:
    sent = json.loads((FOLDER / "full.json").read_text("utf-8"))

    found = row(decoder, FULL)

    assert found.pop("nested")[-8:] == b"inside\0\0"
    assert found == as_row(sent)


def as_row(sent: dict[str, Any]) -> dict[str, Any]:
    """The compiler's JSON in the words of columns: enums and unions as numbers, bytes as bytes."""
    named = {"color": 7, "level": -3, "flags": 17, "maybe_color": 0, "levels": [300, -3]}
    mixed = sent["mixed"] | {"color": 2, "raw": b"\1\2\3\4", "colors": b"\0\7"}
    first, text, vec, last = sent["choices"]
    converted = named | {
        "blob": b"\0\xff\1",
        "colors": b"\0\7",
        "mixed": mixed,
        "inners": [INNER | item for item in sent["inners"]],
        "empty": EMPTY,
        "empties": [EMPTY, EMPTY],
        "choice": UNION | {"_d": 2, "Renamed": {"id": 9, "inner": INNER | {"name": "deep"}}},
        "choices": [
            UNION | {"_d": 1, "Inner": INNER | first},
            UNION | {"_d": 4, "Text": text},
            UNION | {"_d": 3, "Vec": vec},
            UNION | {"_d": 2, "Renamed": {"inner": None} | last},
        ],
        "log_time_": sent["log_time"],
    }
    dropped = {"nested", "log_time", "choice_type", "choices_type"}
    return {name: value for name, value in (sent | converted).items() if name not in dropped}


def test_what_is_absent_is_its_default_or_null(decoder: Decoder) -> None:
    found = row(decoder, LEAST)

    assert str(found.pop("nan_default")) == "nan"
    assert {name: value for name, value in found.items() if value} == {
        "with_default": -42,
        "float_default": 1.5,
        "inf_default": float("-inf"),
        "bool_default": True,
        "color": 2,
        "flags": 2,
        "needed": "x",
    }
    assert {name for name, value in found.items() if value is None} == {
        *("maybe_int", "maybe_bool", "maybe_color", "text", "blob", "bytes", "bools", "shorts", "doubles"),
        *("texts", "colors", "levels", "vec", "mixed", "vecs", "inner", "inners", "empty", "empties"),
        *("choice", "choices", "nested"),
    }


def test_messages_beside_each_other(decoder: Decoder) -> None:
    rows, unreadable = decode(decoder, FULL, LEAST, b"", FULL, LEAST[:12], LEAST)

    assert repr(rows) == repr([row(decoder, FULL), row(decoder, LEAST)] * 2)
    assert [index for index, _ in unreadable] == [2, 4]


def test_no_messages(decoder: Decoder) -> None:
    assert decode(decoder) == ([], [])


@pytest.mark.parametrize("change", ["cut", "zero", "ones"])
def test_changed_messages_harm_no_other(decoder: Decoder, change: str) -> None:
    expected = repr(row(decoder, LEAST))
    for message in (FULL, LEAST):
        changed = {
            "cut": [message[:size] for size in range(len(message))],
            "zero": [message[:at] + b"\0" + message[at + 1 :] for at in range(len(message))],
            "ones": [message[:at] + b"\xff" + message[at + 1 :] for at in range(len(message))],
        }[change]

        rows, unreadable = decode(decoder, LEAST, *changed, LEAST)

        assert (repr(rows[0]), repr(rows[-1])) == (expected, expected)
        assert all(reason for _, reason in unreadable)


def of(*types: Type, enums: tuple[Named, ...] = ()) -> tuple[Made, Decoder]:
    """A schema by hand and its decoder."""
    made = Made(types, enums)
    data = encode_schema(Random(0), made)
    return made, typed(Schema(1, made.name, "flatbuffer", data), "flatbuffer")


def write(made: Made, row: dict[str, Any]) -> bytes:
    return encode(Random(0), made, row)


A = Member("a", Scalar("int32"), 7)
B = Member("b", Text())


def test_senders_with_other_versions_of_the_schema() -> None:
    old, new = of(Type("n.T", (A,))), of(Type("n.T", (A, B)))

    assert row(new[1], write(old[0], {"a": 1})) == {"a": 1, "b": None}
    assert row(old[1], write(new[0], {"a": 2, "b": "x"})) == {"a": 2}


def test_a_union_of_a_kind_that_the_schema_does_not_list() -> None:
    kinds: tuple[tuple[int, Any], ...] = ((1, Ref(0)), (2, Text()))
    inner, member = Type("n.I", (A,)), Member("u", Choice(0))
    names = (("NONE", 0), ("m1", 1), ("m2", 2))
    _, old = of(inner, Type("n.T", (member,)), enums=(Named("n.U", "uint8", names[:2], kinds[:1]),))
    new, _ = of(inner, Type("n.T", (member,)), enums=(Named("n.U", "uint8", names, kinds),))

    assert row(old, write(new, {"u": {"_d": 2, "m2": "text"}})) == {"u": {"_d": 2, "m1": None}}


def test_a_required_field_that_is_missing() -> None:
    text = Member("b", Text(), required=True)
    made, decoder = of(Type("n.I", (text,)), Type("n.T", (Member("inner", Ref(0)),)))

    assert row(decoder, write(made, {"inner": None})) == {"inner": None}
    assert reason(decoder, write(made, {"inner": {"b": None}})) == "n.I.b is missing, which is required"


def test_a_required_union_that_is_missing() -> None:
    union = Named("n.U", "uint8", (("NONE", 0), ("m1", 1)), ((1, Text()),))
    made, decoder = of(Type("n.T", (Member("u", Choice(0), required=True),)), enums=(union,))

    assert row(decoder, write(made, {"u": {"_d": 1, "m1": "x"}})) == {"u": {"_d": 1, "m1": "x"}}
    assert "n.T.u is missing" in reason(decoder, write(made, {"u": None}))


def test_unions_whose_kinds_and_values_do_not_match() -> None:
    union = Named("n.U", "uint8", (("NONE", 0), ("m1", 1)), ((1, Text()),))
    made, decoder = of(Type("n.T", (Member("u", Many(Choice(0))),)), enums=(union,))
    message = write(made, {"u": [{"_d": 1, "m1": "x"}, {"_d": 1, "m1": "y"}]})
    kinds = message.index(struct.pack("<I", 2) + b"\1\1")
    changed = message[:kinds] + struct.pack("<I", 1) + message[kinds + 4 :]

    assert row(decoder, message) == {"u": [{"_d": 1, "m1": "x"}, {"_d": 1, "m1": "y"}]}
    assert reason(decoder, changed) == "n.T.u has not as many kinds as values"


def test_a_text_that_is_no_utf8() -> None:
    made, decoder = of(Type("n.T", (Member("texts", Many(Text())),)))
    message = write(made, {"texts": ["a", "grüß"]})

    assert reason(decoder, message.replace("ü".encode(), b"\xff\xfe")) == "n.T.texts is no UTF-8"


def test_an_offset_that_points_to_itself() -> None:
    made, decoder = of(Type("n.T", (B,)))
    message = write(made, {"b": "text"})
    offset = message.index(b"text") - 8
    changed = message[:offset] + bytes(4) + message[offset + 4 :]

    assert struct.unpack_from("<I", message, offset) == (4,)
    assert reason(decoder, changed) == "n.T.b points to itself"


def test_a_vector_that_says_that_it_is_huge() -> None:
    made, decoder = of(Type("n.T", (Member("v", Many(Scalar("float64"))),)))
    message = write(made, {"v": [1.0, 2.0, 3.0]})
    count = message.index(struct.pack("<Id", 3, 1.0))
    changed = message[:count] + b"\xff\xff\xff\xff" + message[count + 4 :]

    assert reason(decoder, changed) == "n.T.v reaches beyond the message"


def test_a_text_that_is_shared_without_measure() -> None:
    made, decoder = of(Type("n.T", (Member("texts", Many(Text())),)))
    messages = Messages(Random(0), made)
    text = messages.writer.text("x" * 10_000)
    texts = messages.writer.offsets([text] * 20_000)
    bomb = messages.writer.finish(messages.writer.table(1, {0: ("offset", texts, None)}))

    rows, unreadable = decode(decoder, write(made, {"texts": ["a"]}), bomb)

    assert rows == [{"texts": ["a"]}]
    assert "far more values" in unreadable[0][1]


def test_a_table_that_is_shared_without_measure() -> None:
    made, decoder = of(
        Type("n.I", tuple(Member(f"f{number}", Scalar("int64"), 0) for number in range(2000))),
        Type("n.T", (Member("many", Many(Ref(0))),)),
    )
    messages = Messages(Random(0), made)
    inner = messages.writer.table(1, {})
    many = messages.writer.offsets([inner] * 20_000)
    bomb = messages.writer.finish(messages.writer.table(1, {0: ("offset", many, None)}))

    assert "far more values" in reason(decoder, bomb)


def test_a_table_without_fields_has_no_columns() -> None:
    made, decoder = of(Type("n.T", ()))

    assert decode(decoder, write(made, {}), b"\4\0\0\0") == (
        [{}],
        [(1, "the root table reaches beyond the message")],
    )
