"""How messages of a type are read at once, and become the arrays of the topic's columns."""

from collections.abc import Callable, Iterator
from collections.abc import Sequence as Several
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import pyarrow as pa

from bagmill.decoders.json.arrays import Misfit, convert
from bagmill.decoders.json.forms import MOST_FORMS, Kinds, find_places, group, of_kinds
from bagmill.decoders.json.lines import Lines, Numbers, pick
from bagmill.decoders.json.reading import Columns, read
from bagmill.decoders.json.text import MAX_LEVELS
from bagmill.decoders.proportion import CELLS_A_BYTE, FREE_WIDTH, list_width
from bagmill.schemas.arrow import arrow_schema
from bagmill.schemas.tree import Kind, Primitive, Sequence, Struct, Type, leaves

Made = TypeVar("Made")

_MOST_CELLS = 4 << 20
"""Cells, rows times columns, that are read at a time."""

_PLAIN = {
    Kind.BOOL: pa.bool_(),
    Kind.INT64: pa.int64(),
    Kind.UINT64: pa.uint64(),
    Kind.FLOAT64: pa.float64(),
    Kind.STRING: pa.string(),
    Kind.BINARY: pa.string(),  # base64
}
_LOOSE = _PLAIN | {Kind.INT64: pa.float64(), Kind.UINT64: pa.float64()}
"""1.0 may stand where a schema says integer: then integers must be read as numbers first."""


@dataclass(frozen=True, slots=True)
class Group:
    """Some lines of a window, of one form, as they were read. `lines`: counted from the window's first."""

    kinds: Kinds
    lines: Numbers
    columns: Columns

    @property
    def right(self) -> Numbers:
        """The lines that are not wrong."""
        return np.delete(self.lines, self.columns.wrong)


class Form:
    """Messages that have one type at each place: `root`, and the schemas that they may be read with."""

    def __init__(self, root: Struct, *, loose: bool) -> None:
        self.root = root
        self.exact, other = _schema(root, _PLAIN), _schema(root, _LOOSE)
        self._schemas = [self.exact, other] if loose and other != self.exact else [self.exact]

    def reads(self, schema: pa.Schema) -> bool:
        """Whether messages of this form may be read with a schema."""
        return schema in self._schemas

    def convert(
        self, lines: Lines, first: int, last: int, make: Callable[[Columns], Made]
    ) -> tuple[Columns, Made]:
        """Read lines and make something of them, with the first schema that works for both.

        Raises:
            pa.ArrowInvalid, Misfit: none does.
        """
        failure: Exception = Misfit()
        for schema in self._schemas:
            try:
                columns = read(schema, lines, first, last)
                made = make(columns)
            except (pa.ArrowInvalid, Misfit) as error:
                failure = error
            else:
                self._schemas.remove(schema)
                self._schemas.insert(0, schema)  # likely to work for the next lines too
                return columns, made
        raise failure


class Plan:
    """How messages of a type are read. `most`: lines that may be read at a time."""

    def __init__(self, root: Struct) -> None:
        self.root = root
        self._width, self._list_width = leaves(root), list_width(root)
        self.most = max(1, _MOST_CELLS // self._width)
        self._fields = arrow_schema(root)
        self._places = list(find_places(root))
        self._forms: dict[Kinds, Form] = {}

    def form(self, kinds: Kinds) -> Form:
        """The form of messages with these types at the places."""
        if kinds not in self._forms:
            paths = [place.path for place in self._places]
            # A variant tells 1.0 from 1, so nothing may be read as a number that is an integer there.
            loose = not any(item.name == "integer" for place in self._places for item in place.variant.fields)
            root = of_kinds(self.root, dict(zip(paths, kinds, strict=True)))
            self._forms[kinds] = Form(root, loose=loose)
        return self._forms[kinds]

    def look(self, lines: Lines, first: int, last: int) -> list[Group] | None:
        """Read the lines `first` to `last` as they are; None if one of them can't be read so."""
        try:
            return [
                Group(kinds, which, read(self.form(kinds).exact, chosen, *limits))
                for kinds, which, chosen, limits in self._chosen(lines, first, last)
            ]
        except pa.ArrowInvalid:
            return None

    def decode(
        self, lines: Lines, first: int, last: int, known: Several[Group] = ()
    ) -> list[tuple[list[pa.Array], Numbers]] | None:
        """Read lines into arrays of the topic's columns; None if one of them can't be read so.

        For each part its arrays, and the lines that they are of, counted from `first`. `known`: what a plan
        read of these lines before.
        """
        try:
            if known and self._fit(known):
                return [(group.columns.right(self._made(group.columns)), group.right) for group in known]
            parts = []
            for kinds, which, chosen, limits in self._chosen(lines, first, last):
                columns, made = self.form(kinds).convert(chosen, *limits, self._made)
                parts.append((columns.right(made), np.delete(which, columns.wrong)))
            return parts
        except (pa.ArrowInvalid, Misfit):
            return None

    def _fit(self, known: Several[Group]) -> bool:
        """Whether what was read before would be read the same now."""
        return all(
            len(group.kinds) == len(self._places) and self.form(group.kinds).reads(group.columns.schema)
            for group in known
        )

    def _chosen(
        self, lines: Lines, first: int, last: int
    ) -> Iterator[tuple[Kinds, Numbers, Lines, tuple[int, int]]]:
        """Groups of one form: its types, its lines counted from `first`, a text that has them, and where."""
        if self._list_width > FREE_WIDTH and not self._is_in_proportion(lines, first, last):
            raise pa.ArrowInvalid("lists hold far less than the columns of their elements")
        if not self._places:
            yield (), np.arange(last - first), lines, (first, last)
            return
        groups = list(group(self._places, lines, first, last))
        if len(groups) > MOST_FORMS:
            raise pa.ArrowInvalid("too many forms")
        for kinds, which in groups:
            yield kinds, which, pick(lines, which + first), (0, which.size)

    def _is_in_proportion(self, lines: Lines, first: int, last: int) -> bool:
        rows = last - first
        cells = (lines.objects(first, last) - rows) * self._list_width
        most: int = CELLS_A_BYTE * lines.slice(first, last).size + rows * self._width
        return cells <= most

    def _made(self, columns: Columns) -> list[pa.Array]:
        return [
            convert(item.type, array, field.type)
            for item, array, field in zip(self.root.fields, columns.arrays, self._fields, strict=True)
        ]


def make_plan(root: Type) -> Plan | None:
    """The plan for a type; None if `pyarrow.json` has none such: for maps, several types within a list."""
    simple = (
        isinstance(root, Struct) and bool(root.fields) and _is_simple(root) and _levels(root) <= MAX_LEVELS
    )
    return Plan(root) if isinstance(root, Struct) and simple else None


def _is_simple(node: Type, *, variants: bool = True) -> bool:
    match node:
        case Primitive(kind=kind):
            return kind in _PLAIN
        case Sequence(element=element, size=None):
            return _is_simple(element, variants=False)
        case Struct(fields=fields, variant=variant):
            within = variants and not variant
            return (variants or not variant) and all(
                _is_simple(item.type, variants=within) for item in fields
            )
        case _:
            return False


def _levels(node: Type) -> int:
    """Most levels of arrays and objects of a message of this type."""
    match node:
        case Sequence(element=element):
            return 1 + _levels(element)
        case Struct(fields=fields, variant=variant):
            return (not variant) + max((_levels(item.type) for item in fields), default=0)
        case _:
            return 0


def _schema(root: Struct, scalars: dict[Kind, pa.DataType]) -> pa.Schema:
    return pa.schema([(item.name, _type(item.type, scalars)) for item in root.fields])


def _type(node: Type, scalars: dict[Kind, pa.DataType]) -> pa.DataType:
    match node:
        case Primitive(kind=kind):
            return scalars[kind]
        case Sequence(element=element):
            return pa.list_(_type(element, scalars))
        case Struct(fields=fields):
            return pa.struct([(item.name, _type(item.type, scalars)) for item in fields])
    raise TypeError(f"no plan reads {node}")
