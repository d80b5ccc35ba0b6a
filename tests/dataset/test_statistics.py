"""Statistics of pieces, merged in any order, are those of the whole."""

import json
from fractions import Fraction
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bagmill.dataset.statistics import Accumulator, Statistics, kept_shape, merged

VALUES = arrays(
    np.float64,
    st.tuples(st.integers(1, 40), st.integers(1, 3)),
    elements=st.floats(-1e6, 1e6) | st.just(np.nan) | st.just(np.inf),
)


def exactly(column: np.ndarray) -> tuple[int, float, float, float, float]:
    """Count, mean, m2, min and max of the finite numbers, by rational arithmetic."""
    finite = [Fraction(float(value)) for value in column if np.isfinite(value)]
    if not finite:
        return 0, 0.0, 0.0, np.inf, -np.inf
    mean = sum(finite) / len(finite)
    m2 = sum((value - mean) ** 2 for value in finite)
    return len(finite), float(mean), float(m2), float(min(finite)), float(max(finite))


@given(VALUES, st.lists(st.integers(0, 40), max_size=4))
def test_pieces_merge_to_the_whole(values: np.ndarray, cuts: list[int]) -> None:
    pieces = [
        Statistics.of(piece) for piece in np.split(values, sorted(min(cut, len(values)) for cut in cuts))
    ]
    found = merged(pieces, values.shape[1:])

    for number, column in enumerate(values.T):
        count, mean, m2, least, most = exactly(column)
        assert found.count[number] == count
        assert found.bad[number] == len(column) - count
        assert (found.min[number], found.max[number]) == (least, most)
        assert found.mean[number] == pytest.approx(mean, rel=1e-12, abs=1e-9)
        assert found.m2[number] == pytest.approx(m2, rel=1e-9, abs=1e-6)


def test_the_order_of_the_parts_does_not_change_a_bit() -> None:
    random = np.random.default_rng(5)
    parts = [Statistics.of(random.normal(3, 10**power, (17, 4))) for power in range(-2, 3)]
    texts = {json.dumps(Statistics.merge(list(order)).facts()) for order in permutations(parts)}

    assert len(texts) == 1


def test_a_large_mean_does_not_hide_a_small_deviation() -> None:
    values = 1e9 + np.random.default_rng(1).normal(0, 1e-3, (10_000, 1))
    found = Statistics.merge([Statistics.of(half) for half in np.split(values, 2)])

    assert found.std[0] == pytest.approx(values.std(), rel=1e-6)


def test_what_never_changes_has_no_deviation() -> None:
    found = Statistics.merge([Statistics.of(np.full((count, 1), 0.1)) for count in (3, 7, 49)])

    assert (found.mean[0], found.std[0]) == (0.1, 0.0)


def test_numbers_near_the_limit_keep_their_mean() -> None:
    found = Statistics.of(np.array([[1.7e308], [1.7e308], [1.6e308]]))

    assert found.mean[0] == pytest.approx(1.6666666e308)
    assert Statistics.from_facts(json.loads(json.dumps(found.facts(), allow_nan=False))).m2[0] == np.inf


def test_facts_read_back_to_the_bit() -> None:
    values = np.random.default_rng(2).normal(size=(9, 2, 3))
    values[:, 1, 2] = np.nan
    facts = json.loads(json.dumps(Statistics.of(values).facts(), allow_nan=False))

    assert Statistics.from_facts(facts).facts() == facts
    assert facts["mean"][1][2] is None


def test_of_big_values_channels_are_kept() -> None:
    images = np.random.default_rng(3).integers(0, 256, (5, 64, 48, 3), np.uint8)
    found = Statistics.of(images)

    assert found.mean.shape == kept_shape((64, 48, 3)) == (3,)
    assert found.mean == pytest.approx(images.reshape(-1, 3).mean(axis=0))
    assert found.count.tolist() == [5 * 64 * 48] * 3
    assert kept_shape((100, 5000)) == ()
    assert kept_shape((7, 3)) == (7, 3)


def test_an_accumulator_keeps_groups_apart() -> None:
    values = np.arange(12.0).reshape(6, 2)
    present = np.array([True, True, False, True, True, True])
    group = np.array([0, 1, 1, 0, -1, 1])
    taken = Accumulator((2,), 3)
    for rows in (slice(0, 4), slice(4, 6)):
        taken.add(values[rows], present[rows], group[rows])
    first, second, third = taken.finish()

    assert first.mean.tolist() == [3.0, 4.0]
    assert second.min.tolist() == [2.0, 3.0]
    assert third.facts() == Statistics.none((2,)).facts()
