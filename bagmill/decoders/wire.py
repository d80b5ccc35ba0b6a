"""How values lie in the bytes of ROS 1 and of DDS messages: the rules that all that reads them shares.

CDR (OMG DDSI-RTPS 2.5, chapter 10; OMG DDS-XTypes 1.3, 7.4): values aligned to their size, counted from the
end of the 4-byte header; strings with their terminating NUL. Version 2 aligns to 4 bytes at most, and puts
the number of bytes before lists of what is no number and before types that are not final. ROS 1 is CDR
without alignment, header and NUL (wiki.ros.org/roscpp/Overview/MessagesSerializationAndAdaptingTypes).
"""

import struct
from typing import NamedTuple

from bagmill.schemas.tree import (
    Extensibility,
    Field,
    Kind,
    Mapping,
    Primitive,
    Sequence,
    Struct,
    Type,
    Union,
)

CODES = {
    Kind.BOOL: "?",
    Kind.INT8: "b",
    Kind.UINT8: "B",
    Kind.INT16: "h",
    Kind.UINT16: "H",
    Kind.INT32: "i",
    Kind.UINT32: "I",
    Kind.INT64: "q",
    Kind.UINT64: "Q",
    Kind.FLOAT32: "f",
    Kind.FLOAT64: "d",
}
_ALIGNMENTS = (1, 8, 4)


class Wire(NamedTuple):
    """`order`: `<` or `>`; `version`: of CDR, 0 for ROS 1.

    `wide`: how wide strings are written, of which there are three ideas: characters of 4 or 2 bytes each, or
    (1) of 2 bytes with a length in bytes. `enums`: whether in version 2 lists of enums are delimited, of
    which there are two ideas. `root`: how the message itself lies; its header counts more than its type.
    """

    order: str
    version: int
    wide: int = 4
    enums: bool = True
    root: Extensibility = Extensibility.FINAL

    @property
    def alignment(self) -> int:
        """The most that a value is aligned to."""
        return _ALIGNMENTS[self.version]

    @property
    def terminated(self) -> bool:
        """Whether strings end with NUL, and messages without fields take one byte."""
        return self.version > 0

    def is_delimited(self, node: Type) -> bool:
        """Whether the number of its bytes stands before a value of this type."""
        if self.version < 2:
            return False
        match node:
            case Sequence(element=element, size=size):
                while size is not None and isinstance(element, Sequence) and element.size is not None:
                    element = element.element
                return not self._is_simple(element)
            case Mapping(key=key, value=value):
                return not (self._is_simple(key) and self._is_simple(value))
            case Struct(extensibility=kind) | Union(extensibility=kind):
                return kind is not Extensibility.FINAL
        return False

    def _is_simple(self, node: Type) -> bool:
        return is_number(node) and not (self.enums and isinstance(node, Primitive) and node.enum is not None)


ROS1_WIRE = Wire("<", version=0)


def is_number(node: Type) -> bool:
    """Whether values are numbers or booleans: of a fixed size."""
    return isinstance(node, Primitive) and node.kind in CODES


class Least:
    """The fewest bytes that values of types can take, each worked out once."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._known: dict[int, int] = {}

    def of(self, node: Type) -> int:
        """The fewest bytes of a value."""
        if id(node) not in self._known:
            self._known[id(node)] = self._count(node) + (4 if self._wire.is_delimited(node) else 0)
        return self._known[id(node)]

    def _count(self, node: Type) -> int:
        match node:
            case Primitive(kind=kind):
                return struct.calcsize(f"={CODES[kind]}") if kind in CODES else 4
            case Sequence(element=element, size=int(size)):
                return size * self.of(element)
            case Sequence() | Mapping():
                return 4
            case Struct(extensibility=Extensibility.MUTABLE) | Union(extensibility=Extensibility.MUTABLE):
                return 4 if self._wire.version == 1 else 0
            case Union(discriminator=discriminator):
                return self.of(discriminator)
            case Struct(fields=fields) if fields:
                return sum(map(self._member, fields))
        return 1 if self._wire.terminated else 0

    def _member(self, item: Field) -> int:
        if not item.optional:
            return self.of(item.type)
        return 1 if self._wire.version == 2 else 4


def wide_text(data: bytes, order: str, width: int) -> str:
    """The text of wide characters; `width`: as in `Wire.wide`.

    Raises:
        UnicodeError: it is none.
    """
    codec = f"utf-{32 if width == 4 else 16}-{'le' if order == '<' else 'be'}"
    # Even with 4 bytes each, the characters are UTF-16 code units: pairs of them are one.
    units = data.decode(codec, "surrogatepass")
    return units.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
