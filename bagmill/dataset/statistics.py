"""Statistics of numbers that are computed piece by piece: on parts of a recording, on recordings, and merged.

A value has a shape, and statistics are kept for each of its elements; see `kept_shape` for big ones. Numbers
that are not finite (NaN, infinity) are counted and otherwise left out.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import fsum
from typing import Any, Self

import numpy as np
import numpy.typing as npt

MOST_ELEMENTS = 4096
"""Elements of a value that have statistics of their own, at most."""

_CHUNK_BYTES = 16 << 20
"""Bytes of float64 that are looked at at a time."""

_NAMES = ("count", "bad", "mean", "m2", "min", "max")

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


def kept_shape(shape: Sequence[int]) -> tuple[int, ...]:
    """The shape of the statistics of values of a shape; against `[N, *shape]` it broadcasts.

    Each element of small values has its own. Of values with more than `MOST_ELEMENTS`, such as images, each
    element of the last axis (a channel) has, and where that is too long, too, all elements together.
    """
    shape = tuple(shape)
    if np.prod(shape, dtype=np.int64) <= MOST_ELEMENTS:
        return shape
    return shape[-1:] if len(shape) > 1 and shape[-1] <= MOST_ELEMENTS else ()


@dataclass(frozen=True, slots=True)
class Statistics:
    """Of each kept element: how many finite numbers there are, their mean and the sum of squares around it.

    Attributes:
        count: finite numbers, int64.
        bad: numbers that are not finite, int64.
        mean: float64; 0 where there are none.
        m2: sum of the squared differences from the mean, float64; infinite where it can't be held.
        min, max: float64; infinity and -infinity where there are none.
    """

    count: Ints
    bad: Ints
    mean: Floats
    m2: Floats
    min: Floats
    max: Floats

    @classmethod
    def none(cls, shape: Sequence[int]) -> Self:
        """Of no values, each of which would have this shape."""
        kept = kept_shape(shape)
        zeros, counts = np.zeros(kept), np.zeros(kept, np.int64)
        return cls(counts, counts, zeros, zeros, np.full(kept, np.inf), np.full(kept, -np.inf))

    @classmethod
    def of(cls, values: npt.NDArray[Any], present: Mask | None = None) -> Self:
        """Of values [N, *shape] of numbers or booleans; those that are not present do not count."""
        kept = kept_shape(values.shape[1:])
        if present is not None and not present.all():
            values = values[present]
        step = max(1, _CHUNK_BYTES // max(8, 8 * int(np.prod(values.shape[1:], dtype=np.int64))))
        chunks = [values[first : first + step] for first in range(0, len(values), step)]
        parts = [cls._of_chunk(chunk, kept) for chunk in chunks if chunk.size]
        return parts[0] if len(parts) == 1 else cls.merge([cls.none(values.shape[1:]), *parts])

    @classmethod
    def _of_chunk(cls, values: npt.NDArray[Any], kept: tuple[int, ...]) -> Self:
        elements = int(np.prod(kept, dtype=np.int64))
        numbers = values.astype(np.float64).reshape(-1, elements)
        finite = np.isfinite(numbers)
        if finite.all():
            count, low, high, plain = np.full(elements, len(numbers)), numbers, numbers, numbers
        else:
            count, plain = finite.sum(axis=0), np.where(finite, numbers, 0.0)
            low, high = np.where(finite, numbers, np.inf), np.where(finite, numbers, -np.inf)
        with np.errstate(over="ignore", invalid="ignore"):
            mean = _mean(plain, count)
            apart = plain - mean
            if plain is not numbers:
                apart[~finite] = 0.0
            # The second term is the rounding of the mean (Chan, Golub, LeVeque 1983, formula 1.7).
            m2 = (apart * apart).sum(axis=0) - apart.sum(axis=0) ** 2 / np.maximum(count, 1)
        m2 = np.where(np.isnan(m2), np.inf, np.maximum(m2, 0.0))
        least, most = low.min(axis=0), high.max(axis=0)
        return cls._exact(count, len(numbers) - count, mean, m2, least, most, kept)

    @classmethod
    def _exact(
        cls,
        count: Ints,
        bad: Ints,
        mean: Floats,
        m2: Floats,
        least: Floats,
        most: Floats,
        kept: tuple[int, ...],
    ) -> Self:
        """Elements that never change are their own mean, with no deviation, not even by rounding."""
        same = least == most
        mean, m2 = np.where(same, least, mean), np.where(same, 0.0, m2)
        return cls(
            count.reshape(kept),
            bad.reshape(kept),
            mean.reshape(kept),
            m2.reshape(kept),
            least.reshape(kept),
            most.reshape(kept),
        )

    @classmethod
    def merge(cls, parts: Sequence[Self]) -> Self:
        """Of the values of all parts together, at least one; their order does not change a bit of the result.

        The pairwise formula of Chan, Golub and LeVeque (1983), for all parts at once; sums are exactly
        rounded.
        """
        if len(parts) == 1:
            return parts[0]
        count, bad, mean, m2, least, most = (
            np.stack([getattr(part, name) for part in parts]).reshape(len(parts), -1) for name in _NAMES
        )
        total = count.sum(axis=0)
        with np.errstate(over="ignore", invalid="ignore"):
            middle = _sums(mean * (count / np.maximum(total, 1)))
            apart = np.where(count > 0, count * (mean - middle) ** 2, 0.0)
            squares = _sums(np.concatenate([m2, apart]))
        kept = parts[0].count.shape
        return cls._exact(total, bad.sum(axis=0), middle, squares, least.min(axis=0), most.max(axis=0), kept)

    @property
    def std(self) -> Floats:
        """The standard deviation (of the values as they are, not an estimate for others)."""
        return np.asarray(np.sqrt(self.m2 / np.maximum(self.count, 1)))

    def told(self) -> dict[str, Any]:
        """For people: as `facts`, with the standard deviation in place of the sum of squares."""
        facts = self.facts()
        del facts["m2"]
        return facts | {"std": _plain(self.std, self.count > 0)}

    def facts(self) -> dict[str, Any]:
        """Ready for JSON, as nested lists; null for what there is none of."""
        return {
            "count": self.count.tolist(),
            "bad": self.bad.tolist(),
            **{name: _plain(getattr(self, name), self.count > 0) for name in ("mean", "m2", "min", "max")},
        }

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> Self:
        """What `facts` made ready for JSON."""
        count, bad = (np.array(facts[name], np.int64) for name in ("count", "bad"))
        mean, m2, least, most = (np.array(facts[name], np.float64) for name in ("mean", "m2", "min", "max"))
        empty = count == 0
        return cls(
            count,
            bad,
            np.where(empty, 0.0, mean),
            np.where(empty, 0.0, np.where(np.isnan(m2), np.inf, m2)),
            np.where(empty, np.inf, least),
            np.where(empty, -np.inf, most),
        )


@dataclass(slots=True)
class Accumulator:
    """Takes values piece by piece, in groups of rows that are kept apart."""

    shape: tuple[int, ...]
    groups: int
    _parts: list[list[Statistics]] = field(init=False)

    def __post_init__(self) -> None:
        self._parts = [[] for _ in range(self.groups)]

    def add(self, values: npt.NDArray[Any], present: Mask, group: npt.NDArray[np.integer[Any]]) -> None:
        """Take values [N, *shape]: whether each is there, and the number of its group (negative: of none)."""
        counted = np.where(present, group, -1)
        for number in np.unique(counted[counted >= 0]).tolist():
            self._parts[number].append(Statistics.of(values[counted == number]))

    def finish(self) -> list[Statistics]:
        """The statistics of each group."""
        return [Statistics.merge(parts) if parts else Statistics.none(self.shape) for parts in self._parts]


def merged(parts: Iterable[Statistics], shape: Sequence[int]) -> Statistics:
    """Of all parts together, of which there may be none; `shape` is that of the values."""
    return Statistics.merge([Statistics.none(shape), *parts])


def _mean(plain: Floats, count: Ints) -> Floats:
    """Of finite numbers, 0 in the place of others, which do not count."""
    some = np.maximum(count, 1)
    mean: Floats = plain.sum(axis=0) / some
    if not np.isfinite(mean).all():  # the sum is beyond what a float64 holds, the mean is not
        mean = (plain / some).sum(axis=0)
    return mean


def _sums(columns: Floats) -> Floats:
    """The sum of each column, rounded once."""
    if np.isfinite(columns).all():
        try:
            return np.array([fsum(column) for column in columns.T.tolist()])
        except OverflowError:
            pass
    return np.where(np.isfinite(total := columns.sum(axis=0)), total, np.inf)


def _plain(array: Floats, there: Mask) -> Any:
    """Nested lists, with null where there is nothing that JSON can hold."""
    values = array.astype(object)
    values[~(there & np.isfinite(array))] = None
    return values.tolist()
