"""Values between those of two messages: numbers on a line, rotations along the shortest arc."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from bagmill.dataset.joins import Join
from bagmill.dataset.values import Values, ValueType

Floats = npt.NDArray[np.float64]

_SMALL = 1e-6
"""Radians below which the arc is as good as its chord."""


def type_between(type_: ValueType) -> ValueType:
    """The type of interpolated values: float32 stays float32, all other numbers become float64."""
    element = type_.element if type_.element == pa.float32() else pa.float64()
    return ValueType(element, type_.shape, type_.rotation)


def take(values: Values, join: Join, *, rotation: bool = False) -> Values:
    """The values of rows, from those of messages; `rotation`: they are quaternions x, y, z, w.

    With `linear` their type is that of `type_between`, and a row is missing where one of both messages is.
    Quaternions have the length 1 then, but for those of a message at the very time of the row; one of length
    0 is no rotation, and missing.
    """
    if join.second is None or join.share is None:
        return values.take(join.first)
    type_ = type_between(values.type)
    first = values.take(join.first)
    alone = join.second < 0
    second = values.take(np.where(alone, join.first, join.second))
    start, end = first.data.astype(np.float64), second.data.astype(np.float64)
    share = join.share.reshape(-1, *[1] * (start.ndim - 1))
    with np.errstate(invalid="ignore", over="ignore"):
        data = _arc(start, end, share) if rotation else start + (end - start) * share
        data[alone] = start[alone]
        present = first.present & second.present
        if rotation:
            present &= alone | ~np.isnan(data).any(axis=1) | np.isnan(start + end).any(axis=1)
        return Values.dense(data, present, type_)


def _arc(start: Floats, end: Floats, share: Floats) -> Floats:
    """Spherical interpolation (Shoemake 1985) of quaternions [N, 4]; NaN where one has no length."""
    start, end = _unit(start), _unit(end)
    end = np.where((start * end).sum(axis=1, keepdims=True) < 0, -end, end)
    # Half the angle by the lengths of difference and sum: exact also for small angles (Kahan).
    apart, along = (np.linalg.norm(one, axis=1, keepdims=True) for one in (start - end, start + end))
    angle = 2 * np.arctan2(apart, along)
    small = angle < _SMALL
    whole = np.sin(np.where(small, 1.0, angle))
    first = np.where(small, 1 - share, np.sin((1 - share) * angle) / whole)
    second = np.where(small, share, np.sin(share * angle) / whole)
    return _unit(first * start + second * end)


def _unit(quaternions: Floats) -> Floats:
    length = np.linalg.norm(quaternions, axis=1, keepdims=True)
    return quaternions / np.where(length > 0, length, np.nan)
