"""ROS 2 messages: the encapsulation header, byte orders that lie, and what may follow the last field."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from bagmill.decoders.base import Buffer, Decoded, Note, Offsets, UnreadableMessage
from bagmill.decoders.byteorder import strangeness
from bagmill.decoders.columnar.block import BlockDecoder, Part
from bagmill.decoders.columnar.compiling import compiled_plan
from bagmill.decoders.columnar.walked import Mask
from bagmill.decoders.merging import merge, others
from bagmill.decoders.reasons import reasons
from bagmill.decoders.rows import Row
from bagmill.decoders.wire import Cursor, Wire, compiled_reader
from bagmill.errors import BagmillError
from bagmill.schemas.arrow import arrow_schema, describe
from bagmill.schemas.tree import Kind, Primitive, Struct, Type, children

HEADER = 4
_PLAIN = (0x0000, 0x0001)
_PARAMETER_LISTS = (0x0002, 0x0003)
_ZSTD_FRAME = b"\x28\xb5\x2f\xfd"
_MOST_PADDING = 3
_NONE = -1
_SAMPLE = 64
"""How many messages are looked at to find out whether a big-endian header is true."""


class CdrDecoder:
    """Decodes CDR (encapsulations 0000 and 0001, and 0002 and 0003 where what follows is plain)."""

    def __init__(self, root: Struct) -> None:
        self.fields = arrow_schema(root)
        self.facts: Mapping[str, Any] = describe(root)
        self.raw_reason: BagmillError | None = None
        self.notes: list[Note] = []
        self._root = root
        self._widths = (4, 2) if _has_wide_strings(root) else (4,)
        self._big_means: str | None = None

    def decode(self, buffer: Buffer, start: Offsets, end: Offsets) -> Decoded:
        """Decode the messages, after a look at those that say that they are big-endian."""
        kinds = _kinds(buffer, start, end)
        if self._big_means is None:
            self._judge_big_endian(_samples(buffer, start, end, kinds))
        array, rows = merge(list(self._parts(buffer, start, end, kinds)), pa.struct(list(self.fields)))
        unreadable = reasons(self.read_message, buffer, start, end, rows)
        return Decoded(pa.RecordBatch.from_struct_array(array), unreadable)

    def _parts(self, buffer: Buffer, start: Offsets, end: Offsets, kinds: Offsets) -> Iterator[Part]:
        """Decode the messages of each encapsulation together."""
        alike = len(kinds) and (kinds == kinds[0]).all()
        for kind in [int(kinds[0])] if alike else np.unique(kinds).tolist():
            if kind in (*_PLAIN, *_PARAMETER_LISTS):
                rows = np.flatnonzero(kinds == kind)
                yield from self._bodies(buffer, start, end, rows, self._order(kind))

    def _order(self, kind: int) -> str:
        return "<" if kind & 1 else self._big_means or ">"

    def _bodies(
        self, buffer: Buffer, start: Offsets, end: Offsets, rows: Offsets, order: str
    ) -> Iterator[Part]:
        """Decode messages of one encapsulation, with the widths that wide characters may have."""
        for wire in self._wires(order):
            if len(rows):
                decoder = BlockDecoder(compiled_plan(self._root, wire), HEADER, ends_well)
                array, read = decoder.decode(buffer, start[rows], end[rows])
                yield array, rows[read]
                rows = others(read, rows)

    def _wires(self, order: str) -> list[Wire]:
        return [Wire(order, 8, terminated=True, wide=wide) for wide in self._widths]

    def read_message(self, payload: bytes) -> Row:
        """Read one message into a row.

        Raises:
            UnreadableMessage: it can't be read; the text says why.
        """
        kind = _encapsulation(payload)
        try:
            return self._read_body(payload, self._order(kind))
        except UnreadableMessage as error:
            if kind in _PARAMETER_LISTS:
                raise UnreadableMessage(
                    f"a parameter list (encapsulation {kind:04x}), not plain CDR"
                ) from error
            raise

    def _read_body(self, payload: bytes, order: str) -> Row:
        body, failure = payload[HEADER:], None
        for wire in self._wires(order):
            cursor = Cursor(body)
            try:
                row: Row = compiled_reader(self._root, wire)(cursor)
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


def ends_well(buffer: Buffer, position: Offsets, start: Offsets, end: Offsets) -> Mask:
    """Which messages end with their last field, at `position`, or with padding: `_check_end` for many."""
    left = end - position
    fine: Mask = left == 0
    if fine.all():
        return fine
    fine |= left == (buffer[start + HEADER - 1] & 3)
    padded = np.flatnonzero((left > 0) & (left <= _MOST_PADDING) & ((end - start) % 4 == 0))
    zero = np.ones(len(padded), np.bool_)
    for back in range(1, _MOST_PADDING + 1):
        zero &= (left[padded] < back) | (buffer[end[padded] - back] == 0)
    fine[padded[zero]] = True
    return fine


def _kinds(buffer: Buffer, start: Offsets, end: Offsets) -> Offsets:
    """The encapsulation of each message; `_NONE` of those that are too short."""
    rows = np.flatnonzero(end - start >= HEADER)
    kinds = np.full(len(start), _NONE)
    if len(rows):
        kinds[rows] = np.ndarray((buffer.size - 1,), ">u2", buffer, strides=(1,))[start[rows]]
    return kinds


def _samples(buffer: Buffer, start: Offsets, end: Offsets, kinds: Offsets) -> list[bytes]:
    """The first messages whose header says big-endian."""
    big = np.flatnonzero(kinds == 0)[:_SAMPLE]
    return [bytes(buffer[start[row] : end[row]]) for row in big]


def _has_wide_strings(node: Type, known: dict[int, bool] | None = None) -> bool:
    known = {} if known is None else known
    if id(node) not in known:
        known[id(node)] = (isinstance(node, Primitive) and node.kind is Kind.WSTRING) or any(
            _has_wide_strings(child, known) for _, child in children(node)
        )
    return known[id(node)]
