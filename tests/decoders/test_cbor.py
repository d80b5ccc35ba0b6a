"""CBOR messages: the examples of RFC 8949, what other people's encoder makes, and bytes that mean harm."""

import math
import resource
import struct
import sys
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bagmill.decoders import Decoder
from bagmill.decoders.base import UnreadableMessage
from bagmill.decoders.cbor import CborInspection, parse_message
from bagmill.recording import Schema
from bagmill.schemas.inference import json_type
from tests.convert.making import START, Sent, Stream, dataset, record
from tests.decoders.generated import equal
from tests.decoders.payloads import block, decode, reason


def inspected(*payloads: bytes, given: Schema | None = None) -> Decoder:
    """The decoder after it has seen these messages."""
    inspection = CborInspection(given)
    inspection.take(*block(payloads))
    return inspection.decoder()


def rows(*values: Any, given: Schema | None = None) -> list[dict[str, Any]]:
    payloads = [cbor2.dumps(value) for value in values]
    found, unreadable = decode(inspected(*payloads, given=given), *payloads)
    assert not unreadable
    return found


NAN, INF = math.nan, math.inf
APPENDIX_A: list[tuple[str, Any]] = [
    ("00", 0), ("01", 1), ("0a", 10), ("17", 23), ("1818", 24), ("1819", 25), ("1864", 100), ("1903e8", 1000),
    ("1a000f4240", 1000000), ("1b000000e8d4a51000", 1000000000000), ("1bffffffffffffffff", 2**64 - 1),
    ("c249010000000000000000", 2**64), ("3bffffffffffffffff", -(2**64)),
    ("c349010000000000000000", -(2**64) - 1), ("20", -1), ("29", -10), ("3863", -100), ("3903e7", -1000),
    ("f90000", 0.0), ("f98000", -0.0),
    ("f93c00", 1.0), ("fb3ff199999999999a", 1.1), ("f93e00", 1.5), ("f97bff", 65504.0),
    ("fa47c35000", 100000.0),
    ("fa7f7fffff", 3.4028234663852886e38), ("fb7e37e43c8800759c", 1.0e300), ("f90001", 5.960464477539063e-8),
    ("f90400", 0.00006103515625), ("f9c400", -4.0), ("fbc010666666666666", -4.1), ("f97c00", INF),
    ("f97e00", NAN), ("f9fc00", -INF), ("fa7f800000", INF), ("fa7fc00000", NAN), ("faff800000", -INF),
    ("fb7ff0000000000000", INF), ("fb7ff8000000000000", NAN), ("fbfff0000000000000", -INF),
    ("f4", False), ("f5", True), ("f6", None), ("f7", None),
    ("c074323031332d30332d32315432303a30343a30305a", "2013-03-21T20:04:00Z"), ("c11a514b67b0", 1363896240),
    ("c1fb41d452d9ec200000", 1363896240.5), ("d74401020304", b"\1\2\3\4"), ("d818456449455446", b"dIETF"),
    ("d82076687474703a2f2f7777772e6578616d706c652e636f6d", "http://www.example.com"), ("40", b""),
    ("4401020304", b"\1\2\3\4"), ("60", ""), ("6161", "a"), ("6449455446", "IETF"), ("62225c", '"\\'),
    ("62c3bc", "\u00fc"), ("63e6b0b4", "\u6c34"), ("64f0908591", "\U00010151"), ("80", []),
    ("83010203", [1, 2, 3]), ("8301820203820405", [1, [2, 3], [4, 5]]),
    ("98190102030405060708090a0b0c0d0e0f101112131415161718181819", [*range(1, 26)]), ("a0", {}),
    ("a26161016162820203", {"a": 1, "b": [2, 3]}), ("826161a161626163", ["a", {"b": "c"}]),
    ("a56161614161626142616361436164614461656145", {"a": "A", "b": "B", "c": "C", "d": "D", "e": "E"}),
    ("5f42010243030405ff", b"\1\2\3\4\5"), ("7f657374726561646d696e67ff", "streaming"), ("9fff", []),
    ("9f018202039f0405ffff", [1, [2, 3], [4, 5]]), ("9f01820203820405ff", [1, [2, 3], [4, 5]]),
    ("83018202039f0405ff", [1, [2, 3], [4, 5]]), ("83019f0203ff820405", [1, [2, 3], [4, 5]]),
    ("9f0102030405060708090a0b0c0d0e0f101112131415161718181819ff", [*range(1, 26)]),
    ("bf61610161629f0203ffff", {"a": 1, "b": [2, 3]}), ("826161bf61626163ff", ["a", {"b": "c"}]),
    ("bf6346756ef563416d7421ff", {"Fun": True, "Amt": -2}),
]  # fmt: skip


@pytest.mark.parametrize(("message", "value"), APPENDIX_A, ids=[message for message, _ in APPENDIX_A])
def test_the_examples_of_the_specification(message: str, value: Any) -> None:
    assert equal(parse_message(bytes.fromhex(message)), value)


@pytest.mark.parametrize("message", ["f0", "f818", "f8ff", "a201020304", "c202", "c349"])
def test_examples_that_have_no_column(message: str) -> None:
    with pytest.raises(UnreadableMessage):
        parse_message(bytes.fromhex(message))


@pytest.mark.parametrize(
    ("message", "value"),
    [
        ("c48221196ab3", 273.15),
        ("c4821903e801", None),
        ("c5822003", 1.5),
        ("c5821903e801", 2.0**1000),
        ("d84043010203", b"\1\2\3"),
        ("d84441ff", b"\xff"),
        ("d84844ff010203", [-1, 1, 2, 3]),
        ("d8414401020304", [0x0102, 0x0304]),
        ("d8454401020304", [0x0201, 0x0403]),
        ("d84f48feffffffffffffff", [-2]),
        ("d85444003c00c0", [1.0, -2.0]),
        ("d8514400000000", [0.0]),
        ("d85648000000000000f03f", [1.0]),
        ("d85340", b""),
        ("d9d9f78101", [1]),
        ("d86481c101", [1]),
        ("d81e820103", [1, 3]),
        ("d901028101", [1]),
        ("d8255000000000000000000000000000000000", bytes(16)),
        ("d823615b", "["),
        ("da000f4240a1616181f7", {"a": [None]}),
    ],
)
def test_tags(message: str, value: Any) -> None:
    if value is None:
        with pytest.raises(UnreadableMessage, match="beyond float64"):
            parse_message(bytes.fromhex(message))
    else:
        assert equal(parse_message(bytes.fromhex(message)), value)


@pytest.mark.parametrize(
    ("message", "complaint"),
    [
        (b"", "no valid CBOR"),
        (b"\0\0", "1 bytes are left over"),
        (b"\xa1\x61", "no valid CBOR"),
        (b"\xa1\x01\x02", "map key must be a text string"),
        (b"\xa1\x41a\x02", "a key is no text"),
        (b"\xa1\xf6\x02", "map key must be a text string"),
        (b"\xa2\x61a\x01\x61a\x02", "Duplicate map key"),
        (b"\x62\xc3\x28", "no valid CBOR"),
        (b"\xf0", "CBORSimpleValue(16) has no column"),
        (b"\xff", "no valid CBOR"),
        (b"\x1c", "no valid CBOR"),
        (b"\x81" * 33 + b"\0", "nesting depth"),
        (b"\xc6" * 100_000 + b"\0", "nesting depth"),
        (b"\x81" * 100_000, "nesting depth"),
        (b"\xd8\x1c\x81\xd8\x1d\0", "a shared reference is not read"),
        (b"\xd8\x1c\x81\0", "a shared value is not read"),
        (b"\xd9\x01\0\x82\x61a\xd8\x19\0", "a string reference is not read"),
        (b"\xd8\x45\x43\0\0\0", "no whole number of elements"),
        (b"\xd8\x45\0", "no whole number of elements"),
        (b"\xc4\x01", "no pair of integers"),
        (b"\xc4\x82\x3b\xff\xff\xff\xff\xff\xff\xff\xff\x01", "beyond float64"),
        (b"\xc5\x82\x1b\xff\xff\xff\xff\xff\xff\xff\xff\x01", "beyond float64"),
    ],
)
def test_what_is_refused(message: bytes, complaint: str) -> None:
    with pytest.raises(UnreadableMessage) as caught:
        parse_message(message)

    assert complaint in str(caught.value)


@pytest.mark.parametrize("head", ["9b", "bb", "5b", "7b"])
@pytest.mark.parametrize("length", [2**32, 2**40, 2**63, 2**64 - 1])
def test_hostile_lengths_take_no_memory(head: str, length: int) -> None:
    before = peak_bytes()

    for levels in (1, 30):
        with pytest.raises(UnreadableMessage):
            parse_message((bytes.fromhex(head) + struct.pack(">Q", length)) * levels + b"\0")

    assert peak_bytes() - before < 64 << 20


def peak_bytes() -> int:
    """The most memory that this process has had."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak << 10


def test_no_tag_makes_an_object() -> None:
    known = [*range(300), 1004, 43000, 55799, 55800, 2**32, 2**64 - 1]
    for tag in known:
        for content in (0, -1, 1.5, b"", bytes(16), "", "a", "2013-03-21T20:04:00Z", [0, 1], {}, {"a": 1}):
            message = b"\xdb" + struct.pack(">Q", tag) + cbor2.dumps(content)
            try:
                value = parse_message(message)
            except UnreadableMessage:
                continue
            assert type(value) in (int, float, bytes, str, list, dict), (tag, content)
            if tag not in range(2, 6) and tag not in range(64, 88):
                assert value == content


def test_messages_become_columns() -> None:
    found = rows({"a": 1, "b": b"\0\xff", "c": [1.5, 2]}, {"a": 2, "d": {"e": True}, "b": None})

    assert found == [
        {"a": 1, "b": b"\0\xff", "c": [1.5, 2.0], "d": None},
        {"a": 2, "b": None, "c": None, "d": {"e": True}},
    ]


def test_values_of_several_types() -> None:
    assert rows({"x": b"a"}, {"x": "a"}, {"x": 1}) == [
        {"x": {"bytes": b"a", "integer": None, "string": None}},
        {"x": {"bytes": None, "integer": None, "string": "a"}},
        {"x": {"bytes": None, "integer": 1, "string": None}},
    ]


def test_a_message_that_is_no_map() -> None:
    assert rows([1, 2], [3]) == [{"value": [1, 2]}, {"value": [3]}]


SCHEMA = Schema(
    1,
    "name",
    "jsonschema",
    b'{"type": "object", "properties": {"data": {"type": "string", "contentEncoding": "base64"},'
    b' "text": {"type": "string"}, "count": {"type": "integer"}}}',
)


def test_a_json_schema_gives_the_types() -> None:
    assert rows({"data": b"\0\1", "count": 1.0}, {"data": "AAE=", "text": "x"}, given=SCHEMA) == [
        {"data": b"\0\1", "text": None, "count": 1},
        {"data": b"\0\1", "text": "x", "count": None},
    ]


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        ({"text": b"x"}, "text is of type bytes, not string"),
        ({"data": "no base64"}, "data is no base64"),
        ({"count": 2**64}, "does not fit"),
        ({"count": 1.5}, "count is of type number"),
        (datetime(2020, 1, 1, tzinfo=UTC), "the message is of type string, not object"),
    ],
)
def test_what_does_not_fit_the_schema(value: Any, complaint: str) -> None:
    payload = cbor2.dumps(value)

    assert complaint in reason(inspected(payload, given=SCHEMA), payload)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats()
    | st.text(max_size=5)
    | st.binary(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "A", ""]), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=100, deadline=None)
@given(VALUES, st.booleans(), st.booleans())
def test_what_was_encoded_is_read(value: Any, canonical: bool, indefinite: bool) -> None:
    payload = cbor2.dumps(value, canonical=canonical, indefinite_containers=indefinite)

    assert equal(parse_message(payload), value)


@settings(max_examples=100, deadline=None)
@given(st.lists(VALUES, min_size=1, max_size=4), st.integers(0, 2**32))
def test_changed_bytes_end_in_a_row_or_a_reason(values: list[Any], seed: int) -> None:
    rnd = Random(seed)
    payloads = [changed(rnd, cbor2.dumps({"x": value})) for value in values]
    decoder = inspected(*payloads)

    found, unreadable = decode(decoder, *payloads)

    assert len(found) + len(unreadable) == len(payloads)


def changed(rnd: Random, payload: bytes) -> bytes:
    place = rnd.randrange(len(payload))
    noise = rnd.choice([b"", rnd.randbytes(1), b"\x9b", b"\x5b", b"\xd8\x1c", b"\xc2", b"\xff", b"\xf9"])
    return rnd.choice([payload, payload[:place], payload[:place] + noise + payload[place + 1 :]])


def test_bytes_are_a_type_of_their_own() -> None:
    assert json_type(b"") == "bytes"


def test_a_recording_of_cbor(tmp_path: Path) -> None:
    sent = [cbor2.dumps({"n": n, "image": bytes([n] * n)}) for n in range(3)] + [b"\xff"]
    stream = Stream("/c", None, "cbor", [Sent(data, START + n) for n, data in enumerate(sent)])

    made = dataset(record(tmp_path / "a.mcap", stream), tmp_path / "out")

    assert [(row["n"], row["image"]) for row in made.rows("/c")] == [(0, b""), (1, b"\1"), (2, b"\2\2")]
    assert [row["data"] for row in made.unreadable] == [b"\xff"]
    assert made.topics["/c"]["encoding"] == "cbor"
