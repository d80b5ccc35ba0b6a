"""Thrift's compact protocol, in which the footers of Parquet files are written.

A struct is a dict from field number to (type, value), in the order of the file; a list is (type of its
elements, elements). What was read is written as it was, also fields that nobody here knows. Specification:
github.com/apache/thrift, doc/specs/thrift-compact-protocol.md.
"""

from typing import Any

_BOOLS, _BYTE, _INTEGERS, _DOUBLE, _BINARY, _LISTS, _STRUCT = (1, 2), 3, (4, 5, 6), 7, 8, (9, 10), 12
_LONG = 15
"""In place of a list's length: it follows as a number."""

Struct = dict[int, tuple[int, Any]]


class Reader:
    """Reads structs that stand one behind the other."""

    def __init__(self, data: memoryview) -> None:
        self._data = data
        self._at = 0

    def struct(self) -> Struct:
        """Read the next one."""
        fields: Struct = {}
        number = 0
        while head := self._byte():
            number = number + (head >> 4) if head >> 4 else self._integer()
            fields[number] = head & 15, self._value(head & 15)
        return fields

    def _value(self, kind: int) -> Any:
        if kind in _BOOLS:
            return None  # the type says it
        if kind in _INTEGERS:
            return self._integer()
        if kind == _STRUCT:
            return self.struct()
        if kind in _LISTS:
            head = self._byte()
            size = head >> 4 if head >> 4 != _LONG else self._unsigned()
            element = head & 15
            return element, [self._byte() if element in _BOOLS else self._value(element) for _ in range(size)]
        if kind == _BINARY:
            return self._bytes(self._unsigned())
        if kind == _DOUBLE:
            return self._bytes(8)
        if kind == _BYTE:
            return self._byte()
        raise ValueError(f"a footer has no values of the type {kind}")

    def _byte(self) -> int:
        self._at += 1
        return self._data[self._at - 1]

    def _bytes(self, size: int) -> bytes:
        self._at += size
        return bytes(self._data[self._at - size : self._at])

    def _unsigned(self) -> int:
        number = shift = 0
        while (byte := self._byte()) & 128:
            number |= (byte & 127) << shift
            shift += 7
        return number | byte << shift

    def _integer(self) -> int:
        number = self._unsigned()
        return number >> 1 ^ -(number & 1)


def write_struct(fields: Struct) -> bytes:
    """Write a struct."""
    out = bytearray()
    _put_struct(out, fields)
    return bytes(out)


def _put_struct(out: bytearray, fields: Struct) -> None:
    before = 0
    for number, (kind, value) in fields.items():
        if 0 < number - before < 16:
            out.append(number - before << 4 | kind)
        else:
            out.append(kind)
            _put_integer(out, number)
        _put(out, kind, value)
        before = number
    out.append(0)


def _put(out: bytearray, kind: int, value: Any) -> None:
    if kind in _INTEGERS:
        _put_integer(out, value)
    elif kind == _STRUCT:
        _put_struct(out, value)
    elif kind in _LISTS:
        element, items = value
        if len(items) < _LONG:
            out.append(len(items) << 4 | element)
        else:
            out.append(_LONG << 4 | element)
            _put_unsigned(out, len(items))
        for item in items:
            if element in _BOOLS:
                out.append(item)
            else:
                _put(out, element, item)
    elif kind == _BINARY:
        _put_unsigned(out, len(value))
        out += value
    elif kind == _DOUBLE:
        out += value
    elif kind == _BYTE:
        out.append(value)


def _put_unsigned(out: bytearray, number: int) -> None:
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)


def _put_integer(out: bytearray, number: int) -> None:
    _put_unsigned(out, number << 1 ^ number >> 63)
