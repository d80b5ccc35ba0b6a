"""What a picture of a feature shows: lines over all rows, each thinned to the range within some of them."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from bagmill.dataset.values import ValueType

POINTS = 240
"""Places along a line."""

MOST_LINES = 8
"""Elements that have a line each; of longer values the least, the mean and the greatest are drawn."""

Floats = npt.NDArray[np.float64]


@dataclass(slots=True)
class Trace:
    """The lines of a feature: `low` and `high` [lines, points] are the range around each point.

    Where no row has a finite number they are infinity and -infinity.
    """

    elements: int
    rows: int
    low: Floats = field(init=False)
    high: Floats = field(init=False)

    def __post_init__(self) -> None:
        shape = (self.elements if self.elements <= MOST_LINES else 3, max(1, min(POINTS, self.rows)))
        self.low, self.high = np.full(shape, np.inf), np.full(shape, -np.inf)

    def add(self, first: int, values: npt.NDArray[Any], present: npt.NDArray[np.bool_]) -> None:
        """Take the values [N, *shape] of the rows from number `first` on."""
        rows = np.flatnonzero(present)
        if not rows.size:
            return
        points = (first + rows) * self.low.shape[1] // self.rows
        numbers = values[rows].reshape(rows.size, -1).astype(np.float64)
        lines = numbers if self.elements <= MOST_LINES else _outline(numbers)
        finite = np.isfinite(lines)
        starts = np.flatnonzero(np.diff(points, prepend=-1))
        least = np.minimum.reduceat(np.where(finite, lines, np.inf), starts, axis=0)
        most = np.maximum.reduceat(np.where(finite, lines, -np.inf), starts, axis=0)
        at = points[starts]
        self.low[:, at] = np.minimum(self.low[:, at], least.T)
        self.high[:, at] = np.maximum(self.high[:, at], most.T)


def trace_of(kind: ValueType, rows: int) -> Trace | None:
    """An empty trace for values of a type; None if there is nothing to draw: texts, images, no elements."""
    if not kind.is_dense or kind.is_time or len(kind.shape) > 2 or not kind.size or not rows:
        return None
    return Trace(kind.size, rows)


def _outline(numbers: Floats) -> Floats:
    """The least, the mean and the greatest of the finite numbers of each row; NaN where there are none."""
    finite = np.isfinite(numbers)
    count = finite.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        mean = np.where(finite, numbers, 0.0).sum(axis=1) / count
    least = np.where(finite, numbers, np.inf).min(axis=1)
    most = np.where(finite, numbers, -np.inf).max(axis=1)
    return np.stack([least, mean, most], axis=1)
