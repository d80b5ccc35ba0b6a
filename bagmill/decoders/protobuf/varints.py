"""Varints (protobuf.dev/programming-guides/encoding#varints), many at once."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bagmill.decoders.base import Offsets
from bagmill.decoders.places.view import Mask, Values, View

Words = npt.NDArray[np.uint64]
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


def read_varints(view: View, places: Offsets) -> Varints:
    """The varint at each place. Of 10 bytes, the bits beyond 64 are ignored, as protobuf does it."""
    first = view.bytes(places)
    if not first.size or first.max() < 0x80:
        return Varints(first, places + 1, None)
    words = view.words(places)
    stops = ~words & _HIGH_BITS
    below = (stops & (~stops + _U64(1))) - _U64(1)
    words &= below
    sizes = (np.bitwise_count(below) >> 3).astype(np.int64) + 1
    values = _join_groups(words)
    long = np.flatnonzero(sizes > 8)
    if not long.size:
        return Varints(values, places + sizes, None)
    ninth, tenth = view.bytes(places[long] + 8), view.bytes(places[long] + 9)
    values[long] |= (ninth & 0x7F).astype(np.uint64) << _U64(56)
    ten = ninth >= 0x80
    values[long[ten]] |= tenth[ten].astype(np.uint64) << _U64(63)
    sizes[long[ten]] = 10
    bad = np.zeros(places.size, np.bool_)
    bad[long] = ten & (tenth >= 0x80)
    return Varints(values, places + sizes, bad if bad.any() else None)


def _join_groups(words: Words) -> Words:
    """Join the low 7 bits of the 8 bytes of each word to 56 bits; changes `words`."""
    words &= _LOW_BITS
    for stays, moves, by in _JOINS:
        moved = words & moves
        moved >>= by
        words &= stays
        words |= moved
    return words
