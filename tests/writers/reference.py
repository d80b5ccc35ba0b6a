"""What the features of a row must be, worked out value by value, with nothing of what writes them."""

import re
import struct
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

EXACT = {"time", "timestamp", "stamp", "latitude", "seconds"}

Features = dict[str, tuple[str, list[Any]]]
"""By name: the kind of list, and its values."""


@dataclass(frozen=True)
class Place:
    """Where a column stands; `number`: of the next list in a list of this name."""

    key: str
    nullable: bool
    in_list: bool = False
    number: int = 1


def row_features(row: dict[str, Any], schema: pa.Schema) -> Features:
    """The features of a row of a table as Python has it."""
    found: Features = {}
    for field in schema:
        if field.name != "log_time":
            name = "publish_time_ns" if field.name == "publish_time" else field.name
            _collect(found, field.type, [row[field.name]], Place(name, field.nullable))
    return found


def _collect(found: Features, kind: pa.DataType, values: list[Any], place: Place) -> None:
    """Add the features of a column; `values` are all that it has in a row."""
    if not place.in_list and values[0] is None:
        return
    below: list[Any]
    if pa.types.is_struct(kind):
        for member in kind:
            below = [value[member.name] if value else None for value in values]
            nullable = member.nullable or (place.in_list and place.nullable)
            _collect(found, member.type, below, Place(f"{place.key}/{member.name}", nullable, place.in_list))
    elif pa.types.is_fixed_size_list(kind):
        size = kind.list_size
        below = [item for value in values for item in ([None] * size if value is None else value)]
        nullable = kind.value_field.nullable or (place.in_list and place.nullable)
        _collect(found, kind.value_type, below, replace(place, nullable=nullable, in_list=True))
    elif pa.types.is_map(kind) or pa.types.is_list(kind):
        _lengths(found, values, place)
        number = place.number + place.in_list
        below = [item for value in values for item in value or []]
        if pa.types.is_map(kind):
            for name, part, nullable in (("key", 0, False), ("value", 1, kind.item_field.nullable)):
                child = kind.item_type if part else kind.key_type
                _collect(found, child, [i[part] for i in below], Place(f"{place.key}/{name}", nullable, True))
        else:
            inside = Place(place.key, kind.value_field.nullable, True, number)
            _collect(found, kind.value_type, below, inside)
    else:
        _leaf(found, kind, values, place)


def _lengths(found: Features, values: list[Any], place: Place) -> None:
    if place.in_list:
        key = f"{place.key}/row_lengths" + (f"_{place.number}" if place.number > 1 else "")
        lengths = [None if value is None else len(value) for value in values]
        _leaf(found, pa.int64(), lengths, replace(place, key=key))


def _leaf(found: Features, kind: pa.DataType, values: list[Any], place: Place) -> None:
    name = place.key.rpartition("/")[2]
    found[place.key] = _stored(kind, name, None)[0], [_stored(kind, name, value)[1] for value in values]
    if place.in_list and None in values:
        found[f"{place.key}/valid"] = ("int64_list", [int(value is not None) for value in values])


def _stored(kind: pa.DataType, name: str, value: Any) -> tuple[str, Any]:
    if pa.types.is_float64(kind) and EXACT & {word.lower() for word in re.split(r"_|(?=[A-Z])", name)}:
        return "int64_list", struct.unpack("<q", struct.pack("<d", 0.0 if value is None else value))[0]
    if pa.types.is_floating(kind):
        return "float_list", _float32(0.0 if value is None else value)
    if pa.types.is_string(kind):
        return "bytes_list", (value or "").encode()
    if pa.types.is_binary(kind) or pa.types.is_fixed_size_binary(kind):
        return "bytes_list", value or b""
    if pa.types.is_timestamp(kind):
        return "int64_list", value.value if value is not None else 0
    number = int(value or 0)
    return "int64_list", number - 2**64 if number >= 2**63 else number


def _float32(value: float) -> float:
    try:
        return float(struct.unpack("<f", struct.pack("<f", value))[0])
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")
