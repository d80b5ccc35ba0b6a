"""ROS 2 messages: the encapsulation header, byte orders that lie, and what may follow the last field."""

import numpy as np

from bagmill.decoders.base import Buffer, Decoded, Note, Offsets, UnreadableMessage
from bagmill.decoders.byteorder import strangeness
from bagmill.decoders.rows import Row, RowDecoder
from bagmill.decoders.wire import Cursor, Reader, Wire, compile_reader
from bagmill.schemas.tree import Kind, Primitive, Struct, Type, children

HEADER = 4
_PLAIN = (0x0000, 0x0001)
_PARAMETER_LISTS = (0x0002, 0x0003)
_ZSTD_FRAME = b"\x28\xb5\x2f\xfd"
_MOST_PADDING = 3
_SAMPLE = 64
"""How many messages are looked at to find out whether a big-endian header is true."""


class CdrDecoder(RowDecoder):
    """Decodes CDR (encapsulations 0000 and 0001, and 0002 and 0003 where what follows is plain)."""

    def __init__(self, root: Struct) -> None:
        super().__init__(root, self._read_message, [])
        widths = (4, 2) if _has_wide_strings(root) else (4,)
        self._readers: dict[str, list[Reader]] = {
            order: [compile_reader(root, Wire(order, 8, terminated=True, wide=wide)) for wide in widths]
            for order in "<>"
        }
        self._big_means: str | None = None

    def decode(self, buffer: Buffer, start: Offsets, end: Offsets) -> Decoded:
        """Decode the messages, after a look at those that say that they are big-endian."""
        if self._big_means is None:
            self._judge_big_endian(_samples(buffer, start, end))
        return super().decode(buffer, start, end)

    def _read_message(self, payload: bytes) -> Row:
        kind = _encapsulation(payload)
        order = "<" if kind & 1 else self._big_means or ">"
        try:
            return self._read_body(payload, order)
        except UnreadableMessage as error:
            if kind in _PARAMETER_LISTS:
                raise UnreadableMessage(
                    f"a parameter list (encapsulation {kind:04x}), not plain CDR"
                ) from error
            raise

    def _read_body(self, payload: bytes, order: str) -> Row:
        body, failure = payload[HEADER:], None
        for read in self._readers[order]:
            cursor = Cursor(body)
            try:
                row: Row = read(cursor)
                _check_end(payload, HEADER + cursor.position)
                return row
            except UnreadableMessage as error:
                failure = failure or error
        assert failure is not None
        raise failure

    def _judge_big_endian(self, payloads: list[bytes]) -> None:
        """Find out once whether this topic's big-endian headers are true.

        Some recorders write 0000 over little-endian values. A message may fit both ways; then the way that
        gives the less strange numbers is taken, and in doubt what the header says.
        """
        if not payloads:
            return
        big, little = (self._attempt(payloads, order) for order in "><")
        self._big_means = "<" if little < big else ">"
        if self._big_means == "<":
            self.notes.append(
                Note(
                    "wrong_byte_order",
                    "messages say that they are big-endian but are little-endian, and were read so",
                )
            )

    def _attempt(self, payloads: list[bytes], order: str) -> tuple[int, int]:
        """How many of the messages can't be read in this order, and how strange the others look."""
        failed = strange = 0
        for payload in payloads:
            try:
                strange += strangeness(self._read_body(payload, order))
            except UnreadableMessage:
                failed += 1
        return failed, strange


def _encapsulation(payload: bytes) -> int:
    """The encapsulation identifier.

    Raises:
        UnreadableMessage: there is none, or it is one that is not decoded.
    """
    if len(payload) < HEADER:
        raise UnreadableMessage(f"{len(payload)} bytes are no CDR message: the header alone has {HEADER}")
    if payload.startswith(_ZSTD_FRAME):
        raise UnreadableMessage(
            "a zstd frame instead of CDR: the recorder compressed each message on its own"
        )
    kind = int.from_bytes(payload[:2], "big")
    if kind not in (*_PLAIN, *_PARAMETER_LISTS):
        raise UnreadableMessage(f"encapsulation {kind:04x} is not decoded")
    return kind


def _check_end(payload: bytes, position: int) -> None:
    """Refuse bytes after the last field, but for padding.

    The header's last two bits tell how many bytes of padding follow (OMG DDS-XTypes 1.3, 7.6.3.1.2). Writers
    that leave them 0 pad all the same: up to 3 zero bytes, to a length that is a multiple of 4, are padding.
    """
    left = payload[position:]
    if not left or len(left) == payload[3] & 3:
        return
    if len(left) > _MOST_PADDING or len(payload) % 4 or any(left):
        raise UnreadableMessage(f"{len(left)} bytes are left over after the last field")


def _samples(buffer: Buffer, start: Offsets, end: Offsets) -> list[bytes]:
    """The first messages whose header says big-endian."""
    whole = end - start >= HEADER
    first, last = start[whole], end[whole]
    big = np.flatnonzero((buffer[first] | buffer[first + 1]) == 0)[:_SAMPLE]
    return [bytes(buffer[first[row] : last[row]]) for row in big]


def _has_wide_strings(node: Type, known: dict[int, bool] | None = None) -> bool:
    known = {} if known is None else known
    if id(node) not in known:
        known[id(node)] = (isinstance(node, Primitive) and node.kind is Kind.WSTRING) or any(
            _has_wide_strings(child, known) for _, child in children(node)
        )
    return known[id(node)]
