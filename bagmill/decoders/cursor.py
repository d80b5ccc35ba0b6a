"""A place in the body of one message, for what reads message by message."""

import struct
from collections.abc import Callable
from typing import Any

from bagmill.decoders.base import UnreadableMessage

MOST_ELEMENTS = 1 << 20
"""Elements of lists, other than numbers, that are read of one message one by one: each costs objects."""


class Cursor:
    """`origin`: the position that alignment counts from. `unknown`: members were passed over as unknown."""

    __slots__ = ("data", "left", "origin", "position", "unknown")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.position = 0
        self.origin = 0
        self.left = MOST_ELEMENTS
        self.unknown = False

    def align(self, mask: int) -> None:
        """Go to the next position of which the bits in `mask` are 0."""
        self.position += (self.origin - self.position) & mask

    def look(self, size: int) -> int:
        """Where the `size` bytes end that begin here; they must be there."""
        start = self.position
        if size > len(self.data) - start:
            raise UnreadableMessage(
                f"{size} bytes are needed at byte {start} of the body, which has {len(self.data)}"
            )
        return start + size

    def take(self, size: int) -> int:
        """Pass over `size` bytes and return where they start."""
        start, self.position = self.position, self.look(size)
        return start

    def elements(self, count: int, least: int) -> None:
        """Refuse elements of `least` bytes or more that can't be there, or are too many."""
        left = len(self.data) - self.position
        if count * least > left:
            raise UnreadableMessage(
                f"{count} elements at byte {self.position} of the body, where {left} bytes are left"
            )
        self.left -= count
        if self.left < 0:
            raise UnreadableMessage(f"more than {MOST_ELEMENTS} elements are too many to be read one by one")

    def expect(self, start: int, end: int) -> None:
        """Refuse a value that does not end where its header says."""
        if self.position != end:
            raise UnreadableMessage(
                f"the value at byte {start} of the body takes {self.position - start} bytes, "
                f"where its header says {end - start}"
            )


Reader = Callable[[Cursor], Any]


def number(order: str, code: str, alignment: int) -> Callable[[Cursor], int]:
    """The function that reads one integer."""
    layout = struct.Struct(order + code)
    unpack, size = layout.unpack_from, layout.size
    mask = min(size, alignment) - 1

    def read(cursor: Cursor) -> int:
        start = cursor.position + ((cursor.origin - cursor.position) & mask)
        value: int = unpack(cursor.data, start)[0]
        cursor.position = start + size
        return value

    return read
