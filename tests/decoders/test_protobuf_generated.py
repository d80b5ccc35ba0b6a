"""Protobuf messages of random schemas, decoded at once and one by one by protobuf's own classes."""

import os
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bagmill.recording import Schema
from tests.decoders.payloads import decode, typed
from tests.decoders.protobuf_reference import Reference
from tests.decoders.protobufs import make_payloads, make_schema

PROOFS = 100
SCHEMAS = int(os.environ.get("BAGMILL_PROOF_SCHEMAS", "10000"))
careful = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


def compare(random: Random) -> None:
    """Decode some messages of a schema: few of them, which is one way through the program, and many."""
    made = make_schema(random)
    payloads = make_payloads(random, made, 8)
    rows, unreadable, unknown = Reference(made.name, made.data).read(payloads)
    for times in (1, 9):
        decoder = typed(Schema(1, made.name, "protobuf", made.data), "protobuf")
        found, reasons = decode(decoder, *payloads * times)
        assert [index for index, _ in reasons] == [
            index + again * len(payloads) for again in range(times) for index in unreadable
        ]
        # As text NaN equals NaN, and -0.0 does not equal 0.0.
        assert repr(found) == repr(rows * times)
        assert bool(decoder.notes) == unknown


@careful
@given(st.integers(0, 2**32))
def test_rows_are_those_of_the_reference(seed: int) -> None:
    compare(Random(seed))


@pytest.mark.slow
@pytest.mark.parametrize("proof", range(PROOFS))
def test_ten_thousand_schemas(proof: int) -> None:
    for seed in range(proof, SCHEMAS, PROOFS):
        compare(Random(f"proof {seed}"))
