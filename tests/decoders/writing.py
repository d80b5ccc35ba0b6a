"""Writing messages as the specifications say, plainly: what decoders are tested with.

CDR: OMG DDSI-RTPS 2.5, chapter 10, and OMG DDS-XTypes 1.3, 7.4.3.5; ROS 1: wiki.ros.org/roscpp/Overview.
"""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

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
from tests.decoders.trees import NUMBERS, case_of

FORMS = {
    (1, Extensibility.FINAL): 0x0000,
    (1, Extensibility.APPENDABLE): 0x0000,
    (1, Extensibility.MUTABLE): 0x0002,
    (2, Extensibility.FINAL): 0x0006,
    (2, Extensibility.APPENDABLE): 0x0008,
    (2, Extensibility.MUTABLE): 0x000A,
}


@dataclass
class Writer:
    """`version`: of CDR, 0 for ROS 1. `wide`: how wide strings are written: 4 or 2 bytes a character, or (1)
    2 bytes with their length in bytes. `enums`: whether lists of enums have a header in version 2. `long`:
    whether member headers take their longer form; `fill`: whether parameters are filled up to 4 bytes.
    """

    order: str = "<"
    version: int = 1
    wide: int = 4
    enums: bool = True
    long: bool = False
    fill: bool = False
    body: bytearray = field(default_factory=bytearray)
    origin: int = 0

    def raw(self, code: str, value: Any) -> None:
        data = struct.pack(self.order + code, value)
        alignment = min(len(data), (1, 8, 4)[self.version])
        self.body += bytes((self.origin - len(self.body)) % alignment) + data

    def value(self, node: Type, value: Any) -> None:
        if not self._has_header(node):
            return self.plain(node, value)
        with self.sized():
            self.plain(node, value)
        return None

    def _has_header(self, node: Type) -> bool:
        if self.version != 2:
            return False
        match node:
            case Struct() | Union():
                return node.extensibility is not Extensibility.FINAL
            case Sequence(element=element):
                while node.size is not None and isinstance(element, Sequence) and element.size is not None:
                    element = element.element
                return not self._is_number(element)
            case Mapping():
                return not (self._is_number(node.key) and self._is_number(node.value))
        return False

    def _is_number(self, node: Type) -> bool:
        return isinstance(node, Primitive) and node.kind in NUMBERS and not (node.enum and self.enums)

    def plain(self, node: Type, value: Any) -> None:
        match node:
            case Primitive(kind=kind):
                self.scalar(kind, value)
            case Sequence(element=element, size=size):
                if size is None:
                    self.raw("I", len(value))
                for item in value:
                    self.value(element, item)
            case Mapping():
                self.raw("I", len(value))
                for key, item in value:
                    self.value(node.key, key)
                    self.value(node.value, item)
            case Struct():
                self.members(node, value)
            case Union():
                self.union(node, value)
            case _:
                raise TypeError(node)

    def scalar(self, kind: Kind, value: Any) -> None:
        if kind is Kind.STRING:
            data = value.encode() + b"\0" * (self.version > 0)
            self.raw("I", len(data))
            self.body += data
        elif kind is Kind.WSTRING:
            self.wide_text(value)
        else:
            self.raw(NUMBERS[kind], value)

    def wide_text(self, value: str) -> None:
        units = struct.unpack(f"<{len(value.encode('utf-16-le')) // 2}H", value.encode("utf-16-le"))
        self.raw("I", len(units) * (2 if self.wide == 1 else 1))
        self.body += struct.pack(f"{self.order}{len(units)}{'I' if self.wide == 4 else 'H'}", *units)

    def members(self, node: Struct, value: dict[str, Any]) -> None:
        if node.extensibility is Extensibility.MUTABLE:
            present = [item for item in node.fields if value[item.name] is not None]
            self.listed([(item.id or 0, item.type, value[item.name]) for item in present])
            return
        for item in node.fields:
            self.member(item, value[item.name])
        if not node.fields and self.version:
            self.body += b"\0"

    def member(self, item: Field, value: Any) -> None:
        if not item.optional:
            self.value(item.type, value)
        elif self.version == 2:
            self.raw("?", value is not None)
            if value is not None:
                self.value(item.type, value)
        else:
            self.parameter(item.id or 0, item.type, value)

    def union(self, node: Union, value: dict[str, Any]) -> None:
        chosen = value["_d"]
        case = case_of(node, chosen)
        if node.extensibility is not Extensibility.MUTABLE:
            self.value(node.discriminator, chosen)
            if case is not None:
                self.member(case.field, value[case.field.name])
            return
        members: list[tuple[int, Type, Any]] = [(0, node.discriminator, chosen)]
        if case is not None:
            members.append((case.field.id or 0, case.field.type, value[case.field.name]))
        self.listed(members)

    def listed(self, members: list[tuple[int, Type, Any]]) -> None:
        """Members with their ids; in version 2 the number of their bytes is written outside."""
        for number, type_, value in members:
            if self.version == 1:
                self.parameter(number, type_, value)
            else:
                self.extended_member(number, type_, value)
        if self.version == 1:
            self.raw("I", 0)
            self.body[-4:] = struct.pack(f"{self.order}HH", 0x3F02, 0)

    def parameter(self, number: int, type_: Type, value: Any) -> None:
        """Version 1: id and length, after which alignment begins anew. No bytes: no value."""
        self.raw("I", 0)
        del self.body[-4:]
        start = len(self.body)
        self.body += bytes(12 if self.long else 4)
        outer, self.origin = self.origin, len(self.body)
        if value is not None:
            self.value(type_, value)
        if self.fill:
            self.body += bytes((self.origin - len(self.body)) % 4)
        size = len(self.body) - self.origin
        header = ("HHII", 0x3F01, 8, number, size) if self.long else ("HH", number, size)
        struct.pack_into(self.order + header[0], self.body, start, *header[1:])
        self.origin = outer

    def extended_member(self, number: int, type_: Type, value: Any) -> None:
        """Version 2: id and length code, and a length where the code does not tell."""
        self.raw("I", 0)
        start = len(self.body) - 4
        self.value(type_, value)
        code = {1: 0, 2: 1, 4: 2, 8: 3}.get(len(self.body) - start - 4, 4)
        if self._has_own_length(type_) and not self.long:
            code = 5
        elif code == 4 or self.long:
            code = 4
            del self.body[start + 4 :]
            with self.sized():
                self.value(type_, value)
        struct.pack_into(f"{self.order}I", self.body, start, code << 28 | number)

    def _has_own_length(self, node: Type) -> bool:
        """Whether the first number of a value is how many bytes follow."""
        return self._has_header(node) or (isinstance(node, Primitive) and node.kind is Kind.STRING)

    @contextmanager
    def sized(self) -> Iterator[None]:
        """Write the number of bytes before what is written inside."""
        self.raw("I", 0)
        start = len(self.body)
        yield
        struct.pack_into(f"{self.order}I", self.body, start - 4, len(self.body) - start)


def cdr(root: Struct, value: Any, writer: Writer) -> bytes:
    """A message with its encapsulation, whose last bits say that nothing is filled up."""
    writer.body = bytearray()
    writer.value(root, value)
    kind = FORMS[writer.version, root.extensibility] | (writer.order == "<")
    return struct.pack(">HH", kind, 0) + bytes(writer.body)


def ros1(root: Type, value: Any) -> bytes:
    """A ROS 1 message."""
    writer = Writer(version=0)
    writer.value(root, value)
    return bytes(writer.body)
