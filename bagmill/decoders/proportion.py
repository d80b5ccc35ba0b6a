"""How many cells the lists of a message make: an empty object there has as many as its type has columns."""

from collections.abc import Callable
from typing import Any

from bagmill.schemas.tree import Mapping, Sequence, Struct, Type, children, leaves

CELLS_A_BYTE = 8
"""Cells in lists that a message may have for each of its bytes; what is written out has hardly one.

It may have a row of all columns besides.
"""

FREE_WIDTH = 2 * CELLS_A_BYTE
"""Columns that an element may have without being counted: it has two bytes at least, in CBOR one."""

Counter = Callable[[Any], int]


def list_width(node: Type) -> int:
    """The most leaf columns that an element of a list, or a value of a map, has; 0 without lists."""
    match node:
        case Sequence(element=element) | Mapping(value=element):
            return leaves(element)
        case _:
            return max((list_width(child) for _, child in children(node)), default=0)


def cell_counter(node: Type) -> Counter:
    """The function that counts the cells in the lists and maps of a parsed value of a type.

    What is not of its type counts as none.
    """
    return _counter(node) or (lambda _: 0)


def _counter(node: Type) -> Counter | None:
    match node:
        case Sequence(element=element):
            return _of_items(element, lambda value: value if isinstance(value, list) else ())
        case Mapping(value=element):
            return _of_items(element, lambda value: list(value.values()) if isinstance(value, dict) else ())
        case Struct(fields=fields, variant=variant):
            known = [(item.name, count) for item in fields if (count := _counter(item.type))]
            return (_of_kinds if variant else _of_members)(known) if known else None
        case _:
            return None


def _of_items(element: Type, items: Callable[[Any], Any]) -> Counter:
    width, inner = leaves(element), _counter(element)

    def count(value: Any) -> int:
        found = items(value)
        return width * len(found) + (sum(map(inner, found)) if inner else 0)

    return count


def _of_members(members: list[tuple[str, Counter]]) -> Counter:
    def count(value: Any) -> int:
        if not isinstance(value, dict):
            return 0
        return sum(count(value[name]) for name, count in members if name in value)

    return count


def _of_kinds(kinds: list[tuple[str, Counter]]) -> Counter:
    return lambda value: sum(count(value) for _, count in kinds)
