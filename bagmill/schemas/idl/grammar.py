"""The grammar of IDL as far as it declares data (OMG IDL 4.2, 7.4.1, 7.4.13 and 7.4.15).

Interfaces, exceptions, value types and the like are passed over: no message is made of them.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from bagmill.schemas.idl.expressions import read_annotations, read_expression
from bagmill.schemas.idl.lexer import Token
from bagmill.schemas.idl.nodes import (
    Annotations,
    BitsetDecl,
    Branch,
    ConstDecl,
    Declaration,
    EnumDecl,
    Expression,
    Label,
    Member,
    Name,
    Path,
    StructDecl,
    TypedefDecl,
    TypeSpec,
    UnionDecl,
)
from bagmill.schemas.idl.source import Source
from bagmill.schemas.idl.stream import Stream
from bagmill.schemas.idl.typespecs import read_type
from bagmill.schemas.tree import MAX_DEPTH

_NO_DATA = frozenset(
    {
        "abstract",
        "component",
        "connector",
        "custom",
        "eventtype",
        "exception",
        "home",
        "import",
        "interface",
        "local",
        "native",
        "porttype",
        "typeid",
        "typeprefix",
        "valuetype",
    }
)


def read_declarations(source: Source, start: int, end: int) -> list[Declaration]:
    """All that is declared between two offsets of a schema, in the order of the text.

    Raises:
        SchemaInvalid: the text is no IDL; says where, and what was expected.
        SchemaUnsupported: modules or types are nested too deep.
    """
    reader = _Reader(Stream(source, start, end))
    while reader.stream.next.kind != "end":
        reader.definition()
    return reader.found


@dataclass(slots=True)
class _Reader:
    """`scope`: where the reader stands; `inherited`: annotations that modules hand down to their types."""

    stream: Stream
    found: list[Declaration] = field(default_factory=list)
    scope: Path = ()
    inherited: Annotations = ()

    def definition(self) -> None:
        annotations = read_annotations(self.stream)
        keyword = self.stream.next.text
        if self.stream.next.kind == "name" and keyword in _NO_DATA:
            self.pass_over()
        elif keyword == "module":
            self.module(annotations)
        elif keyword == "typedef":
            self.typedef()
        elif keyword == "const":
            self.const()
        elif keyword != ";" and self.constructed(annotations) is None:
            raise self.stream.unexpected("a module, a type or a constant")
        self.stream.expect(";")

    def pass_over(self) -> None:
        while self.stream.next.text != ";" and self.stream.next.kind != "end":
            if self.stream.next.text in ("{", "(", "["):
                self.stream.skip_group()
            else:
                self.stream.take()

    def inside(self, name: str, read: Callable[[], object], annotations: Annotations = ()) -> None:
        """Read `{ ... }`, in which names are declared below `name`."""
        if len(self.scope) >= MAX_DEPTH:
            raise self.stream.source.unsupported(
                self.stream.next.at, f"declarations more than {MAX_DEPTH} levels deep"
            )
        before = self.scope, self.inherited
        self.scope, self.inherited = (*self.scope, name), (*annotations, *self.inherited)
        self.stream.expect("{")
        while not self.stream.accept("}"):
            read()
        self.scope, self.inherited = before

    def module(self, annotations: Annotations) -> None:
        self.stream.take()
        name = self.stream.identifier("the name of a module").text
        handed_down = tuple(item for item in annotations if item.name == "autoid")
        self.inside(name, self.definition, handed_down)

    def constructed(self, annotations: Annotations) -> Path | None:
        """A struct, union, enum, bitmask or bitset, if one stands here; where its name stands."""
        readers: dict[str, Callable[[Token, Annotations], Declaration]] = {
            "struct": self.struct,
            "union": self.union,
            "enum": self.enum,
            "bitmask": self.bitmask,
            "bitset": self.bitset,
        }
        keyword = self.stream.next.text
        if keyword not in readers:
            return None
        self.stream.take()
        name = self.stream.identifier(f"the name of a {keyword}")
        if self.stream.next.text != ";":  # else it is declared here and defined elsewhere
            self.found.append(readers[keyword](name, (*annotations, *self.inherited)))
        return (*self.scope, name.text)

    def struct(self, name: Token, annotations: Annotations) -> StructDecl:
        base = self.stream.name("the struct that is extended") if self.stream.accept(":") else None
        members: list[Member] = []
        self.inside(name.text, lambda: members.extend(self.members()))
        return StructDecl((*self.scope, name.text), base, tuple(members), annotations, name.at)

    def members(self) -> Iterator[Member]:
        annotations = read_annotations(self.stream)
        spec = self.type()
        for name, sizes in self.declarators():
            yield Member(name.text, spec, sizes, annotations, name.at)
        self.stream.expect(";")

    def type(self) -> TypeSpec:
        """A type, which older versions of IDL let one define on the spot."""
        at = self.stream.next.at
        path = self.constructed(())
        return read_type(self.stream) if path is None else Name(path, absolute=True, at=at)

    def declarators(self) -> Iterator[tuple[Token, tuple[Expression, ...]]]:
        """Names with the sizes of their arrays."""
        while True:
            yield self.stream.identifier("a name"), tuple(self.sizes())
            if not self.stream.accept(","):
                break

    def sizes(self) -> Iterator[Expression]:
        while self.stream.accept("["):
            yield read_expression(self.stream)
            self.stream.expect("]")

    def union(self, name: Token, annotations: Annotations) -> UnionDecl:
        self.stream.expect("switch")
        self.stream.expect("(")
        switch = read_type(self.stream)
        self.stream.expect(")")
        branches: list[Branch] = []
        self.inside(name.text, lambda: branches.append(self.branch()))
        return UnionDecl((*self.scope, name.text), switch, tuple(branches), annotations, name.at)

    def branch(self) -> Branch:
        labels, default = [], False
        while (keyword := self.stream.next.text) in ("case", "default"):
            self.stream.take()
            if keyword == "case":
                labels.append(read_expression(self.stream))
            default = default or keyword == "default"
            self.stream.expect(":")
        if not labels and not default:
            raise self.stream.unexpected("'case' or 'default'")
        first, *others = self.members()
        if others:
            raise self.stream.source.invalid(others[0].at, "a case has one member")
        return Branch(tuple(labels), default, first)

    def enum(self, name: Token, annotations: Annotations) -> EnumDecl:
        return EnumDecl((*self.scope, name.text), self.labels(name), False, annotations, name.at)

    def bitmask(self, name: Token, annotations: Annotations) -> EnumDecl:
        return EnumDecl((*self.scope, name.text), self.labels(name), True, annotations, name.at)

    def labels(self, name: Token) -> tuple[Label, ...]:
        found: list[Label] = []

        def read() -> None:
            annotations = read_annotations(self.stream)
            label = self.stream.identifier("a name")
            found.append(Label(label.text, annotations, label.at))
            if self.stream.next.text != "}":
                self.stream.expect(",")

        self.inside(name.text, read)
        return tuple(found)

    def bitset(self, name: Token, _: Annotations) -> BitsetDecl:
        base = self.stream.name("the bitset that is extended") if self.stream.accept(":") else None
        widths: list[Expression] = []
        self.inside(name.text, lambda: widths.extend(self.bitfields()))
        return BitsetDecl((*self.scope, name.text), base, tuple(widths), name.at)

    def bitfields(self) -> list[Expression]:
        """The width of a bit field, as often as it has names; without one it is padding."""
        read_annotations(self.stream)
        self.stream.expect("bitfield")
        self.stream.expect("<")
        width = read_expression(self.stream, in_angles=True)
        if self.stream.accept(","):
            read_type(self.stream)
        self.stream.expect(">")
        names = 0
        while not self.stream.accept(";"):
            self.stream.identifier("a name or ';'")
            names += 1
        return [width] * max(names, 1)

    def typedef(self) -> None:
        self.stream.take()
        read_annotations(self.stream)
        spec = self.type()
        for name, sizes in self.declarators():
            self.found.append(TypedefDecl((*self.scope, name.text), spec, sizes, name.at))

    def const(self) -> None:
        self.stream.take()
        spec = read_type(self.stream)
        name = self.stream.identifier("the name of a constant")
        self.stream.expect("=")
        value = read_expression(self.stream)
        self.found.append(ConstDecl((*self.scope, name.text), spec, value, name.at))
