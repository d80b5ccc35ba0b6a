"""Random flatbuffer schemas with messages for them, as rows; `flatbuffer_writing` writes both."""

from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np

BASES = {
    "bool": (2, "?"),
    "int8": (3, "i1"),
    "uint8": (4, "u1"),
    "int16": (5, "i2"),
    "uint16": (6, "u2"),
    "int32": (7, "i4"),
    "uint32": (8, "u4"),
    "int64": (9, "i8"),
    "uint64": (10, "u8"),
    "float32": (11, "f4"),
    "float64": (12, "f8"),
}
"""Scalars: the base type that reflection.fbs gives them, and what numpy calls them."""

TEXTS = ["", "a", "grüß", "日本", "🤖", "x" * 300]


@dataclass(frozen=True)
class Scalar:
    """A number; `named`: the number of its enum."""

    base: str
    named: int | None = None


@dataclass(frozen=True)
class Text:
    """A string."""


@dataclass(frozen=True)
class Ref:
    """A struct or table by its number."""

    index: int


@dataclass(frozen=True)
class Many:
    """A vector, or in a struct an array of a fixed size."""

    element: "Kind"
    size: int | None = None


@dataclass(frozen=True)
class Choice:
    """A union by its number."""

    index: int


Kind = Scalar | Text | Ref | Many | Choice


@dataclass(frozen=True)
class Member:
    """A field. `default`: of a number in a table; None: null where it is absent."""

    name: str
    kind: Kind
    default: Any = None
    required: bool = False


@dataclass(frozen=True)
class Type:
    """A table, or a struct; of that, where each member stands, its size and its alignment."""

    name: str
    members: tuple[Member, ...]
    places: tuple[int, ...] = ()
    size: int = 0
    align: int = 1

    @property
    def is_struct(self) -> bool:
        return bool(self.size)


@dataclass(frozen=True)
class Named:
    """An enum of numbers, or a union, whose members are `kinds` by their number."""

    name: str
    base: str
    values: tuple[tuple[str, int], ...]
    kinds: tuple[tuple[int, Kind], ...] = ()


@dataclass(frozen=True)
class Made:
    """A schema; the last type is the table that is sent."""

    types: tuple[Type, ...]
    enums: tuple[Named, ...]

    @property
    def name(self) -> str:
        return self.types[-1].name

    def dtype(self, kind: Scalar) -> np.dtype[Any]:
        return np.dtype("<" + BASES[kind.base][1])

    def extent(self, kind: Kind) -> tuple[int, int]:
        """Size and alignment of what stands in a struct."""
        match kind:
            case Scalar():
                size = self.dtype(kind).itemsize
                return size, size
            case Many(element=element, size=count) if count is not None:
                size, align = self.extent(element)
                return size * count, align
            case Ref(index=index):
                return self.types[index].size, self.types[index].align
        raise TypeError(kind)


def make_schema(random: Random) -> Made:
    """Structs, tables, enums and unions, of which each uses only earlier ones."""
    enums = [Named("n.E", "int16", (("A", -5), ("B", 0), ("C", 300))), Named("n.F", "uint8", (("X", 0),))]
    types: list[Type] = []
    for number in range(random.randint(0, 3)):
        types.append(_make_struct(random, Made(tuple(types), tuple(enums)), f"n.S{number}"))
    structs = len(types)
    for number in range(random.randint(1, 4)):
        if types and random.random() < 0.6:
            enums.append(_make_union(random, len(types), f"n.U{number}"))
        types.append(_make_table(random, types, structs, enums, f"n.T{number}"))
    return Made(tuple(types), tuple(enums))


def _make_struct(random: Random, made: Made, name: str) -> Type:
    members, places, at, most = [], [], 0, 1
    for number in range(random.randint(1, 4)):
        kind: Kind = _scalar(random)
        if made.types and random.random() < 0.3:
            kind = Ref(random.randrange(len(made.types)))
        if random.random() < 0.3:
            kind = Many(kind, random.randint(1, 3))
        size, align = made.extent(kind)
        at = -(-at // align) * align
        members.append(Member(f"f{number}", kind))
        places.append(at)
        at, most = at + size, max(most, align)
    return Type(name, tuple(members), tuple(places), -(-at // most) * most, most)


def _make_union(random: Random, types: int, name: str) -> Named:
    kinds: list[Kind] = [Ref(random.randrange(types)) for _ in range(random.randint(1, 3))]
    if random.random() < 0.5:
        kinds.append(Text())
    numbered = tuple(enumerate(kinds, 1))
    values = (("NONE", 0), *((f"m{number}", number) for number, _ in numbered))
    return Named(name, "uint8", values, numbered)


def _make_table(random: Random, types: list[Type], structs: int, enums: list[Named], name: str) -> Type:
    members = []
    for number in range(random.choice([0, 1, 3, 6, 9])):
        kind = _kind(random, len(types), enums)
        if random.random() < 0.35:
            kind = Many(kind)
        default = None
        if isinstance(kind, Scalar) and random.random() < 0.7:
            default = scalar(random, kind)
        required = not isinstance(kind, Scalar) and random.random() < 0.2
        members.append(Member(f"f{number}", kind, default, required))
    return Type(name, tuple(members))


def _kind(random: Random, types: int, enums: list[Named]) -> Kind:
    choice = random.random()
    if choice < 0.3 and types:
        return Ref(random.randrange(types))
    unions = [number for number, item in enumerate(enums) if item.kinds]
    if choice < 0.45 and unions:
        return Choice(random.choice(unions))
    return Text() if choice < 0.6 else _scalar(random)


def _scalar(random: Random) -> Scalar:
    if random.random() < 0.15:
        return random.choice([Scalar("int16", 0), Scalar("uint8", 1)])
    return Scalar(random.choice(list(BASES)))


def scalar(random: Random, kind: Scalar) -> Any:
    """A number."""
    if kind.base == "bool":
        return random.random() < 0.5
    if kind.base.startswith("float"):
        return random.choice([0.0, -0.0, 1.5, float("inf"), float("nan"), -3.25])
    info = np.iinfo(kind.base)
    return random.choice([0, 1, int(info.min), int(info.max), random.randrange(100)])


def make_value(random: Random, made: Made, kind: Kind) -> Any:
    """A value as it is in a row."""
    match kind:
        case Scalar():
            return scalar(random, kind)
        case Text():
            return random.choice(TEXTS)
        case Ref(index=index) if made.types[index].is_struct:
            return {item.name: make_value(random, made, item.kind) for item in made.types[index].members}
        case Ref(index=index):
            return make_row(random, made, made.types[index])
        case Many(element=element, size=size):
            count = random.choice([0, 1, 2, 5]) if size is None else size
            values = [make_value(random, made, element) for _ in range(count)]
            return bytes(values) if _is_byte(element) else values
        case Choice(index=index):
            return _make_choice(random, made, made.enums[index])
    raise TypeError(kind)


def _is_byte(kind: Kind) -> bool:
    return isinstance(kind, Scalar) and kind.base == "uint8"


def _make_choice(random: Random, made: Made, union: Named) -> dict[str, Any]:
    number, kind = random.choice(union.kinds)
    row: dict[str, Any] = {"_d": number, **{f"m{other}": None for other, _ in union.kinds}}
    row[f"m{number}"] = make_value(random, made, kind)
    return row


def make_row(random: Random, made: Made, table: Type) -> dict[str, Any]:
    """A table as a row; what it does not have is its default or null."""
    if not table.members:
        return {"structure_needs_at_least_one_member": 0} if table != made.types[-1] else {}
    return {
        item.name: make_value(random, made, item.kind)
        if item.required or random.random() < 0.7
        else item.default
        for item in table.members
    }
