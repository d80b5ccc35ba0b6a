"""Blobs that make up most of their messages stay where they are, in a buffer that is kept."""

from collections.abc import Sequence

import pyarrow as pa

from bagmill.decoders.base import Kept, Offsets
from bagmill.decoders.columnar.arrays import Assembler
from bagmill.decoders.columnar.plan import Column, Numbers, Plan
from bagmill.decoders.columnar.scattered import cut
from bagmill.schemas.tree import Kind

_LEAST_SHARE = 0.75
"""A column's part of the bytes of its messages: not much more may be kept than is used of it."""


def left_in_place(
    plan: Plan, assembler: Assembler, buffer: Kept, slots: Sequence[Offsets], payloads: int
) -> pa.StructArray:
    """Make the columns of messages of `payloads` bytes; a blob's column becomes a dictionary.

    No array has gaps between its values, but the values of a dictionary may be more than are named.
    """

    def array(column: Column) -> pa.Array:
        if isinstance(column, Numbers) and column.kind is Kind.UINT8 and buffer.size < 1 << 31:
            places, lengths = slots[column.place], slots[column.counts]
            if lengths.sum() >= _LEAST_SHARE * payloads:
                values, numbers = cut(buffer, places, lengths)
                return pa.DictionaryArray.from_arrays(numbers, values)
        return assembler.column(column, len(slots[plan.row]))

    arrays = [array(column) for column in plan.column.fields]
    fields = [field.with_type(one.type) for field, one in zip(plan.column.type, arrays, strict=True)]
    return pa.StructArray.from_arrays(arrays, fields=fields)
