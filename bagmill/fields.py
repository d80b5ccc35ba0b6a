"""Reading fields of decoded messages by path: as numbers, texts and vectors, null where one is absent."""

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

XYZ = ("x", "y", "z")
XYZW = ("x", "y", "z", "w")


def type_at(kind: pa.DataType, path: str) -> pa.DataType | None:
    """The type of the field at a path like `pose.position`; None if there is none. `""` is the whole."""
    for name in path.split(".") if path else ():
        index = kind.get_field_index(name) if pa.types.is_struct(kind) else -1
        if index < 0:
            return None
        kind = kind.field(index).type
    return kind


def is_number(kind: pa.DataType | None) -> bool:
    """Whether it is an integer or a float."""
    return kind is not None and (pa.types.is_integer(kind) or pa.types.is_floating(kind))


def is_text(kind: pa.DataType | None) -> bool:
    """Whether it is a string."""
    return kind is not None and (pa.types.is_string(kind) or pa.types.is_large_string(kind))


def is_bytes(kind: pa.DataType | None) -> bool:
    """Whether it is a blob, of whatever length."""
    return kind is not None and (
        pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind)
    )


def is_list(kind: pa.DataType | None) -> bool:
    """Whether it is a list, of fixed length or not."""
    return kind is not None and (
        pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    )


def element_at(kind: pa.DataType, path: str) -> pa.DataType | None:
    """The type of the elements of the list at a path; None if there is no list."""
    inner = type_at(kind, path)
    return inner.value_type if inner is not None and is_list(inner) else None


def has_numbers(kind: pa.DataType | None, names: Sequence[str]) -> bool:
    """Whether it is a struct with numbers of these names."""
    return kind is not None and all(is_number(type_at(kind, name)) for name in names)


def is_stamp(kind: pa.DataType | None) -> bool:
    """Whether it is a time: seconds and nanoseconds, by any of their names."""
    return kind is not None and any(has_numbers(kind, names) and kind.num_fields == 2 for names in STAMPS)


STAMPS = (("sec", "nanosec"), ("sec", "nsec"), ("secs", "nsecs"), ("seconds", "nanos"))
"""ROS 2, ROS 1 and Foxglove's JSON, ROS 1's Python, protobuf."""


def column(message: pa.StructArray, path: str) -> pa.Array:
    """The values at a path; null where anything on the way is."""
    return pc.struct_field(message, path.split(".")) if path else message


def numbers(message: pa.StructArray, path: str) -> NDArray[np.float64]:
    """Numbers and booleans as floats, NaN where absent."""
    return as_floats(column(message, path))


def as_floats(values: pa.Array) -> NDArray[np.float64]:
    """Any numeric or boolean array as floats, NaN for nulls."""
    if pa.types.is_boolean(values.type):
        values = values.cast(pa.uint8())
    floats: NDArray[np.float64] = (
        values.cast(pa.float64(), safe=False).fill_null(np.nan).to_numpy(zero_copy_only=False)
    )
    return floats


def vector(message: pa.StructArray, path: str, names: Sequence[str] = XYZ) -> NDArray[np.float64]:
    """The members of a struct as columns of a (messages, members) array."""
    prefix = f"{path}." if path else ""
    return np.column_stack([numbers(message, prefix + name) for name in names])


def texts(message: pa.StructArray, path: str) -> pa.Array:
    """Strings, empty where absent."""
    return column(message, path).cast(pa.string()).fill_null("")


def lists(values: pa.Array) -> tuple[pa.Array, NDArray[np.int64]]:
    """The elements of all lists one after another, and how many each row has (none where null)."""
    if pa.types.is_fixed_size_list(values.type):
        values = values.cast(pa.list_(values.type.value_field))
    lengths = pc.list_value_length(values).fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
    return values.flatten(), lengths


def first_path(kind: pa.DataType, paths: Sequence[str], names: Sequence[str]) -> str | None:
    """The first of the paths where there is a struct with numbers of these names."""
    return next((path for path in paths if has_numbers(type_at(kind, path), names)), None)


def first_text(kind: pa.DataType, paths: Sequence[str]) -> str | None:
    """The first of the paths where there is a string."""
    return next((path for path in paths if is_text(type_at(kind, path))), None)


def members(kind: pa.StructType) -> Iterator[tuple[str, pa.DataType]]:
    """Names and types of a struct's members."""
    for index in range(kind.num_fields):
        yield kind.field(index).name, kind.field(index).type


def stamps(message: pa.StructArray, path: str) -> NDArray[np.int64] | None:
    """A time in the message as ns; None if there is none at the path, or if some message lacks it."""
    kind = type_at(message.type, path)
    names = next((names for names in STAMPS if kind is not None and has_numbers(kind, names)), None)
    if names is None or column(message, path).null_count:
        return None
    seconds, rest = (column(message, f"{path}.{name}").cast(pa.int64(), safe=False) for name in names)
    total: NDArray[np.int64] = seconds.to_numpy() * 1_000_000_000 + rest.to_numpy()
    return total
