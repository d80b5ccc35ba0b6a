"""Reading binary flatbuffer schemas (.bfbs), which are flatbuffers themselves (flatbuffers: reflection.fbs).

Every place is checked before it is read: a schema comes from a recording and can hold anything.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from bagmill.errors import SchemaInvalid

_MOST_TABLES = 200_000
"""Tables that are read of a schema. Tables may be shared, so that few bytes can hold very many."""


class BaseType(IntEnum):
    """What kind of type it is; of `VECTOR` and `ARRAY` the element has another one."""

    NONE = 0
    UTYPE = 1
    BOOL = 2
    BYTE = 3
    UBYTE = 4
    SHORT = 5
    USHORT = 6
    INT = 7
    UINT = 8
    LONG = 9
    ULONG = 10
    FLOAT = 11
    DOUBLE = 12
    STRING = 13
    VECTOR = 14
    OBJECT = 15
    UNION = 16
    ARRAY = 17
    VECTOR64 = 18


@dataclass(frozen=True, slots=True)
class TypeRef:
    """The type of a field. `index`: of its object or enum, or -1. `length`: of an array."""

    base: BaseType
    element: BaseType
    index: int
    length: int


@dataclass(frozen=True, slots=True)
class Member:
    """A field of a table or struct. `offset`: of tables where it is in the vtable, of structs where it is."""

    name: str
    type: TypeRef
    id: int
    offset: int
    integer: int
    real: float
    deprecated: bool
    required: bool
    optional: bool


@dataclass(frozen=True, slots=True)
class Object:
    """A table, or a struct of `size` bytes; members in the order of their ids."""

    name: str
    is_struct: bool
    size: int
    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class EnumType:
    """An enum or a union: names, numbers, and of a union's members the type."""

    name: str
    is_union: bool
    underlying: TypeRef
    values: tuple[tuple[str, int, TypeRef | None], ...]


@dataclass(slots=True)
class Reflection:
    """A schema, of which objects and enums are read when they are asked for.

    Whatever is asked raises `SchemaInvalid` where the schema is broken.
    """

    objects: "_Tables"
    enums: "_Tables"
    _objects: dict[int, Object] = field(default_factory=dict)
    _enums: dict[int, EnumType] = field(default_factory=dict)

    def find(self, name: str) -> Object | None:
        """The object of this name."""
        for index, table in enumerate(self.objects):
            if table.text(0) == name:
                return self.object(index)
        return None

    def object(self, index: int) -> Object:
        """The object of a number."""
        if index not in self._objects:
            self._objects[index] = _object(self.objects.at(index))
        return self._objects[index]

    def enum(self, index: int) -> EnumType:
        """The enum or union of a number."""
        if index not in self._enums:
            self._enums[index] = _enum(self.enums.at(index))
        return self._enums[index]


def read_schema(name: str, data: bytes) -> Reflection:
    """Read a binary schema; `name` is what is said where it is broken.

    Raises:
        SchemaInvalid: it is none.
    """
    source = _Source(name, data)
    if data[4:8] != b"BFBS":
        raise source.invalid("has no identifier BFBS")
    root = _Table(source, source.follow(0))
    return Reflection(root.tables(0), root.tables(1))


def _object(table: "_Table") -> Object:
    members = sorted((_member(item) for item in table.tables(1)), key=lambda item: item.id)
    return Object(table.text(0), bool(table.number(2, "B")), int(table.number(4, "i")), tuple(members))


def _member(table: "_Table") -> Member:
    return Member(
        name=table.text(0),
        type=_type(table.table(1)),
        id=int(table.number(2, "H")),
        offset=int(table.number(3, "H")),
        integer=int(table.number(4, "q")),
        real=float(table.number(5, "d")),
        deprecated=bool(table.number(6, "B")),
        required=bool(table.number(7, "B")),
        optional=bool(table.number(11, "B")),
    )


def _type(table: "_Table") -> TypeRef:
    try:
        base, element = BaseType(int(table.number(0, "b"))), BaseType(int(table.number(1, "b")))
    except ValueError as error:
        raise table.source.invalid(f"has an unknown type: {error}") from None
    return TypeRef(base, element, int(table.number(2, "i", -1)), int(table.number(3, "H")))


def _enum(table: "_Table") -> EnumType:
    is_union = bool(table.number(2, "B"))
    values = tuple(
        (item.text(0), int(item.number(1, "q")), _type(item.table(3)) if is_union else None)
        for item in table.tables(1)
    )
    return EnumType(table.text(0), is_union, _type(table.table(3)), values)


class _Source:
    """Bytes, and how many more tables may be read of them."""

    def __init__(self, name: str, data: bytes) -> None:
        self.data = data
        self._name = name
        self._left = _MOST_TABLES

    def read(self, code: str, at: int) -> Any:
        """A little-endian number, by the code that `struct` has for it."""
        try:
            if at >= 0:
                return struct.unpack_from("<" + code, self.data, at)[0]
        except struct.error:
            pass
        raise self.invalid(f"has {len(self.data)} bytes and points to byte {at}")

    def follow(self, at: int) -> int:
        """Where the offset at a place points to."""
        return at + int(self.read("I", at))

    def spend(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise self.invalid(f"has more than {_MOST_TABLES} parts")

    def invalid(self, what: str) -> SchemaInvalid:
        """The error that says what is wrong."""
        text = f"the binary flatbuffer schema of {self._name} {what}"
        return SchemaInvalid(text, where={"schema": self._name})


class _Table:
    """A table. `slot`: the number of a field, as in reflection.fbs."""

    def __init__(self, source: _Source, at: int) -> None:
        source.spend()
        self.source = source
        self._at = at
        self._vtable = at - int(source.read("i", at))
        self._size = int(source.read("H", self._vtable))

    def _place(self, slot: int) -> int | None:
        entry = 4 + 2 * slot
        offset = self.source.read("H", self._vtable + entry) if entry < self._size else 0
        return self._at + int(offset) if offset else None

    def number(self, slot: int, code: str, default: int = 0) -> Any:
        place = self._place(slot)
        return default if place is None else self.source.read(code, place)

    def _needed(self, slot: int) -> int:
        place = self._place(slot)
        if place is None:
            raise self.source.invalid("misses a part")
        return self.source.follow(place)

    def text(self, slot: int) -> str:
        place = self._needed(slot)
        size = int(self.source.read("I", place))
        data = self.source.data[place + 4 : place + 4 + size]
        try:
            if len(data) == size:
                return data.decode()
        except UnicodeDecodeError:
            pass
        raise self.source.invalid("has a name that is cut off or no UTF-8")

    def table(self, slot: int) -> "_Table":
        return _Table(self.source, self._needed(slot))

    def tables(self, slot: int) -> "_Tables":
        return _Tables(self.source, self._needed(slot))


class _Tables:
    """A vector of tables, each read when it is asked for."""

    def __init__(self, source: _Source, at: int) -> None:
        self._source = source
        self._first = at + 4
        self._count = int(source.read("I", at))

    def at(self, index: int) -> _Table:
        if not 0 <= index < self._count:
            raise self._source.invalid(f"names part {index} of {self._count}")
        return _Table(self._source, self._source.follow(self._first + 4 * index))

    def __iter__(self) -> Iterator[_Table]:
        return (self.at(index) for index in range(self._count))
