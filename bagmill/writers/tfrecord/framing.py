"""The frames of TFRecord files (tensorflow/core/lib/io/record_writer.h) around the examples of a batch.

A frame is the length as uint64, the masked CRC-32C of these 8 bytes as uint32, the data, and their masked
CRC-32C. All integers are little-endian.
"""

from collections.abc import Iterator, Sequence

import google_crc32c
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from bagmill.writers.tfrecord.examples import Examples
from bagmill.writers.tfrecord.rows import Ragged, Rows, refuse_too_big
from bagmill.writers.tfrecord.varints import Bytes, Ints, Size

HEAD, TAIL = 12, 4
"""Bytes of a frame before and after its data."""

BIG = 64 << 10
"""Bytes of a record above which its parts are written one by one, instead of being copied together."""

_LENGTH_BYTES = 4
"""Bytes of a length that are not 0: a protobuf message has less than 2 GiB."""

Crcs = npt.NDArray[np.uint32]


def _tables() -> tuple[Crcs, np.uint32]:
    """What each value of each byte of a length adds to its CRC, and the CRC of length 0: CRCs are linear."""
    nothing = google_crc32c.value(bytes(8))
    added = [
        [google_crc32c.value((byte << 8 * place).to_bytes(8, "little")) ^ nothing for byte in range(256)]
        for place in range(_LENGTH_BYTES)
    ]
    return np.array(added, np.uint32), np.uint32(nothing)


_ADDED, _NOTHING = _tables()


def masked(crc: Crcs) -> Crcs:
    """The form in which TensorFlow stores a CRC."""
    return ((crc >> np.uint32(15)) | (crc << np.uint32(17))) + np.uint32(0xA282EAD8)


def heads(lengths: Ints) -> Bytes:
    """The lengths and their CRCs, 12 bytes each."""
    head = np.zeros(lengths.size, [("length", "<u8"), ("crc", "<u4")])
    head["length"] = lengths
    crc = np.full(lengths.size, _NOTHING)
    for place in range(_LENGTH_BYTES):
        crc ^= _ADDED[place][lengths >> (8 * place) & 0xFF]
    head["crc"] = masked(crc)
    return head.view(np.uint8)


def frames(examples: Examples, count: int) -> Iterator[Bytes]:
    """The records of some examples, as pieces of a file.

    Raises:
        OutputFailed: one is too big.
    """
    rows = Rows(count)
    _put_heads(rows, examples)
    examples.put(rows)
    rows.constant(bytes(TAIL))
    total = rows.size * count if isinstance(rows.size, int) else int(rows.size.sum())
    if total > BIG * count:
        yield from _one_by_one(list(rows.pieces()), count)
    else:
        yield _with_crcs(rows.join(), rows.size)


def _put_heads(rows: Rows, examples: Examples) -> None:
    sizes = examples.size
    if isinstance(sizes, int):
        refuse_too_big(sizes)
        rows.constant(heads(np.array([sizes])).tobytes())
        return
    refuse_too_big(int(sizes.max()))
    head = heads(sizes)
    source = head.view(f"V{HEAD}")

    def write(out: Bytes, first: int, stride: int) -> None:
        np.ndarray(source.shape, source.dtype, out, first, (stride,))[:] = source

    rows.block(HEAD, write)


def _with_crcs(joined: Ragged, size: Size) -> Bytes:
    """Put the CRC of the data of each record into its last bytes."""
    data, count = joined.data, joined.offsets.size - 1
    if isinstance(size, int):
        inside = np.ndarray((count,), f"V{size - HEAD - TAIL}", data, HEAD, (size,))
        np.ndarray((count,), "<u4", data, size - TAIL, (size,))[:] = _crcs(inside.tolist())
    else:
        starts, ends = joined.offsets[:-1] + HEAD, joined.offsets[1:] - TAIL
        anywhere = np.ndarray((data.size - TAIL + 1,), "<u4", data, 0, (1,))
        anywhere[ends] = _crcs(_slices(data, starts, ends))
    return data


def _crcs(records: Sequence[bytes]) -> Crcs:
    return masked(np.fromiter(map(google_crc32c.value, records), np.uint32, len(records)))


def _slices(data: Bytes, starts: Ints, ends: Ints) -> Sequence[bytes]:
    """Parts of a buffer, each longer than the 12 bytes that an Arrow view has room for itself."""
    views = np.zeros(starts.size, [("size", "<i4"), ("prefix", "V4"), ("buffer", "<i4"), ("offset", "<i4")])
    views["size"] = ends - starts
    views["prefix"] = np.ndarray((data.size - 3,), "V4", data, 0, (1,))[starts]
    views["offset"] = starts
    buffers = [None, pa.py_buffer(views), pa.py_buffer(data)]
    found: Sequence[bytes] = pa.Array.from_buffers(pa.binary_view(), starts.size, buffers).to_pylist()
    return found


def _one_by_one(pieces: Sequence[Ragged], count: int) -> Iterator[Bytes]:
    """The records, each in pieces."""
    for row in range(count):
        parts = [piece.data[piece.offsets[row] : piece.offsets[row + 1]] for piece in pieces]
        parts[-1] = parts[-1][:-TAIL]
        crc = google_crc32c.value(pa.py_buffer(parts[0][HEAD:]))
        for part in parts[1:]:
            crc = google_crc32c.extend(crc, pa.py_buffer(part))
        yield from parts
        yield masked(np.array([crc], np.uint32)).view(np.uint8)
