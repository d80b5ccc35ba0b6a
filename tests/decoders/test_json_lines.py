"""Many JSON messages read at once are what they are when read one by one."""

import json
import os
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bagmill.decoders import Decoder
from bagmill.decoders.json import JsonDecoder, JsonInspection
from bagmill.recording import Schema
from tests.decoders.generated import equal
from tests.decoders.jsonmessages import topic
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
        for part in (payloads[:cut], payloads[cut:], payloads):  # what is kept, and what was not
            check_rows(slow, fast, part)


def check_rows(slow: JsonDecoder, fast: Decoder, payloads: list[bytes]) -> None:
    expected = slow.decode_each(*block(payloads))
    rows, unreadable = decode(fast, *payloads)
    assert unreadable == list(expected.unreadable)
    assert equal(rows, expected.batch.to_pylist())


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32))
def test_random_topics(seed: int) -> None:
    content, payloads = topic(seed)

    check(content, payloads, seed % len(payloads))


@pytest.mark.slow
@pytest.mark.parametrize("part", range(8))
def test_very_many_random_topics(part: int) -> None:
    for seed in range(part, EXAMPLES, 8):
        content, payloads = topic(seed)
        try:
            check(content, payloads, seed % len(payloads))
        except Exception as error:
            raise AssertionError(f"topic({seed})") from error
