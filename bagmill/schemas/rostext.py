"""The text of ROS message definitions, line by line: `TYPE NAME`, `TYPE NAME=CONSTANT`, `TYPE NAME DEFAULT`.

ROS 1: wiki.ros.org/msg. ROS 2: docs.ros.org, "Interfaces", and rosidl_adapter's `parser.py`. A recording
holds a definition together with all that it needs: sections parted by a line of `=`, each but the first
headed by `MSG: package/Type`.
"""

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from bagmill.errors import SchemaInvalid

SEPARATOR = re.compile(r"^={3,}[ \t]*$", re.MULTILINE)
_HEADER = re.compile(r"\s*MSG:\s*(\S+)[^\n]*(?:\n|$)")
_LINE = re.compile(r"(?P<type>\S+)\s+(?P<name>[A-Za-z_]\w*)\s*(?P<rest>.*)", re.DOTALL | re.ASCII)
_TYPE = re.compile(
    r"(?P<base>[A-Za-z][\w/:]*)(?:<=(?P<bound>\d{1,10}))?(?:\[(?P<upto><=)?(?P<size>\d{0,10})\])?", re.ASCII
)
TEXTS = ("string", "wstring")
_SUBFOLDERS = frozenset({"msg", "srv", "action", "dds_"})

TypeName = tuple[str, str]
"""Package and type; the package is empty where none is written."""


class TypeRef(NamedTuple):
    """A type as written. `size`, `bound`: of the array; `text_bound`: of the string."""

    base: str
    is_array: bool = False
    size: int | None = None
    bound: int | None = None
    text_bound: int | None = None


@dataclass(slots=True)
class Definition:
    """One message as written: its fields and constants in order, and the defaults of fields.

    The value of a constant or a default is the rest of its line, comments and quotes included.
    """

    name: str
    fields: list[tuple[str, TypeRef]] = field(default_factory=list)
    defaults: dict[str, str] = field(default_factory=dict)
    constants: list[tuple[str, TypeRef, str]] = field(default_factory=list)


def type_name(text: str) -> TypeName:
    """Package and type of any of the ways to write them.

    `std_msgs/String`, `std_msgs/msg/String`, `fastdds/std_msgs/msg/String` (the Fast DDS recorder) and
    `std_msgs::msg::dds_::String_` (the name on the wire) are the same type.
    """
    parts = [part for part in re.split(r"/|::", text) if part]
    on_wire = "dds_" in parts
    plain = [part for part in parts[:-1] if part not in _SUBFOLDERS]
    last = parts[-1] if parts else ""
    return plain[-1] if plain else "", last.removesuffix("_") if on_wire else last


def sections(name: str, text: str) -> dict[TypeName, str]:
    """The definitions in a recording's schema text, by type; the first one is `name` itself."""
    found: dict[TypeName, str] = {}
    for number, part in enumerate(SEPARATOR.split(text.replace("\r\n", "\n").replace("\r", "\n"))):
        header = _HEADER.match(part)
        if header is None and number:
            raise SchemaInvalid(f"section {number + 1} of {name} has no 'MSG:' line", where={"schema": name})
        key = type_name(header.group(1)) if header else type_name(name)
        if not found.get(key, "").strip():
            found[key] = part[header.end() :] if header else part
    return found


def parse_definition(name: str, text: str) -> Definition:
    """Read the lines of one message.

    Raises:
        SchemaInvalid: a line is no field and no constant, or a name stands twice.
    """
    result = Definition(name)
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip() and not line.lstrip().startswith("#"):
            _parse_line(line.strip(), result, number)
    twice = [member for member, count in Counter(member for member, _ in result.fields).items() if count > 1]
    if twice:
        raise SchemaInvalid(f"{name} has two fields named {twice[0]}", where={"schema": name})
    return result


def _parse_line(line: str, result: Definition, number: int) -> None:
    parts = _LINE.fullmatch(line)
    if parts is None:
        raise SchemaInvalid(
            f"line {number} of {result.name} is no field and no constant: {line[:80]!r}",
            where={"schema": result.name},
        )
    ref = _parse_type(parts["type"], result.name, number)
    rest = parts["rest"]
    if rest.startswith("="):
        if ref.is_array:
            raise SchemaInvalid(
                f"line {number} of {result.name}: a constant is no array", where={"schema": result.name}
            )
        result.constants.append((parts["name"], ref, rest[1:].strip()))
    else:
        # A default says what a publisher sends when it sets nothing; the recorded value is what was sent.
        result.fields.append((parts["name"], ref))
        if rest and not rest.startswith("#"):
            result.defaults[parts["name"]] = rest


def _parse_type(text: str, name: str, number: int) -> TypeRef:
    parts = _TYPE.fullmatch(text)
    if (
        parts is None
        or (parts["bound"] and parts["base"] not in TEXTS)
        or (parts["upto"] and not parts["size"])
    ):
        raise SchemaInvalid(f"line {number} of {name}: {text[:80]!r} is no type", where={"schema": name})
    amount = int(parts["size"]) if parts["size"] else None
    if amount == 0:
        raise SchemaInvalid(f"line {number} of {name}: an array of no elements", where={"schema": name})
    return TypeRef(
        base=parts["base"],
        is_array=parts["size"] is not None,
        size=None if parts["upto"] else amount,
        bound=amount if parts["upto"] else None,
        text_bound=int(parts["bound"]) if parts["bound"] else None,
    )
