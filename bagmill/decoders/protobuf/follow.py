"""Going through messages one by one: where few are left, and for groups, whose end only reading tells."""

from collections.abc import Iterator

import numpy as np

from bagmill.decoders.base import Offsets
from bagmill.decoders.protobuf.plan import (
    BAD,
    END_GROUP,
    FIXED32,
    FIXED64,
    GROUP,
    LENGTH,
    LONG,
    VARINT,
    MessagePlan,
    Slot,
)

MAX_LENGTH = 2**31 - 1
MAX_TAG = 2**32 - 1
MOST_BYTES = 5
"""Bytes that a tag or a length may have."""

_MOST_LEVELS = 100
"""Levels of messages and groups inside each other; what is deeper is refused by protobuf's own classes."""


class Malformed(Exception):
    """This is no protobuf, or not all of it is read here."""


class Found:
    """Where a field stands: from `first` to `last` in the message `rows`, each message's in order."""

    __slots__ = ("first", "last", "rows")

    def __init__(self) -> None:
        self.rows: list[int] = []
        self.first: list[int] = []
        self.last: list[int] = []

    def arrays(self) -> tuple[Offsets, Offsets, Offsets]:
        """The same as arrays."""
        return np.array(self.rows, np.int64), np.array(self.first, np.int64), np.array(self.last, np.int64)


class Follower:
    """Collects where the fields of messages stand that are nested `depth` levels deep."""

    def __init__(self, plan: MessagePlan, data: memoryview, depth: int) -> None:
        self._plan = plan
        self._groups = _MOST_LEVELS - depth
        self._by_first_byte = plan.by_first_byte.tolist()
        self._data = data
        self._found: dict[int, Found] = {}

    def found(self) -> Iterator[tuple[int, Found]]:
        """What was found, by slot."""
        yield from self._found.items()

    def follow(self, row: int, number: int, at: int, end: int) -> bool:
        """Go from a field of slot `number` to the end of the message; tell if there are unknown fields.

        Raises:
            Malformed: the end can't be reached. What was found before is kept, and harmless.
        """
        strange = False
        try:
            while True:
                slot = self._plan.slots[number]
                first, last, at = self._pass(slot, at, end)
                if slot.tag:
                    found = self._found.setdefault(number, Found())
                    found.rows.append(row)
                    found.first.append(first)
                    found.last.append(last)
                    if slot.repeated and slot.wire == LENGTH and slot.tag < 0x80:
                        at = self._chain(found, row, slot.tag, at, end)
                else:
                    strange = True
                if at >= end:
                    break
                number, at = self._tag(at)
        except IndexError:
            raise Malformed from None
        if at > end:
            raise Malformed
        return strange

    def _tag(self, at: int) -> tuple[int, int]:
        """The slot of the tag here, and where its field is followed from."""
        start = at
        number = self._by_first_byte[self._data[at]]
        at += 1
        if number == LONG:
            tag, at = self._varint(start, MOST_BYTES)
            number = self._plan.slot(tag) if tag <= MAX_TAG else BAD
        if number == BAD:
            raise Malformed
        return number, (start if number == self._plan.unknown_group else at)

    def _pass(self, slot: Slot, at: int, end: int) -> tuple[int, int, int]:
        """Where the content of a field begins and ends, and what is behind it."""
        if slot.wire == GROUP:
            tag, at = (slot.tag, at) if slot.tag else self._varint(at, MOST_BYTES)
            return at, *self._group_end(tag >> 3, at, end)
        if slot.wire != LENGTH:
            return at, at, self._skip(slot.wire, at, end)
        length = self._data[at]
        at += 1
        if length >= 0x80:
            length, at = self._varint(at - 1, MOST_BYTES)
        if at + length > end or length > MAX_LENGTH:
            raise Malformed
        return at, at + length, at + length

    def _chain(self, found: Found, row: int, tag: int, at: int, end: int) -> int:
        """Pass over what is in the same list right behind, as long as it is simple."""
        data, before = self._data, len(found.first)
        while at < end and data[at] == tag:
            after = at + 2 + data[at + 1]
            if data[at + 1] >= 0x80 or after > end:
                break
            found.first.append(at + 2)
            found.last.append(after)
            at = after
        found.rows.extend([row] * (len(found.first) - before))
        return at

    def _skip(self, wire: int, at: int, end: int) -> int:
        """What is behind a value of this wire type, which is no group."""
        if wire == VARINT:
            return self._varint(at, 10)[1]
        if wire == FIXED64:
            return at + 8
        if wire == FIXED32:
            return at + 4
        if wire != LENGTH:
            raise Malformed
        length, at = self._varint(at, MOST_BYTES)
        if at + length > end:
            raise Malformed
        return at + length

    def _varint(self, at: int, most: int) -> tuple[int, int]:
        """A varint of at most that many bytes, and what is behind it."""
        value = 0
        for shift in range(0, 7 * most, 7):
            byte = self._data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value, at
        raise Malformed

    def _group_end(self, number: int, at: int, end: int) -> tuple[int, int]:
        """Where the content of a group ends, and what is behind its end tag."""
        open_groups = [number]
        while at < end and len(open_groups) <= self._groups:
            start = at
            tag, at = self._varint(at, MOST_BYTES)
            number, wire = tag >> 3, tag & 7
            if number == 0 or tag > MAX_TAG:
                raise Malformed
            if wire == GROUP:
                open_groups.append(number)
            elif wire != END_GROUP:
                at = self._skip(wire, at, end)
            elif number != open_groups.pop():
                raise Malformed
            elif not open_groups:
                return start, at
        raise Malformed
