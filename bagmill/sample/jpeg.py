"""A small baseline JPEG encoder: it makes real camera pictures without an imaging library.

ITU-T T.81: sequential DCT, 8 bits, three components without subsampling, one quantization table. The Huffman
codes all have the same length (4 bits for DC, 8 for AC), which any decoder takes and which keeps this short;
the files are about a third larger than they could be.
"""

import struct

import numpy as np
from numpy.typing import NDArray

_STEPS = np.arange(8)
_DCT = (
    np.cos((2 * _STEPS[None, :] + 1) * _STEPS[:, None] * np.pi / 16)
    * np.where(_STEPS == 0, np.sqrt(1 / 8), 0.5)[:, None]
)
"""DCT-II of 8 samples as an orthonormal matrix: `_DCT @ block @ _DCT.T` (T.81 A.3.3)."""
_ZIGZAG = np.array(
    sorted(range(64), key=lambda i: (i // 8 + i % 8, i // 8 if (i // 8 + i % 8) % 2 else i % 8)),
    dtype=np.int64,
)
_QUANTIZATION = (6 + 3 * (_STEPS[:, None] + _STEPS[None, :])).astype(np.float64)
_TO_YCBCR = np.array([[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]])
_DC_SYMBOLS = bytes(range(12))
_END_OF_BLOCK, _SIXTEEN_ZEROS = 0x00, 0xF0
_AC_SYMBOLS = bytes(
    [_END_OF_BLOCK, _SIXTEEN_ZEROS, *(run << 4 | size for run in range(16) for size in range(1, 11))]
)
_AC_CODE = np.zeros(256, dtype=np.int64)
_AC_CODE[list(_AC_SYMBOLS)] = np.arange(len(_AC_SYMBOLS))


def encode(picture: NDArray[np.uint8]) -> bytes:
    """Encode an RGB picture.

    Args:
        picture: shape (height, width, 3), both multiples of 8.

    Raises:
        ValueError: another shape.
    """
    if picture.ndim != 3 or picture.shape[2] != 3 or picture.shape[0] % 8 or picture.shape[1] % 8:
        raise ValueError(f"a picture has the shape (8n, 8m, 3), not {picture.shape}")
    return _headers(*picture.shape[:2]) + _scan(_coefficients(picture)) + b"\xff\xd9"


def _coefficients(picture: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Quantized DCT coefficients in zigzag order: shape (blocks, 3, 64), blocks row by row."""
    height, width, _ = picture.shape
    planes: NDArray[np.float64] = picture @ _TO_YCBCR.T
    planes[..., 0] -= 128
    blocks = planes.reshape(height // 8, 8, width // 8, 8, 3).transpose(0, 2, 4, 1, 3)
    levels = np.rint(_DCT @ blocks @ _DCT.T / _QUANTIZATION).astype(np.int64)
    zigzag: NDArray[np.int64] = levels.reshape(-1, 3, 64)[..., _ZIGZAG]
    return zigzag


def _scan(levels: NDArray[np.int64]) -> bytes:
    """Entropy-coded data, bytes of 0xFF stuffed (T.81 F.1.2)."""
    dc = np.diff(levels[..., 0], axis=0, prepend=0).reshape(-1)
    ac = levels[..., 1:].reshape(-1, 63)
    block, place = np.nonzero(ac)
    first = np.diff(block, prepend=-1) != 0
    run = place - np.where(first, -1, np.roll(place, 1)) - 1
    last = np.full(len(ac), -1)
    np.maximum.at(last, block, place)

    dc_code, dc_bits = _with_magnitude(_size(dc), 4, dc)
    value = ac[block, place]
    ac_code, ac_bits = _with_magnitude(_AC_CODE[run % 16 << 4 | _size(value)], 8, value)
    long = np.repeat(np.arange(len(run)), run // 16)
    ended = np.flatnonzero(last < 62)
    groups = [  # block, position in it, order there, code, bits
        (np.arange(len(dc)), np.full(len(dc), -1), 0, dc_code, dc_bits),
        (block[long], place[long], 0, np.full(len(long), _AC_CODE[_SIXTEEN_ZEROS]), np.full(len(long), 8)),
        (block, place, 1, ac_code, ac_bits),
        (
            ended,
            np.full(len(ended), 63),
            0,
            np.full(len(ended), _AC_CODE[_END_OF_BLOCK]),
            np.full(len(ended), 8),
        ),
    ]
    key = np.concatenate([(blocks * 65 + places + 1) * 2 + order for blocks, places, order, _, _ in groups])
    order = np.argsort(key, kind="stable")
    codes = np.concatenate([group[3] for group in groups])[order]
    return _pack(codes, np.concatenate([group[4] for group in groups])[order]).replace(b"\xff", b"\xff\x00")


def _size(value: NDArray[np.int64]) -> NDArray[np.int64]:
    """Bits of the magnitude of a value (T.81 table F.1)."""
    return np.frexp(np.abs(value).astype(np.float64))[1].astype(np.int64)


def _with_magnitude(
    code: NDArray[np.int64], code_bits: int, value: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """A Huffman code followed by the magnitude bits of a value; negative values in one's complement."""
    size = _size(value)
    magnitude = np.where(value < 0, value + (1 << size) - 1, value)
    return code << size | magnitude, size + code_bits


def _pack(codes: NDArray[np.int64], bits: NDArray[np.int64]) -> bytes:
    """Join codes of different lengths, most significant bit first; the last byte is filled with ones."""
    index = np.repeat(np.arange(len(codes)), bits)
    start = np.cumsum(bits) - bits
    shift = bits[index] - 1 - (np.arange(len(index)) - start[index])
    stream = (codes[index] >> shift & 1).astype(np.uint8)
    return np.packbits(np.pad(stream, (0, -len(stream) % 8), constant_values=1)).tobytes()


def _headers(height: int, width: int) -> bytes:
    quantization = _QUANTIZATION.reshape(64)[_ZIGZAG].astype(np.uint8).tobytes()
    components = b"".join(bytes([number, 0x11, 0]) for number in (1, 2, 3))
    return b"".join(
        [
            b"\xff\xd8",
            _segment(0xE0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0"),
            _segment(0xDB, b"\0" + quantization),
            _segment(0xC0, struct.pack(">BHHB", 8, height, width, 3) + components),
            _segment(0xC4, b"\x00" + _lengths(4, len(_DC_SYMBOLS)) + _DC_SYMBOLS),
            _segment(0xC4, b"\x10" + _lengths(8, len(_AC_SYMBOLS)) + _AC_SYMBOLS),
            _segment(0xDA, b"\x03" + b"".join(bytes([number, 0]) for number in (1, 2, 3)) + b"\0\x3f\0"),
        ]
    )


def _lengths(bits: int, count: int) -> bytes:
    """How many codes there are of each length, 1 to 16."""
    return bytes(count if length == bits else 0 for length in range(1, 17))


def _segment(marker: int, payload: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload
