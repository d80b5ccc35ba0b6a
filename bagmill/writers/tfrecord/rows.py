"""Rows of bytes that are built column by column."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from bagmill.errors import OutputFailed
from bagmill.kernels import call, indices
from bagmill.writers.tfrecord.varints import Bytes, Ints, Size, put_varints, varint, width_of

MAX_BYTES = (1 << 31) - 1
"""Bytes of a protobuf message, and of all values of an Arrow array of bytes."""

Put = Callable[[Bytes, int, int], None]
"""Writes a block of each row: the first from a byte of the buffer on, each next `stride` bytes later."""


@dataclass(slots=True)
class _Fixed:
    """Bytes that are at the same place in each row: a template, and what is written over it."""

    template: bytearray = field(default_factory=bytearray)
    blocks: list[tuple[int, Put]] = field(default_factory=list)

    def fill(self, count: int) -> Bytes:
        width = len(self.template)
        matrix = np.empty((count, width), np.uint8)
        matrix[:] = np.frombuffer(self.template, np.uint8)
        flat = matrix.reshape(-1)
        for first, put in self.blocks:
            put(flat, first, width)
        return flat


@dataclass(frozen=True, slots=True)
class Ragged:
    """Bytes of each row: `data[offsets[i]:offsets[i + 1]]`."""

    offsets: Ints
    data: Bytes

    @property
    def size(self) -> Ints:
        """Bytes of each row."""
        return np.diff(self.offsets)

    def __getitem__(self, rows: slice | Ints) -> "Ragged":
        """Some rows; those of a slice without a copy of their bytes."""
        if isinstance(rows, slice):
            return Ragged(self.offsets[rows.start : rows.stop + 1], self.data)
        return ragged(call("take", self.array(), indices(rows)))

    def array(self) -> pa.Array:
        """The same as Arrow knows it, without a copy of the data."""
        buffers = [None, pa.py_buffer(self.offsets.astype(np.int32)), pa.py_buffer(self.data)]
        return pa.Array.from_buffers(pa.binary(), self.offsets.size - 1, buffers)


def ragged(array: pa.Array) -> Ragged:
    """The bytes of an Arrow array of strings or bytes, without a copy of them. Nulls may hold anything."""
    _, offsets, data = array.buffers()
    ends = np.frombuffer(offsets, np.int32, len(array) + 1, array.offset * 4).astype(np.int64)
    return Ragged(ends, np.frombuffer(data if data is not None else b"", np.uint8))


class Rows:
    """Builds `count` rows from left to right."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.size: Size = 0
        self._fixed = _Fixed()
        self._parts: list[_Fixed | Ragged] = [self._fixed]

    def constant(self, data: bytes) -> None:
        """Add the same bytes to each row."""
        self._fixed.template += data
        self.size += len(data)

    def block(self, width: int, put: Put) -> None:
        """Add `width` bytes to each row, which `put` writes."""
        part = self._fixed
        part.blocks.append((len(part.template), put))
        self.constant(bytes(width))

    def ragged(self, part: Ragged) -> None:
        """Add bytes of any number to each row."""
        self._fixed = _Fixed()
        self._parts += [part, self._fixed]
        self.size = self.size + part.size

    def varint(self, value: Size) -> None:
        """Add a number to each row."""
        if isinstance(value, int):
            self.constant(varint(value))
        else:
            values = value.view(np.uint64).reshape(-1, 1)
            width = width_of(values)
            self.block(width, lambda out, first, stride: put_varints(out, first, stride, values, width))

    def join(self) -> Ragged:
        """The rows, in fresh memory that may be written to.

        Raises:
            OutputFailed: they are too big together.
        """
        if isinstance(self.size, int):
            return Ragged(np.arange(self.count + 1) * self.size, self._fixed.fill(self.count))
        refuse_too_big(int(self.size.sum()))
        pieces = [piece.array() for piece in self.pieces()]
        return ragged(call("binary_join_element_wise", *pieces, pa.scalar(b"")))

    def pieces(self) -> Iterator[Ragged]:
        """The rows cut into columns of bytes, fixed and ragged ones by turns."""
        for part in self._parts:
            if isinstance(part, Ragged):
                yield part
            elif part.template:
                width = len(part.template)
                yield Ragged(np.arange(self.count + 1) * width, part.fill(self.count))


def refuse_too_big(size: int) -> None:
    """Refuse a row that no parser would take.

    Raises:
        OutputFailed: it has more than 2 GiB.
    """
    if size > MAX_BYTES:
        raise OutputFailed(
            f"a row of {size} bytes: a tf.train.Example has at most 2 GiB",
            hint="Convert the topic to Parquet, or leave it out with `exclude_topics`.",
        )
