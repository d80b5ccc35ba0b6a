"""From what stands in messages to Arrow arrays, one level of nesting below the other.

An array has a value for each row of its spots. Where nothing stands, it is null, or anything in a struct that
is null itself.
"""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from bagmill.decoders.base import Offsets
from bagmill.decoders.flatbuffer.fields import Fields
from bagmill.decoders.flatbuffer.findings import Findings, Spots
from bagmill.decoders.flatbuffer.plan import (
    OFFSET,
    Array,
    Bytes,
    Choice,
    Content,
    FieldPlan,
    Number,
    Record,
    Table,
    Vector,
)
from bagmill.decoders.places.arrays import (
    bytes_array,
    fixed_array,
    gather,
    list_array,
    number_array,
    struct_array,
)
from bagmill.decoders.places.budget import GREEDY
from bagmill.decoders.places.text import not_utf8
from bagmill.decoders.places.view import Mask, Values

_U32 = np.dtype("<u4")
_CELL = 8
"""Bytes of a cell."""


def build_columns(findings: Findings, plan: Table, spots: Spots) -> list[pa.Array]:
    """The columns of tables, of which the first 4 bytes are inside their message."""
    fields = Fields.of(findings, plan.name, spots)
    return [_field(findings, item, fields) for item in plan.fields]


def _field(findings: Findings, item: FieldPlan, fields: Fields) -> pa.Array:
    """The column of a field of tables."""
    content = item.content
    if item.kind is not None:
        return _union_field(findings, item, item.kind, fields)
    if isinstance(content, Number):
        spots = fields.spots(item.slot, content.size, item.name)
        values = np.full(spots.size, 0 if item.default is None else item.default, content.dtype)
        return _numbers(findings, content, spots, values, nullable=item.nullable)
    if isinstance(content, Record):
        spots = fields.spots(item.slot, content.size, item.name, required=item.required)
        return _record(findings, content, spots, nullable=item.nullable)
    spots = fields.spots(item.slot, OFFSET, item.name, required=item.required)
    return _behind(findings, content, findings.follow(spots, item.name), item.name, nullable=item.nullable)


def _behind(findings: Findings, content: Content, spots: Spots, name: str, *, nullable: bool) -> pa.Array:
    """What offsets point to: structs that are inside their message, or else the first 4 bytes are."""
    match content:
        case Bytes():
            return _bytes(findings, content, spots, name, nullable=nullable)
        case Vector():
            return _vector(findings, content, spots, name, nullable=nullable)
        case Table():
            columns = build_columns(findings, content, spots)
            return _struct(content.type, spots, columns, nullable=nullable)
        case Record():
            return _record(findings, content, spots, nullable=nullable)
    raise TypeError(f"no offset points to it: {content}")


def _inline(findings: Findings, content: Content, spots: Spots) -> pa.Array:
    """What stands in a struct."""
    match content:
        case Number():
            return _numbers(findings, content, spots, np.zeros(spots.size, content.dtype))
        case Record():
            return _record(findings, content, spots)
        case Array():
            return _array(findings, content, spots)
    raise TypeError(f"not in a struct: {content}")


def _numbers(
    findings: Findings, content: Number, spots: Spots, values: Values, *, nullable: bool = False
) -> pa.Array:
    """Numbers; `values` are those where none stand."""
    values[_index(spots)] = _as(content, findings.view.windows(spots.at, content.size))[:, 0]
    return number_array(content.type, values, _present(spots) if nullable else None)


def _record(findings: Findings, content: Record, spots: Spots, *, nullable: bool = False) -> pa.Array:
    columns = [_inline(findings, part.content, spots.moved(spots.at + part.at)) for part in content.parts]
    return _struct(content.type, spots, columns, nullable=nullable)


def _array(findings: Findings, content: Array, spots: Spots) -> pa.Array:
    element = content.element
    if isinstance(element, Number):
        values = np.zeros((spots.size, content.count), element.dtype)
        values[_index(spots)] = _as(element, findings.view.windows(spots.at, content.size))
        if pa.types.is_fixed_size_binary(content.type):
            return fixed_array(content.type, spots.size, values)
        return struct_array(content.type, spots.size, [number_array(element.type, values.reshape(-1))])
    counts = np.full(spots.at.size, content.count)
    inner = _elements(spots, counts, element.size)
    if spots.rows is not None:
        rows = np.add.outer(spots.rows * content.count, np.arange(content.count)).reshape(-1)
        inner = inner._replace(rows=rows, size=spots.size * content.count)
    return struct_array(content.type, spots.size, [_record(findings, element, inner)])


def _bytes(findings: Findings, content: Bytes, spots: Spots, name: str, *, nullable: bool) -> pa.Array:
    spots, counts = _counted(findings, spots, 1, 1 / _CELL, name)
    data = gather(findings.view.buffer, spots.at, spots.at + counts)
    if content.text and (wrong := not_utf8(counts, data)).size:
        good = np.ones(counts.size, np.bool_)
        good[wrong] = False
        findings.keep(spots, good, f"{name} is no UTF-8")
    return bytes_array(content.type, _spread(spots, counts), data, _present(spots) if nullable else None)


def _vector(findings: Findings, content: Vector, spots: Spots, name: str, *, nullable: bool) -> pa.Array:
    element = content.element
    size = element.size if isinstance(element, Number | Record) else OFFSET
    cells = size / _CELL if isinstance(element, Number) else content.cells
    spots, counts = _counted(findings, spots, size, cells, name)
    if isinstance(element, Number):
        data = gather(findings.view.buffer, spots.at, spots.at + counts * size)
        values = number_array(element.type, _as(element, data.reshape(-1, size))[:, 0])
    elif isinstance(element, Record):
        values = _record(findings, element, _elements(spots, counts, size))
    else:
        inner = findings.follow(_elements(spots, counts, size), name)
        values = _behind(findings, element, inner, name, nullable=False)
    return list_array(content.type, _spread(spots, counts), values, _present(spots) if nullable else None)


def _union_field(findings: Findings, item: FieldPlan, kind: int, fields: Fields) -> pa.Array:
    """The column of a union or of a vector of them, which are two fields: what each is, and each."""
    name, required = item.name, item.required
    values = fields.spots(item.slot, OFFSET, name, required=required)
    if isinstance(item.content, Vector):
        kinds = findings.follow(fields.spots(kind, OFFSET, name, required=required), name)
        return _unions(findings, item, kinds, findings.follow(values, name))
    assert isinstance(item.content, Choice)
    spots = fields.spots(kind, 1, name, required=required)
    numbers = np.zeros(spots.size, np.uint8)
    numbers[_index(spots)] = findings.view.bytes(spots.at)
    if required:
        findings.keep(spots, numbers[_index(spots)] > 0, f"{name} is missing, which is required")
    return _choice(findings, item.content, numbers, values, name, None if required else numbers > 0)


def _unions(findings: Findings, item: FieldPlan, kinds: Spots, values: Spots) -> pa.Array:
    content, name = item.content, item.name
    assert isinstance(content, Vector)
    assert isinstance(content.element, Choice)
    kinds, kind_counts = _counted(findings, kinds, 1, 1 / _CELL, name)
    values, counts = _counted(findings, values, OFFSET, content.cells, name)
    same = _spread(kinds, kind_counts + 1) == _spread(values, counts + 1)
    good, reason = same[_index(kinds)], f"{name} has not as many kinds as values"
    kinds, kind_counts = findings.keep(kinds, good, reason), kind_counts[good]
    good = same[_index(values)]
    values, counts = findings.keep(values, good, reason), counts[good]
    numbers = gather(findings.view.buffer, kinds.at, kinds.at + kind_counts)
    elements = _choice(findings, content.element, numbers, _elements(values, counts, OFFSET), name, None)
    present = _present(values) if item.nullable else None
    return list_array(content.type, _spread(values, counts), elements, present)


def _choice(
    findings: Findings,
    content: Choice,
    kinds: npt.NDArray[np.uint8],
    values: Spots,
    name: str,
    present: Mask | None,
) -> pa.Array:
    """Unions, of which each row has a kind; `values`: where the offsets to values stand."""
    own = kinds[_index(values)]
    members = [number_array(pa.uint8(), kinds)]
    for label, case in content.cases:
        size = case.size if isinstance(case, Record) else OFFSET
        spots = findings.follow(values.pick(own == label), name, size)
        members.append(_behind(findings, case, spots, name, nullable=True))
    return struct_array(content.type, kinds.size, members, present)


def _counted(findings: Findings, spots: Spots, size: int, cells: float, name: str) -> tuple[Spots, Offsets]:
    """Where the elements of vectors begin, and how many there are; `size`: bytes of each in the message."""
    counts = findings.view.numbers(spots.at, _U32).astype(np.int64)
    spots = spots.moved(spots.at + OFFSET)
    good = findings.are_inside(spots, counts * size)
    spots, counts = findings.keep(spots, good, f"{name} reaches beyond the message"), counts[good]
    good = findings.affordable(spots, np.ceil(counts * cells), counts)
    return findings.keep(spots, good, GREEDY), counts[good]


def _elements(spots: Spots, counts: Offsets, size: int) -> Spots:
    """Where each element of vectors is, one after the other."""
    total = int(counts.sum())
    before = np.cumsum(counts) - counts
    at = np.repeat(spots.at - before * size, counts) + np.arange(total) * size
    messages = np.arange(counts.size) if spots.messages is None else spots.messages
    return Spots(at, None, np.repeat(messages, counts), total)


def _struct(kind: pa.DataType, spots: Spots, columns: list[pa.Array], *, nullable: bool = False) -> pa.Array:
    if not columns:
        columns = [number_array(pa.uint8(), np.zeros(spots.size, np.uint8))]
    return struct_array(kind, spots.size, columns, _present(spots) if nullable else None)


def _as(content: Number, windows: npt.NDArray[np.uint8]) -> Values:
    """Bytes, some numbers in each row, as numbers."""
    return windows != 0 if content.dtype == np.bool_ else windows.view(content.dtype)


def _index(spots: Spots) -> Offsets | slice:
    return slice(None) if spots.rows is None else spots.rows


def _present(spots: Spots) -> Mask | None:
    """In which rows something stands; None: in all."""
    if spots.rows is None:
        return None
    present: Mask = np.zeros(spots.size, np.bool_)
    present[spots.rows] = True
    return present


def _spread(spots: Spots, counts: Offsets) -> Offsets:
    """A count for each row, 0 where nothing stands."""
    if spots.rows is None:
        return counts
    spread: Offsets = np.zeros(spots.size, np.int64)
    spread[spots.rows] = counts
    return spread
