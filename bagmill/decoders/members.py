"""Members and values with headers of their own (OMG DDS-XTypes 1.3, 7.4.1.2 and 7.4.3.4).

Version 1 writes members of mutable types, and optional members, as parameters: an id and a length, from
whose end alignment counts anew. Version 2 puts the length of all before a value (DHEADER), and before each
member of a mutable type an id and a length (EMHEADER); an optional member has a flag.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

from bagmill.decoders.base import UnreadableMessage
from bagmill.decoders.cursor import Cursor, Reader, number
from bagmill.decoders.wire import Wire

_ID = 0x3FFF
_MUST_UNDERSTAND = 0x4000
_EXTENDED = 0x3F01
_SENTINEL = 0x3F02
_PADDING = 3
_OWN_LENGTH = 5
"""From this length code of EMHEADER on, the length is a part of the value, too."""


class Member(NamedTuple):
    """A member of a mutable type. `needed`: it can't be absent."""

    name: str
    read: Reader
    needed: bool


class _Found(NamedTuple):
    """A header of a member: where the value begins and ends; `must`: a reader must know it."""

    id: int
    begin: int
    end: int
    must: bool


class Headers(Protocol):
    """What differs between the versions."""

    def optional(self, read: Reader) -> Reader:
        """Read a value or None."""
        ...

    def members(self, members: Mapping[int, Member]) -> Callable[[Cursor], dict[str, Any]]:
        """Read members by their ids, in any order."""
        ...


def headers(wire: Wire) -> Headers:
    """The headers of a version of CDR."""
    return _Lengths(wire.order) if wire.version == 2 else _Parameters(wire.order)


def delimited(wire: Wire, read: Reader) -> Reader:
    """Read a value that has its length before it, and must take just that."""
    length = number(wire.order, "I", wire.alignment)

    def checked(cursor: Cursor) -> Any:
        size = length(cursor)
        start, end = cursor.position, cursor.look(size)
        value = read(cursor)
        cursor.expect(start, end)
        return value

    return checked


class _Parameters:
    """Version 1."""

    def __init__(self, order: str) -> None:
        self._short = number(order, "H", 8)
        self._long = number(order, "I", 8)

    def optional(self, read: Reader) -> Reader:
        """A parameter of no bytes is none."""

        def value(cursor: Cursor) -> Any:
            found = self._header(cursor)
            if found is None:
                raise UnreadableMessage(f"a list ends at byte {cursor.position} of the body, and none began")
            return self._value(cursor, read, found) if found.end > found.begin else None

        return value

    def members(self, members: Mapping[int, Member]) -> Callable[[Cursor], dict[str, Any]]:
        """Parameters up to the sentinel."""

        def listed(cursor: Cursor) -> dict[str, Any]:
            values: dict[str, Any] = {}
            while (found := self._header(cursor)) is not None:
                member = _known(cursor, members, found)
                if member is not None:
                    values[member.name] = self._value(cursor, member.read, found)
            return _complete(values, members)

        return listed

    def _header(self, cursor: Cursor) -> _Found | None:
        """The next parameter's header; None for the sentinel."""
        cursor.align(3)
        flags, size = self._short(cursor), self._short(cursor)
        number_ = flags & _ID
        if number_ == _SENTINEL:
            return None
        if number_ == _EXTENDED:
            number_, size = self._long(cursor) & 0x0FFFFFFF, self._long(cursor)
        return _Found(number_, cursor.position, cursor.look(size), bool(flags & _MUST_UNDERSTAND))

    def _value(self, cursor: Cursor, read: Reader, found: _Found) -> Any:
        origin, cursor.origin = cursor.origin, cursor.position
        value = read(cursor)
        cursor.origin = origin
        # Some writers fill up to a multiple of 4.
        if not 0 <= found.end - cursor.position <= _PADDING:
            cursor.expect(found.begin, found.end)
        cursor.position = found.end
        return value


class _Lengths:
    """Version 2."""

    def __init__(self, order: str) -> None:
        self._flag = number(order, "B", 4)
        self._long = number(order, "I", 4)

    def optional(self, read: Reader) -> Reader:
        """A flag, and the value if it is set."""
        return lambda cursor: read(cursor) if self._flag(cursor) else None

    def members(self, members: Mapping[int, Member]) -> Callable[[Cursor], dict[str, Any]]:
        """The length of all, and members up to there."""

        def listed(cursor: Cursor) -> dict[str, Any]:
            size = self._long(cursor)
            start, end = cursor.position, cursor.look(size)
            values: dict[str, Any] = {}
            while cursor.position < end:
                found = self._header(cursor)
                member = _known(cursor, members, found)
                if member is not None:
                    values[member.name] = member.read(cursor)
                    cursor.expect(found.begin, found.end)
            cursor.expect(start, end)
            return _complete(values, members)

        return listed

    def _header(self, cursor: Cursor) -> _Found:
        header = self._long(cursor)
        code = header >> 28 & 7
        begin = cursor.position
        if code < 4:
            size = 1 << code
        else:
            size = self._long(cursor)
            if code < _OWN_LENGTH:
                begin = cursor.position
            else:
                size = 4 + size * (1, 4, 8)[code - _OWN_LENGTH]
                cursor.position = begin
        return _Found(header & 0x0FFFFFFF, begin, cursor.look(size), bool(header >> 31))


def _known(cursor: Cursor, members: Mapping[int, Member], found: _Found) -> Member | None:
    """The member that a header names; one that the schema does not have is passed over."""
    member = members.get(found.id)
    if member is None:
        if found.must:
            raise UnreadableMessage(f"member {found.id} must be understood, and the schema does not have it")
        cursor.unknown = True
        cursor.position = found.end
    return member


def _complete(values: dict[str, Any], members: Mapping[int, Member]) -> dict[str, Any]:
    missing = [member.name for member in members.values() if member.needed and member.name not in values]
    if missing:
        raise UnreadableMessage(f"the member {missing[0]} is missing")
    return values
