"""Random trees of types and values of them, from a seed: more kinds than ROS definitions can have."""

import random
import struct
from dataclasses import dataclass
from typing import Any

from bagmill.schemas.tree import (
    PLACEHOLDER,
    Case,
    Enum,
    Extensibility,
    Field,
    Kind,
    Mapping,
    Primitive,
    Sequence,
    Struct,
    Type,
    Union,
)

NUMBERS = {
    Kind.BOOL: "?",
    Kind.INT8: "b",
    Kind.UINT8: "B",
    Kind.INT16: "h",
    Kind.UINT16: "H",
    Kind.INT32: "i",
    Kind.UINT32: "I",
    Kind.INT64: "q",
    Kind.UINT64: "Q",
    Kind.FLOAT32: "f",
    Kind.FLOAT64: "d",
}
_LETTERS = "abcxyz 0123" + "äß€漢" + "😀"
_COLOR = Primitive(Kind.INT32, enum=Enum("Color", (("RED", 0), ("BLUE", 1))))
_SWITCHES = (Kind.BOOL, Kind.UINT8, Kind.INT32)


@dataclass(frozen=True)
class Trees:
    """Makes random trees. `idl`: with all that IDL has and ROS definitions have not; `headers`: also with
    what has headers of single members. `wide`: with wide strings.
    """

    chance: random.Random
    wide: bool = True
    idl: bool = False
    headers: bool = False

    def root(self) -> Struct:
        """A message."""
        known: list[Struct | Union] = []
        for number in range(self.chance.randint(1, 4)):
            if self.headers and self.chance.random() < 0.2:
                known.append(self._union(f"pkg/msg/U{number}", known))
            else:
                known.append(self._struct(f"pkg/msg/M{number}", known))
        return next((one for one in reversed(known) if isinstance(one, Struct)), Struct("pkg/msg/None", ()))

    def _struct(self, name: str, known: list[Struct | Union]) -> Struct:
        count = 0 if self.chance.random() < 0.08 else self.chance.randint(1, 5)
        fields = [
            Field(f"f{at}", self._type(known), self._optional(), at * 3 if self.idl else None)
            for at in range(count)
        ]
        # Without members there is nothing that could change.
        return Struct(
            name, tuple(fields), extensibility=self._extensibility() if count else Extensibility.FINAL
        )

    def _union(self, name: str, known: list[Struct | Union]) -> Union:
        switch = Primitive(self.chance.choice(_SWITCHES))
        labels = [0, 1, 2, 3][: 2 if switch.kind is Kind.BOOL else 4]
        cases: list[Case] = []
        while labels:
            some = tuple(labels.pop() for _ in range(min(len(labels), self.chance.randint(1, 2))))
            cases.append(Case(some, Field(f"u{len(cases)}", self._type(known), id=len(cases) + 1)))
        if self.chance.random() < 0.3 and switch.kind is not Kind.BOOL:
            cases.append(Case((), Field("other", self._type(known), id=99)))
        return Union(name, switch, tuple(cases), self._extensibility())

    def _optional(self) -> bool:
        return self.headers and self.chance.random() < 0.2

    def _extensibility(self) -> Extensibility:
        if not self.idl or self.chance.random() < 0.4:
            return Extensibility.FINAL
        return self.chance.choice([Extensibility.APPENDABLE, Extensibility.MUTABLE][: 1 + self.headers])

    def _type(self, known: list[Struct | Union]) -> Type:
        scalar: Type
        if known and self.chance.random() < 0.3:
            scalar = self.chance.choice(known)
        else:
            kinds = [*NUMBERS, Kind.STRING, Kind.STRING, *[Kind.WSTRING][: self.wide]]
            scalar = Primitive(self.chance.choice(kinds))
            if self.idl and self.chance.random() < 0.1:
                scalar = _COLOR
        return self._many(scalar)

    def _many(self, scalar: Type) -> Type:
        """The type itself, an array or a sequence; in IDL also a map, and arrays and sequences of those."""
        form = self.chance.random()
        if form < 0.5:
            return scalar
        if form < 0.7:
            sizes = [1, 2, 3, 33 if isinstance(scalar, Primitive) else 4]
            found = Sequence(scalar, size=self.chance.choice(sizes))
        elif self.idl and form < 0.78:
            key = Primitive(self.chance.choice([Kind.STRING, Kind.INT16, Kind.UINT64]))
            return Mapping(key, scalar, bound=self.chance.choice([None, 5]))
        else:
            found = Sequence(scalar, bound=self.chance.choice([None, None, 3]))
        return self._many(found) if self.idl and self.chance.random() < 0.2 else found


def value_of(chance: random.Random, node: Type) -> Any:
    """A random value: numbers, texts, lists, dicts, pairs of maps; bytes for sequences of `uint8`."""
    match node:
        case Primitive(kind=Kind.STRING | Kind.WSTRING):
            return "".join(chance.choices(_LETTERS, k=chance.choice([0, 1, 3, 3, 3, 9])))
        case Primitive(kind=kind):
            return number_of(chance, kind)
        case Sequence(element=element, size=size, bound=bound):
            count = size if size is not None else chance.choice([0, 1, 2, 2, 2, 3, bound or 5])
            if node.is_blob:
                return chance.randbytes(count)
            return [value_of(chance, element) for _ in range(count)]
        case Mapping(key=key, value=value):
            return [(value_of(chance, key), value_of(chance, value)) for _ in range(chance.randint(0, 3))]
        case Struct(fields=fields):
            return {item.name: _member(chance, item) for item in fields} or {PLACEHOLDER: 0}
        case Union():
            return _one_of(chance, node)
    raise TypeError(node)


def _member(chance: random.Random, item: Field) -> Any:
    return None if item.optional and chance.random() < 0.5 else value_of(chance, item.type)


def _one_of(chance: random.Random, node: Union) -> dict[str, Any]:
    """The discriminator and the member that it chooses, if any; the others are None."""
    chosen = chance.choice([False, True] if node.discriminator.kind is Kind.BOOL else [0, 1, 2, 3, 7])
    row: dict[str, Any] = {"_d": chosen, **{case.field.name: None for case in node.cases}}
    case = case_of(node, chosen)
    if case is not None:
        row[case.field.name] = value_of(chance, case.field.type)
    return row


def case_of(node: Union, chosen: int) -> Case | None:
    """The case that a discriminator's value chooses."""
    default = next((case for case in node.cases if not case.labels), None)
    return next((case for case in node.cases if chosen in case.labels), default)


def number_of(chance: random.Random, kind: Kind) -> Any:
    """A random number, of any bits."""
    code = NUMBERS[kind]
    if code == "?":
        return chance.random() < 0.5
    return struct.unpack(f"<{code}", chance.randbytes(struct.calcsize(f"<{code}")))[0]
