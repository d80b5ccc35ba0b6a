"""Messages with values of several types at a place, sorted by the type that each seems to have there.

`pyarrow.json` reads one type at a place. So messages are read in groups, for each of which the type is one.
How a message is grouped is a guess from its text: a wrong one ends in an error when it is read, not in a
wrong value.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from bagmill.decoders.json.lines import Lines, Numbers
from bagmill.schemas.tree import Field, Kind, Primitive, Struct, Type

Kinds = tuple[str, ...]
"""For each place the type, as the field of the variant is called; empty for null."""

_BEGINNINGS = {"string": b'"', "boolean": b"tf", "number": b"-0123456789NI", "object": b"{", "array": b"["}
_NAMES = ("", *_BEGINNINGS)
_NAME_OF = np.zeros(256, np.int64)
for _number, _bytes in enumerate(_BEGINNINGS.values(), 1):
    _NAME_OF[list(_bytes)] = _number

MOST_FORMS = 16
"""Groups that messages are read in."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where values of several types stand: the names on the way, and the types."""

    path: tuple[str, ...]
    variant: Struct

    def kinds(self, lines: Lines, first: int, last: int) -> Numbers:
        """For each line the number of the type that it seems to have here."""
        key = re.escape(json.dumps(self.path[-1], ensure_ascii=False).encode())
        found = np.zeros(last - first, np.int64)
        line, kind = lines.first_behind(key + rb"[ \t\r\n]*:[ \t\r\n]*", first, last)
        found[line] = _NAME_OF[kind]
        return found

    def name(self, kind: int) -> str:
        """The variant's field for a type."""
        names = {item.name for item in self.variant.fields}
        name = _NAMES[kind]
        return "integer" if name == "number" and name not in names else name if name in names else ""


def of_kinds(node: Struct, kinds: Mapping[tuple[str, ...], str], path: tuple[str, ...] = ()) -> Struct:
    """The type of messages that have one type at each place; where that is null, any will do."""
    return node._replace(fields=tuple(_of_kinds(item, kinds, (*path, item.name)) for item in node.fields))


def _of_kinds(item: Field, kinds: Mapping[tuple[str, ...], str], path: tuple[str, ...]) -> Field:
    if path in kinds:
        assert isinstance(item.type, Struct)
        types: dict[str, Type] = {field.name: field.type for field in item.type.fields}
        return item._replace(type=types.get(kinds[path], Primitive(Kind.STRING)))
    return item._replace(type=of_kinds(item.type, kinds, path)) if isinstance(item.type, Struct) else item


def find_places(root: Struct, path: tuple[str, ...] = ()) -> Iterator[Place]:
    """The places of several types that stand in no list; what is in a variant or a list is not looked at."""
    for item in root.fields:
        if isinstance(item.type, Struct) and item.type.variant:
            yield Place((*path, item.name), item.type)
        elif isinstance(item.type, Struct):
            yield from find_places(item.type, (*path, item.name))


def group(places: list[Place], lines: Lines, first: int, last: int) -> Iterator[tuple[Kinds, Numbers]]:
    """Groups of the lines `first` to `last`: types at the places; lines, ascending, counted from `first`."""
    kinds = np.stack([place.kinds(lines, first, last) for place in places])
    forms, form = np.unique(kinds, axis=1, return_inverse=True)
    for number in range(forms.shape[1]):
        names = tuple(place.name(int(kind)) for place, kind in zip(places, forms[:, number], strict=True))
        yield names, np.flatnonzero(form == number)
