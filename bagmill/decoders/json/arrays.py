"""From arrays as they were read to those of a topic's columns."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from bagmill.decoders.json.reading import floats
from bagmill.decoders.values import decode_base64
from bagmill.schemas.tree import Kind, Primitive, Sequence, Struct, Type

_EXACT = 2.0**53
"""Below it, each whole float is the one integer that it was written as."""


class Misfit(Exception):
    """Something among what was read is not of its type."""


def convert(node: Type, array: pa.Array, wanted: pa.DataType) -> pa.Array:
    """Make the array of a column's type from what was read."""
    if array.type.equals(wanted, check_metadata=True):
        return array
    match node:
        case Primitive(kind=Kind.BINARY):
            return _from_base64(array)
        case Primitive():
            return _to_integers(array, wanted)
        case Sequence(element=element):
            return _rebuilt(array, wanted, [convert(element, array.values, wanted.value_type)])
        case Struct(variant=True):
            return _to_variant(node, array, wanted)
        case Struct(fields=()):
            return _rebuilt(array, wanted, [pa.array(np.zeros(len(array), np.uint8))])
        case Struct(fields=fields):
            inner = [
                convert(item.type, array.field(place), wanted.field(place).type)
                for place, item in enumerate(fields)
            ]
            return _rebuilt(array, wanted, inner)
    raise TypeError(f"no plan reads {node}")


def _rebuilt(array: pa.Array, wanted: pa.DataType, children: list[pa.Array]) -> pa.Array:
    assert array.offset == 0  # else the children of a struct would be out of step with its validity
    own = array.buffers()[: wanted.num_buffers]
    return pa.Array.from_buffers(wanted, len(array), own, array.null_count, children=children)


def _to_variant(node: Struct, array: pa.Array, wanted: pa.StructType) -> pa.Array:
    """Values of one type in the member of a variant that is for them, null in all others."""
    name = _name(array.type)
    if array.null_count < len(array) and name not in {item.name for item in node.fields}:
        raise Misfit
    children = [
        convert(item.type, array, wanted.field(place).type)
        if item.name == name
        else pa.nulls(len(array), wanted.field(place).type)
        for place, item in enumerate(node.fields)
    ]
    return pa.Array.from_buffers(
        wanted, len(array), [array.buffers()[0]], array.null_count, children=children
    )


def _name(read: pa.DataType) -> str:
    """What a variant's member for values that were read so is called."""
    names = {pa.string(): "string", pa.bool_(): "boolean", pa.float64(): "number"}
    return names.get(read) or (
        "object" if pa.types.is_struct(read) else "array" if pa.types.is_list(read) else "integer"
    )


def _from_base64(array: pa.Array) -> pa.Array:
    validity, _, data = array.buffers()
    offsets = _offsets(array)
    view = memoryview(data if data is not None else b"")
    try:
        values = [
            decode_base64(view[first:last])
            for first, last in zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True)
        ]
    except ValueError:
        raise Misfit from None
    lengths = np.zeros(len(array) + 1, np.int32)
    np.cumsum([len(value) for value in values], out=lengths[1:])
    buffers = [validity, pa.py_buffer(lengths), pa.py_buffer(b"".join(values))]
    return pa.Array.from_buffers(pa.binary(), len(array), buffers, array.null_count)


def _offsets(array: pa.Array) -> npt.NDArray[np.int32]:
    return np.frombuffer(array.buffers()[1], np.int32, len(array) + 1, 4 * array.offset)


def _to_integers(array: pa.Array, wanted: pa.DataType) -> pa.Array:
    """Whole floats as integers: JSON Schema counts 1.0 as one."""
    values = next(floats(array), np.zeros(0))
    whole = (np.trunc(values) == values) & (np.abs(values) < _EXACT)
    if not whole.all() or (pa.types.is_uint64(wanted) and (values < 0).any()):
        raise Misfit
    numbers = values.astype(np.int64).astype(wanted.to_pandas_dtype())
    buffers = [array.buffers()[0], pa.py_buffer(numbers)]
    return pa.Array.from_buffers(wanted, len(array), buffers, array.null_count)
