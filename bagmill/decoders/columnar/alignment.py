"""What is known about a position before any message is seen, and where elements of a fixed size lie.

CDR aligns a value to its size, counted from the end of the message's header. After a string anything is
possible; after an 8-byte number the position is a multiple of 8. Knowing that when a plan is compiled turns
most paddings into constants.
"""

import struct
from typing import NamedTuple

from bagmill.decoders.wire import CODES, Least, Wire, is_number
from bagmill.schemas.tree import Field, Kind, Mapping, Primitive, Sequence, Struct, Type, children

WIDEST = 8
"""The most that any wire aligns a value to."""

TOO_BIG = 1 << 31
"""More bytes than any message has. No size counts further in a plan, so that sums stay below 2^63."""


class Known(NamedTuple):
    """A position is `residue` modulo `modulus`, a power of 2; 1 where nothing is known."""

    modulus: int
    residue: int = 0

    def plus(self, size: int) -> "Known":
        """The position `size` bytes further."""
        return Known(self.modulus, (self.residue + size) % self.modulus)

    def aligned(self, alignment: int) -> "Known":
        """The position after alignment: more is known then, or as much."""
        if self.modulus >= alignment:
            return self.plus(-self.residue % alignment)
        return Known(alignment)

    def either(self, other: "Known") -> "Known":
        """What holds for both."""
        modulus = min(self.modulus, other.modulus)
        while (self.residue - other.residue) % modulus:
            modulus //= 2
        return Known(modulus, self.residue % modulus)


class Layout(NamedTuple):
    """Where elements of a fixed size lie, one behind the other.

    An element begins where its first value is, aligned to `lead`. The widest alignment in an element fixes
    how all that follows lies, so from the second element on the distance is always `stride` and the size
    `size`. In the first they depend on where it begins: `first_stride` and `first_size`, by its position
    modulo 8. `regular`: they are the same there.
    """

    lead: int
    stride: int
    size: int
    first_stride: tuple[int, ...]
    first_size: tuple[int, ...]
    regular: bool

    def span(self, begin: int, count: int) -> int:
        """The bytes of `count` elements (one at least) of which the first begins at a position."""
        if count == 1:
            return self.first_size[begin % WIDEST]
        return self.first_stride[begin % WIDEST] + (count - 2) * self.stride + self.size


class Sizes:
    """Sizes and alignments of the types on one wire, each worked out once."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._fixed: dict[int, bool] = {}
        self._pairs: dict[int, Sequence] = {}
        self.least = Least(wire)
        self._layouts: dict[int, Layout] = {}
        self._nothing = 1 if wire.terminated else 0

    def number(self, kind: Kind) -> int:
        """The bytes of a number."""
        return struct.calcsize(f"={CODES[kind]}")

    def alignment(self, size: int) -> int:
        """What a number of that size is aligned to."""
        return min(size, self._wire.alignment)

    def is_fixed(self, node: Type) -> bool:
        """Whether all values take the same bytes but for padding: nothing in it has a length."""
        if id(node) not in self._fixed:
            match node:
                case Primitive():
                    fixed = is_number(node)
                case Sequence(size=None) | Mapping():
                    fixed = False
                case _:
                    fixed = all(self.is_fixed(child) for _, child in children(node))
            self._fixed[id(node)] = fixed and not self._wire.is_delimited(node)
        return self._fixed[id(node)]

    def pairs(self, node: Mapping) -> Sequence:
        """A map as what it is in the bytes: a sequence of keys and values."""
        if id(node) not in self._pairs:
            pair = Struct("", (Field("key", node.key), Field("value", node.value)))
            self._pairs[id(node)] = Sequence(pair, bound=node.bound)
        return self._pairs[id(node)]

    def lead(self, node: Type) -> int:
        """The alignment of the first value in a fixed type."""
        match node:
            case Primitive(kind=kind):
                return self.alignment(self.number(kind))
            case Sequence(element=element):
                return self.lead(element)
            case Struct(fields=fields) if fields:
                return self.lead(fields[0].type)
        return 1

    def end(self, node: Type, position: int) -> int:
        """Where a value of a fixed type ends that begins at a position, counted from the header's end."""
        match node:
            case Primitive(kind=kind):
                size = self.number(kind)
                return position + -position % self.alignment(size) + size
            case Sequence(element=element, size=int(count)):
                layout = self.layout(element)
                begin = position + -position % layout.lead
                return begin + layout.span(begin, count) if count else position
            case Struct(fields=fields) if fields:
                for item in fields:
                    position = self.end(item.type, position)
                return position
        return position + self._nothing

    def layout(self, element: Type) -> Layout:
        """How elements of a fixed type follow each other."""
        if id(element) not in self._layouts:
            self._layouts[id(element)] = self._lay_out(element)
        return self._layouts[id(element)]

    def _lay_out(self, element: Type) -> Layout:
        lead = self.lead(element)
        begins = [begin + -begin % lead for begin in range(WIDEST)]
        ends = [self.end(element, begin) for begin in begins]
        nexts = [end + -end % lead for end in ends]
        strides = tuple(min(after - begin, TOO_BIG) for begin, after in zip(begins, nexts, strict=True))
        sizes = tuple(min(end - begin, TOO_BIG) for begin, end in zip(begins, ends, strict=True))
        second = nexts[0] % WIDEST
        return Layout(
            lead=lead,
            stride=strides[second],
            size=sizes[second],
            first_stride=strides,
            first_size=sizes,
            regular=set(strides) == {strides[second]} and set(sizes) == {sizes[second]},
        )
