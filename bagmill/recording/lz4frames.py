"""LZ4 frames of nothing but stored blocks: how LZ4 keeps what it can't make smaller, such as pictures.

The blocks can be read from the file right into their places (LZ4 Frame Format Description 1.6.4).
"""

from struct import Struct
from typing import NamedTuple, Self

from bagmill.recording.source import Source

START = 6
"""Bytes of a frame that say how it lies: magic number, flags, size of blocks."""

_START = Struct("<IBB")
_WORD = Struct("<I")
_MAGIC = 0x184D2204
_STORED = 1 << 31
_RESERVED_FLAGS, _RESERVED_BLOCKS = 0x03, 0x8F
_MOST_BLOCKS = 500
"""One system call fills 1024 pieces of memory at most."""


class StoredFrame(NamedTuple):
    """Bytes of a frame: of its content, its header, a block, the checksum behind a block, and its end."""

    size: int
    header: int
    block: int
    check: int
    end: int

    @classmethod
    def guess(cls, start: bytes, stored: int, size: int) -> Self | None:
        """Tell from the first `START` bytes, and the sizes of frame and content; None if it is another frame.

        A block that is not stored is smaller than its content, so the sizes fit for nothing else.
        """
        magic, flags, sizes = _START.unpack_from(start)
        is_known = magic == _MAGIC and flags >> 6 == 1 and sizes >> 4 >= 4
        if not is_known or flags & _RESERVED_FLAGS or sizes & _RESERVED_BLOCKS:
            return None
        header, check, end = 7 + (flags & 8), (flags & 16) >> 2, 4 + (flags & 4)
        frame = cls(size, header, 1 << 8 + 2 * (sizes >> 4), check, end)
        fits = header + frame.blocks * (_WORD.size + check) + size + end == stored
        return frame if fits and 0 < frame.blocks <= _MOST_BLOCKS else None

    @property
    def blocks(self) -> int:
        """How many blocks there are."""
        return -(-self.size // self.block)

    def read(self, source: Source, offset: int, target: memoryview) -> bool:
        """Read the content of the frame at `offset` of the file into `target`; False if it is another frame.

        Only the blocks' sizes are checked, no checksum.
        """
        step = _WORD.size + self.check
        around = memoryview(bytearray(self.header + self.blocks * step + self.end))
        pieces, at = [around[: self.header + _WORD.size]], self.header + _WORD.size
        for begin in range(0, self.size, self.block):
            pieces += [target[begin : begin + self.block], around[at : at + step]]
            at += step
        pieces[-1] = around[at - step :]
        return source.read_pieces(offset, pieces) and self._is_right(around)

    def _is_right(self, around: memoryview) -> bool:
        step = _WORD.size + self.check
        sizes = [min(self.block, self.size - begin) | _STORED for begin in range(0, self.size, self.block)]
        places = range(self.header, self.header + step * self.blocks + 1, step)
        return [_WORD.unpack_from(around, place)[0] for place in places] == [*sizes, 0]
