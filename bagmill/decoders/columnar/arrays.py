"""From what a walk has found to Arrow arrays, without any Python object for a value."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from bagmill.decoders.base import Buffer
from bagmill.decoders.columnar.leaves import Array, Int32s, Leaves, dtype_of
from bagmill.decoders.columnar.plan import Column, Elements, Members, Number, Numbers, Rows, Text, Zero
from bagmill.schemas.tree import Kind

Texts = Mapping[int, pa.Array]
"""The texts of each column of them, by the slot of their places."""


class Assembler(NamedTuple):
    """Makes the columns of entries: of messages, or of elements of a fixed size."""

    leaves: Leaves
    texts: Texts

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
                return self._list(column, column.counts, column.fixed, entries)
            case Rows(records=records):
                return self._list(column, records.counts, records.fixed, entries)
            case Zero(type=type_):
                return flat(type_, np.zeros(entries, np.uint8))

    def _number(self, column: Number, entries: int) -> pa.Array:
        values = self.leaves.number(column)
        if column.fixed is None:
            return flat(column.type, values)
        if column.kind is Kind.UINT8:
            return pa.Array.from_buffers(column.type, entries, [None, pa.py_buffer(values)])
        return nested(column.type, entries, [flat(column.type.value_type, values)])

    def _numbers(self, column: Numbers, entries: int) -> pa.Array:
        offsets, data = self.leaves.ragged(column)
        if column.kind is Kind.UINT8:
            return pieces(column.type, offsets, data)
        values = flat(column.type.value_type, data.view(dtype_of(self.leaves.order, column.kind)))
        return nested(column.type, entries, [values], offsets // np.int32(column.size))

    def _list(self, column: Elements | Rows, count: int, fixed: int | None, entries: int) -> pa.Array:
        if fixed is not None:
            return nested(column.type, entries, [self._values(column, entries * fixed)])
        offsets = self.leaves.offsets(count)
        return nested(column.type, entries, [self._values(column, int(offsets[-1]))], offsets)

    def _values(self, column: Elements | Rows, entries: int) -> pa.Array:
        """The elements of all lists."""
        if isinstance(column, Elements) or entries == 0:
            return self.column(column.element, entries)
        parts = [
            Assembler(leaves, {}).column(column.element, length)
            for leaves, length in self.leaves.elements(column)
        ]
        return parts[0] if len(parts) == 1 else pa.concat_arrays(parts)


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
