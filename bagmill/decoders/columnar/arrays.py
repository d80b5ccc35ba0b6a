"""From what a walk has found to Arrow arrays, without any Python object for a value."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from bagmill.decoders.base import Buffer, Offsets
from bagmill.decoders.columnar.elements import Lists, settle
from bagmill.decoders.columnar.plan import (
    Column,
    Elements,
    Members,
    Number,
    Numbers,
    Plan,
    Rows,
    Run,
    Text,
    Zero,
)
from bagmill.decoders.columnar.sources import Array, Int32s, Matrix, Source, offsets_of
from bagmill.decoders.wire import CODES
from bagmill.schemas.tree import Kind

Slots = Mapping[int, Offsets]
Texts = Mapping[int, pa.Array]
"""The texts of each column of them, by the slot of their places."""


@dataclass(slots=True)
class Assembler:
    """Makes the columns of entries: of the messages, or of elements of a fixed size.

    `slots`: what was found of them; for a matrix, of one row.
    """

    plan: Plan
    source: Source
    slots: Slots
    texts: Texts
    _runs: dict[int, tuple[Source, Offsets]] = field(default_factory=dict)

    def column(self, column: Column, entries: int) -> pa.Array:
        """The array of a column that has so many entries."""
        if entries == 0:
            return pa.array([], type=column.type)
        match column:
            case Number():
                return self._number(column, entries)
            case Text(place=place):
                return self.texts[place]
            case Numbers():
                return self._numbers(column, entries)
            case Members(type=type_, fields=fields):
                return nested(type_, entries, [self.column(item, entries) for item in fields])
            case Elements():
                return self._elements(column, entries)
            case Rows():
                return self._rows(column, entries)
            case Zero(type=type_):
                return flat(type_, np.zeros(entries, np.uint8))

    def _number(self, column: Number, entries: int) -> pa.Array:
        source, places = self._run(column.place)
        values = source.values(places, column.offset, self._dtype(column.kind), column.count or 1)
        if column.count is None:
            return flat(column.type, values)
        if column.kind is Kind.UINT8:
            return pa.Array.from_buffers(column.type, entries, [None, pa.py_buffer(values)])
        return nested(column.type, entries, [flat(column.type.value_type, values)])

    def _run(self, place: int) -> tuple[Source, Offsets]:
        """The values of a run; if there are several, their bytes are copied out once."""
        if place not in self.plan.runs:
            return self.source, self.slots[place]
        if place not in self._runs:
            self._runs[place] = self.source.together(self.slots[place], self.plan.runs[place])
        return self._runs[place]

    def _numbers(self, column: Numbers, entries: int) -> pa.Array:
        dtype = np.dtype(self._dtype(column.kind))
        count = self.slots[column.count]
        offsets, data = self.source.ragged(self.slots[column.place], count * dtype.itemsize)
        if column.kind is Kind.UINT8:
            return pieces(column.type, offsets, data)
        offsets = offsets_of(self.source.spread(count))
        return nested(column.type, entries, [flat(column.type.value_type, data.view(dtype))], offsets)

    def _elements(self, column: Elements, entries: int) -> pa.Array:
        count = self.source.spread(self.slots[column.count])
        values = self.column(column.element, int(count.sum()))
        return nested(column.type, entries, [values], offsets_of(count) if column.fixed is None else None)

    def _rows(self, column: Rows, entries: int) -> pa.Array:
        lists = Lists.found(column.records, self.slots)
        parts = [self._piece(column, some) for some in lists.pieces()]
        values = parts[0] if len(parts) == 1 else pa.concat_arrays(parts)
        if column.records.fixed is not None:
            return nested(column.type, entries, [values])
        return nested(column.type, entries, [values], offsets_of(self.source.spread(lists.count)))

    def _piece(self, column: Rows, lists: Lists) -> pa.Array:
        source, slots, frame = self.source, None, column.frame
        if len(frame.steps) == 1 and isinstance(frame.steps[0], Run):
            bytes_ = source.elements(lists, frame.steps[0].size)
            if bytes_ is not None:
                source, slots = Matrix(bytes_), {frame.steps[0].place: np.zeros(1, np.int64)}
        if slots is None:
            slots = settle(frame, *lists.starts())
        entries = int(lists.count.sum()) * self.source.rows
        return Assembler(self.plan, source, slots, {}).column(column.element, entries)

    def _dtype(self, kind: Kind) -> str:
        return self.plan.wire.order + CODES[kind].replace("?", "B")


def flat(type_: pa.DataType, values: Array) -> pa.Array:
    """An array of numbers."""
    if pa.types.is_boolean(type_):
        bits = np.packbits(values.view(np.uint8), bitorder="little")
        return pa.Array.from_buffers(type_, len(values), [None, pa.py_buffer(bits)])
    native = values.astype(values.dtype.newbyteorder("="), copy=False)
    return pa.Array.from_buffers(type_, len(values), [None, pa.py_buffer(native)])


def pieces(type_: pa.DataType, offsets: Int32s, data: Buffer) -> pa.Array:
    """An array of binary values or of texts."""
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(data)]
    return pa.Array.from_buffers(type_, len(offsets) - 1, buffers)


def nested(
    type_: pa.DataType, length: int, children: Sequence[pa.Array], offsets: Int32s | None = None
) -> pa.Array:
    """An array of structs or of lists; lists of no fixed length have offsets."""
    buffers = [None] if offsets is None else [None, pa.py_buffer(offsets)]
    return pa.Array.from_buffers(type_, length, buffers, children=list(children))
