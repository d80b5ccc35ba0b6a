"""From what stands in messages to Arrow arrays, one level of nesting below the other."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from bagmill.decoders.base import Offsets
from bagmill.decoders.places.arrays import bytes_array, gather, list_array, number_array, struct_array
from bagmill.decoders.places.text import not_utf8
from bagmill.decoders.places.view import Mask
from bagmill.decoders.protobuf.account import Account
from bagmill.decoders.protobuf.level import Level, Pieces, Place
from bagmill.decoders.protobuf.numbers import convert, packed_numbers
from bagmill.decoders.protobuf.plan import FieldPlan, MessagePlan, Number
from bagmill.kernels import call, indices


def build_columns(account: Account, plan: MessagePlan, place: Place) -> list[pa.Array]:
    """The columns of a type of message. What is absent is null, or its default where it can't be.

    Rows of messages that the account calls doubtful or greedy in the end hold anything.
    """
    level = Level(account, plan, place)
    columns, present = [], []
    for item in plan.fields:
        column, there = _lists(level, item) if item.repeated else _singles(level, item)
        columns.append(column)
        present.append(there)
    for choice in plan.choices:
        _check_choice(level, [present[member] for member in choice])
    return columns


def _check_choice(level: Level, present: list[Mask | None]) -> None:
    """Doubt messages with several members of a oneof: which was the last is not known here."""
    if len(present) > 1:
        times = np.zeros(level.place.size, np.int64)
        for mask in present:
            times += 1 if mask is None else mask
        level.mark(level.account.doubtful, np.flatnonzero(times > 1))


def _singles(level: Level, item: FieldPlan) -> tuple[pa.Array, Mask | None]:
    """The column of a field that is no list, and in which rows it is; None: in all."""
    if isinstance(item.content, Number):
        values, present = level.numbers(item, item.content)
        return number_array(item.type, values, present if item.presence else None), present
    first, last, present = level.pieces(item)
    shown = present if item.presence else None
    rows = np.arange(first.size) if present is None else np.flatnonzero(present)
    if present is not None:
        first, last = first[rows], last[rows]
    pieces = Pieces(rows, first, last)
    if item.content is None:
        sizes = np.zeros(level.place.size, np.int64)
        sizes[rows] = last - first
        return _bytes(level, item, item.type, pieces, sizes, shown), present
    place = level.place
    below = Place(first, last, None if present is None else rows, place.size, place.origin, place.depth + 1)
    return _structs(level.account, item.type, item.content, below, shown), present


def _bytes(
    level: Level,
    item: FieldPlan,
    kind: pa.DataType,
    pieces: Pieces,
    sizes: Offsets,
    present: Mask | None = None,
) -> pa.Array:
    """Strings or bytes of these sizes. `pieces` are those of any size but 0, and maybe some of these."""
    data = gather(level.account.view.buffer, pieces.first, pieces.last)
    if item.text:
        wrong = not_utf8(pieces.last - pieces.first, data)
        level.mark(level.account.doubtful, pieces.rows[wrong])
    return bytes_array(kind, sizes, data, present)


def _structs(
    account: Account, kind: pa.DataType, plan: MessagePlan, place: Place, present: Mask | None = None
) -> pa.Array:
    columns = build_columns(account, plan, place)
    if not columns:
        columns = [number_array(pa.uint8(), np.zeros(place.size, np.uint8))]
    return struct_array(kind, place.size, columns, present)


def _lists(level: Level, item: FieldPlan) -> tuple[pa.Array, None]:
    """The column of a list or a map."""
    if isinstance(item.content, Number):
        counts, values = _listed_numbers(level, item, item.content)
        return list_array(item.type, counts, number_array(item.type.value_type, values)), None
    if item.content is None:
        pieces = level.found_pieces(item.slot)
        rows = pieces.rows
        elements = _bytes(level, item, item.type.value_type, pieces, pieces.last - pieces.first)
    else:
        rows, elements = _listed_messages(level, item, item.content)
    return list_array(item.type, np.bincount(rows, minlength=level.place.size), elements), None


def _listed_numbers(level: Level, item: FieldPlan, number: Number) -> tuple[Offsets, npt.NDArray[Any]]:
    """How many numbers the list of each row has, and the numbers."""
    rows, wire = level.found_numbers(item.slot)
    assert item.packed is not None
    packed = level.found_pieces(item.packed)
    if not packed.rows.size:
        rows, values = level.named(number, rows, convert(number, wire))
        return np.bincount(rows, minlength=level.place.size), values
    # Both forms in a topic are rare, and in one list they would have to be put into order.
    level.mark(level.account.doubtful, rows)
    values, counts, bad = packed_numbers(number, level.account.view, packed.first, packed.last)
    level.mark(level.account.doubtful, packed.rows[bad])
    if number.named is not None:
        rows, values = level.named(number, np.repeat(packed.rows, counts), values)
        return np.bincount(rows, minlength=level.place.size), values
    totals = np.zeros(level.place.size, np.int64)
    np.add.at(totals, packed.rows, counts)
    return totals, values


def _listed_messages(level: Level, item: FieldPlan, plan: MessagePlan) -> tuple[Offsets, pa.Array]:
    """The rows that the messages of all lists, or the entries of all maps, stand in; and these."""
    rows, first, last = level.found_pieces(item.slot)
    origins = level.origins(rows)
    allowed = level.account.budget.spend(origins, plan.cells)
    if allowed is not None:
        rows, first, last, origins = (values[allowed] for values in (rows, first, last, origins))
    place = Place(first, last, None, rows.size, origins, level.place.depth + 1)
    if not item.map:
        return rows, _structs(level.account, item.type.value_type, plan, place)
    kind = pa.struct([item.type.key_field, item.type.item_field])
    return rows, _sorted_by_key(level, rows, _structs(level.account, kind, plan, place))


def _sorted_by_key(level: Level, rows: Offsets, entries: pa.StructArray) -> pa.StructArray:
    """Entries of maps in the order of their keys. Maps with a key twice are doubtful."""
    ranks = _ranks(entries.field(0))
    order = np.lexsort((ranks, rows))
    same = (rows[1:] == rows[:-1]) & (ranks[order[1:]] == ranks[order[:-1]])
    level.mark(level.account.doubtful, rows[1:][same])
    if (order == np.arange(order.size)).all():
        return entries
    return call("take", entries, indices(order))


def _ranks(keys: pa.Array) -> npt.NDArray[Any]:
    """Numbers that are in the same order as keys."""
    if not pa.types.is_string(keys.type):
        return np.asarray(keys.to_numpy(zero_copy_only=False))
    coded = call("dictionary_encode", keys.view(pa.binary()))
    ranks = np.empty(len(coded.dictionary), np.int64)
    ranks[call("array_sort_indices", coded.dictionary).to_numpy()] = np.arange(ranks.size)
    places: Offsets = coded.indices.to_numpy()
    return ranks[places]
