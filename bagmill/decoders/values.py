"""Checking and converting parsed values of JSON and CBOR by their type."""

import binascii
from collections.abc import Callable
from typing import Any

from bagmill.decoders.base import UnreadableMessage
from bagmill.schemas.arrow import column_names
from bagmill.schemas.inference import json_type
from bagmill.schemas.tree import PLACEHOLDER, Kind, Mapping, Primitive, Sequence, Struct, Type

Convert = Callable[[Any], Any]
_RANGES = {Kind.INT64: (-(2**63), 2**63 - 1), Kind.UINT64: (0, 2**64 - 1)}
_EXACT = 2**53
"""Up to here every integer is a float64."""


def struct_converter(node: Struct, path: str, *, top: bool = False) -> Convert:
    """Make the function that turns an object into a row; it raises `UnreadableMessage` on a misfit."""
    names = column_names(node, top=top)
    members = {
        item.name: (name, _converter(item.type, f"{path}.{item.name}" if path else item.name))
        for name, item in zip(names, node.fields, strict=True)
    }
    start = {} if members or top else {PLACEHOLDER: 0}

    def convert(value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise _misfit(path, "object", value)
        row: dict[str, Any] = dict(start)
        for key, member in value.items():
            if key not in members:
                raise UnreadableMessage(f"the member {key!r} of {path or 'the message'} has no column")
            name, inner = members[key]
            row[name] = inner(member)
        return row

    return convert


def _converter(node: Type, path: str) -> Convert:
    """The function for what stands at `path`; null stays null."""
    convert = _present_converter(node, path)
    return lambda value: None if value is None else convert(value)


def _present_converter(node: Type, path: str) -> Convert:
    match node:
        case Primitive(kind=kind) if kind in _RANGES:
            return _integer(path, *_RANGES[kind])
        case Primitive(kind=kind):
            return _SCALARS[kind](path)
        case Sequence(element=element):
            return _array(_converter(element, f"{path}[]"), path)
        case Mapping(value=value):
            return _map(_converter(value, f"{path}{{}}"), path)
        case Struct(variant=True):
            return _variant(node, path)
        case Struct():
            return struct_converter(node, path)
    raise TypeError(f"a part without a type can't be decoded: {path}")


def _misfit(path: str, wanted: str, value: Any) -> UnreadableMessage:
    return UnreadableMessage(f"{path or 'the message'} is of type {json_type(value)}, not {wanted}")


def _variant(node: Struct, path: str) -> Convert:
    """A value stands in the column of its type; integers in that of the numbers, where there is one."""
    inner = {item.name: (item.name, _present_converter(item.type, path)) for item in node.fields}
    if "number" in inner:
        inner["integer"] = inner["number"]

    def convert(value: Any) -> dict[str, Any]:
        kind = json_type(value)
        if kind not in inner:
            raise _misfit(path, " or ".join(item.name for item in node.fields), value)
        name, of_kind = inner[kind]
        return {name: of_kind(value)}

    return convert


def _array(element: Convert, path: str) -> Convert:
    def convert(value: Any) -> list[Any]:
        if not isinstance(value, list):
            raise _misfit(path, "array", value)
        return [element(item) for item in value]

    return convert


def _map(inner: Convert, path: str) -> Convert:
    def convert(value: Any) -> list[tuple[str, Any]]:
        if not isinstance(value, dict):
            raise _misfit(path, "object", value)
        return [(key, inner(item)) for key, item in value.items()]

    return convert


def _integer(path: str, low: int, high: int) -> Convert:
    def convert(value: Any) -> int:
        if type(value) is float and value.is_integer() and abs(value) <= _EXACT:
            value = int(value)  # JSON Schema counts 1.0 as an integer
        if type(value) is not int:
            raise _misfit(path, "integer", value)
        if not low <= value <= high:
            raise UnreadableMessage(f"{path} is an integer that does not fit between {low} and {high}")
        return value

    return convert


def _number(path: str) -> Convert:
    def convert(value: Any) -> float:
        if type(value) not in (int, float):
            raise _misfit(path, "number", value)
        try:
            return float(value)
        except OverflowError:
            raise UnreadableMessage(f"{path} is a number beyond float64") from None

    return convert


def _boolean(path: str) -> Convert:
    def convert(value: Any) -> bool:
        if type(value) is not bool:
            raise _misfit(path, "boolean", value)
        return value

    return convert


def _string(path: str) -> Convert:
    def convert(value: Any) -> str:
        if type(value) is not str:
            raise _misfit(path, "string", value)
        return value

    return convert


def _binary(path: str) -> Convert:
    """Bytes are what they are; JSON has none, and text is base64 there."""

    def convert(value: Any) -> bytes:
        if type(value) is bytes:
            return value
        if type(value) is not str:
            raise _misfit(path, "string", value)
        try:
            return decode_base64(value.encode("ascii"))
        except ValueError as error:
            raise UnreadableMessage(f"{path} is no base64: {error}") from None

    return convert


def decode_base64(text: bytes | memoryview) -> bytes:
    """Decode base64 (RFC 4648, section 4), without tolerance.

    Raises:
        ValueError: it is none.
    """
    return binascii.a2b_base64(text, strict_mode=True)


_SCALARS: dict[Kind, Callable[[str], Convert]] = {
    Kind.FLOAT64: _number,
    Kind.BOOL: _boolean,
    Kind.STRING: _string,
    Kind.BINARY: _binary,
}
