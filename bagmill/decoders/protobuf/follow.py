"""Going through messages one by one: where few are left, and for groups, whose end only reading tells."""

from array import array
from collections.abc import Iterator

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
    """Where a field stands: `at` behind its tag, and of groups the `end`.

    Those from place `first[i]` of `at` on, up to the next, are in the message `rows[i]`.
    """

    __slots__ = ("at", "end", "first", "rows")

    def __init__(self) -> None:
        self.rows = array("q")
        self.first = array("q")
        self.at = array("q")
        self.end = array("q")


class Follower:
    """Collects where the fields of messages stand that are nested `depth` levels deep."""

    def __init__(self, plan: MessagePlan, data: memoryview, depth: int) -> None:
        self._plan = plan
        self._groups = _MOST_LEVELS - depth
        self._data = data
        self._found: dict[int, Found] = {}

    def found(self) -> Iterator[tuple[int, Found]]:
        """What was found, by slot. A length, or the end of a number, may be beyond that of the message."""
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
                strange |= not slot.tag
                at = self._take(row, number, slot, at, end)
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
        number = self._plan.by_byte[self._data[at]]
        at += 1
        if number == LONG:
            tag, at = self._varint(start, MOST_BYTES)
            number = self._plan.slot(tag) if tag <= MAX_TAG else BAD
        if number == BAD:
            raise Malformed
        return number, (start if number == self._plan.unknown_group else at)

    def _take(self, row: int, number: int, slot: Slot, at: int, end: int) -> int:
        """Note where a field of a message is, and return what is behind it."""
        if not slot.tag:
            return self._skip(slot.wire, at, end)
        if number not in self._found:
            self._found[number] = Found()
        found = self._found[number]
        if slot.wire == GROUP:
            last, after = self._group_end(slot.tag >> 3, at, end)
            found.end.append(last)
        found.rows.append(row)
        found.first.append(len(found.at))
        if slot.repeated and slot.wire == LENGTH and slot.tag < 0x80:
            return self._chain(found.at, slot.tag, at, end)
        found.at.append(at)
        return after if slot.wire == GROUP else self._skip(slot.wire, at, end)

    def _chain(self, starts: "array[int]", tag: int, at: int, end: int) -> int:
        """Note an element of a list and all that come right behind; here lists of bytes are spent time on."""
        data, append = self._data, starts.append
        while True:
            append(at)
            length = data[at]
            at += 1
            if length >= 0x80:
                length, at = self._varint(at - 1, MOST_BYTES)
            at += length
            if at >= end or data[at] != tag:
                return at
            at += 1

    def _skip(self, wire: int, at: int, end: int) -> int:
        """What is behind a value of this wire type."""
        if wire == VARINT:
            return self._varint(at, 10)[1]
        if wire == FIXED64:
            return at + 8
        if wire == FIXED32:
            return at + 4
        length, at = self._varint(at, MOST_BYTES)
        if wire == GROUP:
            return self._group_end(length >> 3, at, end)[1]
        if at + length > end or length > MAX_LENGTH:
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
            if number == 0 or tag > MAX_TAG or wire > FIXED32:
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
