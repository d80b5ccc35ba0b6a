"""What JSON and CBOR messages hold where no schema says it.

A `Shape` takes values one by one and keeps only which types were seen where, so its size does not depend on
how many messages there are. It then puts types in the place of what a schema left open, and adds the members
that messages have and the schema does not list: a schema allows them, and nothing may vanish.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from bagmill.errors import SchemaUnsupported
from bagmill.schemas.jsonschema import MAX_INT64
from bagmill.schemas.tree import MAX_LEAVES, Field, Kind, Mapping, Primitive, Sequence, Struct, Type, Untyped

_UNTYPED = Untyped()


@dataclass(slots=True)
class Shape:
    """Which JSON types were seen at one place. `low`, `high`: the range of the integers.

    `elements`: of an array, or the values of a declared map; `members`: of an object.
    """

    declared: Type = _UNTYPED
    seen: set[str] = field(default_factory=set)
    low: int = 0
    high: int = 0
    elements: "Shape | None" = None
    members: "dict[str, Shape]" = field(default_factory=dict)

    def add(self, value: Any) -> None:
        """Take one value.

        Raises:
            SchemaUnsupported: an object has more different members than a table can have columns.
        """
        if _is_settled(self.declared):
            return
        kind = json_type(value)
        if kind == "null":
            return
        self.seen.add(kind)
        if kind == "integer":
            self.add_integers(value, value)
        elif kind == "array":
            self.add_elements(value)
        elif kind == "object" and isinstance(self.declared, Mapping):
            self.add_elements(value.values())
        elif kind == "object":
            for name, member in value.items():
                self.member(name).add(member)

    def add_integers(self, low: int, high: int) -> None:
        """Take integers between `low` and `high`, of which both are one."""
        self.seen.add("integer")
        self.low, self.high = min(self.low, low), max(self.high, high)

    def add_elements(self, values: Any) -> None:
        """Take the elements of an array, or the values of a map."""
        inner = self.element_shape()
        if not _is_settled(inner.declared):
            for value in values:
                inner.add(value)

    def element_shape(self) -> "Shape":
        """The shape of all elements, made when it is first asked for."""
        if self.elements is None:
            match self.declared:
                case Sequence(element=declared) | Mapping(value=declared):
                    self.elements = Shape(declared)
                case _:
                    self.elements = Shape()
        return self.elements

    def member(self, name: str) -> "Shape":
        """The shape of a member, made when it is first seen."""
        if name not in self.members:
            if len(self.members) >= MAX_LEAVES:
                raise SchemaUnsupported(
                    f"messages have more than {MAX_LEAVES} different members in one object"
                )
            fields = self.declared.fields if isinstance(self.declared, Struct) else ()
            self.members[name] = Shape(next((item.type for item in fields if item.name == name), _UNTYPED))
        return self.members[name]

    def type(self, name: str) -> Type:
        """The declared type with all that it left open filled in; `name` is for people."""
        match self.declared:
            case Untyped():
                return self._inferred(name)
            case Struct():
                return self.declared._replace(fields=tuple(self._fields(name)))
            case Sequence():
                return self.declared._replace(element=self.element_shape().type(f"{name}[]"))
            case Mapping():
                return self.declared._replace(value=self.element_shape().type(f"{name}{{}}"))
            case Primitive(kind=Kind.INT64) if self.seen == {"integer"}:
                return self.declared._replace(kind=self._integer())
            case _:
                return self.declared

    def _fields(self, name: str) -> Iterator[Field]:
        """First what the schema lists, in its order; then what messages had besides, as it was first seen."""
        listed = self.declared.fields if isinstance(self.declared, Struct) else ()
        for item in listed:
            yield item._replace(type=self.member(item.name).type(f"{name}.{item.name}"))
        known = {item.name for item in listed}
        for key, inner in self.members.items():
            if key not in known:
                yield Field(key, inner.type(f"{name}.{key}"), optional=True)

    def _inferred(self, name: str) -> Type:
        """The type of what was seen; a variant where values of several types were."""
        kinds = self.seen - {"integer"} if "number" in self.seen else self.seen
        types = {kind: self._of_kind(kind, name) for kind in sorted(kinds)}
        if len(types) > 1:
            fields = tuple(Field(kind, item, optional=True) for kind, item in types.items())
            return Struct(name, fields, variant=True)
        return next(iter(types.values()), Primitive(Kind.STRING))  # only null was seen: any type will do

    def _of_kind(self, kind: str, name: str) -> Type:
        match kind:
            case "object":
                return Struct(name, tuple(self._fields(name)))
            case "array":
                return Sequence(self.element_shape().type(f"{name}[]"), optional=True)
            case "integer":
                return Primitive(self._integer())
            case "boolean":
                return Primitive(Kind.BOOL)
            case "number":
                return Primitive(Kind.FLOAT64)
            case "bytes":
                return Primitive(Kind.BINARY)
            case _:
                return Primitive(Kind.STRING)

    def _integer(self) -> Kind:
        return Kind.UINT64 if self.high > MAX_INT64 and self.low >= 0 else Kind.INT64


def _is_settled(declared: Type) -> bool:
    """Whether no message can change this type; the range of integers can."""
    return isinstance(declared, Primitive) and declared.kind is not Kind.INT64


def json_type(value: Any) -> str:
    """The JSON type of a parsed value; `integer` and `number` are told apart by how they were written.

    CBOR has one more type, `bytes`.
    """
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case str():
            return "string"
        case bytes():
            return "bytes"
        case list():
            return "array"
        case _:
            return "object"
