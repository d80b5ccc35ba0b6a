"""Reading many messages at once with `pyarrow.json`, and making of its columns what the topic's columns are.

What is invalid, does not fit the type, has a member twice or one that is unknown is an error there; a caller
finds the message that it comes from by reading fewer at a time. What it reads otherwise than Python's parser
is found here:

- `Inf`, `-Inf` and `-NaN` are no JSON for Python, and an integer of 400 digits is beyond float64 for us; for
  it they are infinities and NaN.
- `-0` is an integer, so 0 for Python; as a float it is -0.0 for it.
- `1.0` may stand where a schema says integer; it must be read as a number first.
"""

import binascii
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.json as pj

from bagmill.decoders.json.lines import Lines, Numbers
from bagmill.decoders.json.text import MAX_LEVELS
from bagmill.decoders.values import decode_base64
from bagmill.schemas.arrow import arrow_schema
from bagmill.schemas.tree import Kind, Primitive, Sequence, Struct, Type, leaves

_MINUS_ZERO = rb"-0[^.0-9eE]"
_NO_NUMBER = rb"-NaN|Inf[^i]|[0-9]{300}"
_EXACT = 2.0**53
"""Below it, each whole float is the one integer that it was written as."""

_MOST_BYTES = 1 << 30
_MOST_CELLS = 4 << 20
"""Cells, rows times columns, that are read at a time."""

_PLAIN = {
    Kind.BOOL: pa.bool_(),
    Kind.INT64: pa.int64(),
    Kind.UINT64: pa.uint64(),
    Kind.FLOAT64: pa.float64(),
    Kind.STRING: pa.string(),
    Kind.BINARY: pa.string(),  # base64
}
_LOOSE = _PLAIN | {Kind.INT64: pa.float64(), Kind.UINT64: pa.float64()}


class _Misfit(Exception):
    """Something among what was read is not of its type."""


@dataclass(frozen=True, slots=True)
class Columns:
    """What was read: an array for each field of the plan's root. `wrong`: rows that must not be taken."""

    arrays: list[pa.Array]
    wrong: Numbers

    def right(self) -> list[pa.Array]:
        """The arrays without the wrong rows."""
        if not self.wrong.size:
            return self.arrays
        keep = np.ones(len(self.arrays[0]), np.bool_)
        keep[self.wrong] = False
        return [array.filter(pa.array(keep)) for array in self.arrays]


@dataclass(frozen=True, slots=True)
class Read:
    """Columns that were read of lines up to `last`, and the schema that they were read with."""

    last: int
    schema: pa.Schema
    columns: Columns


class Plan:
    """How messages of a type are read, with `schema`. `most`: lines that may be read at a time."""

    def __init__(self, root: Struct) -> None:
        self.root = root
        self.most = max(1, _MOST_CELLS // leaves(root))
        self._fields = arrow_schema(root)
        self.schema, loose = _schema(root, _PLAIN), _schema(root, _LOOSE)
        self._schemas = [self.schema] if loose == self.schema else [self.schema, loose]

    def look(self, lines: Lines, first: int, last: int) -> Columns | None:
        """Read the lines `first` to `last` as they are; None if one of them can't be read so."""
        try:
            return _read(self.schema, lines, first, last)
        except pa.ArrowInvalid:
            return None

    def decode(self, lines: Lines, first: int, last: int, known: Read | None = None) -> Columns | None:
        """Read lines into the arrays of the topic's columns; None if one of them can't be read so.

        `known`: what a plan read of these lines before.
        """
        for schema in self._schemas:
            try:
                read = (
                    known.columns if known and known.schema == schema else _read(schema, lines, first, last)
                )
                columns = Columns(self._converted(read.arrays), read.wrong)
            except pa.ArrowInvalid as error:
                if not str(error).startswith("Failed to convert"):
                    return None
            except (_Misfit, binascii.Error):
                continue
            else:
                self._schemas.remove(schema)
                self._schemas.insert(0, schema)  # likely to work for the next lines too
                return columns
        return None

    def _converted(self, read: list[pa.Array]) -> list[pa.Array]:
        return [
            _convert(item.type, array, field.type)
            for item, array, field in zip(self.root.fields, read, self._fields, strict=True)
        ]


def make_plan(root: Type) -> Plan | None:
    """The plan for a type; None where `pyarrow.json` has no such type: several types at a place, and maps."""
    simple = (
        isinstance(root, Struct) and bool(root.fields) and _is_simple(root) and _levels(root) <= MAX_LEVELS
    )
    return Plan(root) if isinstance(root, Struct) and simple else None


def _is_simple(node: Type) -> bool:
    match node:
        case Primitive(kind=kind):
            return kind in _PLAIN
        case Sequence(element=element, size=None):
            return _is_simple(element)
        case Struct(fields=fields, variant=False):
            return all(_is_simple(item.type) for item in fields)
        case _:
            return False


def _levels(node: Type) -> int:
    """Most levels of arrays and objects of a message of this type."""
    match node:
        case Sequence(element=element):
            return 1 + _levels(element)
        case Struct(fields=fields):
            return 1 + max((_levels(item.type) for item in fields), default=0)
        case _:
            return 0


def _schema(root: Struct, scalars: dict[Kind, pa.DataType]) -> pa.Schema:
    return pa.schema([(item.name, _type(item.type, scalars)) for item in root.fields])


def _type(node: Type, scalars: dict[Kind, pa.DataType]) -> pa.DataType:
    match node:
        case Primitive(kind=kind):
            return scalars[kind]
        case Sequence(element=element):
            return pa.list_(_type(element, scalars))
        case Struct(fields=fields):
            return pa.struct([(item.name, _type(item.type, scalars)) for item in fields])
    raise TypeError(f"no plan reads {node}")


def _read(schema: pa.Schema, lines: Lines, first: int, last: int) -> Columns:
    """Read lines.

    Raises:
        pa.ArrowInvalid: they do not fit the schema, or are not as many objects as lines.
    """
    text = lines.slice(first, last)
    if text.size > _MOST_BYTES:
        raise pa.ArrowInvalid("too much to be read at once")
    table = pj.read_json(
        pa.BufferReader(text),
        pj.ReadOptions(use_threads=False, block_size=text.size + 1),
        pj.ParseOptions(explicit_schema=schema, unexpected_field_behavior="error"),
    )
    if table.num_rows != last - first or table.schema != schema:
        raise pa.ArrowInvalid("a line is not one object")
    arrays = [item.chunk(0) if item.num_chunks == 1 else item.combine_chunks() for item in table.columns]
    return Columns(arrays, np.unique(np.concatenate([*_wrong(arrays, lines, first, last)])))


def _wrong(read: list[pa.Array], lines: Lines, first: int, last: int) -> Iterator[Numbers]:
    """Rows with what Python's parser would read as something else, and perhaps some others."""
    yield np.zeros(0, np.int64)
    floats = [values for array in read for values in _floats(array)]
    with np.errstate(all="ignore"):
        if not all(np.isfinite(values.sum()) for values in floats):
            yield lines.matching(_NO_NUMBER, first, last)
    lowest = np.iinfo(np.int64).min  # the bits of -0.0
    if any(values.view(np.int64).min() == lowest for values in floats):
        yield lines.matching(_MINUS_ZERO, first, last)


def _floats(array: pa.Array) -> Iterator[npt.NDArray[np.float64]]:
    """The values of all float columns, none of them empty; where null is, there is any value."""
    if pa.types.is_float64(array.type) and len(array):
        yield np.frombuffer(array.buffers()[1], np.float64, len(array), 8 * array.offset)
    elif pa.types.is_list(array.type):
        yield from _floats(array.values)
    elif pa.types.is_struct(array.type):
        for place in range(array.type.num_fields):
            yield from _floats(array.field(place))


def _convert(node: Type, array: pa.Array, wanted: pa.DataType) -> pa.Array:
    """Make the array of a column's type from what was read."""
    if array.type.equals(wanted, check_metadata=True):
        return array
    match node:
        case Primitive(kind=Kind.BINARY):
            return _from_base64(array)
        case Primitive():
            return _to_integers(array, wanted)
        case Sequence(element=element):
            return _rebuilt(array, wanted, [_convert(element, array.values, wanted.value_type)])
        case Struct(fields=()):
            return _rebuilt(array, wanted, [pa.array(np.zeros(len(array), np.uint8))])
        case Struct(fields=fields):
            inner = [
                _convert(item.type, array.field(place), wanted.field(place).type)
                for place, item in enumerate(fields)
            ]
            return _rebuilt(array, wanted, inner)
    raise TypeError(f"no plan reads {node}")


def _rebuilt(array: pa.Array, wanted: pa.DataType, children: list[pa.Array]) -> pa.Array:
    assert array.offset == 0  # else the children of a struct would be out of step with its validity
    own = array.buffers()[: wanted.num_buffers]
    return pa.Array.from_buffers(wanted, len(array), own, array.null_count, children=children)


def _from_base64(array: pa.Array) -> pa.Array:
    validity, _, data = array.buffers()
    offsets = _offsets(array)
    view = memoryview(data if data is not None else b"")
    values = [
        decode_base64(view[first:last])
        for first, last in zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True)
    ]
    lengths = np.zeros(len(array) + 1, np.int32)
    np.cumsum([len(value) for value in values], out=lengths[1:])
    buffers = [validity, pa.py_buffer(lengths), pa.py_buffer(b"".join(values))]
    return pa.Array.from_buffers(pa.binary(), len(array), buffers, array.null_count)


def _offsets(array: pa.Array) -> npt.NDArray[np.int32]:
    return np.frombuffer(array.buffers()[1], np.int32, len(array) + 1, 4 * array.offset)


def _to_integers(array: pa.Array, wanted: pa.DataType) -> pa.Array:
    """Whole floats as integers: JSON Schema counts 1.0 as one."""
    values = next(_floats(array), np.zeros(0))
    whole = (np.trunc(values) == values) & (np.abs(values) < _EXACT)
    if not whole.all() or (pa.types.is_uint64(wanted) and (values < 0).any()):
        raise _Misfit
    numbers = values.astype(np.int64).astype(wanted.to_pandas_dtype())
    buffers = [array.buffers()[0], pa.py_buffer(numbers)]
    return pa.Array.from_buffers(wanted, len(array), buffers, array.null_count)
