"""From a binary flatbuffer schema (.bfbs) to a tree of types.

The schema data is a schema in binary form, the schema's name the full name of the message's table (MCAP
registry, "flatbuffer").

| in the schema | in the tree |
|---|---|
| table, struct | `Struct`; fields in the order of their ids, deprecated ones left out |
| scalar | `Primitive`, with its default where it is absent; null where the default is null |
| enum | integer with names |
| string, table, vector, struct in a table | null where it is absent, unless it is required |
| vector, array | `Sequence` |
| union | `Union`; null where it is absent. Its two fields are one |
"""

from dataclasses import dataclass, field
from functools import lru_cache

from bagmill.errors import SchemaInvalid, SchemaUnsupported
from bagmill.schemas.reflection import BaseType, EnumType, Member, Object, Reflection, TypeRef, read_schema
from bagmill.schemas.tree import (
    MAX_DEPTH,
    MOST_KNOWN,
    Case,
    Enum,
    Field,
    Kind,
    Primitive,
    Sequence,
    Struct,
    Type,
    Union,
    check_size,
)

KINDS = {
    BaseType.UTYPE: Kind.UINT8,
    BaseType.BOOL: Kind.BOOL,
    BaseType.BYTE: Kind.INT8,
    BaseType.UBYTE: Kind.UINT8,
    BaseType.SHORT: Kind.INT16,
    BaseType.USHORT: Kind.UINT16,
    BaseType.INT: Kind.INT32,
    BaseType.UINT: Kind.UINT32,
    BaseType.LONG: Kind.INT64,
    BaseType.ULONG: Kind.UINT64,
    BaseType.FLOAT: Kind.FLOAT32,
    BaseType.DOUBLE: Kind.FLOAT64,
}
"""The scalars."""


@lru_cache(MOST_KNOWN)
def parse_flatbuffer(name: str, data: bytes) -> Struct:
    """Read the table `name` of a binary schema.

    Raises:
        SchemaInvalid: the bytes are no binary schema, or do not hold the table.
        SchemaUnsupported: the table holds itself, or is too big or too deep for a table.
    """
    schema = read_schema(name, data)
    return check_size(_Builder(name, schema).object(find_table(name, schema)))


def find_table(name: str, schema: Reflection) -> Object:
    """The table of this name.

    Raises:
        SchemaInvalid: there is none.
    """
    found = schema.find(name)
    if found is None or found.is_struct:
        raise SchemaInvalid(f"the flatbuffer schema does not hold a table {name}", where={"schema": name})
    return found


def fields_of(item: Object) -> list[tuple[Member, Member | None]]:
    """The fields that become columns, in order; with a union, the field that says which member it holds.

    Raises:
        SchemaInvalid: such a field is missing.
    """
    by_id = {member.id: member for member in item.members}
    kinds = {member.id: by_id.get(member.id - 1) for member in item.members if _is_union(member.type)}
    for number, kind in kinds.items():
        if kind is None or not _says_kind(kind.type, by_id[number].type):
            where = f"{item.name}.{by_id[number].name}"
            raise SchemaInvalid(f"{where} is a union whose type field is missing")
    types = {kind.id for kind in kinds.values() if kind is not None}
    return [
        (member, kinds.get(member.id))
        for member in item.members
        if member.id not in types and not member.deprecated
    ]


def element_of(ref: TypeRef) -> TypeRef:
    """The type of the elements of a vector or array."""
    return TypeRef(ref.element, BaseType.NONE, ref.index, 0)


def _says_kind(ref: TypeRef, union: TypeRef) -> bool:
    """Whether a field says what a union, or each of a vector of them, is."""
    base = ref.element if union.base is BaseType.VECTOR and ref.base is BaseType.VECTOR else ref.base
    return base is BaseType.UTYPE and ref.index == union.index


def _is_union(ref: TypeRef) -> bool:
    return BaseType.UNION in (ref.base, ref.element)


def is_optional(member: Member) -> bool:
    """Whether a field of a table is null where it is absent."""
    return member.optional if member.type.base in KINDS else not member.required


@dataclass(slots=True)
class _Builder:
    root: str
    schema: Reflection
    known: dict[str, Struct] = field(default_factory=dict)
    objects: dict[str, Object] = field(default_factory=dict)
    open: list[str] = field(default_factory=list)

    def object(self, item: Object) -> Struct:
        name = item.name
        if name in self.known:
            if self.objects[name] is not item:
                raise SchemaInvalid(f"two types are called {name}", where={"schema": self.root})
            return self.known[name]
        if name in self.open:
            raise SchemaUnsupported(f"{name} holds itself", where={"schema": self.root})
        if len(self.open) >= MAX_DEPTH:
            raise SchemaUnsupported(
                f"{self.root} is nested more than {MAX_DEPTH} levels deep", where={"schema": self.root}
            )
        self.open.append(name)
        fields = tuple(
            Field(member.name, self.type(member.type, kind), not item.is_struct and is_optional(member))
            for member, kind in fields_of(item)
        )
        self.open.pop()
        self.known[name], self.objects[name] = Struct(name, fields), item
        return self.known[name]

    def type(self, ref: TypeRef, kind: Member | None) -> Type:
        if ref.base in KINDS:
            return self.scalar(ref)
        match ref.base:
            case BaseType.STRING:
                return Primitive(Kind.STRING)
            case BaseType.OBJECT:
                return self.object(self.schema.object(ref.index))
            case BaseType.UNION if kind is not None:
                return self.union(self.schema.enum(ref.index))
            case BaseType.VECTOR:
                return Sequence(self.type(element_of(ref), kind))
            case BaseType.ARRAY if ref.length:
                return Sequence(self.type(element_of(ref), kind), size=ref.length)
        raise SchemaUnsupported(
            f"{self.root} has a field of the type {ref.base.name.lower()}", where={"schema": self.root}
        )

    def scalar(self, ref: TypeRef) -> Primitive:
        named = None
        if ref.index >= 0:
            enum = self.schema.enum(ref.index)
            named = Enum(enum.name, tuple((name, value) for name, value, _ in enum.values))
        return Primitive(KINDS[ref.base], enum=named)

    def union(self, union: EnumType) -> Union:
        if union.underlying.base is not BaseType.UTYPE:
            raise SchemaUnsupported(
                f"the union {union.name} has {union.underlying.base.name.lower()} instead of ubyte",
                where={"schema": self.root},
            )
        named = Enum(union.name, tuple((name, value) for name, value, _ in union.values))
        cases = tuple(
            Case((value,), Field(name, self.type(ref, None)))
            for name, value, ref in union.values
            if ref is not None and ref.base is not BaseType.NONE
        )
        return Union(union.name, Primitive(Kind.UINT8, enum=named), cases)
