"""The values of leaves, as they are copied out of messages: all of one leaf at once."""

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from bagmill.decoders.base import Buffer, Offsets
from bagmill.decoders.columnar.plan import Number, Numbers, Rows, Text
from bagmill.decoders.wire import CODES
from bagmill.schemas.tree import Kind

Array = npt.NDArray[Any]
Int32s = npt.NDArray[np.int32]


class Leaves(Protocol):
    """The values of the entries of frames. Nothing of them shares memory with the messages.

    `order`: of the bytes of numbers.
    """

    order: str

    def number(self, column: Number) -> Array:
        """Numbers, flat, in the byte order of the messages."""
        ...

    def ragged(self, column: Text | Numbers) -> tuple[Int32s, Buffer]:
        """Bytes of texts (without their end mark) or sequences, joined; where each begins, and the end."""
        ...

    def marks(self, column: Text) -> Buffer:
        """The last byte of each text; 0 where a text has none."""
        ...

    def offsets(self, count: int) -> Int32s:
        """Where lists begin when they are joined, and the end; `count`: the slot of how long they are."""
        ...

    def elements(self, column: Rows) -> "Iterator[tuple[Leaves, int]]":
        """The values in elements of a fixed size: in parts, each with its number of elements."""
        ...


def dtype_of(order: str, kind: Kind) -> np.dtype[Any]:
    """The type of a number in the messages. A boolean is a byte."""
    return np.dtype(order + CODES[kind].replace("?", "B"))


def offsets_of(lengths: Offsets) -> Int32s:
    """Where pieces of these lengths begin when they are joined, and the end of the last."""
    offsets = np.zeros(len(lengths) + 1, np.int32)
    np.cumsum(lengths, dtype=np.int32, out=offsets[1:])
    return offsets


def anywhere(buffer: Buffer, size: int) -> Array:
    """A view of the `size` bytes at every place of a buffer."""
    return np.ndarray((buffer.size - size + 1,), f"V{size}", buffer, strides=(1,))
