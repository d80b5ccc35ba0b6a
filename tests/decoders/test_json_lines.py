"""Many JSON messages read at once are what they are when read one by one."""

import json
import os
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bagmill.decoders import Decoder
from bagmill.decoders.json import JsonDecoder, JsonInspection
from bagmill.recording import Schema
from tests.decoders.generated import equal
from tests.decoders.jsonmessages import (
    NO_NUMBERS,
    NO_TEXTS,
    NUMBERS,
    TEXTS,
    as_bytes,
    broken,
    topic,
)
from tests.decoders.payloads import block, decode

EXAMPLES = int(os.environ.get("BAGMILL_JSON_EXAMPLES", "10000"))


def as_schema(content: Any) -> Schema | None:
    return None if content is None else Schema(1, "name", "jsonschema", json.dumps(content).encode())


def one_by_one(given: Schema | None, payloads: list[bytes]) -> Decoder:
    """The decoder after it has seen these messages one after the other."""
    inspection = JsonInspection(given)
    inspection.add(payloads)
    return inspection.decoder()


def check(content: Any, payloads: list[bytes], cut: int) -> None:
    given = as_schema(content)
    slow = one_by_one(given, payloads)
    inspection = JsonInspection(given)
    for part in (payloads[:cut], payloads[cut:]):
        inspection.take(*block(part))
    fast = inspection.decoder()
    assert fast.fields.equals(slow.fields, check_metadata=True)
    assert fast.facts == slow.facts
    assert str(fast.raw_reason) == str(slow.raw_reason)
    if isinstance(slow, JsonDecoder):
        expected = slow.decode_each(*block(payloads))
        reasons = list(expected.unreadable)
        rows = expected.batch.to_pylist()
        in_parts = [decode(fast, *payloads[:cut]), decode(fast, *payloads[cut:])]  # of what is kept
        moved = [(cut + index, reason) for index, reason in in_parts[1][1]]
        assert (in_parts[0][1] + moved) == reasons
        assert equal(in_parts[0][0] + in_parts[1][0], rows)
        assert decode(fast, *payloads)[1] == reasons
        assert equal(decode(fast, *payloads)[0], rows)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32))
def test_random_topics(seed: int) -> None:
    content, payloads = topic(seed)

    check(content, payloads, seed % len(payloads))


PLAIN = b'{"n": 1.5, "i": 7, "s": "text", "6": "AAA=", "b": true, "o": {"x": 1}, "a": [1]}'
TYPES = {
    "properties": {
        "n": {"type": "number"},
        "i": {"type": "integer"},
        "u": {"type": "integer", "minimum": 0, "maximum": 2**64 - 1},
        "s": {"type": "string"},
        "6": {"type": "string", "contentEncoding": "base64"},
        "b": {"type": "boolean"},
        "o": {"properties": {"x": {"type": "integer"}}},
        "a": {"items": {"type": "number"}},
    }
}


def among_others(*messages: bytes) -> list[bytes]:
    """Messages among some that are plain, so that they are read together."""
    return [PLAIN] * 18 + [each for message in messages for each in (message, *[PLAIN] * 18)]


OTHERS = ["null", "true", "tru", "[]", "{}", "", "[1]", '{"x": 1}', "1", '"x"']
SPELLINGS = {
    **{key: [*NUMBERS, *NO_NUMBERS, *OTHERS] for key in "niu"},
    **{key: [*TEXTS, *NO_TEXTS, *OTHERS] for key in "s6"},
    **dict.fromkeys("bo", OTHERS),
    "a": [f"[1, {number}]" for number in (*NUMBERS, *NO_NUMBERS, *OTHERS)],
}


@pytest.mark.parametrize("every", [6, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    ("key", "content"), [*((key, TYPES) for key in SPELLINGS), ("n", None), ("s", None), ("a", None)]
)
def test_a_value_of_any_spelling_in_any_place(content: Any, key: str, every: int) -> None:
    for value in SPELLINGS[key][::every]:
        check(content, among_others(as_bytes(f'{{"{key}": {value}}}')), 18)


def test_messages_that_are_not_one_object() -> None:
    for seed in range(3):
        for text in broken(Random(seed), PLAIN.decode()):
            check(None, among_others(as_bytes(text)), 18)
    check(None, among_others(b'{"i": 1} {"i": 2}', b'{"i": 3'), 18)
    check(None, among_others(b'{"i": ', b"3}"), 0)
    check(None, among_others(b'{"s": "', b'"}'), 0)


def test_members_that_stand_twice() -> None:
    twice = [
        b'{"i": 1, "i": 2}',
        b'{"i": null, "i": 2}',
        b'{"o": {"x": 1, "x": 2}}',
        b'{"\\u0069": 1, "i": 2}',
    ]

    check(TYPES, among_others(*twice), 18)


def test_white_space_and_escapes_everywhere() -> None:
    pretty = json.dumps(json.loads(PLAIN), indent=4).replace("\n", "\r\n").encode()
    messages = [pretty, b" \n\t\r" + PLAIN + b"\n\n", b" " * 100 + PLAIN, PLAIN + b" " * 100, b" " * 100]

    check(TYPES, among_others(*messages), 18)


def test_messages_without_a_byte_between_them() -> None:
    payloads = [PLAIN] * 50
    sizes = np.array([len(payload) for payload in payloads], np.int64)
    ends = np.cumsum(sizes)
    buffer = np.frombuffer(b"".join(payloads), np.uint8)

    decoded = one_by_one(None, payloads).decode(buffer, ends - sizes, ends)

    assert decoded.batch.num_rows == 50
    assert not decoded.unreadable


WIDE = {"properties": {"l": {"items": {"properties": {f"k{n}": {"type": "number"} for n in range(1000)}}}}}


@pytest.mark.parametrize("item", ["{}", "null", '{"k1": 1}'])
def test_lists_that_make_far_more_columns_than_they_hold(item: str) -> None:
    payloads = [f'{{"l": [{", ".join([item] * count)}]}}'.encode() for count in [1] * 40 + [30_000]]

    check(WIDE, payloads, 0)
    decoder = JsonInspection(as_schema(WIDE)).decoder()
    assert [number for number, _ in decode(decoder, *payloads)[1]] == [40]


def test_wide_lists_that_hold_values() -> None:
    element = {f"k{n}": n for n in range(1000)}
    payloads = [json.dumps({"l": [element] * count}).encode() for count in [1, 2] * 10]

    check(WIDE, payloads, 0)
    assert not decode(JsonInspection(as_schema(WIDE)).decoder(), *payloads)[1]


def test_what_is_nested_too_deep_by_its_schema() -> None:
    content: Any = {"type": "number"}
    for _ in range(34):
        content = {"items": content}
    payloads = [b'{"deep": ' + b"[" * levels + b"]" * levels + b"}" for levels in (3, 31, 32, 34)] * 10

    check({"properties": {"deep": content}}, payloads, 0)


@pytest.mark.parametrize(
    "values",
    [
        [None] * 20 + ["text"] * 20 + [1],
        [None] * 20 + ["text"] * 20 + [[1]] * 20,
        [1] * 20 + [-5] * 20 + [2**63 + 5],
        [1] * 20 + [2**63 - 1] * 20 + [2**63] * 20,
        [2**63] * 20 + [-1] * 20,
        [1] * 20 + [1.0] * 20,
        [[]] * 20 + [[None]] * 20 + [["a"]] * 20 + [[True]],
        [{}] * 20 + [None] * 20 + [{"x": None}] * 20 + [{"x": 1}] * 20,
        [2**70] * 20 + [1] * 20,
        [1] * 20 + [2**64] * 20,
    ],
    ids=str,
)
@pytest.mark.parametrize("declared", [None, {"type": "integer"}], ids=["untyped", "integer"])
def test_types_that_show_late(values: list[Any], declared: Any) -> None:
    content = {"properties": {"x": declared}} if declared else None

    check(content, [json.dumps({"x": value}).encode() for value in values], 30)
    check(content, [json.dumps({"o": [{"x": value}]}).encode() for value in values], 30)


@pytest.mark.parametrize(
    "values",
    [
        ["1", '"on"'],
        ["1", "2.5", '"on"', "true", "null"],
        ["1", '"on"', '{"x": 1}', '{"x": null, "y": "z"}', "[1]", "[]", "{}"],
        ['{"x": 1}', '"x"', '[{"x": 1.5}]'],
        ["true", "[true]", '["a", null]'],
        ["1.0", "1", "-0", "-0.0", "NaN", '"NaN"', "1e400"],
        ["18446744073709551615", '"1"'],
        ['"} null"', "1", '{"null": null}'],
        ['"\\"value\\": 1"', "1", '{"value": "x"}'],
        [*"12", '"1"', "false", *NO_NUMBERS],
    ],
    ids=str,
)
@pytest.mark.parametrize(
    "form", ['{"value": %s}', '{"o": {"n": 1, "value" : %s}, "t": "value"}', '{"l": [%s]}']
)
def test_values_of_several_types_at_a_place(values: list[str], form: str) -> None:
    rnd = Random(0)
    payloads = [(form % rnd.choice(values)).encode() for _ in range(100)]

    check(None, [*payloads, b'{"other": 1}', b"{}", *payloads], 40)
    check(None, [(form % values[0]).encode()] * 40 + payloads, 30)


def test_several_places_of_several_types() -> None:
    rnd = Random(0)
    values = ["1", "true", '"x"', "null", "[1]", '{"a": 1}']
    form = '{"a": %s, "b": {"c": %s}, "d": %s}'
    payloads = [(form % tuple(rnd.choices(values, k=3))).encode() for _ in range(300)]

    check(None, payloads, 100)


def test_integers_that_are_written_as_numbers() -> None:
    values = [
        "1.0",
        "-0.0",
        "1e2",
        "9007199254740991.0",
        "9007199254740992.0",
        "9007199254740993",
        "1.5",
        "1e300",
    ]

    for key in "iu":
        for value in values:
            payloads = [f'{{"{key}": {number}.0}}'.encode() for number in range(20)]
            check(TYPES, [*payloads, f'{{"{key}": {value}}}'.encode(), *payloads], 18)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(8))
def test_very_many_random_topics(part: int) -> None:
    for seed in range(part, EXAMPLES, 8):
        content, payloads = topic(seed)
        try:
            check(content, payloads, seed % len(payloads))
        except Exception as error:
            raise AssertionError(f"topic({seed})") from error
