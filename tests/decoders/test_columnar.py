"""Whole blocks at once against message by message: random types, random messages, random damage."""

import os
import random
from collections.abc import Callable

import pytest

from bagmill.decoders.cdr import CdrDecoder
from bagmill.decoders.ros1 import Ros1Decoder
from bagmill.decoders.rows import RowDecoder
from bagmill.errors import SchemaUnsupported
from bagmill.schemas.tree import Struct
from tests.decoders import writing
from tests.decoders.generated import equal
from tests.decoders.mutations import mutated
from tests.decoders.payloads import block
from tests.decoders.trees import Trees, value_of

MANY = int(os.environ.get("BAGMILL_GENERATED_SCHEMAS", "10000"))


def sent(chance: random.Random, root: Struct, write: Callable[[object], bytes]) -> list[bytes]:
    """Messages of a topic: few or many, alike or not, some or all of them damaged."""
    if chance.random() < 0.3:
        values = [value_of(chance, root)] * chance.choice([1, 5, 40])
        values += [value_of(chance, root)] * chance.choice([0, 1])
    else:
        values = [value_of(chance, root) for _ in range(chance.choice([1, 2, 5, 30, 60]))]
    rate = chance.choice([0, 0, 0.1, 0.5, 1])
    return [mutated(chance, data) if chance.random() < rate else data for data in map(write, values)]


def compare(seed: int) -> None:
    """Decode one random topic both ways."""
    chance = random.Random(seed)
    root = Trees().root(chance)
    if chance.random() < 0.3:
        try:
            ros1 = Ros1Decoder(root)
        except SchemaUnsupported:
            return
        payloads = sent(chance, root, lambda value: writing.ros1(root, value))
        both = ros1.decode(*block(payloads)), RowDecoder(root, ros1.read_message, []).decode(*block(payloads))
    else:
        order, wide = chance.choice("<<<>"), chance.choice([2, 4])
        payloads = sent(chance, root, lambda value: writing.cdr(root, value, order, wide))
        cdr = CdrDecoder(root)
        found = cdr.decode(*block(payloads))
        both = found, RowDecoder(root, cdr.read_message, []).decode(*block(payloads))
    columnar, rows = both
    columnar.batch.validate(full=True)
    assert list(columnar.unreadable) == list(rows.unreadable)
    assert columnar.batch.num_rows == rows.batch.num_rows
    assert columnar.batch.schema.equals(rows.batch.schema, check_metadata=True)
    assert equal(columnar.batch.to_pylist(), rows.batch.to_pylist())


@pytest.mark.parametrize("part", range(4))
def test_columns_are_what_rows_are(part: int) -> None:
    for seed in range(part, 300, 4):
        compare(seed)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(8))
def test_columns_are_what_rows_are_for_very_many_schemas(part: int) -> None:
    for seed in range(1000 + part, 1000 + MANY, 8):
        compare(seed)
