"""Reading at many places at once, compared with reading one place after the other."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bagmill.decoders.places.arrays import bytes_array, gather, list_array, number_array, struct_array
from bagmill.decoders.places.budget import Budget
from bagmill.decoders.places.text import not_utf8
from bagmill.decoders.places.view import View

DATA = np.random.default_rng(0).integers(0, 256, 100_000, np.uint8)
quick = settings(max_examples=50, deadline=None)


@quick
@given(st.lists(st.tuples(st.integers(0, 90_000), st.integers(0, 40)), max_size=30), st.booleans())
def test_pieces_anywhere(pieces: list[tuple[int, int]], in_order: bool) -> None:
    pieces = sorted(pieces) if in_order else pieces
    first = np.array([at for at, _ in pieces], np.int64)
    last = first + np.array([size for _, size in pieces], np.int64)

    found = gather(DATA, first, last)

    assert bytes(found) == b"".join(bytes(DATA[at : at + size]) for at, size in pieces)


@pytest.mark.parametrize("sizes", [[0, 0], [7] * 5, [50_000, 20_000], [1, 0, 90_000], [100_000]])
def test_pieces_of_special_sizes(sizes: list[int]) -> None:
    first = np.zeros(len(sizes), np.int64)

    found = gather(DATA, first, np.array(sizes))

    assert bytes(found) == b"".join(bytes(DATA[:size]) for size in sizes)


@pytest.mark.parametrize("size", [0, 1, 7, 16, 40])
def test_words_at_the_end_of_a_buffer(size: int) -> None:
    view = View(DATA[:size])
    padded = bytes(DATA[:size]) + bytes(24)
    places = np.arange(size + 8)

    words, halves = view.words(places).tolist(), view.halves(places).tolist()

    assert words[:size] == [int.from_bytes(padded[at : at + 8], "little") for at in range(size)]
    assert halves[:size] == [int.from_bytes(padded[at : at + 4], "little") for at in range(size)]
    assert len(view.bytes(places)) == size + 8


def test_what_is_no_utf8_is_found_one_by_one() -> None:
    values = [b"abc", b"", b"\xc3", b"\xa4", "ä".encode(), b"\xed\xa0\x80", "🤖".encode(), b"\xff" * 9]
    sizes = np.array([len(value) for value in values])

    wrong = not_utf8(sizes, np.frombuffer(b"".join(values), np.uint8))

    assert wrong.tolist() == [2, 3, 5, 7]


def test_characters_that_two_texts_share_are_no_utf8() -> None:
    assert not_utf8(np.array([1, 1]), np.frombuffer("ä".encode(), np.uint8)).tolist() == [0, 1]


def test_arrays() -> None:
    present = np.array([True, False, True])
    numbers = number_array(pa.int32(), np.array([1, 2, 3], np.int32), present)
    flags = number_array(pa.bool_(), np.array([True, False, True]))
    texts = bytes_array(pa.string(), np.array([1, 0, 2]), np.frombuffer(b"abc", np.uint8))
    kind = pa.struct([("n", pa.int32()), ("f", pa.bool_()), ("t", pa.string())])
    structs = struct_array(kind, 3, [numbers, flags, texts], present)
    lists = list_array(pa.list_(kind), np.array([2, 0, 1]), structs)
    lists.validate(full=True)

    assert lists.to_pylist() == [
        [{"n": 1, "f": True, "t": "a"}, None],
        [],
        [{"n": 3, "f": True, "t": "bc"}],
    ]


def test_a_budget_refuses_those_that_ask_for_the_most() -> None:
    sizes = np.array([100, 100, 100, 100])
    budget = Budget(np.zeros(4, np.int64), sizes)
    messages = np.array([0, 1, 1, 2, 3])

    assert budget.spend(messages, 1_000_000) is None
    allowed = budget.spend(messages, np.array([10, 3_000_000, 3_000_000, 5, 0]))

    assert allowed is not None
    assert allowed.tolist() == [True, False, False, True, True]
    assert budget.greedy.tolist() == [False, True, False, False]
    assert budget.spend(np.array([0, 2]), 10).tolist() == [True, True]  # type: ignore[union-attr]


def test_a_budget_never_runs_out_for_what_is_in_proportion() -> None:
    budget = Budget(np.zeros(3, np.int64), np.array([10_000_000, 10_000_000, 10_000_000]))

    for _ in range(8):
        assert budget.spend(np.arange(3), 10_000_000) is None
