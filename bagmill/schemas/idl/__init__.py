"""From the text of OMG IDL to a tree of types (OMG IDL 4.2; OMG DDS-XTypes 1.3).

`ros2idl` is what rosbag2 stores for messages that are defined by `.idl` files, `omgidl` what recorders of
plain DDS store. Read in four steps: words (`lexer`), declarations as written (`grammar`), the values of
constants (`constants`), types (`resolver`).
"""

import re
from collections.abc import Iterator

from bagmill.errors import SchemaError, SchemaInvalid
from bagmill.schemas.idl.dialect import Dialect
from bagmill.schemas.idl.grammar import read_declarations
from bagmill.schemas.idl.implied import implied_text
from bagmill.schemas.idl.nodes import StructDecl
from bagmill.schemas.idl.resolver import resolve
from bagmill.schemas.idl.scopes import Scopes
from bagmill.schemas.idl.source import Source
from bagmill.schemas.rostext import type_name
from bagmill.schemas.tree import Extensibility, Struct, check_size

MAX_TEXT = 2**21
"""Characters that a schema may have: reading a million of them takes a second or two, and 100 MB at worst."""

_SECTION = re.compile(r"^={3,}[ \t]*\r?\n[ \t]*IDL:[^\n]*\n?", re.MULTILINE)

# ROS 2 writes XCDR1, in which final and appendable types have the same bytes, and its types are final.
ROS2 = Dialect("/", Extensibility.FINAL, ros=True)
# A type that says nothing is appendable. The DDS recorder always says it. It matters in XCDR2
# only, where Fast DDS and RTI follow XTypes; Cyclone DDS does not unless told to.
OMG = Dialect("::", Extensibility.APPENDABLE, ros=False)


def parse_ros2idl(name: str, text: str) -> Struct:
    """Read the IDL of a ROS 2 message with all that it needs (MCAP registry, "ros2idl").

    Raises:
        SchemaInvalid: it can't be read, or a type that it uses is not in it.
        SchemaUnsupported: it holds itself, is too big or too deep, or has parts that are not decoded.
    """
    return _parse(name, text, implied_text(name), ROS2)


def parse_omgidl(name: str, text: str) -> Struct:
    """Read a complete text of OMG IDL (MCAP registry, "omgidl").

    Raises:
        SchemaInvalid: it can't be read, or a type that it uses is not in it.
        SchemaUnsupported: it holds itself, is too big or too deep, or has parts that are not decoded.
    """
    return _parse(name, text, "", OMG)


def _parse(name: str, text: str, implied: str, dialect: Dialect) -> Struct:
    source = Source(name, text + implied)
    if len(text) > MAX_TEXT:
        raise source.unsupported(MAX_TEXT, f"a schema of more than {MAX_TEXT} characters")
    scopes = Scopes(source)
    broken: SchemaError | None = None
    for start, end in _sections(text):
        try:
            scopes.add(read_declarations(source, start, end))
        except SchemaError as error:
            broken = broken or error
    scopes.add_missing(read_declarations(source, len(text), len(source.text)))
    try:
        return check_size(resolve(_find_root(scopes), scopes, dialect))
    except SchemaInvalid as error:
        # What is missing may stand in the part that can't be read: that is what to tell.
        raise broken or error from None


def _sections(text: str) -> Iterator[tuple[int, int]]:
    """Where the definitions stand in a schema's text."""
    start = 0
    for header in _SECTION.finditer(text):
        yield start, header.start()
        start = header.end()
    yield start, len(text)


def _find_root(scopes: Scopes) -> StructDecl:
    """The struct that the schema is named after.

    The name has `::`, `/` or `.` between its parts. It, or the definition, may have the `dds_` and the last
    `_` that ROS 2 puts into names on the wire, or miss what stands between package and type.
    """
    name = scopes.source.schema
    structs = [item for item in scopes.declared.values() if isinstance(item, StructDecl)]
    written = tuple(part for part in re.split(r"/|::|\.", name) if part)
    same = [item for item in structs if item.path == written]
    if not same:
        key = type_name("/".join(written))
        same = [item for item in structs if type_name("/".join(item.path)) == key]
    if len(same) == 1:
        scopes.only(same[0])
        return same[0]
    if written in scopes.declared:
        raise scopes.source.unsupported(scopes.declared[written].at, f"{written[-1]} is no struct")
    names = ", ".join("::".join(item.path) for item in structs[:10])
    raise SchemaInvalid(
        f"the schema does not define {name}, only {names or 'no struct'}", where={"schema": name}
    )
