"""Reading a buffer at many places at once.

Varints: protobuf.dev/programming-guides/encoding#varints.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from bagmill.decoders.base import Buffer, Offsets

Mask = npt.NDArray[np.bool_]
Words = npt.NDArray[np.uint64]
Values = npt.NDArray[Any]
_SPARE = 16
_U64 = np.uint64
_HIGH_BITS = _U64(0x8080808080808080)
_LOW_BITS = _U64(0x7F7F7F7F7F7F7F7F)
_JOINS = [
    (_U64(0x007F007F007F007F), _U64(0x7F007F007F007F00), _U64(1)),
    (_U64(0x00003FFF00003FFF), _U64(0x3FFF00003FFF0000), _U64(2)),
    (_U64(0x000000000FFFFFFF), _U64(0x0FFFFFFF00000000), _U64(4)),
]
"""How groups of 7, 14 and 28 bits move together: those that stay, those that move, by how far."""


class Varints(NamedTuple):
    """Varints that were read: `values` (uint8 if each has one byte, else uint64) and the places behind them.

    `bad`: those that do not end within 10 bytes; None if there are none.
    """

    values: Values
    after: Offsets
    bad: Mask | None


class View:
    """A buffer that is read at vectors of places.

    Places must not be negative, but may be beyond the end: what is read there means nothing and harms
    nothing. `data` is the buffer for reading single bytes.
    """

    def __init__(self, buffer: Buffer) -> None:
        if buffer.size < _SPARE:
            buffer = np.concatenate([buffer, np.zeros(_SPARE, np.uint8)])
        self.buffer = buffer
        self.data = buffer.data
        self._words = np.ndarray((buffer.size - 7,), "<u8", buffer, strides=(1,))
        self._halves = np.ndarray((buffer.size - 3,), "<u4", buffer, strides=(1,))

    def bytes(self, places: Offsets) -> npt.NDArray[np.uint8]:
        """The byte at each place."""
        return self.buffer.take(places, mode="clip")

    def windows(self, places: Offsets, size: int) -> npt.NDArray[np.uint8]:
        """The `size` bytes at each place, one row for each; they must be inside the buffer."""
        pieces = np.ndarray((self.buffer.size - size + 1,), f"V{size}", self.buffer, strides=(1,))
        return pieces[places].view(np.uint8).reshape(places.size, size)

    def words(self, places: Offsets) -> Words:
        """The 8 bytes at each place as little-endian numbers."""
        last = self._words.size - 1
        if not places.size or places.max() <= last:
            return self._words[places]
        inside = np.minimum(places, last)
        # A shift by 64 bits and more gives 0.
        words = self._words[inside]
        words >>= ((places - inside) * 8).astype(np.uint64)
        return words

    def halves(self, places: Offsets) -> npt.NDArray[np.uint32]:
        """The 4 bytes at each place as little-endian numbers."""
        last = self._halves.size - 1
        if not places.size or places.max() <= last:
            return self._halves[places]
        inside = np.minimum(places, last)
        halves = self._halves[inside]
        halves >>= ((places - inside) * 8).astype(np.uint32)
        return halves

    def varints(self, places: Offsets) -> Varints:
        """The varint at each place. Of 10 bytes, the bits beyond 64 are ignored, as protobuf does it."""
        first = self.bytes(places)
        if not first.size or first.max() < 0x80:
            return Varints(first, places + 1, None)
        words = self.words(places)
        stops = ~words & _HIGH_BITS
        below = (stops & (~stops + _U64(1))) - _U64(1)
        words &= below
        sizes = (np.bitwise_count(below) >> 3).astype(np.int64) + 1
        values = join_groups(words)
        long = np.flatnonzero(sizes > 8)
        if not long.size:
            return Varints(values, places + sizes, None)
        ninth, tenth = self.bytes(places[long] + 8), self.bytes(places[long] + 9)
        values[long] |= (ninth & 0x7F).astype(np.uint64) << _U64(56)
        ten = ninth >= 0x80
        values[long[ten]] |= tenth[ten].astype(np.uint64) << _U64(63)
        sizes[long[ten]] = 10
        bad = np.zeros(places.size, np.bool_)
        bad[long] = ten & (tenth >= 0x80)
        return Varints(values, places + sizes, bad if bad.any() else None)


def join_groups(words: Words) -> Words:
    """Join the low 7 bits of the 8 bytes of each word to 56 bits; changes `words`."""
    words &= _LOW_BITS
    for stays, moves, by in _JOINS:
        moved = words & moves
        moved >>= by
        words &= stays
        words |= moved
    return words
