"""Elements of lists: one, some or all of each row, of all rows at once."""

from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bagmill.dataset.pathtext import Slice, step_text
from bagmill.dataset.values import Indices, Mask, Values, ValueType, fixed_items, to_numpy

Read = Callable[[pa.Array], Values]


def is_list(kind: pa.DataType) -> bool:
    """Whether it is a list, of fixed length or not."""
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def is_blob(kind: pa.DataType) -> bool:
    """Whether it is bytes, which are a list too, if elements are asked for."""
    return bool(pa.types.is_binary(kind) or pa.types.is_fixed_size_binary(kind))


def item_of(field: pa.Field) -> pa.Field:
    """The field of a list's elements; it knows the enum that they are of."""
    if is_blob(field.type):
        return pa.field("item", pa.uint8(), nullable=False)
    item: pa.Field = field.type.value_field
    return item.with_metadata(field.metadata) if field.metadata and not item.metadata else item


def size_of(kind: pa.DataType) -> int | None:
    """The length that all lists of a type have."""
    if pa.types.is_fixed_size_list(kind):
        return int(kind.list_size)
    return int(kind.byte_width) if pa.types.is_fixed_size_binary(kind) else None


def at(index: int, size: int | None, members: Sequence[int], read: Read) -> Read:
    """What reads one element of each list, or the member of it that places lead to; missing of lists that are
    too short.

    Raises:
        IndexError: all lists are.
    """
    if size is not None and not -size <= index < size:
        raise IndexError(f"has {size} elements, and {index} is none of them")

    def one(values: pa.Array) -> Values:
        items, starts, lengths = spread(values, members)
        there = (index < lengths) if index >= 0 else (-index <= lengths)
        return read(_taken(items, starts + index + (lengths if index < 0 else 0), there))

    return one


def along(
    step: Slice, size: int | None, inner: ValueType, members: Sequence[int], read: Read
) -> tuple[ValueType, Read]:
    """The type of some or all elements of each list (or of a member of them), and what reads them.

    Raises:
        IndexError: no list has any of them.
    """
    width = step.width
    if size is not None:
        chosen = range(size)[step.first : step.last]
        if not chosen or (width is not None and len(chosen) != width):
            raise IndexError(f"has {size} elements, and not all of `{step_text(step)}`")
        step, width = Slice(chosen.start, chosen.stop), len(chosen)
    if width is not None and width < 1:
        raise IndexError(f"has nothing in `{step_text(step)}`")
    type_ = ValueType(inner.element, (width, *inner.shape), inner.rotation and width is not None)
    if width is None:
        return type_, lambda values: _ragged(spread(values, members), step, type_, read)
    first = step.first or 0
    return type_, lambda values: _windows(spread(values, members), first, type_, read)


Spread = tuple[pa.Array, Indices, Indices]
"""Elements of all lists, and where those of each begin and how many there are: -1 where it is null."""


def spread(values: pa.Array, members: Sequence[int] = ()) -> Spread:
    """The elements of lists; of elements that are messages, a member that places lead to."""
    items, starts, lengths = _spread(values)
    return (pc.struct_field(items, list(members)) if members else items), starts, lengths


def _spread(values: pa.Array) -> Spread:
    kind = values.type
    if is_blob(kind):
        return _spread_bytes(values)
    if pa.types.is_fixed_size_list(kind):
        starts = np.arange(len(values), dtype=np.int64) * kind.list_size
        return fixed_items(values), starts, _lengths(values, np.full(len(values), kind.list_size, np.int64))
    offsets = values.offsets.to_numpy().astype(np.int64)
    return values.values, offsets[:-1], _lengths(values, np.diff(offsets))


def _spread_bytes(values: pa.Array) -> Spread:
    values = values.cast(pa.binary())
    offsets: Indices = np.frombuffer(values.buffers()[1] or b"\0\0\0\0", np.int32).astype(np.int64)
    offsets = offsets[values.offset : values.offset + len(values) + 1]
    data = values.buffers()[2]
    items = pa.array(np.frombuffer(data, np.uint8) if data is not None else np.zeros(0, np.uint8))
    if not len(values):
        return items, np.zeros(0, np.int64), np.zeros(0, np.int64)
    return items, offsets[:-1], _lengths(values, np.diff(offsets))


def _lengths(values: pa.Array, lengths: Indices) -> Indices:
    if not values.null_count:
        return lengths
    return np.where(values.is_valid().to_numpy(zero_copy_only=False), lengths, -1)


def _taken(items: pa.Array, rows: Indices, there: Mask) -> pa.Array:
    if there.all():
        return items.take(pa.array(rows))
    return items.take(pa.array(np.where(there, rows, 0), mask=~there))


def _windows(lists: Spread, first: int, type_: ValueType, read: Read) -> Values:
    """As many elements of each list, from `first` on (negative: counted from the end)."""
    width = type_.shape[0] or 0
    items, starts, lengths = lists
    there = (first + width <= lengths) if first >= 0 else (-first <= lengths)
    begins = starts + first + (lengths if first < 0 else 0)
    if there.all() and there.size and bool((np.diff(begins) == width).all()):
        found = read(items.slice(int(begins[0]), there.size * width))
    else:
        rows = (begins[:, None] + np.arange(width)).reshape(-1)
        found = read(_taken(items, rows, np.repeat(there, width)))
    return folded(found, type_, there)


def folded(found: Values, type_: ValueType, there: Mask) -> Values:
    """Elements, `width` of each row, as one value a row; missing where one of them is."""
    width = type_.shape[0] or 0
    present = there & found.present.reshape(-1, width).all(axis=1)
    if type_.is_dense:
        return Values.dense(found.data.reshape(len(there), width, *found.data.shape[1:]), present, type_)
    absent = None if present.all() else pa.array(~present)
    return Values.sparse(
        pa.FixedSizeListArray.from_arrays(found.to_arrow(), type=type_.arrow, mask=absent), type_
    )


def _ragged(lists: Spread, step: Slice, type_: ValueType, read: Read) -> Values:
    """As many elements of each list as it has between the ends of a slice."""
    items, starts, lengths = lists
    valid = lengths >= 0
    lengths = np.maximum(lengths, 0)
    begins, ends = _bounds(step, lengths)
    return gathered(read, items, starts + begins, ends - begins, valid, type_)


def _bounds(step: Slice, lengths: Indices) -> tuple[Indices, Indices]:
    """Where a slice begins and ends in lists of these lengths, as Python has it."""
    first, last = step.first or 0, step.last
    begins = np.minimum(first, lengths) if first >= 0 else np.maximum(lengths + first, 0)
    if last is None:
        return begins, lengths
    ends = np.minimum(last, lengths) if last >= 0 else np.maximum(lengths + last, 0)
    return begins, np.maximum(ends, begins)


def gathered(
    read: Read, items: pa.Array, begins: Indices, lengths: Indices, valid: Mask, type_: ValueType
) -> Values:
    """Lists of the elements from `begins` on; missing where one of their elements is."""
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    shifts = np.repeat(begins - offsets[:-1], lengths)
    if shifts.size and bool((shifts == shifts[0]).all()):
        found = read(items.slice(int(shifts[0]), len(shifts)))
    else:
        found = read(items.take(pa.array(np.arange(len(shifts)) + shifts)))
    bad = np.concatenate([[0], np.cumsum(~found.present)])
    present = valid & (bad[offsets[1:]] == bad[offsets[:-1]])
    return Values.sparse(as_lists(found.to_arrow(), offsets, present, type_), type_)


def as_lists(items: pa.Array, offsets: Indices, present: Mask, type_: ValueType) -> pa.ListArray:
    """Lists of elements between offsets, null where not present."""
    kind = type_.arrow
    mask = None if present.all() else pa.array(~present)
    lists: pa.ListArray = pa.ListArray.from_arrays(
        pa.array(offsets.astype(np.int32)), items, type=kind, mask=mask
    )
    return lists


def densify(values: Values) -> Values | None:
    """Lists of numbers of any length as values of a fixed shape, if all of them have the same length.

    Lists that are not there count for nothing; None if lengths differ or the elements are no numbers.
    """
    kind = values.type
    if kind.shape != (None,) or not kind.is_number:
        return None
    lengths = pc.list_value_length(values.data).drop_null().unique()
    if len(lengths) != 1 or not lengths[0].as_py():
        return None
    size = lengths[0].as_py()
    fixed = ValueType(kind.element, (size,), kind.rotation)
    data = np.zeros((len(values), size), fixed.numpy)
    data[values.present] = to_numpy(values.data.flatten()).reshape(-1, size)
    return Values(data, values.present, fixed)
