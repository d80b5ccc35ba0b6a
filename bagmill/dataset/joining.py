"""concat and stack: the values of several sources as one."""

from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa

from bagmill.dataset.lists import as_lists, spread
from bagmill.dataset.transforms.base import unfit
from bagmill.dataset.transforms.leaves import leaves, rebuilt
from bagmill.dataset.values import Values, ValueType

Join = Callable[[Sequence[Values]], Values]


def expanded(kind: ValueType) -> ValueType:
    """The type with a new first axis of one element."""
    return ValueType(kind.element, (1, *kind.shape), image=kind.image)


def concatenated(kinds: Sequence[ValueType], pointer: str) -> tuple[ValueType, Join]:
    """The type of values end to end along the first axis, and what makes them.

    The values given may lack an axis of one, which `expanded` has added to their type.

    Raises:
        SpecUnfit: they are images, or their elements or other axes do not fit together.
    """
    element = _common(kinds, pointer)
    for number, kind in enumerate(kinds):
        if kind.shape[1:] != kinds[0].shape[1:] or not kind.inner.is_fixed:
            text = f"{kind} can't stand behind {kinds[0]}: the axes after the first differ."
            raise unfit(f"{pointer}/{number}", text)
    sizes = [kind.shape[0] for kind in kinds]
    total = None if None in sizes else sum(size or 0 for size in sizes)
    type_ = ValueType(element, (total, *kinds[0].shape[1:]))

    def join(parts: Sequence[Values]) -> Values:
        own = [_as(part, kind, element) for part, kind in zip(parts, kinds, strict=True)]
        return _dense(own, type_) if type_.is_dense else _lists(own, type_)

    return type_, join


def _common(kinds: Sequence[ValueType], pointer: str) -> pa.DataType:
    """One type for the elements of all."""
    elements = [kind.element for kind in kinds]
    for number, kind in enumerate(kinds):
        if kind.image:
            raise unfit(f"{pointer}/{number}", "images can't be joined.", "Make a feature of each.")
        if kind.element != elements[0] and not (kind.is_number and kinds[0].is_number):
            raise unfit(f"{pointer}/{number}", f"{kind} and {kinds[0]} have no common type.")
    if all(element == elements[0] for element in elements):
        return elements[0]
    return pa.from_numpy_dtype(np.result_type(*[kind.numpy for kind in kinds]))


def _as(values: Values, kind: ValueType, element: pa.DataType) -> Values:
    """Values with the axis that was added, and the common element."""
    if values.type.element != element:
        elements = values.data.astype(element.to_pandas_dtype()) if values.type.is_dense else leaves(values)
        to = ValueType(element, values.type.shape)
        values = rebuilt(values, elements if values.type.is_dense else elements.cast(element), to)
    type_ = ValueType(element, kind.shape)
    if values.type.shape == kind.shape:
        return Values(values.data, values.present, type_)
    if type_.is_dense:
        return Values(values.data.reshape(-1, *type_.sizes), values.present, type_)
    one = pa.FixedSizeListArray.from_arrays(values.data, type=type_.arrow, mask=pa.array(~values.present))
    return Values(one, values.present, type_)


def _dense(parts: Sequence[Values], type_: ValueType) -> Values:
    present = np.logical_and.reduce([part.present for part in parts])
    return Values.dense(np.concatenate([part.data for part in parts], axis=1), present, type_)


def _lists(parts: Sequence[Values], type_: ValueType) -> Values:
    """Lists end to end: the elements of all parts, taken in the order of the rows."""
    present = np.logical_and.reduce([part.present for part in parts])
    spreads = [spread(_nested(part)) for part in parts]
    behind = np.concatenate([[0], np.cumsum([len(items) for items, _, _ in spreads])[:-1]])
    counts = np.stack([np.where(present, lengths, 0) for _, _, lengths in spreads], axis=1)
    begins = np.stack([starts + at for (_, starts, _), at in zip(spreads, behind, strict=True)], axis=1)
    ends = np.cumsum(counts.reshape(-1))
    lengths = counts.reshape(-1)
    rows = np.arange(ends[-1] if ends.size else 0) + np.repeat(begins.reshape(-1) - (ends - lengths), lengths)
    items = pa.concat_arrays([items for items, _, _ in spreads]).take(pa.array(rows))
    offsets = np.concatenate([[0], np.cumsum(counts.sum(axis=1))])
    ragged = ValueType(type_.element, (None, *type_.shape[1:]))
    lists = as_lists(items, offsets, present, ragged)
    return Values.sparse(lists if type_.shape[0] is None else lists.cast(type_.arrow), type_)


def _nested(part: Values) -> pa.Array:
    """An array whose first axis is a list; that of numbers with several axes is flat."""
    if not part.type.is_dense or len(part.type.shape) == 1:
        return part.to_arrow()
    items = Values(
        part.data.reshape(-1, *part.type.sizes[1:]),
        np.ones(len(part) * part.type.sizes[0], np.bool_),
        part.type.inner,
    ).to_arrow()
    kind = pa.list_(part.type.inner.arrow, part.type.sizes[0])
    return pa.FixedSizeListArray.from_arrays(items, type=kind, mask=pa.array(~part.present))
