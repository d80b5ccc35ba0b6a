"""Random trees of types and values of them, from a seed: more kinds than ROS definitions can have."""

import random
import struct
from dataclasses import dataclass
from typing import Any

from bagmill.schemas.tree import Field, Kind, Primitive, Sequence, Struct, Type

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


@dataclass(frozen=True)
class Trees:
    """What random trees may hold."""

    wide: bool = True
    empty: bool = True

    def root(self, chance: random.Random) -> Struct:
        """A message."""
        known: list[Struct] = []
        for number in range(chance.randint(1, 4)):
            known.append(self._struct(chance, f"pkg/msg/M{number}", known))
        return known[-1]

    def _struct(self, chance: random.Random, name: str, known: list[Struct]) -> Struct:
        least = 0 if self.empty and chance.random() < 0.1 else 1
        count = chance.randint(least, 5) if least else 0
        return Struct(name, tuple(Field(f"f{at}", self._type(chance, known)) for at in range(count)))

    def _type(self, chance: random.Random, known: list[Struct]) -> Type:
        scalar: Type
        if known and chance.random() < 0.3:
            scalar = chance.choice(known)
        else:
            kinds = [*NUMBERS, Kind.STRING, Kind.STRING] + [Kind.WSTRING] * self.wide
            scalar = Primitive(chance.choice(kinds))
        form = chance.random()
        if form < 0.5:
            return scalar
        if form < 0.7:
            return Sequence(scalar, size=chance.choice([1, 2, 3, 33 if isinstance(scalar, Primitive) else 4]))
        return Sequence(scalar, bound=chance.choice([None, None, 3]))


def value_of(chance: random.Random, node: Type) -> Any:
    """A random value: numbers, texts, lists, dicts; bytes for sequences of `uint8`."""
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
        case Struct(fields=fields):
            return {item.name: value_of(chance, item.type) for item in fields}
    raise TypeError(node)


def number_of(chance: random.Random, kind: Kind) -> Any:
    """A random number, of any bits."""
    code = NUMBERS[kind]
    if code == "?":
        return chance.random() < 0.5
    return struct.unpack(f"<{code}", chance.randbytes(struct.calcsize(f"<{code}")))[0]
