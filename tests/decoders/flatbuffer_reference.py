"""Flatbuffer messages read one by one with the field's own `flatbuffers` package."""

from typing import Any

import numpy as np
from flatbuffers import number_types
from flatbuffers.packer import uoffset
from flatbuffers.table import Table

from tests.decoders.flatbuffers import Choice, Kind, Made, Many, Ref, Scalar, Text, Type

FLAGS = {
    "bool": number_types.BoolFlags,
    "int8": number_types.Int8Flags,
    "uint8": number_types.Uint8Flags,
    "int16": number_types.Int16Flags,
    "uint16": number_types.Uint16Flags,
    "int32": number_types.Int32Flags,
    "uint32": number_types.Uint32Flags,
    "int64": number_types.Int64Flags,
    "uint64": number_types.Uint64Flags,
    "float32": number_types.Float32Flags,
    "float64": number_types.Float64Flags,
}


def read(made: Made, payload: bytes) -> dict[str, Any]:
    """A message as a row; what the package raises where a message is broken is up to it."""
    data = bytearray(payload)
    (root,) = uoffset.unpack_from(data, 0)
    return _Reader(made, data).row(made.types[-1], root)


class _Reader:
    def __init__(self, made: Made, data: bytearray) -> None:
        self.made = made
        self.data = data

    def row(self, kind: Type, at: int) -> dict[str, Any]:
        table = Table(self.data, at)
        if not kind.members:
            return {} if kind is self.made.types[-1] else {"structure_needs_at_least_one_member": 0}
        row, slot = {}, 4
        for item in kind.members:
            place = table.Offset(slot)
            element = item.kind.element if isinstance(item.kind, Many) else item.kind
            if isinstance(element, Choice):
                row[item.name] = self.union(table, item.kind, place, table.Offset(slot + 2))
                slot += 2
            else:
                row[item.name] = self.value(table, item.kind, table.Pos + place) if place else item.default
            slot += 2
        return row

    def union(self, table: Table, kind: Kind, kinds: int, values: int) -> Any:
        """`kinds`, `values`: where in the table the two fields are, or 0."""
        if isinstance(kind, Many):
            if not kinds:
                return None
            count, first, labels = table.VectorLen(values), table.Vector(values), table.Vector(kinds)
            assert isinstance(kind.element, Choice)
            return [
                self.choice(table, kind.element, self.data[labels + place], first + 4 * place)
                for place in range(count)
            ]
        assert isinstance(kind, Choice)
        label = table.Get(number_types.Uint8Flags, table.Pos + kinds) if kinds else 0
        return self.choice(table, kind, label, table.Pos + values if values else None) if label else None

    def choice(self, table: Table, kind: Choice, label: int, at: int | None) -> dict[str, Any]:
        kinds = dict(self.made.enums[kind.index].kinds)
        row: dict[str, Any] = {"_d": label, **{f"m{number}": None for number in kinds}}
        if label in kinds and at is not None:
            inner = kinds[label]
            if isinstance(inner, Ref) and self.made.types[inner.index].is_struct:
                at = table.Indirect(at)
            row[f"m{label}"] = self.value(table, inner, at)
        return row

    def value(self, table: Table, kind: Kind, at: int) -> Any:
        """The value that stands at a place, or that an offset there points to."""
        match kind:
            case Scalar(base=base):
                value = table.Get(FLAGS[base], at)
                return bool(value) if base == "bool" else value
            case Text():
                return table.String(at).decode()
            case Ref(index=index) if self.made.types[index].is_struct:
                struct = self.made.types[index]
                return {
                    item.name: self.inline(table, item.kind, at + place)
                    for item, place in zip(struct.members, struct.places, strict=True)
                }
            case Ref(index=index):
                return self.row(self.made.types[index], table.Indirect(at))
            case Many(element=element):
                return self.vector(table, element, table.Indirect(at))
        raise TypeError(kind)

    def inline(self, table: Table, kind: Kind, at: int) -> Any:
        if not isinstance(kind, Many):
            return self.value(table, kind, at)
        size = self.made.extent(kind.element)[0]
        values = [self.value(table, kind.element, at + size * place) for place in range(kind.size or 0)]
        return (
            bytes(values) if kind.element == Scalar("uint8", getattr(kind.element, "named", None)) else values
        )

    def vector(self, table: Table, element: Kind, at: int) -> Any:
        (count,) = uoffset.unpack_from(self.data, at)
        if isinstance(element, Scalar):
            flags = np.dtype(self.made.dtype(element))
            values = np.frombuffer(self.data, flags if element.base != "bool" else "u1", count, at + 4)
            return (
                bytes(values)
                if element.base == "uint8"
                else (values != 0 if element.base == "bool" else values).tolist()
            )
        inline = isinstance(element, Ref) and self.made.types[element.index].is_struct
        size = self.made.extent(element)[0] if inline else 4
        if count * size > len(self.data):
            raise ValueError(count)
        return [self.value(table, element, at + 4 + size * place) for place in range(count)]
