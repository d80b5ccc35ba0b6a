"""Numbers: from how they stand in messages to how they stand in columns."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from bagmill.decoders.base import Offsets
from bagmill.decoders.places.arrays import gather
from bagmill.decoders.places.view import Mask, Values, View
from bagmill.decoders.protobuf.plan import FIXED64, VARINT, Number
from bagmill.decoders.protobuf.varints import read_varints

_UNSIGNED = {4: np.uint32, 8: np.uint64}


class Packed(NamedTuple):
    """The numbers of packed lists, one list behind the other; how many each has; which can't be read."""

    values: npt.NDArray[Any]
    counts: Offsets
    bad: Mask


def convert(number: Number, wire: Values) -> npt.NDArray[Any]:
    """Numbers as they are in a column, from those on the wire: bits that do not fit are cut off."""
    if number.wire != VARINT:
        return wire.view(number.dtype)
    if not number.zigzag:  # to a boolean, this is whether it is not 0
        return wire.astype(number.dtype)
    coded = wire.astype(_UNSIGNED[number.dtype.itemsize])
    plain: npt.NDArray[Any] = (coded >> 1) ^ np.negative(coded & 1)
    return plain.view(number.dtype)


def packed_numbers(number: Number, view: View, first: Offsets, last: Offsets) -> Packed:
    """The numbers in the bytes from `first[i]` to `last[i]`."""
    bad = _incomplete(number, view, first, last)
    if bad.any():
        last = np.where(bad, first, last)
    data = gather(view.buffer, first, last)
    if number.wire != VARINT:
        size = 8 if number.wire == FIXED64 else 4
        return Packed(data.view(number.dtype), (last - first) // size, bad)
    stops = np.flatnonzero(data < 0x80)
    borders = np.cumsum(last - first)
    counts = np.diff(np.searchsorted(stops, borders), prepend=0)
    if stops.size == data.size:
        return Packed(convert(number, data), counts, bad)
    starts = np.append(0, stops[:-1] + 1)
    values, _, too_long = read_varints(View(data), starts)
    if too_long is not None:
        bad[np.searchsorted(borders, starts[too_long], side="right")] = True
    return Packed(convert(number, values), counts, bad)


def _incomplete(number: Number, view: View, first: Offsets, last: Offsets) -> Mask:
    """Lists that end inside a number."""
    if number.wire == VARINT:
        bad: Mask = (view.bytes(np.maximum(last - 1, 0)) >= 0x80) & (last > first)
    else:
        bad = (last - first) % (8 if number.wire == FIXED64 else 4) != 0
    return bad
