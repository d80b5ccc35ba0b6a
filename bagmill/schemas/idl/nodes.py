"""What the grammar of IDL gives: declarations as written, before any name is looked up."""

from dataclasses import dataclass, field

from bagmill.schemas.tree import ConstantValue, Kind

Path = tuple[str, ...]
"""The names from the outermost module down to a declaration."""


def _place() -> int:
    """Where it stands in the text; of no weight when two declarations are compared."""
    place: int = field(compare=False)
    return place


@dataclass(frozen=True, slots=True)
class Name:
    """A scoped name as written: `A::B`, or `::A::B` (`absolute`)."""

    parts: Path
    absolute: bool
    at: int = _place()


@dataclass(frozen=True, slots=True)
class Operator:
    """An operator of an expression, with as many operands as it takes: 1 or 2."""

    sign: str
    operands: int
    at: int = _place()


@dataclass(frozen=True, slots=True)
class Expression:
    """A constant expression in postfix order: values, names and operators.

    `start`, `end`: where it stands in the text.
    """

    items: tuple[ConstantValue | Name | Operator, ...]
    start: int = _place()
    end: int = _place()


@dataclass(frozen=True, slots=True)
class Annotation:
    """`@name(argument, key=argument)`; the name in lower case. `key` is empty where none is written."""

    name: str
    arguments: tuple[tuple[str, Expression], ...]
    at: int = _place()

    @property
    def argument(self) -> Expression | None:
        """The first argument; those that mean something to us have no second one."""
        return self.arguments[0][1] if self.arguments else None


Annotations = tuple[Annotation, ...]


def find_annotation(annotations: Annotations, *names: str) -> Annotation | None:
    """The first annotation of one of these names."""
    return next((item for item in annotations if item.name in names), None)


@dataclass(frozen=True, slots=True)
class Scalar:
    """A type that is one of our kinds."""

    kind: Kind


@dataclass(frozen=True, slots=True)
class Undecodable:
    """A type of IDL that is not decoded, and why."""

    why: str
    at: int = _place()


@dataclass(frozen=True, slots=True)
class Text:
    """`string<bound>` or `wstring<bound>`."""

    kind: Kind
    bound: Expression | None


@dataclass(frozen=True, slots=True)
class SequenceOf:
    """`sequence<element, bound>`."""

    element: "TypeSpec"
    bound: Expression | None
    at: int = _place()


@dataclass(frozen=True, slots=True)
class MapOf:
    """`map<key, value, bound>`."""

    key: "TypeSpec"
    value: "TypeSpec"
    bound: Expression | None
    at: int = _place()


TypeSpec = Scalar | Undecodable | Text | SequenceOf | MapOf | Name


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a struct or a union. `sizes`: of its array, the outermost first."""

    name: str
    spec: TypeSpec
    sizes: tuple[Expression, ...]
    annotations: Annotations
    at: int = _place()


@dataclass(frozen=True, slots=True)
class StructDecl:
    """`struct`."""

    path: Path
    base: Name | None
    members: tuple[Member, ...]
    annotations: Annotations
    at: int = _place()


@dataclass(frozen=True, slots=True)
class Branch:
    """A member of a union with its labels; `default`: one of them is `default`."""

    labels: tuple[Expression, ...]
    default: bool
    member: Member


@dataclass(frozen=True, slots=True)
class UnionDecl:
    """`union ... switch`."""

    path: Path
    switch: TypeSpec
    branches: tuple[Branch, ...]
    annotations: Annotations
    at: int = _place()


@dataclass(frozen=True, slots=True)
class Label:
    """A name of an enum or a bitmask."""

    name: str
    annotations: Annotations
    at: int = _place()


@dataclass(frozen=True, slots=True)
class EnumDecl:
    """`enum`, or `bitmask` if `bits`."""

    path: Path
    labels: tuple[Label, ...]
    bits: bool
    annotations: Annotations
    at: int = _place()


@dataclass(frozen=True, slots=True)
class BitsetDecl:
    """`bitset`: only the widths of its fields matter."""

    path: Path
    base: Name | None
    widths: tuple[Expression, ...]
    at: int = _place()


@dataclass(frozen=True, slots=True)
class TypedefDecl:
    """One name of a `typedef`."""

    path: Path
    spec: TypeSpec
    sizes: tuple[Expression, ...]
    at: int = _place()


@dataclass(frozen=True, slots=True)
class ConstDecl:
    """`const`."""

    path: Path
    spec: TypeSpec
    value: Expression
    at: int = _place()


Declaration = StructDecl | UnionDecl | EnumDecl | BitsetDecl | TypedefDecl | ConstDecl
