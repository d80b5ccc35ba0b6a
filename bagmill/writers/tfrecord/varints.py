"""Protobuf's varints for whole columns: 7 bits a byte, the lowest first, the top bit set in all but the last.

All numbers of a column get as many bytes as the biggest needs, filled up with bytes that add nothing. Parsers
of protobuf take that, as the encoding allows it. So rows keep one layout, and a column is a few vector
operations.
"""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Unsigned = npt.NDArray[np.uint64]
Ints = npt.NDArray[np.int64]

Size = int | Ints
"""Bytes of each row: the same for all, or an int64 for each."""

_STEPS = (
    (28, 0x00FFFFFFF0000000, 0x000000000FFFFFFF, 4),
    (14, 0x0FFFC0000FFFC000, 0x00003FFF00003FFF, 2),
    (7, 0x3F803F803F803F80, 0x007F007F007F007F, 1),
)
"""How 56 bits are spread over 8 bytes, by halves: the upper half of each word moves up by so many bits."""

_MORE = 0x8080808080808080


def width_of(values: Unsigned) -> int:
    """Bytes of the longest varint among some numbers; 1 if there are none."""
    return varint_size(int(values.max())) if values.size else 1


def varint_size(value: int) -> int:
    """Bytes of a number's varint."""
    return max(1, -(-value.bit_length() // 7))


@lru_cache(maxsize=1024)
def varint(value: int) -> bytes:
    """The varint of one number."""
    groups = [value >> 7 * place & 0x7F for place in range(varint_size(value))]
    return bytes([*(group | 0x80 for group in groups[:-1]), groups[-1]])


def put_varints(out: Bytes, first: int, stride: int, values: Unsigned, width: int) -> None:
    """Write numbers, a row of a matrix each `stride` bytes from byte `first` on; each takes `width` bytes."""
    low_width = min(width, 8)
    low = values if width <= 8 else values & np.uint64((1 << 56) - 1)
    for bits, upper, lower, shift in _STEPS:
        if 7 * low_width > bits:  # else there is nothing that moves
            moved = low & np.uint64(upper)
            moved <<= np.uint64(shift)
            low = low & np.uint64(lower)
            low |= moved
    more = width - 1 if width <= 8 else 8
    low = low | np.uint64(_MORE & ((1 << 8 * more) - 1))
    done = 0
    for size in (8, 4, 2, 1):
        if low_width & size:
            _view(out, first + done, stride, values.shape, width, size)[...] = low >> np.uint64(8 * done)
            done += size
    if width > 8:
        high = values >> np.uint64(56) & np.uint64(0x7F)
        _view(out, first + 8, stride, values.shape, width, 1)[...] = high | np.uint64(0x80 * (width > 9))
    if width > 9:
        _view(out, first + 9, stride, values.shape, width, 1)[...] = values >> np.uint64(63)


def _view(
    out: Bytes, first: int, stride: int, shape: tuple[int, ...], step: int, size: int
) -> npt.NDArray[np.unsignedinteger]:
    """Unaligned little-endian integers of `size` bytes: rows `stride`, values of a row `step` bytes apart."""
    return np.ndarray(shape, f"<u{size}", out, first, (stride, step))
