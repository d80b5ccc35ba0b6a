"""length, select, flatten and shapes: which elements there are, and how they lie."""

from typing import Any

import numpy as np
import pyarrow as pa

from bagmill.dataset.lists import folded, gathered, spread
from bagmill.dataset.spec.transforms import Length, Select
from bagmill.dataset.transforms.base import Op, only, refused, unfit
from bagmill.dataset.transforms.leaves import leaves, nested, owners
from bagmill.dataset.values import Indices, Values, ValueType, to_numpy


def length(spec: Length, source: ValueType, pointer: str) -> Op:
    """The step.

    Raises:
        SpecUnfit: these are no lists, lists of another length, or lists of other elements than the value.
    """
    _must_be_list(source, pointer, "length")
    before = source.shape[0]
    if before is not None and before != spec.size and (spec.mode in {"exact", _other(before, spec.size)}):
        raise unfit(f"{pointer}/size", f"{source} has {before} elements, never {spec.size}.", "Set `mode`.")
    if not source.inner.is_fixed:
        raise unfit(pointer, f"`length` takes elements of one shape, and this is {source}.")
    kind = ValueType(source.element, (spec.size, *source.shape[1:]))
    filler = _filler(spec, source, pointer)
    loss = f"it had not {spec.size} elements"
    return Op(kind, only(lambda values: _to_length(values, spec, kind, filler)), loss)


def _other(before: int, size: int) -> str:
    """The mode that can't make `size` elements of `before`."""
    return "truncate" if before < size else "pad"


def _filler(spec: Length, source: ValueType, pointer: str) -> pa.Array:
    """One element of the value, as an array."""
    value: Any = spec.value
    if source.is_text or source.is_bytes:
        value = "" if value == 0 and not isinstance(value, bool) else value
    elif source.is_bool:
        value = bool(value) if value in (0, 1) else value
    try:
        flat = pa.array([value] * source.inner.size, source.element)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError) as error:
        raise unfit(f"{pointer}/value", f"{value!r} is no element of {source}.") from error
    if not source.inner.shape:
        return flat
    if source.inner.is_dense:
        return pa.FixedSizeListArray.from_arrays(flat, type=source.inner.arrow)
    raise unfit(pointer, f"`length` can't fill up elements of {source.inner}.")


def _to_length(values: Values, spec: Length, kind: ValueType, filler: pa.Array) -> Values:
    if values.type.is_dense:
        filled = np.zeros((len(values), *kind.sizes), kind.numpy)
        filled[:] = Values.from_arrow(filler, kind.inner).data[0]
        kept = min(spec.size, values.data.shape[1])
        filled[:, :kept] = values.data[:, :kept]
        return Values.dense(filled, values.present, kind)
    items, starts, lengths = spread(values.data)
    there = lengths >= 0
    if spec.mode in {"exact", "pad"}:
        there &= lengths <= spec.size
    if spec.mode in {"exact", "truncate"}:
        there &= lengths >= spec.size
    place = np.arange(spec.size)
    rows = np.where(there[:, None] & (place < lengths[:, None]), starts[:, None] + place, len(items))
    taken = pa.concat_arrays([items, filler]).take(pa.array(rows.reshape(-1)))
    return folded(Values.from_arrow(taken, kind.inner), kind, there)


def select(spec: Select, source: ValueType, pointer: str) -> Op:
    """The step.

    Raises:
        SpecUnfit: these are no lists, or always too short ones.
    """
    _must_be_list(source, pointer, "select")
    size = source.shape[0]
    if size is not None:
        for number, index in enumerate(spec.indices):
            if not -size <= index < size:
                raise unfit(f"{pointer}/indices/{number}", f"{source} has no element {index}.")
    kind = ValueType(source.element, (len(spec.indices), *source.shape[1:]))
    indices = np.array(spec.indices, np.int64)
    return Op(kind, only(lambda values: _selected(values, indices, kind)), "it had not all of the elements")


def _selected(values: Values, indices: Indices, kind: ValueType) -> Values:
    if values.type.is_dense:
        return Values.dense(values.data[:, indices], values.present, kind)
    items, starts, lengths = spread(values.data)
    there = (lengths >= 0) & (indices.max() < lengths) & (-indices.min() <= lengths)
    rows = starts[:, None] + np.where(indices < 0, lengths[:, None] + indices, indices)
    rows = np.where(there[:, None], rows, -1).reshape(-1)
    taken = items.take(pa.array(rows, mask=rows < 0))
    return folded(Values.from_arrow(taken, kind.inner), kind, there)


def flatten(source: ValueType, pointer: str) -> Op:
    """The step; a single value becomes a list of one.

    Raises:
        SpecUnfit: these are images as they came.
    """
    if source.image:
        raise unfit(pointer, "`flatten` takes pixels, and these are images as they came.", "Decode them.")
    if source.is_fixed:
        return reshape((source.size,), source, pointer)
    kind = ValueType(source.element, (None,))
    return Op(kind, only(lambda values: _flattened(values, kind)))


def _flattened(values: Values, kind: ValueType) -> Values:
    items, starts, counts = _elements(values)
    return gathered(
        lambda array: Values.from_arrow(array, kind.inner), items, starts, counts, values.present, kind
    )


def _elements(values: Values) -> tuple[pa.Array, Indices, Indices]:
    """Elements at the ends of lists, and where those of each row begin and how many there are."""
    counts = np.bincount(owners(values), minlength=len(values)).astype(np.int64)
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]]).astype(np.int64)[: len(values)]
    return leaves(values), starts, np.where(values.present, counts, 0)


def reshape(shape: tuple[int, ...], source: ValueType, pointer: str) -> Op:
    """The step that gives values another shape of as many elements.

    Raises:
        SpecUnfit: they never have as many.
    """
    kind = ValueType(source.element, shape, source.rotation and shape == source.shape, source.image)
    if not kind.size:
        raise unfit(pointer, "a value without elements is none.")
    if source.is_fixed and source.size != kind.size:
        raise unfit(pointer, f"{source} has {source.size} elements, and the shape {list(shape)} {kind.size}.")
    if source.is_dense:
        return Op(kind, only(lambda values: Values(values.data.reshape(-1, *shape), values.present, kind)))
    return Op(kind, only(lambda values: _shaped(values, kind, pointer)))


def _shaped(values: Values, kind: ValueType, pointer: str) -> Values:
    items, starts, counts = _elements(values)
    if (wrong := values.present & (counts != kind.size)).any():
        found = int(counts[np.flatnonzero(wrong)[0]])
        hint = "Use `length` to pad, to truncate, or to leave such values out."
        raise refused(pointer, f"a value of {found} elements has not the shape {list(kind.shape)}.", hint)
    places = np.where(values.present[:, None], starts[:, None] + np.arange(kind.size), -1).reshape(-1)
    taken = items.take(pa.array(places, mask=places < 0))
    if kind.is_dense:
        return Values.dense(to_numpy(taken).reshape(-1, *kind.sizes), values.present, kind)
    return Values.sparse(nested(taken, kind), kind).where(values.present)


def _must_be_list(source: ValueType, pointer: str, op: str) -> None:
    if not source.shape:
        raise unfit(pointer, f"`{op}` takes lists, and this is {source}.")
