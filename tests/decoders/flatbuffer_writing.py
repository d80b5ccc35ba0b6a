"""Writing flatbuffer schemas and messages with the field's own `flatbuffers` package."""

from random import Random
from typing import Any

import numpy as np
from flatbuffers.builder import Builder

from tests.decoders.flatbuffers import BASES, Choice, Kind, Made, Many, Member, Named, Ref, Scalar, Text, Type

UTYPE, STRING, VECTOR, OBJECT, UNION, ARRAY = 1, 13, 14, 15, 16, 17
"""Base types of reflection.fbs that are no scalars."""


class Writer:
    """Writes schemas and messages."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.builder = Builder(64)
        self.builder.ForceDefaults(random.random() < 0.2)

    def text(self, value: str) -> int:
        share = self.random.random() < 0.5
        create = self.builder.CreateSharedString if share else self.builder.CreateString
        return int(create(value))

    def offsets(self, values: list[int]) -> int:
        """A vector of offsets."""
        self.builder.StartVector(4, len(values), 4)
        for value in reversed(values):
            self.builder.PrependUOffsetTRelative(value)
        return int(self.builder.EndVector())

    def table(self, count: int, fields: dict[int, tuple[str, Any, Any]]) -> int:
        """A table of fields by slot: what numpy calls a number, `offset` or `struct`; value and default."""
        self.builder.StartObject(count)
        slots = list(fields)
        self.random.shuffle(slots)
        for slot in slots:
            code, value, default = fields[slot]
            if code == "offset":
                self.builder.PrependUOffsetTRelativeSlot(slot, value, 0)
            elif code == "struct":
                made, kind, inner = value
                self.inline(made, kind, inner)
                self.builder.Slot(slot)
            elif default is None or repr(value) != repr(default) or self.random.random() < 0.2:
                self.number(code, value)
                self.builder.Slot(slot)
        return int(self.builder.EndObject())

    def number(self, code: str, value: Any) -> None:
        dtype = np.dtype("<" + code)
        self.builder.Prep(dtype.itemsize, 0)
        self.raw(np.array(value, dtype).tobytes())

    def raw(self, data: bytes) -> None:
        head = self.builder.head - len(data)
        self.builder.Bytes[head : head + len(data)] = data
        self.builder.head = head

    def inline(self, made: Made, kind: Kind, value: Any) -> None:
        """A struct, at the place that is next."""
        data = packed(made, kind, value)
        self.builder.Prep(made.extent(kind)[1], len(data))
        self.raw(data)

    def finish(self, root: int, identifier: bytes | None = None) -> bytes:
        self.builder.Finish(root, file_identifier=identifier)
        return bytes(self.builder.Output())


def packed(made: Made, kind: Kind, value: Any) -> bytes:
    """The bytes of what stands in a struct."""
    match kind:
        case Scalar():
            return bytes(np.array(value, made.dtype(kind)).tobytes())
        case Many(element=element):
            return b"".join(packed(made, element, item) for item in value)
        case Ref(index=index):
            struct = made.types[index]
            data = bytearray(struct.size)
            for place, item in zip(struct.places, struct.members, strict=True):
                part = packed(made, item.kind, value[item.name])
                data[place : place + len(part)] = part
            return bytes(data)
    raise TypeError(kind)


def encode(random: Random, made: Made, row: dict[str, Any]) -> bytes:
    """A row as a message."""
    messages = Messages(random, made)
    return messages.writer.finish(messages.row(made.types[-1], row))


class Messages:
    """Writes one message."""

    def __init__(self, random: Random, made: Made) -> None:
        self.made = made
        self.writer = Writer(random)

    def row(self, table: Type, row: dict[str, Any]) -> int:
        """A table."""
        fields: dict[int, tuple[str, Any, Any]] = {}
        slot = 0
        for item in table.members:
            value = row[item.name]
            union = self.union_of(item.kind)
            if value is not None and union is not None:
                self.union(fields, slot, item.kind, value)
            elif value is not None:
                fields[slot] = self.field(item, value)
            slot += 1 if union is None else 2
        return self.writer.table(slot, fields)

    def union_of(self, kind: Kind) -> Choice | None:
        element = kind.element if isinstance(kind, Many) else kind
        return element if isinstance(element, Choice) else None

    def field(self, item: Member, value: Any) -> tuple[str, Any, Any]:
        kind = item.kind
        if isinstance(kind, Scalar):
            return BASES[kind.base][1], value, item.default
        if isinstance(kind, Ref) and self.made.types[kind.index].is_struct:
            return "struct", (self.made, kind, value), None
        return "offset", self.offset(kind, value), None

    def union(self, fields: dict[int, tuple[str, Any, Any]], slot: int, kind: Kind, value: Any) -> None:
        """The two fields of a union, or of a vector of them."""
        if not isinstance(kind, Many):
            assert isinstance(kind, Choice)
            fields[slot] = ("u1", value["_d"], 0)
            fields[slot + 1] = ("offset", self.member(kind, value), None)
            return
        assert isinstance(kind.element, Choice)
        members = [self.member(kind.element, item) for item in value]
        fields[slot + 1] = ("offset", self.writer.offsets(members), None)
        kinds = bytes(item["_d"] for item in value)
        fields[slot] = ("offset", self.raw(kinds, 1, len(kinds), 1), None)

    def member(self, choice: Choice, value: dict[str, Any]) -> int:
        """What a union holds; a struct stands alone here."""
        kind = dict(self.made.enums[choice.index].kinds)[value["_d"]]
        inner = value[f"m{value['_d']}"]
        if isinstance(kind, Ref) and self.made.types[kind.index].is_struct:
            self.writer.inline(self.made, kind, inner)
            return int(self.writer.builder.Offset())
        return self.offset(kind, inner)

    def offset(self, kind: Kind, value: Any) -> int:
        """What stands elsewhere."""
        match kind:
            case Text():
                return self.writer.text(value)
            case Ref(index=index):
                return self.row(self.made.types[index], value)
            case Many(element=Scalar() as element):
                data = np.array(list(value), self.made.dtype(element)).tobytes()
                size = self.made.extent(element)[0]
                return self.raw(data, size, len(value), size)
            case Many(element=Ref(index=index) as element) if self.made.types[index].is_struct:
                data = b"".join(packed(self.made, element, item) for item in value)
                size, align = self.made.extent(element)
                return self.raw(data, size, len(value), align)
            case Many(element=element):
                return self.writer.offsets([self.offset(element, item) for item in value])
        raise TypeError(kind)

    def raw(self, data: bytes, size: int, count: int, align: int) -> int:
        """A vector of numbers or structs."""
        self.writer.builder.StartVector(size, count, align)
        self.writer.raw(data)
        return int(self.writer.builder.EndVector())


def encode_schema(random: Random, made: Made) -> bytes:
    """The binary schema (reflection.fbs)."""
    writer = Writer(random)
    builder = _Schema(writer, made)
    objects = writer.offsets([builder.type(item) for item in made.types])
    enums = writer.offsets([builder.enum(number, item) for number, item in enumerate(made.enums)])
    fields = {0: ("offset", objects, None), 1: ("offset", enums, None)}
    return writer.finish(writer.table(8, fields), b"BFBS")


class _Schema:
    def __init__(self, writer: Writer, made: Made) -> None:
        self.writer = writer
        self.made = made

    def reference(self, kind: Kind, base: int | None = None) -> int:
        """A type; `base`: instead of that of a union."""
        match kind:
            case Many(element=element, size=size):
                own, inner = VECTOR if size is None else ARRAY, self.base(element, base)
                return self._reference(own, inner, self.index(element), size or 0)
        return self._reference(self.base(kind, base), 0, self.index(kind), 0)

    def _reference(self, base: int, element: int, index: int, size: int) -> int:
        fields = {0: ("i1", base, 0), 1: ("i1", element, 0), 2: ("i4", index, -1), 3: ("u2", size, 0)}
        return self.writer.table(6, fields)

    def base(self, kind: Kind, base: int | None) -> int:
        match kind:
            case Scalar():
                return BASES[kind.base][0]
            case Text():
                return STRING
            case Choice():
                return UNION if base is None else base
        return OBJECT

    def index(self, kind: Kind) -> int:
        match kind:
            case Scalar(named=named):
                return -1 if named is None else named
            case Ref(index=index) | Choice(index=index):
                return index
        return -1

    def type(self, item: Type) -> int:
        fields, number = [], 0
        for place, member in enumerate(item.members):
            element = member.kind.element if isinstance(member.kind, Many) else member.kind
            if isinstance(element, Choice):
                fields.append(self.field(member, f"{member.name}_type", number, 4 + 2 * number, UTYPE))
                number += 1
            at = item.places[place] if item.is_struct else 4 + 2 * number
            fields.append(self.field(member, member.name, number, at))
            number += 1
        self.writer.random.shuffle(fields)
        own = {
            0: ("offset", self.writer.text(item.name), None),
            1: ("offset", self.writer.offsets(fields), None),
            2: ("?", item.is_struct, False),
            3: ("i4", item.align, 0),
            4: ("i4", item.size, 0),
        }
        return self.writer.table(8, own)

    def field(self, member: Member, name: str, number: int, at: int, base: int | None = None) -> int:
        is_number = isinstance(member.kind, Scalar)
        integer, real = 0, 0.0
        if isinstance(member.default, float):
            real = member.default
        elif member.default is not None:  # of an unsigned one, it stands there as a signed one
            integer = (int(member.default) + 2**63) % 2**64 - 2**63
        fields = {
            0: ("offset", self.writer.text(name), None),
            1: ("offset", self.reference(member.kind, base), None),
            2: ("u2", number, 0),
            3: ("u2", at, 0),
            4: ("i8", integer, 0),
            5: ("f8", real, 0.0),
            7: ("?", member.required, False),
            11: ("?", member.default is None if is_number else not member.required, False),
        }
        return self.writer.table(14, fields)

    def enum(self, number: int, item: Named) -> int:
        kinds, values = dict(item.kinds), []
        for name, value in item.values:
            own = {0: ("offset", self.writer.text(name), None), 1: ("i8", value, 0)}
            if item.kinds:
                kind = kinds.get(value)
                none = self._reference(0, 0, -1, 0) if kind is None else self.reference(kind)
                own[3] = ("offset", none, None)
            values.append(self.writer.table(6, own))
        base = self._reference(UTYPE if item.kinds else BASES[item.base][0], 0, number, 0)
        fields = {
            0: ("offset", self.writer.text(item.name), None),
            1: ("offset", self.writer.offsets(values), None),
            2: ("?", bool(item.kinds), False),
            3: ("offset", base, None),
        }
        return self.writer.table(7, fields)
