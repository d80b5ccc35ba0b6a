"""What stands at the end of a path: numbers, texts, and the structs that are one value."""

from collections.abc import Sequence
from enum import Enum

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bagmill.dataset.values import RAW_IMAGE, TIMESTAMP, Mask, Values, ValueType, to_numpy
from bagmill.fields import XYZW, is_bytes, is_number, is_stamp, is_text, type_at

_RAW = ("height", "width", "encoding", "step", "data")
_BESIDE = frozenset({"header", "timestamp", "frame_id"})
_NANOSECONDS = 1_000_000_000


class StructKind(Enum):
    """Structs that are one value."""

    STAMP = "a time"
    QUATERNION = "a quaternion"
    VECTOR = "numbers"
    RAW_IMAGE = "an image"
    COMPRESSED_IMAGE = "a compressed image"
    OTHER = "something else"


def struct_kind(kind: pa.StructType) -> StructKind:
    """Which of them a struct is, by the names and types of its fields."""
    names = [field.name for field in kind]
    if is_stamp(kind):
        return StructKind.STAMP
    if names and all(is_number(field.type) for field in kind):
        return StructKind.QUATERNION if sorted(names) == sorted(XYZW) else StructKind.VECTOR
    if set(_RAW) <= set(names) and is_bytes(type_at(kind, "data")) and is_text(type_at(kind, "encoding")):
        return StructKind.RAW_IMAGE
    if set(names) - _BESIDE == {"format", "data"} and is_bytes(type_at(kind, "data")):
        return StructKind.COMPRESSED_IMAGE
    return StructKind.OTHER


def leaf_type(kind: pa.DataType) -> ValueType | None:
    """The type of the values of a field that is no list; None if no column can hold them."""
    if pa.types.is_boolean(kind) or pa.types.is_integer(kind):
        return ValueType(kind)
    if pa.types.is_floating(kind):
        return ValueType(pa.float32() if pa.types.is_float16(kind) else kind)
    if pa.types.is_timestamp(kind):
        return ValueType(TIMESTAMP)
    if is_text(kind):
        return ValueType(pa.string())
    if is_bytes(kind):
        return ValueType(pa.binary())
    return _struct_type(kind) if pa.types.is_struct(kind) else None


def _struct_type(kind: pa.StructType) -> ValueType | None:
    match struct_kind(kind):
        case StructKind.STAMP:
            return ValueType(TIMESTAMP)
        case StructKind.QUATERNION:
            return ValueType(_common(kind), (4,), rotation=True)
        case StructKind.VECTOR:
            return ValueType(_common(kind), (kind.num_fields,))
        case StructKind.RAW_IMAGE:
            return ValueType(RAW_IMAGE, image=True)
        case StructKind.COMPRESSED_IMAGE:
            return ValueType(pa.binary(), image=True)
    return None


def _common(kind: pa.StructType) -> pa.DataType:
    """One type for all numbers of a struct."""
    found = np.result_type(*[leaf.numpy for field in kind if (leaf := leaf_type(field.type))])
    return pa.from_numpy_dtype(found)


def read_leaf(values: pa.Array, type_: ValueType) -> Values:
    """The values of a field that is no list."""
    if pa.types.is_struct(values.type):
        return _read_struct(values, type_)
    if type_.is_dense:
        return Values.dense(to_numpy(values), _valid(values), type_)
    return Values.sparse(values if values.type == type_.element else values.cast(type_.element), type_)


def _read_struct(values: pa.StructArray, type_: ValueType) -> Values:
    match struct_kind(values.type):
        case StructKind.STAMP:
            return _read_stamp(values, type_)
        case StructKind.RAW_IMAGE:
            return Values.sparse(_raw_image(values), type_)
        case StructKind.COMPRESSED_IMAGE:
            return Values.sparse(pc.struct_field(values, ["data"]).cast(pa.binary()), type_)
        case StructKind.QUATERNION:
            return _read_vector(values, XYZW, type_)
    return _read_vector(values, [field.name for field in values.type], type_)


def _read_vector(values: pa.StructArray, names: Sequence[str], type_: ValueType) -> Values:
    members = [pc.struct_field(values, [name]) for name in names]
    data = np.stack([to_numpy(member) for member in members], axis=-1)
    present = np.logical_and.reduce([_valid(member) for member in members])
    return Values.dense(data, present, type_)


def _read_stamp(values: pa.StructArray, type_: ValueType) -> Values:
    seconds, rest = (pc.struct_field(values, [field.name]) for field in values.type)
    total = to_numpy(seconds).astype(np.int64) * _NANOSECONDS + to_numpy(rest).astype(np.int64)
    return Values.dense(total, _valid(seconds) & _valid(rest), type_)


def _raw_image(values: pa.StructArray) -> pa.StructArray:
    big = values.type.get_field_index("is_bigendian")
    parts = {name: pc.struct_field(values, [name]) for name in _RAW}
    flags = (
        pa.array(np.zeros(len(values), np.bool_))
        if big < 0
        else pc.struct_field(values, [big]).cast(pa.int64(), safe=False).cast(pa.bool_())
    )
    columns = [
        flags if field.name == "big_endian" else parts[field.name].cast(field.type, safe=False)
        for field in RAW_IMAGE
    ]
    absent = ~np.logical_and.reduce([_valid(part) for part in parts.values()])
    return pa.StructArray.from_arrays(columns, fields=list(RAW_IMAGE), mask=pa.array(absent))


def _valid(values: pa.Array) -> Mask:
    mask: Mask = values.is_valid().to_numpy(zero_copy_only=False).astype(np.bool_, copy=False)
    return mask


_MOST_TEXT = 80


def type_text(kind: pa.DataType) -> str:
    """A type for people."""
    if pa.types.is_struct(kind):
        names = ", ".join(f"`{field.name}`" for field in kind)
        return f"a message with {names}" if len(names) <= _MOST_TEXT else "a message"
    if pa.types.is_map(kind):
        return "a map"
    if hasattr(kind, "value_type"):
        size = f"{kind.list_size} " if pa.types.is_fixed_size_list(kind) else ""
        return f"a list of {size}elements ({type_text(kind.value_type)})"
    return f"{kind}"
