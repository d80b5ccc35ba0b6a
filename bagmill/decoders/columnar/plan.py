"""What a plan is made of: steps that move cursors through messages, and columns that say what was found.

A frame is what is repeated as a whole: the message, or the elements of one list whose sizes differ. Its steps
are walked in order; each records what it finds in slots, numbered over the whole plan. A slot holds one
int64 for each entry of its frame: a position in the buffer, or a count.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import pyarrow as pa

from bagmill.decoders.columnar.alignment import Layout
from bagmill.decoders.wire import Wire
from bagmill.schemas.tree import Kind

COUNT = 4
"""Bytes of a length or count."""


class Align(NamedTuple):
    """Move to a multiple of `alignment`, counted from the end of the header."""

    alignment: int


class Run(NamedTuple):
    """Values of fixed sizes one behind the other: record where they begin and pass over them."""

    place: int
    size: int


@dataclass(frozen=True, slots=True)
class Ragged:
    """A count and as many values of `size` bytes: numbers, or the characters of a text."""

    place: int
    count: int
    size: int
    alignment: int = 1
    bound: int | None = None


@dataclass(frozen=True, slots=True)
class Records:
    """Elements of a fixed size, passed over at once. `fixed`: how many; None where a count says it.

    `residue`: records where the first begins modulo 8, counted from the end of the header; None where the
    layout is regular.
    """

    place: int
    count: int
    residue: int | None
    layout: Layout
    least: int
    fixed: int | None = None
    bound: int | None = None


@dataclass(frozen=True, slots=True)
class Loop:
    """Elements of which each has its own size. `fixed`: how many; None where a count says it."""

    count: int
    frame: "Frame"
    least: int
    fixed: int | None = None
    bound: int | None = None


class Enter(NamedTuple):
    """A number of bytes: record where the value that it stands before must end."""

    end: int


class Leave(NamedTuple):
    """Here the value must end."""

    end: int


Step = Align | Run | Ragged | Records | Loop | Enter | Leave


class Frame(NamedTuple):
    """`key`: the slot of where an entry begins; `slots`: all that one entry fills, the key included."""

    key: int
    steps: tuple[Step, ...]
    slots: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Number:
    """A number, or (`count`) a fixed array of them, in a run."""

    type: pa.DataType
    place: int
    offset: int
    kind: Kind
    count: int | None = None


class Zero(NamedTuple):
    """The member that stands for no members, where it takes no bytes; one for each entry of `place`."""

    type: pa.DataType


@dataclass(frozen=True, slots=True)
class Text:
    """A string; `width`: bytes of a character, None for UTF-8. `terminated`: it ends with NUL."""

    type: pa.DataType
    place: int
    count: int
    width: int | None
    terminated: bool

    @property
    def size(self) -> int:
        """The bytes of a character."""
        return self.width or 1


@dataclass(frozen=True, slots=True)
class Numbers:
    """A sequence of numbers of `size` bytes; of single bytes it is one binary value."""

    type: pa.DataType
    place: int
    count: int
    kind: Kind
    size: int


class Members(NamedTuple):
    """A message in a message."""

    type: pa.DataType
    fields: tuple["Column", ...]


@dataclass(frozen=True, slots=True)
class Elements:
    """A list whose elements were walked one by one. `fixed`: it always has the same length."""

    type: pa.DataType
    count: int
    frame: Frame
    element: "Column"
    fixed: int | None


class Rows(NamedTuple):
    """A list of elements of a fixed size. `frame`: walked when their places are known; nothing can fail."""

    type: pa.DataType
    records: Records
    frame: Frame
    element: "Column"


Column = Number | Zero | Text | Numbers | Members | Elements | Rows


class Plan(NamedTuple):
    """How messages of one type on one wire are decoded.

    `row`, `end`: the slots of a message's number and of where its last field ends. `slots`: how many there
    are. `loops`: the frames of elements that are walked one by one. `runs`: the sizes of the runs that hold
    several values, by the slot of their places.
    """

    wire: Wire
    root: Frame
    column: Members
    row: int
    end: int
    slots: int
    loops: tuple[Frame, ...]
    texts: tuple[Text, ...]
    runs: Mapping[int, int]
