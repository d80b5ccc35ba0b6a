"""Values between those of two messages: numbers on a line, rotations along the shortest arc."""

from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from bagmill.dataset.joins import Ints, Join
from bagmill.dataset.values import Values, ValueType, to_numpy

Floats = npt.NDArray[np.float64]

_SMALL = 1e-6
"""Radians below which the arc is as good as its chord."""


def type_between(type_: ValueType) -> ValueType | None:
    """The type of interpolated values: float32 stays float32, other numbers become float64.

    Of numbers in a fixed shape, and of lists of numbers; None for all else, which has nothing between.
    """
    if not type_.is_number or not (type_.is_fixed or type_.shape == (None,)):
        return None
    element = type_.element if type_.element == pa.float32() else pa.float64()
    return ValueType(element, type_.shape, type_.rotation)


class Takes(Protocol):
    """Values of messages, by their numbers."""

    @property
    def type(self) -> ValueType:
        """The type of all of them."""
        ...

    def take(self, indices: Ints) -> Values:
        """Those of some messages; -1 stands for a missing one."""
        ...


def take(values: Takes, join: Join) -> Values:
    """The values of rows, from those of messages.

    With `linear` their type is that of `type_between`, and a row is missing where one of both messages is,
    or where their lists differ in length. Rotations then have the length 1, but for those of a message at the
    very time of the row; one of length 0 is no rotation, and missing.
    """
    if join.second is None or join.share is None:
        return values.take(join.first)
    type_ = type_between(values.type)
    assert type_ is not None
    alone = join.second < 0
    first, second = values.take(join.first), values.take(np.where(alone, join.first, join.second))
    if not type_.is_dense:
        return _between_lists(first, second, join.share, type_)
    share = join.share.reshape(-1, *[1] * len(type_.shape))
    start, end = first.data.astype(np.float64), second.data.astype(np.float64)
    present = first.present & second.present
    if not type_.rotation:
        return Values.dense(_line(start, end, share), present, type_)
    with np.errstate(invalid="ignore"):
        data = _arc(start, end, share)
        data[alone] = start[alone]
        is_lost = np.isnan(data).any(axis=-1) & ~np.isnan(start + end).any(axis=-1)
    is_lost = is_lost.reshape(len(data), -1).any(axis=1)
    return Values.dense(data, present & ~is_lost, type_)


def _line(start: Floats, end: Floats, share: Floats) -> Floats:
    with np.errstate(invalid="ignore", over="ignore"):
        return np.where(share > 0, start + (end - start) * share, start)


def _between_lists(first: Values, second: Values, share: Floats, type_: ValueType) -> Values:
    lengths, others = (one.data.value_lengths().fill_null(-1).to_numpy() for one in (first, second))
    present = first.present & second.present & (lengths == others)
    kept = np.flatnonzero(present)
    starts, ends = (to_numpy(one.take(kept).data.flatten()).astype(np.float64) for one in (first, second))
    items = _line(starts, ends, np.repeat(share[kept], lengths[kept])).astype(type_.numpy)
    offsets = np.concatenate([[0], np.cumsum(np.where(present, lengths, 0))]).astype(np.int32)
    mask = None if present.all() else pa.array(~present)
    lists = pa.ListArray.from_arrays(pa.array(offsets), pa.array(items), type=type_.arrow, mask=mask)
    return Values.sparse(lists, type_)


def _arc(start: Floats, end: Floats, share: Floats) -> Floats:
    """Spherical interpolation (Shoemake 1985) of quaternions [..., 4]; NaN where one has no length."""
    start, end = _unit(start), _unit(end)
    end = np.where((start * end).sum(axis=-1, keepdims=True) < 0, -end, end)
    # Half the angle by the lengths of difference and sum: exact also for small angles (Kahan).
    apart, along = (np.linalg.norm(one, axis=-1, keepdims=True) for one in (start - end, start + end))
    angle = 2 * np.arctan2(apart, along)
    small = angle < _SMALL
    whole = np.sin(np.where(small, 1.0, angle))
    first = np.where(small, 1 - share, np.sin((1 - share) * angle) / whole)
    second = np.where(small, share, np.sin(share * angle) / whole)
    return _unit(first * start + second * end)


def _unit(quaternions: Floats) -> Floats:
    length = np.linalg.norm(quaternions, axis=-1, keepdims=True)
    return quaternions / np.where(length > 0, length, np.nan)
