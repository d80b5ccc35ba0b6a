"""Splits: by shares, by hashes, and never by the order of arguments."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bagmill.dataset.spec import Split
from bagmill.dataset.splits import draw, episode_key, groups_of, shares, splits_of_rows


def split(by: str, seed: int = 0, **fractions: float) -> Split:
    return Split.model_validate(
        {"by": by, "fractions": fractions or {"train": 0.8, "test": 0.2}, "seed": seed}
    )


@given(st.lists(st.integers(1, 1000), min_size=1, max_size=6), st.integers(0, 10**9))
def test_shares_add_up_and_come_near(weights: list[int], total: int) -> None:
    fractions = [weight / sum(weights) for weight in weights]
    found = shares(fractions, total)

    assert sum(found) == total
    assert all(
        abs(count - fraction * total) < 1.001 for count, fraction in zip(found, fractions, strict=True)
    )


@pytest.mark.parametrize("total", range(1, 60))
def test_shares_that_are_whole_are_met(total: int) -> None:
    assert shares([0.7, 0.2, 0.1], 10 * total) == [7 * total, 2 * total, total]


def test_by_time_the_first_rows_train() -> None:
    assert splits_of_rows(split("time"), "a", 10).tolist() == [0] * 8 + [1] * 2


def test_by_random_shares_are_met_and_the_seed_draws() -> None:
    first, again, other = (splits_of_rows(split("random", seed), "a", 1000) for seed in (1, 1, 2))

    assert np.bincount(first).tolist() == [800, 200]
    assert (first == again).all()
    assert (first != other).any()
    assert (first != splits_of_rows(split("random", 1), "b", 1000)).any()
    assert np.count_nonzero(np.diff(first)) > 200  # spread all over


def test_the_draw_of_rows_never_changes() -> None:
    """Else datasets of an earlier version would leak: these are the rows of the test split by definition."""
    assert np.flatnonzero(splits_of_rows(split("random", 7), "abc", 20)).tolist() == [3, 7, 10, 12]


def test_the_draw_of_recordings_never_changes() -> None:
    assert draw(split("recording", 7), list("abcdefghij")) == [0, 1, 0, 0, 0, 0, 0, 0, 1, 0]


@given(st.permutations([f"r{number}" for number in range(20)]))
def test_the_order_of_the_recordings_does_not_matter(keys: list[str]) -> None:
    numbers = dict(zip(keys, draw(split("recording", 3), keys), strict=True))
    sorted_keys = sorted(keys)

    assert numbers == dict(zip(sorted_keys, draw(split("recording", 3), sorted_keys), strict=True))
    assert sum(numbers.values()) == 4


def test_equal_recordings_are_in_one_split() -> None:
    keys = ["a", "b", "a", "c", "b", "d", "a"]
    numbers = draw(split("recording", train=0.5, test=0.5), keys)

    assert all(numbers[place] == numbers[keys.index(key)] for place, key in enumerate(keys))
    assert set(numbers) == {0, 1}


def test_every_split_gets_one_if_there_are_enough() -> None:
    few = split("episode", train=0.98, val=0.01, test=0.01)

    assert sorted(draw(few, ["a", "b", "c"])) == [0, 1, 2]
    assert sorted(draw(few, ["a", "b"])) == [0, 1]
    assert draw(few, ["a"]) == [0]
    assert draw(few, []) == []


def test_groups_are_what_one_split_takes_whole() -> None:
    episodes = np.array([0, 0, 1, 1, 1])

    assert groups_of(None, "a", episodes).names == ("all",)
    assert groups_of(split("recording"), "a", episodes).of.tolist() == [0] * 5
    assert groups_of(split("episode"), "a", episodes).names == ("0", "1")
    assert groups_of(split("episode"), "a", episodes).of.tolist() == episodes.tolist()
    assert groups_of(split("time"), "a", episodes).names == ("train", "test")
    assert groups_of(split("time"), "a", episodes).of.tolist() == [0, 0, 0, 0, 1]
    assert groups_of(split("episode"), "a", episodes[:0]).names == ()


def test_keys_of_episodes_differ() -> None:
    assert len({episode_key("a", 1), episode_key("a", 11), episode_key("b", 1)}) == 3
