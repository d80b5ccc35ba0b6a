"""What a feature holds in each row: flat values, and how many of them are each row's."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from bagmill.writers.tfrecord.features import DType, Feature
from bagmill.writers.tfrecord.rows import Ragged, ragged
from bagmill.writers.tfrecord.varints import Ints

Mask = npt.NDArray[np.bool_]

Values = npt.NDArray[Any] | Ragged
"""Numbers or strings."""


@dataclass(frozen=True, slots=True)
class Column:
    """The values of a feature.

    Attributes:
        values: of all rows; a value that is null in a list is 0 or empty.
        bounds: how many values each row has, or where in `values` each begins and the last ends.
        present: which rows have the feature; `None`: all.
    """

    feature: Feature
    values: Values
    bounds: int | Ints
    present: Mask | None

    def rows(self, first: int, count: int) -> "Column | None":
        """The same of some rows that follow one another; `None` if none of these has the feature."""
        present = None if self.present is None else self.present[first : first + count]
        if present is not None and present.all():
            present = None
        elif present is not None and not present.any():
            return None
        if isinstance(self.bounds, int):
            values = self.values[first * self.bounds : (first + count) * self.bounds]
            return Column(self.feature, values, self.bounds, present)
        begin, end = int(self.bounds[first]), int(self.bounds[first + count])
        bounds = _evened(self.bounds[first : first + count + 1] - begin)
        return Column(self.feature, self.values[begin:end], bounds, present)

    def take(self, rows: Ints) -> "Column":
        """The same of some rows that have the feature."""
        if isinstance(self.bounds, int):
            places = (rows[:, np.newaxis] * self.bounds + np.arange(self.bounds)).reshape(-1)
            return Column(self.feature, self.values[places], self.bounds, None)
        counts = np.diff(self.bounds)[rows]
        ends = np.concatenate([[0], np.cumsum(counts)])
        places = np.repeat(self.bounds[rows] - ends[:-1], counts) + np.arange(ends[-1])
        return Column(self.feature, self.values[places], _evened(ends), None)


def column_of(feature: Feature, array: pa.Array, bounds: int | Ints, present: Mask | None) -> Column:
    """The column of an array of values."""
    if not len(array):  # it may have no buffers
        return Column(feature, np.empty(0, np.uint8), bounds, present)
    values = _strings(array) if feature.dtype is DType.BYTES else _numbers(array)
    return Column(feature, values, bounds, present)


def _evened(bounds: Ints) -> int | Ints:
    """How many values each row has, if all have as many."""
    counts = np.diff(bounds)
    return int(counts[0]) if counts.size and (counts == counts[0]).all() else bounds


def _numbers(array: pa.Array) -> npt.NDArray[Any]:
    """The numbers of an array; nulls may hold anything."""
    kind = array.type
    if pa.types.is_boolean(kind):
        return _numbers(array.cast(pa.uint8()))
    name = "f" if pa.types.is_floating(kind) else "u" if pa.types.is_unsigned_integer(kind) else "i"
    width = kind.bit_width // 8
    return np.frombuffer(array.buffers()[1], f"<{name}{width}", len(array), array.offset * width)


def _strings(array: pa.Array) -> Ragged:
    """The bytes of strings."""
    if not pa.types.is_fixed_size_binary(array.type):
        return ragged(array)
    width = array.type.byte_width
    first = array.offset * width
    data = np.frombuffer(array.buffers()[1], np.uint8, len(array) * width, first)
    return Ragged(np.arange(len(array) + 1) * width, data)
