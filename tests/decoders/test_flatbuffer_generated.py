"""Flatbuffer messages of random schemas, compared with what was sent and what the field's package reads."""

import os
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bagmill.recording import Schema
from tests.decoders.flatbuffer_reference import read
from tests.decoders.flatbuffer_writing import encode, encode_schema
from tests.decoders.flatbuffers import make_row, make_schema
from tests.decoders.payloads import decode, typed
from tests.decoders.protobufs import damage

PROOFS = 100
SCHEMAS = int(os.environ.get("BAGMILL_PROOF_SCHEMAS", "10000"))
careful = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


def compare(random: Random) -> None:
    made = make_schema(random)
    decoder = typed(Schema(1, made.name, "flatbuffer", encode_schema(random, made)), "flatbuffer")
    sent = [make_row(random, made, made.types[-1]) for _ in range(6)]
    payloads = [encode(random, made, row) for row in sent]

    rows, unreadable = decode(decoder, *payloads)

    assert unreadable == []
    # As text NaN equals NaN, and -0.0 does not equal 0.0.
    assert repr(rows) == repr(sent)
    assert repr(rows) == repr([read(made, payload) for payload in payloads])

    damaged = [damage(random, payload) for payload in payloads * 3]
    rows, unreadable = decode(decoder, *damaged)

    refused = {index for index, _ in unreadable}
    left = [payload for index, payload in enumerate(damaged) if index not in refused]
    assert repr(rows) == repr([read(made, payload) for payload in left])


@careful
@given(st.integers(0, 2**32))
def test_rows_are_what_was_sent(seed: int) -> None:
    compare(Random(seed))


@pytest.mark.slow
@pytest.mark.parametrize("proof", range(PROOFS))
def test_ten_thousand_schemas(proof: int) -> None:
    for seed in range(proof, SCHEMAS, PROOFS):
        compare(Random(f"proof {seed}"))
