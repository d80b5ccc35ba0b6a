"""Reading one message of ROS 1 or ROS 2 by its tree of types.

ROS 2 is CDR (OMG DDSI-RTPS 2.5, chapter 10): values aligned to their size, counted from the end of the
4-byte header; strings with their terminating NUL. ROS 1 is the same without alignment, header and NUL
(wiki.ros.org/roscpp/Overview/MessagesSerializationAndAdaptingTypes). Every length is checked against the
bytes that are left before anything is allocated, so a hostile one costs nothing.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from bagmill.decoders.base import UnreadableMessage
from bagmill.errors import SchemaUnsupported
from bagmill.schemas.arrow import column_names
from bagmill.schemas.tree import PLACEHOLDER, Kind, Primitive, Sequence, Struct, Type

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
_FEW = 32
"""Up to this many numbers a tuple is made faster than an array."""


class Cursor:
    """A place in the body of a message."""

    __slots__ = ("data", "position")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.position = 0

    def take(self, size: int) -> int:
        """Pass over `size` bytes and return where they start."""
        start = self.position
        if size > len(self.data) - start:
            raise UnreadableMessage(
                f"{size} bytes are needed at byte {start} of the body, which has {len(self.data)}"
            )
        self.position = start + size
        return start


Reader = Callable[[Cursor], Any]


@dataclass(frozen=True, slots=True)
class Wire:
    """How values lie in the bytes. `order`: `<` or `>`; `alignment`: the most a value is aligned to.

    `terminated`: strings end with NUL and messages without fields with one byte (CDR). `wide`: bytes of a
    wide character, of which RTPS implementations have two ideas.
    """

    order: str
    alignment: int
    terminated: bool
    wide: int = 4


ROS1_WIRE = Wire("<", alignment=1, terminated=False)


@lru_cache(maxsize=256)
def compiled_reader(root: Struct, wire: Wire) -> Reader:
    """Make the function that reads a whole body and checks that nothing is missing; see `left_over`.

    Raises:
        SchemaUnsupported: an array's elements take no bytes, so that its length means nothing.
    """
    read = _Compiler(wire).struct(root, top=True)

    def checked(cursor: Cursor) -> Any:
        try:
            return read(cursor)
        except struct.error:
            raise UnreadableMessage(
                f"the message ends at byte {len(cursor.data)} of the body, "
                f"inside the value at byte {cursor.position}"
            ) from None

    return checked


@dataclass(frozen=True, slots=True)
class _Compiler:
    wire: Wire

    def type(self, node: Type) -> Reader:
        match node:
            case Primitive(kind=Kind.STRING):
                return self.string()
            case Primitive(kind=Kind.WSTRING):
                return self.wide_string()
            case Primitive(kind=kind):
                return self.numbers(kind, 1)
            case Sequence():
                return self.array(node) if node.size is not None else self.sequence(node)
            case Struct():
                return self.struct(node)
        raise TypeError(f"not on this wire: {node}")

    def struct(self, node: Struct, *, top: bool = False) -> Reader:
        if not node.fields:
            return self.empty(top=top)
        names = column_names(node, top=top)
        readers = tuple(zip(names, [self.type(item.type) for item in node.fields], strict=True))
        return lambda cursor: {name: read(cursor) for name, read in readers}

    def empty(self, *, top: bool) -> Reader:
        """A message without fields: in CDR one byte stands for it. At the top it has no columns."""
        size = 1 if self.wire.terminated else 0

        def read(cursor: Cursor) -> Any:
            start = cursor.take(size)
            return {} if top else {PLACEHOLDER: cursor.data[start] if size else 0}

        return read

    def numbers(self, kind: Kind, count: int, *, scalar: bool = True) -> Reader:
        """One number, or a tuple of a few."""
        layout = struct.Struct(f"{self.wire.order}{count}{CODES[kind]}")
        unpack, size = layout.unpack_from, layout.size
        mask = min(size // count, self.wire.alignment) - 1

        def read(cursor: Cursor) -> Any:
            start = (cursor.position + mask) & ~mask
            values = unpack(cursor.data, start)
            cursor.position = start + size
            return values[0] if scalar else values

        return read

    def many(self, kind: Kind) -> Callable[[Cursor, int], Any]:
        """Any count of numbers as an array. Of none, not even the alignment is on the wire."""
        dtype = np.dtype(self.wire.order + CODES[kind].replace("?", "B"))
        native = np.dtype(CODES[kind]) if kind is Kind.BOOL else dtype.newbyteorder("=")
        mask = min(dtype.itemsize, self.wire.alignment) - 1

        def read(cursor: Cursor, count: int) -> Any:
            if count == 0:
                return ()
            cursor.position = (cursor.position + mask) & ~mask
            start = cursor.take(count * dtype.itemsize)
            values = np.frombuffer(cursor.data, dtype, count, start).astype(native, copy=False)
            # Arrow takes booleans as Python objects only.
            return values.tolist() if count <= _FEW or kind is Kind.BOOL else values

        return read

    def string(self) -> Reader:
        length = self.numbers(Kind.UINT32, 1)
        terminated = self.wire.terminated

        def read(cursor: Cursor) -> str:
            start = cursor.take(length(cursor))
            end = cursor.position
            if terminated and end > start:
                end -= 1
                if cursor.data[end]:
                    raise UnreadableMessage(f"the string at byte {start} of the body does not end with NUL")
            try:
                return cursor.data[start:end].decode()
            except UnicodeDecodeError:
                raise UnreadableMessage(f"the string at byte {start} of the body is no UTF-8") from None

        return read

    def wide_string(self) -> Reader:
        length = self.numbers(Kind.UINT32, 1)
        width, order = self.wire.wide, self.wire.order

        def read(cursor: Cursor) -> str:
            start = cursor.take(length(cursor) * width)
            try:
                return wide_text(cursor.data[start : cursor.position], order, width)
            except UnicodeError:
                raise UnreadableMessage(f"the wide string at byte {start} of the body is no UTF-16") from None

        return read

    def array(self, node: Sequence) -> Reader:
        """A fixed number of elements."""
        read, count = self.elements(node), node.size or 0
        if node.size and node.size <= _FEW and _is_number(node.element) and not node.is_blob:
            assert isinstance(node.element, Primitive)
            return self.numbers(node.element.kind, count, scalar=False)
        return lambda cursor: read(cursor, count)

    def sequence(self, node: Sequence) -> Reader:
        """As many elements as its length says."""
        read, length = self.elements(node), self.numbers(Kind.UINT32, 1)
        most = node.bound

        def bounded(cursor: Cursor) -> Any:
            count = length(cursor)
            if most is not None and count > most:
                raise UnreadableMessage(
                    f"a sequence of {count} elements before byte {cursor.position} of the body, "
                    f"where at most {most} are allowed"
                )
            return read(cursor, count)

        return bounded

    def elements(self, node: Sequence) -> Callable[[Cursor, int], Any]:
        """Read a given number of elements."""
        if node.is_blob:
            return lambda cursor, count: cursor.data[cursor.take(count) : cursor.position]
        if _is_number(node.element):
            assert isinstance(node.element, Primitive)
            return self.many(node.element.kind)
        read, least = self.type(node.element), self.least(node.element)
        if least == 0:
            raise SchemaUnsupported("an array of messages without fields takes no bytes in ROS 1")

        def loop(cursor: Cursor, count: int) -> list[Any]:
            left = len(cursor.data) - cursor.position
            if count * least > left:
                raise UnreadableMessage(
                    f"{count} elements at byte {cursor.position} of the body, where {left} bytes are left"
                )
            return [read(cursor) for _ in range(count)]

        return loop

    def least(self, node: Type) -> int:
        """The fewest bytes that a value can take."""
        match node:
            case Primitive(kind=Kind.STRING | Kind.WSTRING):
                return 4
            case Primitive(kind=kind):
                return struct.calcsize(CODES[kind])
            case Sequence(element=element, size=size):
                return 4 if size is None else size * self.least(element)
            case Struct(fields=fields) if fields:
                return sum(self.least(item.type) for item in fields)
            case _:
                return 1 if self.wire.terminated else 0


def wide_text(data: bytes, order: str, width: int) -> str:
    """The text of wide characters of 2 or 4 bytes.

    Raises:
        UnicodeError: it is none.
    """
    codec = f"utf-{8 * width}-{'le' if order == '<' else 'be'}"
    # Even with 4 bytes each, the characters are UTF-16 code units: pairs of them are one.
    units = data.decode(codec, "surrogatepass")
    return units.encode("utf-16-le", "surrogatepass").decode("utf-16-le")


def _is_number(node: Type) -> bool:
    return isinstance(node, Primitive) and node.kind in CODES
