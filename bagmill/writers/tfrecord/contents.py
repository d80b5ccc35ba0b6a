"""What the list of a feature holds in each row, as bytes: packed numbers, or strings with their lengths."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from bagmill.writers.tfrecord.column import Column
from bagmill.writers.tfrecord.features import DType
from bagmill.writers.tfrecord.rows import Ragged, Rows, refuse_too_big
from bagmill.writers.tfrecord.varints import (
    Bytes,
    Ints,
    Size,
    Unsigned,
    put_varints,
    varint,
    varint_size,
    width_of,
)

FIELD = b"\x0a"
"""The tag of field 1 with a length: of an example's features, a map's entry and its key, a list's values."""


class Content(Protocol):
    """The bytes of a list in each row."""

    @property
    def size(self) -> Size:
        """How many they are."""
        ...

    def put(self, rows: Rows) -> None:
        """Add them to the rows."""
        ...


@dataclass(frozen=True, slots=True)
class Same:
    """The same bytes in each row."""

    data: bytes

    @property
    def size(self) -> int:
        """How many they are."""
        return len(self.data)

    def put(self, rows: Rows) -> None:
        """Add them to the rows."""
        rows.constant(self.data)


@dataclass(frozen=True, slots=True)
class Block:
    """As many bytes in each row."""

    size: int
    write: Callable[[Bytes, int, int], None]

    def put(self, rows: Rows) -> None:
        """Add them to the rows."""
        rows.block(self.size, self.write)


@dataclass(frozen=True, slots=True)
class Varying:
    """Any bytes in each row."""

    data: Ragged

    @property
    def size(self) -> Ints:
        """How many they are."""
        return self.data.size

    def put(self, rows: Rows) -> None:
        """Add them to the rows."""
        rows.ragged(self.data)


@dataclass(frozen=True, slots=True)
class Strings:
    """As many strings in each row, in all rows of the same lengths."""

    data: Bytes
    """The strings of all rows, with nothing between them."""
    lengths: tuple[int, ...]

    @property
    def size(self) -> int:
        """How many bytes they are."""
        return sum(len(FIELD) + varint_size(length) + length for length in self.lengths)

    def put(self, rows: Rows) -> None:
        """Add them to the rows."""
        first, step = 0, sum(self.lengths)
        for length in self.lengths:
            rows.constant(FIELD + varint(length))
            _copy(self.data, first, step, length).put(rows)
            first += length


def _copy(data: Bytes, first: int, step: int, width: int) -> Content:
    """Bytes of each row, which are `step` bytes apart."""
    if not width:
        return Same(b"")
    source = np.ndarray((data.size // step,), f"V{width}", data, first, (step,))

    def write(out: Bytes, at: int, stride: int) -> None:
        np.ndarray(source.shape, source.dtype, out, at, (stride,))[:] = source

    return Block(width, write)


def content_of(column: Column, rows: int) -> Content:
    """The content of a feature's list in each of some rows.

    Numbers, and a string that is no list's, come without the tag and the length before them.
    """
    values, bounds = column.values, column.bounds
    if isinstance(bounds, int) and not bounds * rows:
        return Same(b"")
    if isinstance(values, Ragged):
        return _strings(values, bounds, rows) if column.feature.shape else _string(values, rows)
    if column.feature.dtype is DType.FLOAT:
        return _floats(values, bounds)
    return _integers(_unsigned(values), bounds)


def _floats(values: npt.NDArray[Any], bounds: int | Ints) -> Content:
    if not isinstance(bounds, int):
        with np.errstate(over="ignore", invalid="ignore"):
            return Varying(Ragged(bounds * 4, values.astype("<f4").view(np.uint8)))
    matrix = values.reshape(-1, bounds)

    def write(out: Bytes, first: int, stride: int) -> None:
        with np.errstate(over="ignore", invalid="ignore"):
            np.ndarray(matrix.shape, "<f4", out, first, (stride, 4))[...] = matrix

    return Block(4 * bounds, write)


def _integers(values: Unsigned, bounds: int | Ints) -> Content:
    width = width_of(values)
    if isinstance(bounds, int):
        matrix = values.reshape(-1, bounds)
        return Block(
            width * bounds, lambda out, first, stride: put_varints(out, first, stride, matrix, width)
        )
    refuse_too_big(values.size * width)
    data = np.empty(values.size * width, np.uint8)
    put_varints(data, 0, width, values.reshape(-1, 1), width)
    return Varying(Ragged(bounds * width, data))


def _string(values: Ragged, rows: int) -> Content:
    lengths = values.size
    if (lengths != lengths[0]).any():
        return Varying(values)
    length = int(lengths[0])
    data = values.data[int(values.offsets[0]) : int(values.offsets[-1])]
    return _same(data, rows) or _copy(data, 0, length, length)


def _strings(values: Ragged, bounds: int | Ints, rows: int) -> Content:
    lengths = values.size
    if isinstance(bounds, int):
        matrix = lengths.reshape(rows, bounds)
        if (matrix == matrix[0]).all():
            data = values.data[int(values.offsets[0]) : int(values.offsets[-1])]
            strings = Strings(data, tuple(matrix[0].tolist()))
            return Same(_first(strings)) if _same(data, rows) else strings
        bounds = np.arange(rows + 1) * bounds
    heads = Rows(lengths.size)
    heads.constant(FIELD)
    heads.varint(lengths)
    heads.ragged(values)
    joined = heads.join()
    return Varying(Ragged(joined.offsets[bounds], joined.data))


def _same(data: Bytes, rows: int) -> Same | None:
    """The bytes of a row, if all rows have the same."""
    matrix = data.reshape(rows, -1)
    return Same(matrix[0].tobytes()) if (matrix[1:] == matrix[0]).all() else None


def _first(strings: Strings) -> bytes:
    """The bytes of the first row."""
    one = Rows(1)
    Strings(strings.data[: sum(strings.lengths)], strings.lengths).put(one)
    return one.join().data.tobytes()


def _unsigned(values: npt.NDArray[Any]) -> Unsigned:
    """Numbers as protobuf takes them for varints: negative ones as 64 bits of two's complement."""
    if values.dtype.kind == "i":
        values = values.astype(np.int64, copy=False)
    return values.astype(np.uint64, copy=False) if values.dtype.kind == "u" else values.view(np.uint64)
