"""From the text of ROS 1 and ROS 2 definitions to a tree of types."""

import re
from collections.abc import Mapping as ReadOnly
from dataclasses import dataclass, field
from typing import NamedTuple

from bagmill.errors import SchemaInvalid, SchemaUnsupported
from bagmill.schemas.rosevents import event_sections
from bagmill.schemas.rostext import Definition, TypeName, TypeRef, parse_definition, sections, type_name
from bagmill.schemas.tree import (
    MAX_DEPTH,
    Constant,
    ConstantValue,
    Field,
    Kind,
    Primitive,
    Sequence,
    Struct,
    Type,
    check_size,
)

_NUMBERS = {kind.value: kind for kind in Kind if kind not in (Kind.WSTRING, Kind.BINARY)}


def _stamp(name: str, seconds: Kind, fraction: Kind) -> Struct:
    return Struct(name, (Field("sec", Primitive(seconds)), Field("nanosec", Primitive(fraction))))


class Dialect(NamedTuple):
    """What differs between ROS 1 and ROS 2.

    `builtins`: the types that need no definition. `byte` is signed in ROS 1 and unsigned in ROS 2; `char` is
    unsigned in both. `quotes`: text constants stand in quotes; else they take the whole line, `#` included.
    `defaults`: fields may have some. `folder`: what stands between package and type in a name.
    """

    kinds: ReadOnly[str, Kind]
    builtins: ReadOnly[TypeName, Struct]
    quotes: bool
    defaults: bool
    folder: str

    def full_name(self, key: TypeName) -> str:
        """The name of a type as the dialect writes it: `std_msgs/String`, `std_msgs/msg/String`."""
        return "/".join(part for part in (key[0], self.folder, key[1]) if part) if key[0] else key[1]


ROS1 = Dialect(
    kinds=_NUMBERS | {"byte": Kind.INT8, "char": Kind.UINT8},
    builtins={
        ("", "time"): _stamp("time", Kind.UINT32, Kind.UINT32),
        ("", "duration"): _stamp("duration", Kind.INT32, Kind.INT32),
    },
    quotes=False,
    defaults=False,
    folder="",
)
_TIME = _stamp("builtin_interfaces/msg/Time", Kind.INT32, Kind.UINT32)
_DURATION = _stamp("builtin_interfaces/msg/Duration", Kind.INT32, Kind.UINT32)
ROS2 = Dialect(
    kinds=_NUMBERS | {"byte": Kind.UINT8, "char": Kind.UINT8, "wstring": Kind.WSTRING},
    builtins={
        ("", "time"): _TIME,
        ("", "duration"): _DURATION,
        ("builtin_interfaces", "Time"): _TIME,
        ("builtin_interfaces", "Duration"): _DURATION,
    },
    quotes=True,
    defaults=True,
    folder="msg",
)


def parse_ros1(name: str, text: str) -> Struct:
    """Read the definition of a ROS 1 message with all that it needs.

    Raises:
        SchemaInvalid: it can't be read, or a type that it uses is not in it.
        SchemaUnsupported: it holds itself, or is too big or too deep for a table.
    """
    return _parse(name, sections(name, text), ROS1)


def parse_ros2(name: str, text: str) -> Struct:
    """Read the definition of a ROS 2 message (also of a service's or an action's event) with all it needs.

    Raises:
        SchemaInvalid: it can't be read, or a type that it uses is not in it.
        SchemaUnsupported: it holds itself, or is too big or too deep for a table.
    """
    return _parse(name, event_sections(name, sections(name, text)), ROS2)


def _parse(name: str, texts: dict[TypeName, str], dialect: Dialect) -> Struct:
    return check_size(_Resolver(name, texts, dialect).top())


@dataclass(slots=True, eq=False)
class _Resolver:
    root: str
    texts: dict[TypeName, str]
    dialect: Dialect
    known: dict[TypeName, Struct] = field(default_factory=dict)
    open: list[TypeName] = field(default_factory=list)

    def top(self) -> Struct:
        """The message that the schema is named after."""
        key = self.find(type_name(self.root), "")
        if key is None:
            names = ", ".join("/".join(filter(None, key)) for key in list(self.texts)[:10])
            raise SchemaInvalid(
                f"the schema does not define {self.root}, only {names}", where={"schema": self.root}
            )
        return self.struct(key, self.root)

    def struct(self, key: TypeName, name: str) -> Struct:
        """The message of this type, read when it is first needed: an unused broken one harms nobody."""
        if key in self.known:
            return self.known[key]
        if key in self.open:
            raise SchemaUnsupported(f"{name} holds itself", where={"schema": self.root})
        if len(self.open) >= MAX_DEPTH:
            raise SchemaUnsupported(
                f"{self.root} is nested more than {MAX_DEPTH} levels deep", where={"schema": self.root}
            )
        self.open.append(key)
        definition = parse_definition(name, self.texts[key])
        fields = tuple(self.field(member, ref, definition, key[0]) for member, ref in definition.fields)
        self.known[key] = Struct(name, fields, tuple(self.constants(definition)))
        self.open.pop()
        return self.known[key]

    def field(self, member: str, ref: TypeRef, definition: Definition, package: str) -> Field:
        element = self.element(ref, definition, package)
        default = definition.defaults.get(member)
        if default is not None and not (self.dialect.defaults and _is_default(default, element, ref)):
            raise SchemaInvalid(
                f"{definition.name}: {member} can't have the default {default[:40]!r}",
                where={"schema": self.root},
            )
        if not ref.is_array:
            return Field(member, element)
        return Field(member, Sequence(element, size=ref.size, bound=ref.bound))

    def element(self, ref: TypeRef, definition: Definition, package: str) -> Type:
        kind = self.dialect.kinds.get(ref.base)
        if kind is None:
            return self.message(ref, definition, package)
        if ref.is_array and ref.base == "byte":
            kind = Kind.UINT8  # an array of bytes is a blob in both dialects
        return Primitive(kind, bound=ref.text_bound)

    def message(self, ref: TypeRef, definition: Definition, package: str) -> Struct:
        written = type_name(ref.base)
        key = self.find(written, package)
        if key is not None:
            return self.struct(key, self.dialect.full_name(key))
        if written in self.dialect.builtins:
            return self.dialect.builtins[written]
        raise SchemaInvalid(
            f"{definition.name} uses {ref.base}, whose definition is missing", where={"schema": self.root}
        )

    def find(self, written: TypeName, package: str) -> TypeName | None:
        """The section that a type name means: of its own package, the special `Header`, or the only one."""
        name = written[1]
        candidates = [written] if written[0] else [(package, name), ("std_msgs", name)]
        for candidate in candidates[: 2 if name == "Header" else 1]:
            if candidate in self.texts:
                return candidate
        same = [key for key in self.texts if key[1] == name]
        return same[0] if not written[0] and len(same) == 1 else None

    def constants(self, definition: Definition) -> list[Constant]:
        kinds = self.dialect.kinds
        return [
            Constant(name, kinds[ref.base], _value(kinds[ref.base], text, quotes=self.dialect.quotes))
            for name, ref, text in definition.constants
            if ref.base in kinds
        ]


def _value(kind: Kind, written: str, *, quotes: bool) -> ConstantValue:
    """The constant's value; as it is written where it can't be read, for no message depends on it."""
    if kind in (Kind.STRING, Kind.WSTRING):
        return _text(written) if quotes else written
    value = written.partition("#")[0].strip()
    try:
        if kind is Kind.BOOL:
            return {"true": True, "1": True, "false": False, "0": False}[value.lower()]
        return float(value) if kind in (Kind.FLOAT32, Kind.FLOAT64) else int(value, 0)
    except (KeyError, ValueError):
        return value


def _text(written: str) -> str:
    """The text in quotes, in which only the quote itself is escaped."""
    quoted = re.match(r"""(["'])(?P<inner>(?:\\.|(?!\1)[^\\])*)\1""", written)
    if quoted is None:
        return written.partition("#")[0].strip()
    return quoted["inner"].replace("\\" + quoted[1], quoted[1])


def _is_default(written: str, element: Type, ref: TypeRef) -> bool:
    """Whether something behind a field's name can be its default, and not just a line gone wrong."""
    if not isinstance(element, Primitive):
        return False
    if ref.is_array:
        return written.startswith("[")
    return element.kind in (Kind.STRING, Kind.WSTRING) or not isinstance(
        _value(element.kind, written, quotes=True), str
    )
