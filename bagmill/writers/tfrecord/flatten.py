"""From nested columns to flat values: what each feature of each row holds."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from bagmill.kernels import call
from bagmill.writers.tfrecord.column import Column, Mask, column_of
from bagmill.writers.tfrecord.features import Leaf, Nested, Node, Plan
from bagmill.writers.tfrecord.varints import Ints


def columns(plan: Plan, batch: pa.RecordBatch) -> Iterator[Column]:
    """The values of each feature, in the order of the plan. Those of nodes that no row has are left out."""
    for number, node in plan.nodes:
        yield from _columns(node, batch.column(number), _Where(batch.num_rows))


@dataclass(frozen=True, slots=True)
class _Where:
    """Which rows the elements of an array belong to, and which of both are there."""

    rows: int
    bounds: int | Ints = 1
    in_list: bool = False
    present: Mask | None = None
    valid: Mask | None = None

    def beside(self, array: pa.Array) -> "_Where":
        """With the nulls of an array added."""
        if not array.null_count:
            return self
        valid = np.asarray(array.is_valid())
        if self.in_list:
            return replace(self, valid=_both(self.valid, valid))
        return replace(self, present=_both(self.present, valid))

    def fixed(self, size: int) -> "_Where":
        """Where the elements of lists of one size are."""
        valid = None if self.valid is None else np.repeat(self.valid, size)
        return replace(self, bounds=self.bounds * size, in_list=True, valid=valid)

    def lists(self, offsets: Ints) -> "_Where":
        """Where the elements of lists are that begin and end at `offsets`."""
        return replace(self, bounds=offsets[self.starts], in_list=True, valid=None)

    @property
    def starts(self) -> Ints:
        """Where the elements of each row begin, and those of the last end."""
        return np.arange(self.rows + 1) * self.bounds if isinstance(self.bounds, int) else self.bounds


def _both(one: Mask | None, other: Mask) -> Mask:
    return other if one is None else one & other


def _columns(node: Node, array: pa.Array, where: _Where) -> Iterator[Column]:
    where = where.beside(array)
    if where.present is not None and not where.present.any():
        return
    if isinstance(node, Leaf):
        yield from _leaf(node, array, where)
    elif pa.types.is_struct(array.type):
        for number, child in enumerate(node.children):
            yield from _columns(child, array.field(number), where)
    elif node.size is not None:
        values = array.values.slice(array.offset * node.size, len(array) * node.size)
        yield from _columns(node.children[0], values, where.fixed(node.size))
    else:
        yield from _lists(node, array, where)


def _lists(node: Nested, array: pa.Array, where: _Where) -> Iterator[Column]:
    offsets = np.frombuffer(array.buffers()[1], np.int32, len(array) + 1, array.offset * 4).astype(np.int64)
    is_map = pa.types.is_map(array.type)
    # The children of a slice are those of the whole.
    children = [
        child.slice(int(offsets[0]), int(offsets[-1] - offsets[0]))
        for child in ([array.keys, array.items] if is_map else [array.values])
    ]
    lengths = np.diff(offsets)
    if where.in_list and where.valid is not None:
        # A null list in a list may cover elements, which are in no row.
        inside = pa.array(np.repeat(where.valid, lengths))
        children = [child.filter(inside) for child in children]
        lengths = np.where(where.valid, lengths, 0)
    if node.lengths is not None:
        yield from _leaf(node.lengths, pa.array(lengths), where)
    ends = np.concatenate([[0], np.cumsum(lengths)])
    for child_node, child in zip(node.children, children, strict=True):
        yield from _columns(child_node, child, where.lists(ends))


def _leaf(leaf: Leaf, values: pa.Array, where: _Where) -> Iterator[Column]:
    if where.valid is not None:
        values = _without_nulls(values, where.valid)
    yield column_of(leaf.feature, values, where.bounds, where.present)
    if leaf.valid is not None and where.valid is not None:
        nulls = np.concatenate([[0], np.cumsum(~where.valid)])[where.starts]
        has_null = _both(where.present, np.diff(nulls) > 0)
        yield column_of(leaf.valid, pa.array(where.valid), where.bounds, has_null)


def _without_nulls(values: pa.Array, valid: Mask) -> pa.Array:
    """Zeros or empty bytes where a value or what it stands in is null."""
    kind = values.type
    if pa.types.is_fixed_size_binary(kind) or pa.types.is_boolean(kind):
        kind = pa.uint8() if pa.types.is_boolean(kind) else pa.binary()
        values = values.cast(kind)
    nothing = b"" if pa.types.is_binary(kind) else "" if pa.types.is_string(kind) else 0
    return call("if_else", pa.array(valid), values, pa.scalar(nothing, kind))
