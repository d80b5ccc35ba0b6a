"""Which strings are no UTF-8."""

import numpy as np
import pyarrow as pa

from bagmill.decoders.base import Buffer, Offsets
from bagmill.decoders.places.arrays import bytes_array

_NONE = np.empty(0, np.int64)


def not_utf8(sizes: Offsets, data: Buffer) -> Offsets:
    """The numbers of the strings, of so many bytes and one behind the other in `data`, that are no UTF-8."""
    if not data.size or data.max() < 0x80:
        return _NONE
    try:
        bytes_array(pa.string(), sizes, data).validate(full=True)
    except pa.ArrowInvalid:
        ends = np.cumsum(sizes)
        wrong = [
            number
            for number, (first, last) in enumerate(zip((ends - sizes).tolist(), ends.tolist(), strict=True))
            if not _is_utf8(bytes(data[first:last]))
        ]
        return np.array(wrong, np.int64)
    return _NONE


def _is_utf8(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True
