"""From declarations of IDL to a tree of types (OMG DDS-XTypes 1.3, 7.3.1).

A name that is never needed harms nobody: types are made when the message asks for them.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from bagmill.schemas.idl.constants import INTEGERS, Constants
from bagmill.schemas.idl.dialect import Dialect
from bagmill.schemas.idl.members import Annotated, smallest
from bagmill.schemas.idl.nodes import (
    BitsetDecl,
    Branch,
    ConstDecl,
    Declaration,
    EnumDecl,
    Expression,
    MapOf,
    Member,
    Name,
    Path,
    Scalar,
    SequenceOf,
    StructDecl,
    Text,
    TypedefDecl,
    TypeSpec,
    Undecodable,
    UnionDecl,
)
from bagmill.schemas.idl.scopes import Scopes
from bagmill.schemas.idl.source import Source
from bagmill.schemas.tree import (
    MAX_DEPTH,
    PLACEHOLDER,
    Case,
    Constant,
    Enum,
    Field,
    Kind,
    Mapping,
    Primitive,
    Sequence,
    Struct,
    Type,
    Union,
)

_HOLDERS = (Kind.UINT8, Kind.UINT16, Kind.UINT32, Kind.UINT64)
_PLACEHOLDERS = (PLACEHOLDER,)


def resolve(item: StructDecl, scopes: Scopes, dialect: Dialect) -> Struct:
    """Make the type of a message, which also gets the constants of the module that it stands in.

    Raises:
        SchemaInvalid: a name is unknown, or what is written breaks a rule of IDL.
        SchemaUnsupported: it holds itself, is too deep, or has parts that are not decoded.
    """
    resolver = _Resolver(scopes, dialect)
    root = resolver.declared(item, item.at)
    assert isinstance(root, Struct)
    return root._replace(constants=(*root.constants, *resolver.constants_in(item.path[:-1])))


@dataclass(slots=True)
class _Resolver:
    """Makes the types of one schema, each once."""

    scopes: Scopes
    dialect: Dialect
    constants: Constants = field(init=False)
    annotated: Annotated = field(init=False)
    known: dict[Path, Type] = field(default_factory=dict)
    open: list[Path] = field(default_factory=list)
    constants_below: dict[Path, list[ConstDecl]] = field(default_factory=dict)
    depth: int = 0

    def __post_init__(self) -> None:
        self.constants = Constants(self.scopes)
        self.annotated = Annotated(self.constants)
        for item in self.scopes.declared.values():
            if isinstance(item, ConstDecl):
                self.constants_below.setdefault(item.path[:-1], []).append(item)

    @property
    def source(self) -> Source:
        return self.scopes.source

    def type(self, spec: TypeSpec, scope: Path) -> Type:
        """The type that is written in a scope."""
        match spec:
            case Scalar(kind=kind):
                return Primitive(kind)
            case Text(kind=kind, bound=bound):
                return Primitive(kind, bound=self.bound(bound, scope))
            case Undecodable(why=why, at=at):
                raise self.source.unsupported(at, why)
            case SequenceOf(element=element, bound=bound, at=at):
                with self.deeper(at):
                    return Sequence(self.type(element, scope), bound=self.bound(bound, scope))
            case MapOf():
                return self.map(spec, scope)
            case Name():
                return self.named(spec, scope)

    def bound(self, written: Expression | None, scope: Path) -> int | None:
        return self.constants.size(written, scope) if written else None

    def array(self, spec: TypeSpec, sizes: tuple[Expression, ...], scope: Path) -> Type:
        """A type with the sizes of its array; `long a[2][3]` is 2 times 3 `long`."""
        with self.deeper(sizes[0].start if sizes else 0, len(sizes)):
            node = self.type(spec, scope)
        for size in reversed(sizes):
            node = Sequence(node, size=self.constants.size(size, scope))
        return node

    def map(self, spec: MapOf, scope: Path) -> Mapping:
        key = self.type(spec.key, scope)
        if not isinstance(key, Primitive):
            raise self.source.invalid(spec.at, "the key of a map is no string and no number")
        with self.deeper(spec.at):
            return Mapping(key, self.type(spec.value, scope), bound=self.bound(spec.bound, scope))

    def named(self, name: Name, scope: Path) -> Type:
        found = self.scopes.find(name, scope)
        if found is None or isinstance(found, ConstDecl):
            what = "is used but not defined" if found is None else "is a constant and no type"
            raise self.source.invalid(name.at, f"{'::'.join(name.parts)} {what}")
        return self.declared(found, name.at)

    def declared(self, item: Declaration, at: int) -> Type:
        """The type that a declaration makes, wherever (`at`) it is used."""
        if item.path not in self.known:
            with self.entered(item.path, at):
                self.known[item.path] = self.make(item)
        return self.known[item.path]

    @contextmanager
    def entered(self, path: Path, at: int) -> Iterator[None]:
        if path in self.open:
            raise self.source.unsupported(at, f"{'::'.join(path)} holds itself")
        self.open.append(path)
        with self.deeper(at):
            yield
        self.open.pop()

    @contextmanager
    def deeper(self, at: int, levels: int = 1) -> Iterator[None]:
        if self.depth + levels > MAX_DEPTH:
            raise self.source.unsupported(at, f"types are nested more than {MAX_DEPTH} levels deep")
        self.depth += levels
        yield
        self.depth -= levels

    def make(self, item: Declaration) -> Type:
        match item:
            case StructDecl():
                return self.struct(item)
            case UnionDecl():
                return self.union(item)
            case EnumDecl():
                return self.enum(item)
            case BitsetDecl():
                return Primitive(smallest(_HOLDERS, self.bits(item)))
            case TypedefDecl(spec=spec, sizes=sizes):
                return self.array(spec, sizes, item.path[:-1])
            case ConstDecl():
                raise AssertionError("a constant is no type")

    def struct(self, item: StructDecl) -> Struct:
        inherited = self.base(item)
        fields = (*(inherited.fields if inherited else ()), *self.fields(item, inherited))
        self.check_names(item, [one.name for one in fields])
        if tuple(one.name for one in fields) == _PLACEHOLDERS and self.dialect.ros:
            fields = ()
        elif not fields and not self.dialect.ros:
            raise self.source.unsupported(
                item.at, f"{item.path[-1]} has no members, so messages have no bytes"
            )
        return Struct(
            self.dialect.separator.join(item.path),
            fields,
            self.constants_in((*item.path[:-1], f"{item.path[-1]}_Constants")),
            extensibility=self.annotated.extensibility(item.annotations, self.dialect.extensibility),
        )

    def base(self, item: StructDecl) -> Struct | None:
        if item.base is None:
            return None
        base = self.named(item.base, item.path[:-1])
        if not isinstance(base, Struct):
            raise self.source.invalid(item.base.at, f"{item.base.parts[-1]} is no struct to extend")
        return base

    def fields(self, item: StructDecl, base: Struct | None) -> Iterator[Field]:
        """The struct's own fields; members that are not serialized are none."""
        taken = {one.id: one.name for one in base.fields if one.id is not None} if base else {}
        ids = self.annotated.ids(item.members, item.annotations, item.path, taken)
        for member, number in zip(item.members, ids, strict=True):
            if not self.annotated.flag(member.annotations, "non_serialized", item.path):
                yield self.field(member, number, item.path)

    def field(self, member: Member, number: int, scope: Path) -> Field:
        optional = self.annotated.flag(member.annotations, "optional", scope)
        return Field(member.name, self.array(member.spec, member.sizes, scope), optional, number)

    def check_names(self, item: StructDecl | UnionDecl, names: list[str]) -> None:
        twice = next((name for name, count in Counter(names).items() if count > 1), None)
        if twice is not None:
            raise self.source.invalid(item.at, f"{item.path[-1]} has two members named {twice}")

    def constants_in(self, path: Path) -> tuple[Constant, ...]:
        """The constants of a module, with their values; what has none is kept as it is written."""
        found = []
        for item in self.constants_below.get(path, []):
            kind = self.constants.kind(item.spec, path)
            if kind is not None:
                value = self.constants.known.get(item.path)
                written = self.source.text[item.value.start : item.value.end]
                found.append(Constant(item.path[-1], kind, written if value is None else value))
        return tuple(found)

    def enum(self, item: EnumDecl) -> Primitive:
        kind = self.annotated.holder(item)
        values = self.constants.labels(item)
        outside = next((name for name, value in values.items() if value not in INTEGERS[kind]), None)
        if outside is not None:
            raise self.source.invalid(item.at, f"{outside} does not fit into {item.path[-1]}'s bit_bound")
        return Primitive(kind, enum=Enum(self.dialect.separator.join(item.path), tuple(values.items())))

    def bits(self, item: BitsetDecl) -> int:
        """How many bits a bitset has, those of its base included; it is stored in one integer."""
        bits = sum(self.constants.integer(width, item.path, range(1, 65)) for width in item.widths)
        if item.base is not None:
            base = self.scopes.find(item.base, item.path[:-1])
            if not isinstance(base, BitsetDecl):
                raise self.source.invalid(item.base.at, f"{item.base.parts[-1]} is no bitset to extend")
            with self.entered(base.path, item.base.at):
                bits += self.bits(base)
        if bits not in range(1, 65):
            raise self.source.invalid(item.at, f"{item.path[-1]} has {bits} bits, and at most 64 have a type")
        return bits

    def union(self, item: UnionDecl) -> Union:
        switch = self.type(item.switch, item.path[:-1])
        if not isinstance(switch, Primitive) or switch.kind not in (Kind.BOOL, *INTEGERS):
            raise self.source.invalid(item.at, f"{item.path[-1]} switches on what is no integer")
        members = [branch.member for branch in item.branches]
        self.check_names(item, [member.name for member in members])
        ids = self.annotated.ids(members, item.annotations, item.path, {0: "the discriminator"})
        cases = [
            Case(self.labels(branch, item, switch), self.field(branch.member, number, item.path))
            for branch, number in zip(item.branches, ids, strict=True)
        ]
        self.check_labels(item, cases)
        return Union(
            self.dialect.separator.join(item.path),
            switch,
            tuple(cases),
            self.annotated.extensibility(item.annotations, self.dialect.extensibility),
        )

    def labels(self, branch: Branch, item: UnionDecl, switch: Primitive) -> tuple[int, ...]:
        """The values that choose a member; none for `default`, which takes all that nobody else takes."""
        allowed = INTEGERS.get(switch.kind, range(2))
        enum = self.switch_enum(item.switch, item.path[:-1])
        labels = tuple(self.constants.integer(label, item.path, allowed, enum) for label in branch.labels)
        return () if branch.default else labels

    def switch_enum(self, spec: TypeSpec, scope: Path) -> EnumDecl | None:
        """The enum that a union switches on, behind any number of typedefs."""
        found: Declaration | None = None
        while isinstance(spec, Name):
            found = self.scopes.find(spec, scope)
            if not isinstance(found, TypedefDecl):
                break
            spec, scope = found.spec, found.path[:-1]
        return found if isinstance(found, EnumDecl) else None

    def check_labels(self, item: UnionDecl, cases: list[Case]) -> None:
        labels = [label for case in cases for label in case.labels]
        if len(set(labels)) < len(labels) or sum(not case.labels for case in cases) > 1:
            raise self.source.invalid(item.at, f"{item.path[-1]} has two members for one label")
