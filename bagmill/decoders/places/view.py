"""Reading a buffer at many places at once."""

from typing import Any

import numpy as np
import numpy.typing as npt

from bagmill.decoders.base import Buffer, Offsets

Mask = npt.NDArray[np.bool_]
Values = npt.NDArray[Any]
Rows = Offsets | None
"""Numbers of rows; None: all of them, in order."""

_SPARE = 16


class View:
    """A buffer that is read at vectors of places, which must not be negative.

    `bytes`, `words` and `halves` may be asked for places beyond the end: what is read there means nothing and
    harms nothing. `data` is the buffer for reading single bytes.
    """

    def __init__(self, buffer: Buffer) -> None:
        if buffer.size < _SPARE:
            buffer = np.concatenate([buffer, np.zeros(_SPARE, np.uint8)])
        self.buffer = buffer
        self.data = buffer.data

    def bytes(self, places: Offsets) -> npt.NDArray[np.uint8]:
        """The byte at each place."""
        return self.buffer.take(places, mode="clip")

    def words(self, places: Offsets) -> npt.NDArray[np.uint64]:
        """The 8 bytes at each place as little-endian numbers."""
        return self._beyond(places, np.dtype("<u8"))

    def halves(self, places: Offsets) -> npt.NDArray[np.uint32]:
        """The 4 bytes at each place as little-endian numbers."""
        return self._beyond(places, np.dtype("<u4"))

    def _beyond(self, places: Offsets, dtype: np.dtype[Any]) -> Values:
        last = self.buffer.size - dtype.itemsize
        if not places.size or places.max() <= last:
            return self.numbers(places, dtype)
        inside = np.minimum(places, last)
        values = self.numbers(inside, dtype)
        values >>= ((places - inside) * 8).astype(dtype)  # by all bits and more gives 0
        return values

    def numbers(self, places: Offsets, dtype: np.dtype[Any]) -> Values:
        """The number at each place; they must be inside the buffer."""
        if not places.size:
            return np.empty(0, dtype)
        every: Values = np.ndarray((self.buffer.size - dtype.itemsize + 1,), dtype, self.buffer, strides=(1,))
        return every[places]

    def windows(self, places: Offsets, size: int) -> npt.NDArray[np.uint8]:
        """The `size` bytes at each place, one row for each; they must be inside the buffer."""
        return self.numbers(places, np.dtype(f"V{size}")).view(np.uint8).reshape(places.size, size)
