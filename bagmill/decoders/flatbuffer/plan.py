"""What decoding needs to know about each type, made once for a schema.

A value stands inline (numbers, structs, arrays) or an offset to it does (flatbuffers.dev/internals).
"""

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import pyarrow as pa

from bagmill.errors import SchemaInvalid, SchemaUnsupported
from bagmill.schemas.arrow import arrow_type
from bagmill.schemas.flatbuffer import KINDS, element_of, fields_of, find_table, is_optional, parse_flatbuffer
from bagmill.schemas.reflection import BaseType, Member, Object, Reflection, TypeRef, read_schema
from bagmill.schemas.tree import MOST_KNOWN, Sequence, Struct, Type, Union

OFFSET = 4
"""Bytes of an offset, of the length of a vector, and of the offset of a vtable."""

_MOST_INLINE = 65_535
"""Bytes of a struct. In a table it can't be bigger."""

_DTYPES = {
    BaseType.UTYPE: "u1",
    BaseType.BOOL: "?",
    BaseType.BYTE: "i1",
    BaseType.UBYTE: "u1",
    BaseType.SHORT: "<i2",
    BaseType.USHORT: "<u2",
    BaseType.INT: "<i4",
    BaseType.UINT: "<u4",
    BaseType.LONG: "<i8",
    BaseType.ULONG: "<u8",
    BaseType.FLOAT: "<f4",
    BaseType.DOUBLE: "<f8",
}


@dataclass(frozen=True, slots=True)
class Number:
    """A scalar."""

    type: pa.DataType
    dtype: np.dtype[np.generic]

    @property
    def size(self) -> int:
        """Bytes of it."""
        return self.dtype.itemsize


@dataclass(frozen=True, slots=True)
class Part:
    """A member of a struct, `at` bytes behind its beginning."""

    at: int
    content: "Inline"


@dataclass(frozen=True, slots=True)
class Record:
    """A struct of `size` bytes."""

    type: pa.DataType
    size: int
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Array:
    """A fixed number of values in a struct."""

    type: pa.DataType
    count: int
    element: "Number | Record"

    @property
    def size(self) -> int:
        """Bytes of it."""
        return self.count * self.element.size


@dataclass(frozen=True, slots=True)
class Bytes:
    """A string (`text`) or a vector of bytes."""

    type: pa.DataType
    text: bool


@dataclass(frozen=True, slots=True)
class Vector:
    """Values of one type, or offsets to them."""

    type: pa.DataType
    element: "Content"
    cells: int


@dataclass(frozen=True, slots=True)
class Choice:
    """A union: what its values may be, by the number that says which."""

    type: pa.DataType
    cases: tuple[tuple[int, "Content"], ...]


@dataclass(frozen=True, slots=True)
class FieldPlan:
    """A field of a table; `slot` and `kind`, of a union, are where their offsets stand in the vtable.

    `default`: what a number is that is absent; None: null, as everything else is that is absent and not
    `required`.
    """

    name: str
    slot: int
    content: "Content"
    default: np.generic | None = None
    required: bool = False
    kind: int | None = None

    @property
    def nullable(self) -> bool:
        """Whether its column may hold null."""
        return self.default is None and not self.required


@dataclass(frozen=True, slots=True)
class Table:
    """A table."""

    type: pa.DataType
    name: str
    fields: tuple[FieldPlan, ...]


Inline = Number | Record | Array
Content = Inline | Bytes | Vector | Choice | Table


def _default(member: Member) -> np.generic:
    """The default of a number; of an unsigned one with 64 bits, it stands there as a signed one."""
    is_real = member.type.base in (BaseType.FLOAT, BaseType.DOUBLE)
    with np.errstate(all="ignore"):
        value = np.float64(member.real) if is_real else np.int64(member.integer)
        result: np.generic = value.astype(_DTYPES[member.type.base])
    return result


def cells(content: Content) -> int:
    """How many values one such value makes, not counting the elements of vectors."""
    match content:
        case Record(parts=parts):
            return sum(cells(part.content) for part in parts)
        case Array(count=count, element=element):
            return count * cells(element)
        case Choice(cases=cases):
            return 1 + sum(cells(case) for _, case in cases)
        case Table(fields=fields):
            return max(1, sum(cells(item.content) for item in fields))
    return 1


@lru_cache(MOST_KNOWN)
def compile_plan(name: str, data: bytes) -> Table:
    """Make the plan for the table `name` of a binary schema.

    Raises:
        SchemaError: as `parse_flatbuffer`, or structs do not have the layout that they must have.
    """
    schema = read_schema(name, data)
    return _Compiler(schema).table(parse_flatbuffer(name, data), find_table(name, schema))


@dataclass(slots=True)
class _Compiler:
    schema: Reflection
    tables: dict[str, Table] = field(default_factory=dict)

    def table(self, node: Struct, item: Object) -> Table:
        if item.name not in self.tables:
            fields = tuple(
                self.field(item, child.type, member, kind)
                for child, (member, kind) in zip(node.fields, fields_of(item), strict=True)
            )
            self.tables[item.name] = Table(arrow_type(node), item.name, fields)
        return self.tables[item.name]

    def field(self, item: Object, node: Type, member: Member, kind: Member | None) -> FieldPlan:
        default = None
        if member.type.base in KINDS and not is_optional(member):
            default = _default(member)
        return FieldPlan(
            name=f"{item.name}.{member.name}",
            slot=member.offset,
            content=self.content(node, member.type),
            default=default,
            required=member.required and member.type.base not in KINDS,
            kind=kind.offset if kind is not None else None,
        )

    def content(self, node: Type, ref: TypeRef) -> Content:
        match node:
            case Sequence(is_blob=True) if ref.base is BaseType.VECTOR:
                return Bytes(arrow_type(node), text=False)
            case Sequence(element=element) if ref.base is BaseType.VECTOR:
                content = self.content(element, element_of(ref))
                return Vector(arrow_type(node), content, cells(content))
            case Struct() if not (item := self.schema.object(ref.index)).is_struct:
                return self.table(node, item)
            case Union(cases=cases):
                types = {value: of for _, value, of in self.schema.enum(ref.index).values if of is not None}
                found = ((case.labels[0], case.field.type) for case in cases)
                contents = tuple((label, self.content(inner, types[label])) for label, inner in found)
                if any(isinstance(content, Number) for _, content in contents):
                    raise SchemaInvalid("a union of the flatbuffer schema holds a number")
                return Choice(arrow_type(node), contents)
        if ref.base is BaseType.STRING:
            return Bytes(arrow_type(node), text=True)
        content = self.inline(node, ref)
        if isinstance(content, Array):
            raise SchemaInvalid("a table of the flatbuffer schema holds an array")
        return content

    def inline(self, node: Type, ref: TypeRef) -> Inline:
        """What stands in a struct, or in a table itself."""
        if ref.base in KINDS:
            return Number(arrow_type(node), np.dtype(_DTYPES[ref.base]))
        if isinstance(node, Struct) and (item := self.schema.object(ref.index)).is_struct:
            return self.record(node, item)
        if isinstance(node, Sequence) and ref.base is BaseType.ARRAY:
            element = self.inline(node.element, element_of(ref))
            if not isinstance(element, Array):
                return Array(arrow_type(node), node.size or 0, element)
        raise SchemaInvalid(f"a struct of the flatbuffer schema holds a {ref.base.name.lower()}")

    def record(self, node: Struct, item: Object) -> Record:
        if not 0 < item.size <= _MOST_INLINE:
            raise SchemaUnsupported(f"the struct {item.name} has {item.size} bytes")
        parts = tuple(
            Part(member.offset, self.inline(child.type, member.type))
            for child, (member, _) in zip(node.fields, fields_of(item), strict=True)
        )
        if any(part.at + part.content.size > item.size for part in parts) or not parts:
            raise SchemaInvalid(f"the struct {item.name} is smaller than its members")
        return Record(arrow_type(node), item.size, parts)
