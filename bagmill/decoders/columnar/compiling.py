"""From the tree of types to a plan."""

from dataclasses import dataclass, field
from functools import lru_cache

import pyarrow as pa

from bagmill.decoders.columnar.alignment import TOO_BIG, Known, Sizes
from bagmill.decoders.columnar.flow import Flow
from bagmill.decoders.columnar.plan import (
    COUNT,
    Align,
    Column,
    Elements,
    Enter,
    Frame,
    Leave,
    Loop,
    Members,
    Number,
    Numbers,
    Plan,
    Ragged,
    Records,
    Rows,
    Run,
    Step,
    Text,
    Zero,
)
from bagmill.decoders.wire import CODES, Wire
from bagmill.errors import SchemaUnsupported
from bagmill.schemas.arrow import arrow_schema
from bagmill.schemas.tree import (
    Extensibility,
    Kind,
    Mapping,
    Primitive,
    Sequence,
    Struct,
    Type,
    Union,
    children,
)


def is_columnar(root: Struct, wire: Wire) -> bool:
    """Whether messages of a type can be decoded by columns: all but those with headers for single members."""
    if wire.root is Extensibility.MUTABLE:
        return False
    waiting, seen = [child for _, child in children(root)], {id(root)}
    if any(item.optional for item in root.fields):
        return False
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, Union) or (isinstance(node, Struct) and _has_headers(node)):
            return False
        waiting.extend(child for _, child in children(node))
    return True


def _has_headers(node: Struct) -> bool:
    return node.extensibility is Extensibility.MUTABLE or any(item.optional for item in node.fields)


@lru_cache(maxsize=1024)
def compiled_plan(root: Struct, wire: Wire) -> Plan:
    """Make the plan of a message type that is columnar.

    It is kept, for a process that decodes many recordings.

    Raises:
        SchemaUnsupported: an array's elements take no bytes, so that its length means nothing.
    """
    compiler = _Compiler(wire, Sizes(wire))
    builder = _Builder(compiler, Known(wire.alignment))
    end = builder.enter() if wire.root is Extensibility.APPENDABLE else None
    column = builder.struct(root, pa.struct(list(arrow_schema(root))))
    if end is not None:
        builder.leave(end)
    row, last = builder.slot(), builder.slot()
    frame = builder.finish()
    loops, texts = tuple(compiler.loops), tuple(compiler.texts)
    return Plan(wire, frame, column, row, last, compiler.slots, loops, texts, compiler.runs)


class _Compiler:
    """What the frames of a plan share."""

    def __init__(self, wire: Wire, sizes: Sizes) -> None:
        self.wire = wire
        self.sizes = sizes
        self.flow = Flow(wire, sizes)
        self.slots = 0
        self.loops: list[Frame] = []
        self.texts: list[Text] = []
        self.runs: dict[int, int] = {}


@dataclass(slots=True)
class _Builder:
    """Collects the steps of one frame; `known`: what is known about the position behind the last."""

    shared: _Compiler
    known: Known
    steps: list[Step] = field(default_factory=list)
    slots: list[int] = field(default_factory=list)
    run: int | None = None
    size: int = 0
    values: int = 0
    key: int = field(init=False)

    def __post_init__(self) -> None:
        self.key = self.slot()

    def slot(self) -> int:
        self.slots.append(self.shared.slots)
        self.shared.slots += 1
        return self.slots[-1]

    def finish(self) -> Frame:
        self.close()
        return Frame(self.key, tuple(self.steps), tuple(self.slots))

    def close(self) -> None:
        """End the run of fixed values."""
        if self.run is not None:
            self.steps.append(Run(self.run, min(self.size, TOO_BIG)))
            if self.values > 1:
                self.shared.runs[self.run] = self.size
            self.run, self.size, self.values = None, 0, 0

    def add(self, step: Step, known: Known) -> None:
        self.close()
        self.steps.append(step)
        self.known = known

    def fixed(self, size: int) -> tuple[int, int]:
        """Pass over a value of fixed size; where it is: the slot of its run, and its offset there."""
        if self.run is None:
            self.run = self.slot()
        offset = self.size
        self.size += size
        self.known = self.known.plus(size)
        return self.run, offset

    def align(self, alignment: int) -> None:
        if self.known.modulus < alignment:
            self.add(Align(alignment), self.known.aligned(alignment))
        elif padding := -self.known.residue % alignment:
            self.fixed(padding)

    def count_ahead(self) -> None:
        """Go to where a count can be."""
        self.align(self.shared.sizes.alignment(COUNT))
        self.close()

    def enter(self) -> int:
        """Pass over the number of bytes before a value; the slot of where the value must end."""
        self.count_ahead()
        end = self.slot()
        self.add(Enter(end), self.known.plus(COUNT))
        return end

    def leave(self, end: int) -> None:
        """Check that the value ends where it must."""
        self.add(Leave(end), self.known)

    def column(self, node: Type, type_: pa.DataType) -> Column:
        """Add a value of any type, with what stands before it."""
        end = self.enter() if self.shared.wire.is_delimited(node) else None
        column = self.plain(node, type_)
        if end is not None:
            self.leave(end)
        return column

    def plain(self, node: Type, type_: pa.DataType) -> Column:
        match node:
            case Primitive(kind=Kind.STRING):
                return self.text(node, type_, None)
            case Primitive(kind=Kind.WSTRING):
                return self.text(node, type_, self.shared.wire.wide)
            case Primitive(kind=kind):
                return self.numbers(type_, kind, None)
            case Sequence(element=Primitive(kind=kind)) if kind in CODES:
                if node.size is None:
                    return self.sequence(node, kind, type_)
                return self.numbers(type_, kind, node.size)
            case Sequence():
                return self.elements(node, type_, type_.value_type)
            case Mapping():
                pair = pa.struct([type_.key_field, type_.item_field])
                return self.elements(self.shared.sizes.pairs(node), type_, pair)
            case Struct():
                return self.struct(node, type_)
        raise TypeError(f"not on this wire: {node}")

    def struct(self, node: Struct, type_: pa.DataType) -> Members:
        if node.fields:
            members = [self.column(item.type, type_.field(n).type) for n, item in enumerate(node.fields)]
            return Members(type_, tuple(members))
        if not self.shared.wire.terminated:
            return Members(type_, tuple(Zero(item.type) for item in type_))
        place, offset = self.fixed(1)
        return Members(type_, tuple(Number(item.type, place, offset, Kind.UINT8) for item in type_))

    def numbers(self, type_: pa.DataType, kind: Kind, count: int | None) -> Number:
        size = self.shared.sizes.number(kind)
        self.align(self.shared.sizes.alignment(size))
        place, offset = self.fixed(size * (1 if count is None else count))
        self.values += 1
        return Number(type_, place, offset, kind, count)

    def text(self, node: Type, type_: pa.DataType, width: int | None) -> Text:
        known = self.shared.flow.after(node, self.known)
        self.count_ahead()
        step = Ragged(self.slot(), self.slot(), width or 1)
        self.add(step, known)
        text = Text(type_, step.place, step.counts, width, self.shared.wire.terminated and not width)
        self.shared.texts.append(text)
        return text

    def sequence(self, node: Sequence, kind: Kind, type_: pa.DataType) -> Numbers:
        size = self.shared.sizes.number(kind)
        self.count_ahead()
        known = self.shared.flow.begin(node.element, self.known.plus(COUNT), 1)
        step = Ragged(self.slot(), self.slot(), size, self.shared.sizes.alignment(size), node.bound)
        self.add(step, known)
        return Numbers(type_, step.place, step.counts, kind, size)

    def elements(self, node: Sequence, type_: pa.DataType, element: pa.DataType) -> Elements | Rows:
        """Elements that are no numbers."""
        least = min(self.shared.sizes.least.of(node.element), TOO_BIG)
        if least == 0:
            raise SchemaUnsupported("an array of messages without fields takes no bytes in ROS 1")
        if node.size is None:
            self.count_ahead()
            self.known = self.known.plus(COUNT)
        else:
            self.close()
        if self.shared.sizes.is_fixed(node.element):
            return self.rows(node, type_, element, least)
        return self.loop(node, type_, element, least)

    def rows(self, node: Sequence, type_: pa.DataType, element: pa.DataType, least: int) -> Rows:
        layout = self.shared.sizes.layout(node.element)
        inner = _Builder(self.shared, self.shared.flow.begin(node.element, self.known, layout.lead))
        column = inner.column(node.element, element)
        residue = None if layout.regular else self.slot()
        step = Records(self.slot(), self.slot(), residue, layout, least, node.size, node.bound)
        self.add(step, self.shared.flow.behind(node, self.known))
        return Rows(type_, step, inner.finish(), column)

    def loop(self, node: Sequence, type_: pa.DataType, element: pa.DataType, least: int) -> Elements:
        inner = _Builder(self.shared, self.shared.flow.begin(node.element, self.known, 1))
        column = inner.column(node.element, element)
        frame = inner.finish()
        self.shared.loops.append(frame)
        step = Loop(self.slot(), frame, least, node.size, node.bound)
        self.add(step, self.shared.flow.behind(node, self.known))
        return Elements(type_, step.counts, frame, column, node.size)
