"""Reading one message by its tree of types into a row of plain Python values.

For the forms of messages that are too rare to be decoded by columns, for the reasons why messages can't be
read, and for comparison. Every length is checked against the bytes that are left before anything is
allocated, so a hostile one costs nothing.
"""

import struct
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from bagmill.decoders.base import UnreadableMessage
from bagmill.decoders.cursor import Cursor, Reader, number
from bagmill.decoders.members import Member, delimited, headers
from bagmill.decoders.wire import CODES, Least, Wire, is_number, wide_text
from bagmill.errors import SchemaUnsupported
from bagmill.schemas.arrow import column_names
from bagmill.schemas.tree import (
    PLACEHOLDER,
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

_FEW = 32
"""Up to this many numbers a tuple is made faster than an array."""


@lru_cache(maxsize=256)
def compiled_reader(root: Struct, wire: Wire) -> Reader:
    """Make the function that reads a whole body and checks that nothing is missing.

    Raises:
        SchemaUnsupported: an array's elements take no bytes, so that its length means nothing.
    """
    read = _Compiler(wire).root(root)

    def checked(cursor: Cursor) -> Any:
        try:
            return read(cursor)
        except struct.error:
            raise UnreadableMessage(
                f"the message ends at byte {len(cursor.data)} of the body, "
                f"inside the value at byte {cursor.position}"
            ) from None

    return checked


class _Compiler:
    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.headers = headers(wire)
        self.length = number(wire.order, "I", wire.alignment)
        self.least = Least(wire)

    def root(self, node: Struct) -> Reader:
        """The message itself, in the form that its header says."""
        names = column_names(node, top=True)
        if self.wire.root is Extensibility.MUTABLE:
            return self.headers.members(self.members(node.fields, names))
        read = self.struct(node, names) if node.fields else self.empty({})
        return delimited(self.wire, read) if self.wire.root is Extensibility.APPENDABLE else read

    def type(self, node: Type) -> Reader:
        """A value of any type, with the headers that it has."""
        if isinstance(node, Struct | Union) and node.extensibility is Extensibility.MUTABLE:
            names = column_names(node)
            if isinstance(node, Union):
                return self.mutable_union(node, names)
            return self.headers.members(self.members(node.fields, names))
        read = self.plain(node)
        return delimited(self.wire, read) if self.wire.is_delimited(node) else read

    def plain(self, node: Type) -> Reader:
        match node:
            case Primitive(kind=Kind.STRING):
                return self.string()
            case Primitive(kind=Kind.WSTRING):
                return self.wide_string()
            case Primitive(kind=kind):
                return self.numbers(kind, 1)
            case Sequence():
                return self.array(node) if node.size is not None else self.sequence(node)
            case Mapping():
                return self.map(node)
            case Struct():
                return self.struct(node, column_names(node)) if node.fields else self.empty(None)
            case Union():
                return self.union(node, column_names(node))
        raise TypeError(f"not on this wire: {node}")

    def struct(self, node: Struct, names: list[str]) -> Reader:
        readers = tuple(zip(names, map(self.member, node.fields), strict=True))
        return lambda cursor: {name: read(cursor) for name, read in readers}

    def member(self, item: Field) -> Reader:
        read = self.type(item.type)
        return self.headers.optional(read) if item.optional else read

    def members(self, fields: tuple[Field, ...], names: list[str]) -> dict[int, Member]:
        return {
            at if item.id is None else item.id: Member(name, self.type(item.type), not item.optional)
            for at, (item, name) in enumerate(zip(fields, names, strict=True))
        }

    def union(self, node: Union, names: list[str]) -> Reader:
        discriminator = self.type(node.discriminator)
        cases = {
            label: (name, self.member(case.field))
            for case, name in zip(node.cases, names[1:], strict=True)
            for label in case.labels or (None,)
        }

        def read(cursor: Cursor) -> Any:
            chosen = discriminator(cursor)
            row = {names[0]: chosen}
            case = cases.get(chosen, cases.get(None))
            if case is not None:
                row[case[0]] = case[1](cursor)
            return row

        return read

    def mutable_union(self, node: Union, names: list[str]) -> Reader:
        """The discriminator is a member as well, of id 0."""
        fields = [case.field for case in node.cases]
        members = self.members(tuple(fields), names[1:])
        for number_, member in members.items():
            members[number_] = Member(member.name, member.read, needed=False)
        members[0] = Member(names[0], self.type(node.discriminator), needed=True)
        chosen = {
            label: name
            for case, name in zip(node.cases, names[1:], strict=True)
            for label in case.labels or (None,)
        }
        listed = self.headers.members(members)

        def read(cursor: Cursor) -> Any:
            row = listed(cursor)
            name = chosen.get(row[names[0]], chosen.get(None))
            if row.keys() - {names[0], name}:
                raise UnreadableMessage(f"a union holds a member that {row[names[0]]} does not choose")
            return row

        return read

    def empty(self, row: dict[str, Any] | None) -> Reader:
        """A message without fields: in CDR one byte stands for it. At the top it has no columns."""
        size = 1 if self.wire.terminated else 0

        def read(cursor: Cursor) -> Any:
            start = cursor.take(size)
            return {PLACEHOLDER: cursor.data[start] if size else 0} if row is None else row

        return read

    def numbers(self, kind: Kind, count: int, *, scalar: bool = True) -> Reader:
        """One number, or a tuple of a few."""
        layout = struct.Struct(f"{self.wire.order}{count}{CODES[kind]}")
        unpack, size = layout.unpack_from, layout.size
        mask = min(size // count, self.wire.alignment) - 1

        def read(cursor: Cursor) -> Any:
            start = cursor.position + ((cursor.origin - cursor.position) & mask)
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
            cursor.align(mask)
            start = cursor.take(count * dtype.itemsize)
            values = np.frombuffer(cursor.data, dtype, count, start).astype(native, copy=False)
            # Arrow takes booleans as Python objects only.
            return values.tolist() if count <= _FEW or kind is Kind.BOOL else values

        return read

    def string(self) -> Reader:
        length, terminated = self.length, self.wire.terminated

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
        length, width, order = self.length, self.wire.wide, self.wire.order

        def read(cursor: Cursor) -> str:
            start = cursor.take(length(cursor) * width)
            try:
                return wide_text(cursor.data[start : cursor.position], order, width)
            except UnicodeError:
                raise UnreadableMessage(f"the wide string at byte {start} of the body is no UTF-16") from None

        return read

    def array(self, node: Sequence) -> Reader:
        """A fixed number of elements."""
        count = node.size or 0
        if count and count <= _FEW and is_number(node.element) and not node.is_blob:
            assert isinstance(node.element, Primitive)
            return self.numbers(node.element.kind, count, scalar=False)
        read = self.elements(node)
        return lambda cursor: read(cursor, count)

    def sequence(self, node: Sequence) -> Reader:
        """As many elements as its length says."""
        return self.counted(self.elements(node), node.bound)

    def map(self, node: Mapping) -> Reader:
        """Pairs of keys and values."""
        key, value = self.type(node.key), self.type(node.value)
        least = self.least.of(node.key) + self.least.of(node.value)
        read = self.loop(lambda cursor: (key(cursor), value(cursor)), least)
        return self.counted(read, node.bound)

    def counted(self, read: Callable[[Cursor, int], Any], most: int | None) -> Reader:
        length = self.length

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
        if is_number(node.element):
            assert isinstance(node.element, Primitive)
            return self.many(node.element.kind)
        least = self.least.of(node.element)
        if least == 0:
            raise SchemaUnsupported("an array of messages without fields takes no bytes in ROS 1")
        return self.loop(self.type(node.element), least)

    def loop(self, read: Reader, least: int) -> Callable[[Cursor, int], list[Any]]:
        def elements(cursor: Cursor, count: int) -> list[Any]:
            cursor.elements(count, least)
            return [read(cursor) for _ in range(count)]

        return elements
