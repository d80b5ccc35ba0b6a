"""Values of many rows at once: one column, typed, with what is missing.

Numbers, booleans and times of a fixed shape are numpy arrays; texts, bytes, images and lists of any length
are Arrow arrays.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import prod
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Mask = npt.NDArray[np.bool_]
Indices = npt.NDArray[np.int64]
Shape = tuple[int | None, ...]
SHAPE_KEY = b"shape"
"""Metadata key of columns whose values have two axes or more: their shape as a JSON list."""

TIMESTAMP = pa.timestamp("ns", tz="UTC")
_BY_NAME = {
    str(kind): kind
    for kind in (
        pa.bool_(),
        *(pa.int8(), pa.int16(), pa.int32(), pa.int64()),
        *(pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64()),
        *(pa.string(), pa.binary()),
    )
} | {"float32": pa.float32(), "float64": pa.float64(), "timestamp": TIMESTAMP}
RAW_IMAGE = pa.struct(
    [
        ("height", pa.int64()),
        ("width", pa.int64()),
        ("encoding", pa.string()),
        ("big_endian", pa.bool_()),
        ("step", pa.int64()),
        ("data", pa.binary()),
    ]
)
"""What is kept of an image message without compression (sensor_msgs/Image, foxglove.RawImage)."""


def element_of(name: str) -> pa.DataType:
    """The Arrow type of one of the spec's dtypes."""
    return _BY_NAME[name]


def name_of(element: pa.DataType) -> str:
    """The spec's name of an element's type; `image` for messages with pixels."""
    if element == RAW_IMAGE:
        return "image"
    return next(name for name, kind in _BY_NAME.items() if kind == element)


@dataclass(frozen=True)
class ValueType:
    """The type of one row's value.

    `shape`: None stands for any length; () is a single value. `rotation`: it is a quaternion x, y, z, w.
    `image`: it is an image, as its message (`RAW_IMAGE`) or as the bytes of a file.
    """

    element: pa.DataType
    shape: Shape = ()
    rotation: bool = False
    image: bool = False

    def __str__(self) -> str:
        axes = ", ".join("any" if size is None else str(size) for size in self.shape)
        return name_of(self.element) + (f"[{axes}]" if self.shape else "")

    @property
    def is_number(self) -> bool:
        """Whether the elements are integers or floats."""
        return bool(pa.types.is_integer(self.element) or pa.types.is_floating(self.element))

    @property
    def is_float(self) -> bool:
        """Whether the elements are floats."""
        return bool(pa.types.is_floating(self.element))

    @property
    def is_text(self) -> bool:
        """Whether the elements are texts."""
        return bool(pa.types.is_string(self.element))

    @property
    def is_bytes(self) -> bool:
        """Whether the elements are bytes."""
        return bool(pa.types.is_binary(self.element))

    @property
    def is_bool(self) -> bool:
        """Whether the elements are booleans."""
        return bool(pa.types.is_boolean(self.element))

    @property
    def is_time(self) -> bool:
        """Whether the elements are timestamps."""
        return bool(pa.types.is_timestamp(self.element))

    @property
    def is_fixed(self) -> bool:
        """Whether all values have the same shape."""
        return None not in self.shape

    @property
    def is_dense(self) -> bool:
        """Whether values are held as one numpy array."""
        return self.is_fixed and (self.is_number or self.is_bool or self.is_time)

    @property
    def interpolates(self) -> bool:
        """Whether there is something between two values: numbers of a fixed shape."""
        return self.is_fixed and self.is_number

    @property
    def size(self) -> int:
        """Elements of a value of fixed shape."""
        return prod(self.sizes)

    @property
    def sizes(self) -> tuple[int, ...]:
        """The shape, as far as it is fixed."""
        return tuple(size for size in self.shape if size is not None)

    @property
    def numpy(self) -> np.dtype[Any]:
        """The numpy type of the elements; times are int64 ns."""
        return np.dtype(np.int64 if self.is_time else self.element.to_pandas_dtype())

    @property
    def inner(self) -> "ValueType":
        """The type of what stands along the first axis."""
        return ValueType(self.element, self.shape[1:])

    @cached_property
    def arrow(self) -> pa.DataType:
        """The type of the column: numbers of a fixed shape with several axes are one flat list of fixed size
        (nested ones take twice the time to write), of any length a list.
        """
        if not self.shape:
            return self.element
        if self.is_dense:
            return pa.list_(pa.field("element", self.element, nullable=False), self.size)
        length = self.shape[0]
        return pa.list_(self.inner.arrow) if length is None else pa.list_(self.inner.arrow, length)

    def field(self, name: str, *, nullable: bool = True) -> pa.Field:
        """The column's field; its metadata has the shape where there are several axes."""
        facts = {SHAPE_KEY: json.dumps(self.shape).encode()} if len(self.shape) > 1 else None
        return pa.field(name, self.arrow, nullable=nullable, metadata=facts)

    def to_json(self) -> dict[str, Any]:
        """The type as plain data; `from_json` reads it back."""
        facts: dict[str, Any] = {"dtype": name_of(self.element), "shape": list(self.shape)}
        return facts | {name: True for name in ("rotation", "image") if getattr(self, name)}

    @classmethod
    def from_json(cls, facts: dict[str, Any]) -> Self:
        """The type that `to_json` told."""
        element = RAW_IMAGE if facts["dtype"] == "image" else element_of(facts["dtype"])
        return cls(element, tuple(facts["shape"]), bool(facts.get("rotation")), bool(facts.get("image")))


@dataclass(frozen=True)
class Values:
    """The values of N rows.

    `data`: a numpy array [N, *shape] where the type is dense (what is not present is 0), else an Arrow array
    (what is not present is null). `present`: bool[N].
    """

    data: Any
    present: Mask
    type: ValueType = field(compare=False)

    def __len__(self) -> int:
        return len(self.present)

    @classmethod
    def dense(cls, data: npt.NDArray[Any], present: Mask, type_: ValueType) -> Self:
        """Values of a dense type; what is not present becomes 0 (a copy only where it must)."""
        data = np.ascontiguousarray(data, type_.numpy)
        if not present.all() and data[~present].any():
            data = data.copy()
            data[~present] = 0
        return cls(data, present, type_)

    @classmethod
    def sparse(cls, data: pa.Array, type_: ValueType) -> Self:
        """Values of a type that is not dense: an array of `type_.arrow`, null where there is none."""
        return cls(data, _valid(data), type_)

    @classmethod
    def missing(cls, count: int, type_: ValueType) -> Self:
        """So many rows without a value."""
        return cls.from_arrow(pa.nulls(count, type_.arrow), type_)

    def take(self, indices: Indices) -> "Values":
        """The values of some rows, in this order; -1 stands for a missing one."""
        absent = indices < 0
        if not self.type.is_dense:
            rows = pa.array(indices, mask=absent) if absent.any() else pa.array(indices)
            return Values.sparse(self.data.take(rows), self.type)
        if not len(self):
            return Values.missing(len(indices), self.type)
        if not absent.any():
            return Values(self.data[indices], self.present[indices], self.type)
        rows = np.where(absent, 0, indices)
        return Values.dense(self.data[rows], self.present[rows] & ~absent, self.type)

    def where(self, keep: Mask) -> "Values":
        """The same rows, of which only some keep their values."""
        if keep.all():
            return self
        if self.type.is_dense:
            return Values.dense(self.data, self.present & keep, self.type)
        return self.take(np.where(keep, np.arange(len(self)), -1))

    def to_arrow(self) -> pa.Array:
        """A column of `type.arrow`, null where there is no value."""
        if not self.type.is_dense:
            return self.data
        flat = pa.array(self.data.reshape(-1))
        flat = flat.cast(TIMESTAMP) if self.type.is_time else flat
        absent = None if self.present.all() else pa.array(~self.present)
        if self.type.shape:
            return pa.FixedSizeListArray.from_arrays(flat, type=self.type.arrow, mask=absent)
        return flat if absent is None else pc.if_else(absent, pa.scalar(None, flat.type), flat)

    @classmethod
    def from_arrow(cls, array: pa.Array | pa.ChunkedArray, type_: ValueType) -> Self:
        """The values of a column of `type_.arrow`."""
        if isinstance(array, pa.ChunkedArray):
            array = array.combine_chunks()
        if not type_.is_dense:
            return cls.sparse(array, type_)
        present = _valid(array)
        flat = fixed_items(array) if type_.shape else array
        return cls.dense(to_numpy(flat).reshape(len(array), *type_.sizes), present, type_)

    @classmethod
    def concat(cls, parts: Sequence["Values"]) -> "Values":
        """The rows of several, all of one type, one after another."""
        first = parts[0]
        if len(parts) == 1:
            return first
        data = (
            np.concatenate([part.data for part in parts])
            if first.type.is_dense
            else pa.concat_arrays([part.data for part in parts])
        )
        return Values(data, np.concatenate([part.present for part in parts]), first.type)


def _valid(array: pa.Array) -> Mask:
    mask: Mask = array.is_valid().to_numpy(zero_copy_only=False).astype(np.bool_, copy=False)
    return mask


def fixed_items(array: pa.Array) -> pa.Array:
    """The elements of all lists of fixed size, those of null lists included."""
    size = array.type.list_size
    return array.values.slice(array.offset * size, len(array) * size)


def to_numpy(array: pa.Array) -> npt.NDArray[Any]:
    """Numbers, booleans or times as numpy, nulls as 0."""
    if pa.types.is_timestamp(array.type):
        array = array.cast(TIMESTAMP, safe=False).cast(pa.int64())
    if array.null_count:
        array = array.fill_null(False if pa.types.is_boolean(array.type) else 0)
    values: npt.NDArray[Any] = array.to_numpy(zero_copy_only=False)
    return values


def fill(values: Values, one: Values) -> Values:
    """The values, with that of a single row where there is none.

    Both are of one type.
    """
    if values.present.all():
        return values
    if values.type.is_dense:
        data = values.data.copy()
        data[~values.present] = one.data[0]
        return Values(data, np.ones(len(values), np.bool_), values.type)
    both = pa.concat_arrays([values.data, one.data])
    rows = np.where(values.present, np.arange(len(values)), len(values))
    return Values.sparse(both.take(pa.array(rows)), values.type)
