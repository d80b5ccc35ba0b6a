"""The elements of all values one after another, and values made of them again."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from bagmill.dataset.lists import as_lists, is_list
from bagmill.dataset.values import Indices, Mask, Values, ValueType, fixed_items, to_numpy

Array = npt.NDArray[Any]


def leaves(values: Values) -> pa.Array:
    """All elements, the last axis running fastest; what is not present may have some too."""
    if values.type.is_dense:
        flat = pa.array(values.data.reshape(-1))
        return flat.cast(values.type.element) if values.type.is_time else flat
    array = values.data
    while is_list(array.type):
        array = _items(array)
    return array


def numbers(values: Values) -> Array:
    """All elements as numpy, in the same order."""
    return values.data.reshape(-1) if values.type.is_dense else to_numpy(leaves(values))


def owners(values: Values) -> Indices:
    """The row of each element."""
    rows = np.arange(len(values), dtype=np.int64)
    if values.type.is_fixed:
        return np.repeat(rows, values.type.size)
    array = values.data
    while is_list(array.type):
        if pa.types.is_fixed_size_list(array.type):
            rows = np.repeat(rows, array.type.list_size)
        else:
            rows = np.repeat(rows, np.diff(array.offsets.to_numpy()))
        array = _items(array)
    return rows


def rebuilt(values: Values, elements: pa.Array | Array, type_: ValueType) -> Values:
    """Values of the same shapes with other elements."""
    if type_.is_dense:
        data = elements if isinstance(elements, np.ndarray) else to_numpy(elements)
        return Values.dense(data.reshape(len(values), *type_.sizes), values.present, type_)
    flat = pa.array(elements, type_.element) if isinstance(elements, np.ndarray) else elements
    if not values.type.is_dense:
        return Values.sparse(_with(values.data, flat, type_), type_)
    return Values.sparse(nested(flat, type_), type_).where(values.present)


def elementwise(values: Values, step: Callable[[Array], Array], type_: ValueType) -> Values:
    """Numbers of all elements changed at once; `step` keeps their order and number."""
    return rebuilt(values, step(numbers(values)), type_)


def lacking(values: Values, bad: Mask) -> Values:
    """The values without those that have a bad element; `bad` has one entry for each element."""
    if not bad.any():
        return values
    keep = np.ones(len(values), np.bool_)
    keep[owners(values)[bad]] = False
    return values.where(keep)


def of_element(type_: ValueType, element: pa.DataType) -> ValueType:
    """The type with other elements; no rotation and no image any more."""
    return replace(type_, element=element, rotation=False, image=False)


def _items(array: pa.Array) -> pa.Array:
    """The elements of all lists in order, those of null lists of fixed size included."""
    if pa.types.is_fixed_size_list(array.type):
        return fixed_items(array)
    if not len(array):
        return array.values.slice(0, 0)
    first, last = array.offsets[0].as_py(), array.offsets[-1].as_py()
    return array.values.slice(first, last - first)


def _with(array: pa.Array, flat: pa.Array, type_: ValueType) -> pa.Array:
    """Lists with other elements at their ends."""
    if not type_.shape:
        return flat
    present = array.is_valid().to_numpy(zero_copy_only=False)
    if type_.is_dense:
        mask = None if present.all() else pa.array(~present)
        return pa.FixedSizeListArray.from_arrays(flat, type=type_.arrow, mask=mask)
    items = _with(_items(array), flat, type_.inner)
    if type_.shape[0] is not None:
        mask = None if present.all() else pa.array(~present)
        return pa.FixedSizeListArray.from_arrays(items, type=type_.arrow, mask=mask)
    offsets = array.offsets.to_numpy().astype(np.int64)
    return as_lists(items, offsets - offsets[0], present, type_)


def nested(flat: pa.Array, type_: ValueType) -> pa.Array:
    """Elements that are not dense, as lists of fixed sizes."""
    if not type_.shape:
        return flat
    return pa.FixedSizeListArray.from_arrays(nested(flat, type_.inner), type=type_.arrow)
