"""JSON messages: typed by schema and content, never bent to fit."""

import base64
import json
from typing import Any

import pytest

from bagmill.decoders import Decoder, make_decoder
from bagmill.decoders.json import JsonInspection
from bagmill.recording import Schema
from tests.decoders.payloads import block, decode, reason, row


def schema(content: Any, encoding: str = "jsonschema") -> Schema:
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    return Schema(1, "name", encoding, data)


def inspected(*payloads: bytes, given: Schema | None = None) -> Decoder:
    """The decoder after it has seen these messages."""
    inspection = JsonInspection(given)
    inspection.take(*block(payloads))
    return inspection.decoder()


def rows(*payloads: bytes, given: Schema | None = None) -> list[dict[str, Any]]:
    found, unreadable = decode(inspected(*payloads, given=given), *payloads)
    assert not unreadable
    return found


IMAGE = schema(
    {
        "type": "object",
        "properties": {
            "data": {"type": "string", "contentEncoding": "base64"},
            "width": {"type": "integer"},
            "ratio": {"type": "number"},
            "tags": {"type": "object", "additionalProperties": {"type": "integer"}},
        },
    }
)


def test_a_schema_gives_the_types() -> None:
    payload = b'{"data": "/9j/", "width": 640.0, "ratio": 2, "tags": {"b": 1, "a": null}}'

    assert rows(payload, given=IMAGE) == [
        {"data": base64.b64decode("/9j/"), "width": 640, "ratio": 2.0, "tags": [("b", 1), ("a", None)]}
    ]


def test_what_is_absent_or_null_is_null() -> None:
    assert (
        rows(b"{}", b'{"width": null}', given=IMAGE)
        == [{"data": None, "width": None, "ratio": None, "tags": None}] * 2
    )


def test_messages_without_a_schema() -> None:
    found = rows(b'{"a": 1, "b": {"c": [1, 2.5]}}', b'{"a": 2, "d": "x", "b": null}')

    assert found == [
        {"a": 1, "b": {"c": [1.0, 2.5]}, "d": None},
        {"a": 2, "b": None, "d": "x"},
    ]


@pytest.mark.parametrize("given", [None, schema({}), schema(b"anything", "other"), schema(b"", "")])
def test_an_open_schema_is_none(given: Schema | None) -> None:
    assert rows(b'{"a": 1}', given=given) == [{"a": 1}]


def test_members_beyond_the_schema_get_columns() -> None:
    found = rows(b'{"width": 1, "more": true}', given=schema({"properties": {"width": {"type": "integer"}}}))

    assert found == [{"width": 1, "more": True}]


def test_values_of_several_types() -> None:
    found = rows(b'{"x": 1}', b'{"x": 2.5}', b'{"x": "one"}', b'{"x": null}', b'{"x": {"y": 1}}')

    assert [item["x"] for item in found] == [
        {"number": 1.0, "object": None, "string": None},
        {"number": 2.5, "object": None, "string": None},
        {"number": None, "object": None, "string": "one"},
        None,
        {"number": None, "object": {"y": 1}, "string": None},
    ]


def test_messages_that_are_no_objects_are_a_column() -> None:
    assert rows(b"1", b"2") == [{"value": 1}, {"value": 2}]
    assert rows(b"[1]", b"null") == [{"value": [1]}, {"value": None}]
    assert rows(b"1", b'{"a": 2}') == [
        {"value": {"integer": 1, "object": None}},
        {"value": {"integer": None, "object": {"a": 2}}},
    ]


def test_large_integers_are_exact() -> None:
    assert rows(b'{"x": 18446744073709551615}') == [{"x": 2**64 - 1}]
    assert rows(b'{"x": -9223372036854775808}') == [{"x": -(2**63)}]


def test_numbers_that_are_no_numbers_stay_so() -> None:
    found = rows(b'{"x": NaN}', b'{"x": -Infinity}')

    assert found[0]["x"] != found[0]["x"]
    assert found[1]["x"] == float("-inf")


def test_an_empty_object_inside_keeps_its_place() -> None:
    assert rows(b'{"x": {}}', b'{"x": null}') == [
        {"x": {"structure_needs_at_least_one_member": 0}},
        {"x": None},
    ]


def test_names_that_collide() -> None:
    assert rows(b'{"topic": 1, "a": 2, "A": 3, "": 4}') == [{"topic_": 1, "a": 2, "A_": 3, "_": 4}]


@pytest.mark.parametrize(
    ("payload", "complaint"),
    [
        (b"", "no valid JSON"),
        (b'{"width": 1', "no valid JSON"),
        (b'{"width": 1} {}', "no valid JSON"),
        (b"\xff\xfe{\0}\0", "no UTF-8"),
        (b'{"ratio": "1"}', "ratio is of type string, not number"),
        (b'{"ratio": true}', "ratio is of type boolean, not number"),
        (b'{"width": 1.5}', "width is of type number, not integer"),
        (b'{"width": 9223372036854775808.0}', "width is of type number, not integer"),
        (b'{"width": -9223372036854775809}', "width is an integer that does not fit"),
        (b'{"data": 5}', "data is of type integer, not string"),
        (b'{"data": "no base64!"}', "data is no base64"),
        (b'{"data": "abc"}', "data is no base64"),
        (b'{"tags": [1]}', "tags is of type array, not object"),
        (b'{"tags": {"a": "x"}}', "tags{} is of type string, not integer"),
        (b"[1]", "the message is of type array, not object"),
        (b"null", "the message is of type null, not object"),
        (b'{"more": "\\ud800"}', "half of a surrogate pair"),
        (b'{"\\udc00": 1}', "half of a surrogate pair"),
        (b"[" * 100_000, "no valid JSON"),
        (b'{"more": ' + b"[" * 40 + b"]" * 40 + b"}", "nested more than 32 levels"),
        (b'{"more": ' + b"[" * 600 + b"]" * 600 + b"}", "nested more than 32 levels"),
        (b'{"width": ' + b"1" * 5000 + b"}", "no valid JSON"),
    ],
)
def test_what_does_not_fit_is_refused_with_a_reason(payload: bytes, complaint: str) -> None:
    assert complaint in reason(inspected(payload, given=IMAGE), payload)


def test_a_pair_of_surrogates_is_text() -> None:
    assert rows(b'{"x": "\\ud83d\\ude00"}') == [{"x": "\U0001f600"}]


def test_a_number_beyond_float64() -> None:
    payload = b'{"x": 1' + b"0" * 400 + b"}"

    assert "beyond float64" in reason(
        inspected(payload, given=schema({"properties": {"x": {"type": "number"}}})), payload
    )


def test_a_schema_that_is_none_is_told_and_replaced_by_the_messages() -> None:
    decoder = inspected(b'{"a": 1}', given=schema(b"{broken"))

    assert row(decoder, b'{"a": 1}') == {"a": 1}
    assert [note.code for note in decoder.notes] == ["schema_ignored"]


def test_a_decoder_that_has_seen_no_messages_refuses_what_its_schema_does_not_list() -> None:
    assert "has no column" in reason(make_decoder(IMAGE, "json"), b'{"more": 1}')


def test_more_members_than_columns_are_kept_as_bytes() -> None:
    payload = json.dumps({f"key {n}": n for n in range(10_001)}).encode()

    decoder = inspected(payload)

    assert decoder.raw_reason is not None
    assert row(decoder, payload) == {"data": payload}


def test_more_columns_in_all_than_can_be_are_kept_as_bytes() -> None:
    payload = json.dumps({f"{n}": {f"{m}": 1 for m in range(200)} for n in range(200)}).encode()

    assert inspected(payload).raw_reason is not None
