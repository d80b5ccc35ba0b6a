"""Which rows go to which split. All draws are by hashes, so that they depend on the recordings, the spec's
seed and nothing else: no generator of random numbers, no order of arguments, no version of a library.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bagmill.dataset.spec import Split

ALL = "all"
"""The one split of a dataset whose spec has no `split`."""

TRAIN = "train"

Ints = npt.NDArray[np.int64]
_U64 = np.uint64


def split_names(split: Split | None) -> list[str]:
    """The names of the splits, in the order of the spec."""
    return [ALL] if split is None else list(split.fractions)


def fitted_split(split: Split | None) -> str:
    """The split whose statistics `normalize` takes."""
    return ALL if split is None else TRAIN


@dataclass(frozen=True, slots=True)
class Groups:
    """Rows of one recording in groups whose statistics are kept apart, as later each goes to one split.

    `names`: of each group; `of`: the number of each row's group, int64 [N].
    """

    names: tuple[str, ...]
    of: Ints


def groups_of(split: Split | None, identity: str, episodes: Ints) -> Groups:
    """The groups of a recording's rows.

    By `time` and `random` they are the splits, under their names; by `recording` and without a split one
    group `all`; by `episode` each episode, under its number in the recording.

    Args:
        identity: the sha256 of the recording's identity.
        episodes: the number of each row's episode in the recording, from 0 on, int64 [N].
    """
    if split is not None and split.by in ("time", "random"):
        return Groups(tuple(split.fractions), splits_of_rows(split, identity, episodes.size))
    if split is not None and split.by == "episode":
        count = int(episodes.max()) + 1 if episodes.size else 0
        return Groups(tuple(map(str, range(count))), episodes)
    return Groups((ALL,), np.zeros(episodes.size, np.int64))


def splits_of_rows(split: Split, identity: str, rows: int) -> Ints:
    """The number of the split of each row of one recording, for a split by `time` or `random`; int64 [rows].

    By `time` the first rows are of the first split and so on; by `random` they are drawn. Either way each
    split gets its share of the recording's rows, but for rounding.
    """
    numbers = np.repeat(np.arange(len(split.fractions)), shares(list(split.fractions.values()), rows))
    if split.by == "time":
        return numbers
    drawn = np.empty(rows, np.int64)
    drawn[np.argsort(_row_keys(split.seed, identity, rows), kind="stable")] = numbers
    return drawn


def draw(split: Split, keys: Sequence[str]) -> list[int]:
    """The number of the split of each of several recordings or episodes, each known by a key.

    The draw depends on the keys and the seed, not on their order. Each split gets its share of them as nearly
    as whole ones allow, and at least one if there are enough; those with equal keys are in one split.
    """
    distinct = sorted(set(keys), key=lambda key: (_hash(f"{split.seed}:{key}"), key))
    counts = _with_at_least_one(shares(list(split.fractions.values()), len(distinct)))
    numbers = np.repeat(np.arange(len(counts)), counts).tolist()
    of_key = dict(zip(distinct, numbers, strict=True))
    return [of_key[key] for key in keys]


def episode_key(identity: str, episode: int) -> str:
    """The key of an episode of a recording, for `draw`."""
    return f"{identity}:{episode}"


def shares(fractions: Sequence[float], total: int) -> list[int]:
    """`total` things in shares near to the fractions: those with the largest rest get one more."""
    exact = [fraction / sum(fractions) * total for fraction in fractions]
    counts = [int(share + _CLOSE) for share in exact]
    by_rest = sorted(range(len(exact)), key=lambda number: (counts[number] - exact[number], number))
    for number in by_rest[: total - sum(counts)]:
        counts[number] += 1
    return counts


_CLOSE = 1e-9
"""0.7 x 10 is a bit less than 7."""


def _with_at_least_one(counts: list[int]) -> list[int]:
    """Splits with nothing take one from the biggest, as long as that has more than one."""
    for number in range(len(counts)):
        biggest = max(range(len(counts)), key=counts.__getitem__)
        if not counts[number] and counts[biggest] > 1:
            counts[biggest] -= 1
            counts[number] += 1
    return counts


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def _row_keys(seed: int, identity: str, rows: int) -> npt.NDArray[np.uint64]:
    """A hash of each row's number: splitmix64 (Steele, Lea, Flood 2014), started by seed and recording."""
    with np.errstate(over="ignore"):
        z = _U64(_hash(f"{seed}:{identity}")) + np.arange(1, rows + 1, dtype=_U64) * _U64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> _U64(30))) * _U64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> _U64(27))) * _U64(0x94D049BB133111EB)
        return z ^ (z >> _U64(31))
