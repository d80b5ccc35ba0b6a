"""The tree of types: what every message definition becomes, whatever language it was written in.

The tree gives the Arrow schema (`bagmill.schemas.arrow`) and the way messages are decoded
(`bagmill.decoders`). It holds no Arrow types, so that reading schemas costs no pyarrow.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from bagmill.errors import SchemaUnsupported

MOST_KNOWN = 256
"""So many definitions are kept when they have been read: the recordings of a robot have the same ones."""

MAX_LEAVES = 10_000
"""Leaf columns a message may have. A definition of 30 lines can ask for more than there are atoms."""

MAX_DEPTH = 64
"""Levels of nesting a message may have; recursion in this program and in readers ends somewhere."""

PLACEHOLDER = "structure_needs_at_least_one_member"
"""The member that ROS 2 gives to messages without fields, which neither IDL nor Parquet can hold."""

DISCRIMINATOR = "_d"
"""The column of a union's discriminator, under the name that the IDL language mappings give it."""


class Kind(StrEnum):
    """The scalars. A sequence of `uint8` is a blob: one binary value."""

    BOOL = "bool"
    INT8 = "int8"
    UINT8 = "uint8"
    INT16 = "int16"
    UINT16 = "uint16"
    INT32 = "int32"
    UINT32 = "uint32"
    INT64 = "int64"
    UINT64 = "uint64"
    FLOAT32 = "float32"
    FLOAT64 = "float64"
    STRING = "string"
    WSTRING = "wstring"
    BINARY = "binary"


class Extensibility(StrEnum):
    """How a type may change between writers (OMG DDS-XTypes 1.3, 7.2.2.4.1.2): this changes its bytes too."""

    FINAL = "final"
    APPENDABLE = "appendable"
    MUTABLE = "mutable"


ConstantValue = bool | int | float | str


class Constant(NamedTuple):
    """A named constant of a message; `value` is text where what is written is no literal of its kind."""

    name: str
    kind: Kind
    value: ConstantValue


class Enum(NamedTuple):
    """The names of some integers. An integer without a name is no error."""

    name: str
    values: tuple[tuple[str, int], ...]


class Primitive(NamedTuple):
    """A scalar. `bound`: most characters of a string; `enum`: what its integers are called."""

    kind: Kind
    bound: int | None = None
    enum: Enum | None = None


class Sequence(NamedTuple):
    """Elements of one type: `size` of them where that is fixed, else any number up to `bound`.

    `optional`: an element may be null.
    """

    element: "Type"
    size: int | None = None
    bound: int | None = None
    optional: bool = False

    @property
    def is_blob(self) -> bool:
        """Whether it is stored as one binary value instead of a list."""
        return isinstance(self.element, Primitive) and self.element.kind is Kind.UINT8


class Mapping(NamedTuple):
    """A map of keys to values, up to `bound` of them. `optional`: a value may be null."""

    key: Primitive
    value: "Type"
    optional: bool = False
    bound: int | None = None


class Field(NamedTuple):
    """A member of a message. `optional`: it may be absent, and is null then.

    `id`: the number that stands for it in the bytes of a mutable type; None where members have none.
    """

    name: str
    type: "Type"
    optional: bool = False
    id: int | None = None


class Struct(NamedTuple):
    """A message, or a message inside a message.

    `variant`: the value is of one of several types, and stands in the field that is named after its type.
    """

    name: str
    fields: tuple[Field, ...]
    constants: tuple[Constant, ...] = ()
    variant: bool = False
    extensibility: Extensibility = Extensibility.FINAL


class Case(NamedTuple):
    """One member of a union; `labels` are the discriminator's values that choose it, none: all others."""

    labels: tuple[int, ...]
    field: Field


class Union(NamedTuple):
    """A discriminator and the one member that it chooses, if any (OMG IDL 4.2, 7.4.1.4.4.4).

    In Arrow a struct: the discriminator first, then all members, of which at most one is not null.
    """

    name: str
    discriminator: Primitive
    cases: tuple[Case, ...]
    extensibility: Extensibility = Extensibility.FINAL

    @property
    def fields(self) -> tuple[Field, ...]:
        """The members of the struct that the union becomes."""
        members = (case.field._replace(optional=True) for case in self.cases)
        return (Field(DISCRIMINATOR, self.discriminator), *members)


@dataclass(frozen=True, slots=True)
class Untyped:
    """A part of a JSON message that no schema types; `schemas.inference` types it by what messages hold."""


Type = Primitive | Sequence | Mapping | Struct | Union | Untyped


def children(node: Type) -> Iterator[tuple[str, Type]]:
    """The types directly below: fields by name, elements as `[]`, keys and values of maps as `{}`."""
    match node:
        case Struct(fields=fields) | Union(fields=fields):
            for field in fields:
                yield field.name, field.type
        case Sequence(element=element):
            yield "[]", element
        case Mapping(key=key, value=value):
            yield "{}", key
            yield "{}", value


def leaves(node: Type) -> int:
    """How many leaf columns the type makes; a message without fields makes one (`PLACEHOLDER`)."""
    return _measure(node, {})[0]


def check_size(root: Struct) -> Struct:
    """Return the tree if it is one that files can hold.

    Raises:
        SchemaUnsupported: it has more than `MAX_LEAVES` leaves or more than `MAX_DEPTH` levels.
    """
    count, depth = _measure(root, {})
    if count > MAX_LEAVES:
        raise SchemaUnsupported(
            f"{root.name} has {count} columns, more than the {MAX_LEAVES} that are written",
            where={"schema": root.name},
        )
    if depth > MAX_DEPTH:
        raise SchemaUnsupported(
            f"{root.name} is nested {depth} levels deep, more than the {MAX_DEPTH} that are written",
            where={"schema": root.name},
        )
    return root


def _measure(node: Type, known: dict[int, tuple[int, int]]) -> tuple[int, int]:
    """Leaves and depth. Types are shared between fields, so each is measured once."""
    if id(node) not in known:
        below = [_measure(child, known) for _, child in children(node)]
        known[id(node)] = sum(count for count, _ in below) or 1, 1 + max((d for _, d in below), default=0)
    return known[id(node)]
