"""What a plan is made of: steps that move cursors through messages, and columns that say what was found.

A frame is what is repeated as a whole: the message, or the elements of one list whose sizes differ. Its steps
are walked in order; each records what it finds in slots, numbered over the whole plan. A slot holds one
int64 for each entry of its frame: a position in the buffer, or a count.
"""

from collections.abc import Mapping
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


class Ragged(NamedTuple):
    """A count and as many values of `size` bytes: numbers, or the characters of a text."""

    place: int
    counts: int
    size: int
    alignment: int = 1
    bound: int | None = None


class Records(NamedTuple):
    """Elements of a fixed size, passed over at once. `fixed`: how many; None where a count says it.

    `residue`: records where the first begins modulo 8, counted from the end of the header; None where the
    layout is regular.
    """

    place: int
    counts: int
    residue: int | None
    layout: Layout
    least: int
    fixed: int | None = None
    bound: int | None = None


class Loop(NamedTuple):
    """Elements of which each has its own size. `fixed`: how many; None where a count says it."""

    counts: int
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


class Number(NamedTuple):
    """A number, or (`fixed`: of how many) a fixed array of them, in a run."""

    type: pa.DataType
    place: int
    offset: int
    kind: Kind
    fixed: int | None = None


class Zero(NamedTuple):
    """The member that stands for no members, where it takes no bytes; one for each entry of `place`."""

    type: pa.DataType


class Text(NamedTuple):
    """A string; `width`: bytes of a character, None for UTF-8. `terminated`: it ends with NUL."""

    type: pa.DataType
    place: int
    counts: int
    width: int | None
    terminated: bool

    @property
    def size(self) -> int:
        """The bytes of a character."""
        return self.width or 1


class Numbers(NamedTuple):
    """A sequence of numbers of `size` bytes; of single bytes it is one binary value."""

    type: pa.DataType
    place: int
    counts: int
    kind: Kind
    size: int


class Members(NamedTuple):
    """A message in a message."""

    type: pa.DataType
    fields: tuple["Column", ...]


class Elements(NamedTuple):
    """A list whose elements were walked one by one. `fixed`: it always has the same length."""

    type: pa.DataType
    counts: int
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
