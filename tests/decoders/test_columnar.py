"""Whole blocks at once against message by message: random types, random messages, random damage."""

import itertools
import os
import random
import struct
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from bagmill.decoders import make_decoder
from bagmill.decoders.cdr import CdrDecoder
from bagmill.decoders.columnar.alignment import Sizes
from bagmill.decoders.columnar.compiling import compiled_plan, is_columnar
from bagmill.decoders.columnar.elements import Lists
from bagmill.decoders.columnar.walk import walk
from bagmill.decoders.ros1 import Ros1Decoder
from bagmill.decoders.rows import RowDecoder
from bagmill.decoders.wire import Wire
from bagmill.errors import SchemaUnsupported
from bagmill.recording import Schema
from bagmill.schemas.ros import parse_ros2
from bagmill.schemas.tree import Struct
from tests.decoders import writing
from tests.decoders.mutations import mutated
from tests.decoders.payloads import block, decode, ros2
from tests.decoders.trees import Trees, value_of

POINT = "===\nMSG: pkg/P\nint8 a\nfloat64 x"
MANY = int(os.environ.get("BAGMILL_GENERATED_SCHEMAS", "10000"))


def sent(chance: random.Random, root: Struct, write: Callable[[Any], bytes]) -> tuple[list[Any], list[bytes]]:
    """Values of a topic: few or many, alike or not; and their messages, none, some or all of them damaged."""
    if chance.random() < 0.3:
        values = [value_of(chance, root)] * chance.choice([1, 5, 40])
        values += [value_of(chance, root)] * chance.choice([0, 1])
    else:
        values = [value_of(chance, root) for _ in range(chance.choice([1, 2, 5, 30, 60]))]
    rate = chance.choice([0, 0, 0.1, 0.5, 1])
    if rate == 0:
        return values, [write(value) for value in values]
    return [], [mutated(chance, data) if chance.random() < rate else data for data in map(write, values)]


def random_topic(seed: int) -> tuple[CdrDecoder | Ros1Decoder, list[Any], list[bytes]]:
    """A decoder, values (none if messages are damaged), and messages."""
    chance = random.Random(seed)
    form = chance.choice(["ros1", "ros2", "ros2", "idl", "headers"])
    wide = chance.choice([0, 1, 2, 4])
    root = Trees(chance, wide > 0, idl=form in ("idl", "headers"), headers=form == "headers").root()
    if form == "ros1":
        ros1 = Ros1Decoder(root)
        return ros1, *sent(chance, root, lambda value: writing.ros1(root, value))
    cdr = CdrDecoder(root)
    writer = writing.Writer(
        order=chance.choice("<<<>"),
        version=1 if form == "ros2" else chance.choice([1, 2]),
        wide=wide,
        enums=chance.random() < 0.5,
        long=chance.random() < 0.3,
        fill=chance.random() < 0.3,
    )
    values, payloads = sent(chance, root, lambda value: writing.cdr(root, value, writer))
    # A few wide strings may be read in several ways.
    return cdr, [] if wide in (1, 2) else values, payloads


def plain(value: Any) -> Any:
    """A value without what is absent; floats as text, for NaN and the sign of zero."""
    match value:
        case dict():
            return {name: plain(item) for name, item in value.items() if item is not None}
        case list() | tuple():
            return [plain(item) for item in value]
        case float():
            return repr(value)
    return value


def compare(seed: int) -> None:
    """Decode a random topic by columns and by rows."""
    try:
        decoder, values, payloads = random_topic(seed)
    except SchemaUnsupported:
        return
    columnar = decoder.decode(*block(payloads))
    rows = RowDecoder(decoder.root, decoder.read_message, []).decode(*block(payloads))
    columnar.batch.validate(full=True)
    assert columnar.batch.schema.equals(decoder.fields)
    assert list(columnar.unreadable) == list(rows.unreadable)
    assert columnar.batch.num_rows == rows.batch.num_rows
    found = columnar.batch.to_pylist()
    assert plain(found) == plain(rows.batch.to_pylist())
    # Random big-endian numbers often look better in the other order.
    if values and decoder.root.fields and not any(note.code == "wrong_byte_order" for note in decoder.notes):
        assert not columnar.unreadable
        assert plain(found) == plain(values)


@pytest.mark.parametrize("part", range(4))
def test_columns_are_what_rows_are(part: int) -> None:
    for seed in range(part, 300, 4):
        compare(seed)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(8))
def test_columns_are_what_rows_are_for_very_many_schemas(part: int) -> None:
    for seed in range(1000 + part, 1000 + MANY, 8):
        compare(seed)


@pytest.mark.parametrize("seed", range(40))
def test_one_cursor_at_a_time_finds_what_many_do(seed: int) -> None:
    chance = random.Random(seed)
    root = Trees(chance, idl=True).root()
    wire = Wire("<", 2, root=root.extensibility)
    writer = writing.Writer(version=2)
    payloads = [writing.cdr(root, value_of(chance, root), writer) for _ in range(30)]
    payloads += [mutated(chance, data) for data in payloads[:10]]
    buffer, start, end = block([data for data in payloads if len(data) >= 4])
    plan = compiled_plan(root, wire)

    found = [walk(plan, buffer, start + 4, end, few) for few in (1, 20, 10**9)]

    assert is_columnar(root, wire)
    for other in found[1:]:
        for one, two in zip(found[0].slots, other.slots, strict=True):
            assert one.tolist() == two.tolist()


def test_bits_of_numbers_that_are_none_are_kept() -> None:
    bits32, bits64 = [0x7F800001, 0xFFC12345, 0x80000000], [0x7FF0000000000001, 0xFFF8123456789ABC, 1 << 63]
    body = struct.pack("<3I4x3Q", *bits32, *bits64)
    for order, header in ("<", b"\0\1\0\0"), (">", b"\0\0\0\0"):
        decoder = ros2("float32[3] a\nfloat64[3] b")
        decode(decoder, header + struct.pack(f"{order}3f4x3d", 1, 2, 3, 4, 5, 6))
        for count in 1, 50:
            numbers = struct.pack(f"{order}3I4x3Q", *bits32, *bits64)
            batch = decoder.decode(*block([header + numbers] * count)).batch
            values = [batch.column(at).flatten() for at in range(2)]
            found = [bytes(value.buffers()[1])[: value.nbytes] for value in values]
            assert found == [body[:12] * count, body[16:] * count]


def test_nothing_of_a_batch_is_in_the_buffer() -> None:
    definition = "string a\nuint8[] b\nfloat64[] c\nP[] d\nint32[3] e\n===\nMSG: pkg/P\nfloat64 x\nuint8 y"
    value = {"a": "abc", "b": b"xyz", "c": [1.5], "d": [{"x": 1.0, "y": 2}] * 3, "e": [1, 2, 3]}
    decoder = ros2(definition)
    root = parse_ros2("pkg/msg/Thing", definition)
    for count in 1, 50:
        buffer, start, end = block([writing.cdr(root, value, writing.Writer())] * count)
        writable = buffer.copy()
        batch = decoder.decode(writable, start, end).batch
        writable[:] = 0xEE
        assert batch.to_pylist() == [value] * count


def test_blocks_of_one_shape_do_not_mix_up_what_they_share() -> None:
    definition = "string frame\nstring[] names\nfloat64 x"
    root, decoder = parse_ros2("pkg/msg/Thing", definition), ros2(definition)
    kept = []
    for count, frame, names in [
        (40, "map", ["a", "", "bc"]),
        (60, "map", ["a", "", "bc"]),
        (35, "map", ["a", "", "bc"]),
        (50, "odo", ["a", "", "bc"]),
        (50, "odo", ["", "ab", "c"]),
        (40, "", []),
        (45, "map", ["a", "", "bc"]),
    ]:
        values = [{"frame": frame, "names": names, "x": float(number)} for number in range(count)]
        payloads = [writing.cdr(root, value, writing.Writer()) for value in values]
        kept.append((decoder.decode(*block(payloads)).batch, values))

    for batch, values in kept:
        batch.validate(full=True)
        assert batch.to_pylist() == values


def test_long_lists_among_short_ones() -> None:
    definition = f"M[] many\nP[] points\n===\nMSG: pkg/M\nstring name\nP[] inner\n{POINT}"
    chance = random.Random(5)
    root = parse_ros2("pkg/msg/Thing", definition)

    def point() -> dict[str, Any]:
        return {"a": chance.randint(-128, 127), "x": chance.random()}

    def thing(count: int) -> dict[str, Any]:
        many = [{"name": "n" * (n % 6), "inner": [point() for _ in range(n % 4)]} for n in range(count)]
        return {"many": many, "points": [point() for _ in range(count)]}

    values = [thing(count) for count in [3] * 40 + [5000] + [2] * 40 + [0, 700]]
    payloads = [writing.cdr(root, value, writing.Writer()) for value in values]

    rows, unreadable = decode(ros2(definition), *payloads)

    assert unreadable == []
    assert rows == values


def test_elements_are_placed_in_pieces() -> None:
    layout = Sizes(Wire("<", 1)).layout(parse_ros2("p/msg/P", "int8 a\nfloat64 x"))
    count = np.array([0, 5, 1, 0, 7])
    place = np.array([100, 203, 300, 400, 507])
    lists = Lists(layout, place, place - 3, np.zeros_like(count), count)

    pieces = list(lists.pieces(4))

    assert [int(piece.counts.sum()) for piece in pieces] == [4, 4, 4, 1]
    for number, whole in enumerate(lists.starts()):
        assert np.concatenate([piece.starts()[number] for piece in pieces]).tolist() == whole.tolist()
    # Elements begin at byte 3 and then where the float64 before them ends.
    assert lists.starts()[0].tolist()[:5] == [203, 216, 232, 248, 264]


@pytest.mark.parametrize("few", [1, 100])
def test_hostile_lengths_take_no_memory(few: int) -> None:
    definition = f"string a\nQ[] b\nstring[] c\nP[] d\n===\nMSG: pkg/Q\nfloat64[1000] x\n{POINT}"
    decoder = ros2(definition)
    lengths = [0, 1, 2, 2**20, 2**31, 2**32 - 1]
    payloads = [
        b"\0\1\0\0" + struct.pack("<I", 1) + bytes(4) + struct.pack("<III", *chosen)
        for chosen in itertools.product(lengths, repeat=3)
        if chosen != (0, 0, 0)
    ] * few
    decoder.decode(*block(payloads[:1]))  # loads what is needed for the first message
    tracemalloc.start()

    decoded = decoder.decode(*block(payloads))

    assert tracemalloc.get_traced_memory()[1] < 2000 * len(payloads) + 10_000_000
    tracemalloc.stop()
    assert len(decoded.unreadable) == len(payloads)


def test_types_of_impossible_size_are_compiled_and_refuse_all() -> None:
    inner = "===\nMSG: pkg/Q\nR[2000000000] y\n===\nMSG: pkg/R\nint8 z"
    big = f"P[2000000000] a\n===\nMSG: pkg/P\nQ[2000000000] x\n{inner}"
    for text in big, big.replace("] a", "] a\nfloat64 b"), big.replace("[2000000000] a", "[] a"):
        rows, unreadable = decode(
            ros2(text), b"\0\1\0\0" + struct.pack("<I", 7) + bytes(100), *[b"\0\1\0\0"] * 50
        )
        assert rows == []
        assert len(unreadable) == 51


def test_many_bad_messages_share_a_reason() -> None:
    decoded = ros2("int32 a").decode(*block([b"\0\1\0\0\1\2"] * 3000))

    own = [why for _, why in decoded.unreadable if "inside the value" in why]
    assert len(decoded.unreadable) == 3000
    assert len(own) == 1000


def test_plans_and_types_are_kept() -> None:
    schema = Schema(1, "pkg/msg/A", "ros2msg", b"int32 a\nstring[] b")
    decoders = [make_decoder(schema._replace(id=number), "cdr") for number in range(3)]
    for decoder in decoders:
        decode(decoder, b"\0\1\0\0" + struct.pack("<iI", 1, 0))

    assert len({id(decoder.root) for decoder in decoders if isinstance(decoder, CdrDecoder)}) == 1
    assert all(decoder.notes is not decoders[0].notes for decoder in decoders[1:])
