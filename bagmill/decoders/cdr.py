"""Messages of ROS 2 and other users of DDS."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from bagmill.decoders.base import Buffer, Decoded, Note, Offsets, UnreadableMessage
from bagmill.decoders.byteorder import strangeness
from bagmill.decoders.columnar.block import BlockDecoder, Part
from bagmill.decoders.columnar.compiling import compiled_plan, is_columnar
from bagmill.decoders.cursor import Cursor
from bagmill.decoders.encapsulation import (
    HEADER,
    SHORT,
    Wires,
    check_end,
    ends_well,
    identifier,
    identifiers,
    is_decoded,
    is_little,
    is_parameter_list,
)
from bagmill.decoders.frames import compressed, decompress
from bagmill.decoders.merging import merge, others
from bagmill.decoders.reader import compiled_reader
from bagmill.decoders.reasons import reasons
from bagmill.decoders.rows import Row, RowDecoder
from bagmill.decoders.wire import Wire
from bagmill.errors import BagmillError
from bagmill.schemas.arrow import arrow_schema, describe
from bagmill.schemas.tree import Extensibility, Struct

_JUDGED = (0x0000, 0x0002)
"""The identifiers that some recorders write where they should write the next higher ones."""

_WRONG_ORDER = Note(
    "wrong_byte_order",
    "messages say that they are big-endian but are little-endian, and were read so",
)
_UNKNOWN = Note(
    "unknown_fields", "messages hold fields that their schema does not list; they have no columns"
)
_COMPRESSED = Note(
    "compressed_messages",
    "the recorder compressed each message on its own with zstd; they were decompressed",
)
_SAMPLE = 64
"""How many messages are looked at to find out what their writer means."""


class Piece(NamedTuple):
    """Some messages: their rows, the numbers of those, and why the others can't be read."""

    array: pa.StructArray
    rows: Offsets
    unreadable: tuple[tuple[int, str], ...]

    def of(self, rows: Offsets) -> "Piece":
        """The same, numbered as these rows."""
        return Piece(self.array, rows[self.rows], tuple((int(rows[at]), why) for at, why in self.unreadable))


class CdrDecoder:
    """Decodes CDR of both versions (XCDR1, XCDR2), plain or with headers of members.

    Messages that need no headers of single members are decoded by columns, others one by one.
    """

    def __init__(self, root: Struct) -> None:
        self.fields = arrow_schema(root)
        self.facts: Mapping[str, Any] = describe(root)
        self.raw_reason: BagmillError | None = None
        self.notes: list[Note] = []
        self.root = root
        self._struct = pa.struct(list(self.fields))
        self._wires = Wires(root)
        self._big_means: str | None = None
        self._blocks: dict[Wire, BlockDecoder | None] = {}

    def decode(self, buffer: Buffer, start: Offsets, end: Offsets) -> Decoded:
        """Decode the messages; those that are compressed on their own are decompressed first."""
        kinds = identifiers(buffer, start, end)
        frames = compressed(buffer, start, kinds)
        if not len(frames):
            return _decoded([self._decode(buffer, start, end, kinds)], self._struct)
        self._note(_COMPRESSED)
        plain = np.delete(np.arange(len(start)), frames)
        pieces = [self._decode(buffer, start[plain], end[plain], kinds[plain]).of(plain)]
        for found in decompress(buffer, start, end, frames):
            inner = identifiers(found.buffer, found.start, found.end)
            pieces.append(self._decode(found.buffer, found.start, found.end, inner).of(found.rows))
            pieces.append(Piece(pa.array([], self._struct), frames[:0], found.unreadable))
        return _decoded(pieces, self._struct)

    def _decode(self, buffer: Buffer, start: Offsets, end: Offsets, kinds: Offsets) -> Piece:
        """Decode messages that are not compressed, after a look at those that say they are big-endian."""
        if self._big_means is None:
            self._judge_big_endian(_payloads(buffer, start, end, np.flatnonzero(kinds == 0)[:_SAMPLE]))
        array, rows = merge(list(self._parts(buffer, start, end, kinds)), self._struct)
        return Piece(array, rows, reasons(self.read_message, buffer, start, end, rows))

    def read_message(self, payload: bytes) -> Row:
        """Read one message into a row.

        Raises:
            UnreadableMessage: it can't be read; the text says why.
        """
        kind = identifier(payload)
        try:
            return self._read(payload, self._wires.of(kind, self._order(kind)))
        except UnreadableMessage as error:
            if is_parameter_list(kind) and self.root.extensibility is not Extensibility.MUTABLE:
                raise UnreadableMessage(
                    f"a parameter list (encapsulation {kind:04x}), not plain CDR"
                ) from error
            raise

    def _parts(self, buffer: Buffer, start: Offsets, end: Offsets, kinds: Offsets) -> Iterator[Part]:
        """Decode the messages of each encapsulation together."""
        alike = len(kinds) and (kinds == kinds[0]).all()
        for kind in [int(kinds[0])] if alike else np.unique(kinds).tolist():
            if kind == SHORT or not is_decoded(kind):
                continue
            rows = np.flatnonzero(kinds == kind)
            if self._wires.must_be_ranked(kind):
                self._rank(kind, _payloads(buffer, start, end, rows[:_SAMPLE]))
            for wire in self._wires.of(kind, self._order(kind)):
                if len(rows):
                    array, read = self._block(wire, buffer, start[rows], end[rows])
                    yield array, rows[read]
                    rows = others(read, rows)

    def _block(self, wire: Wire, buffer: Buffer, start: Offsets, end: Offsets) -> Part:
        if wire not in self._blocks:
            columnar = is_columnar(self.root, wire)
            plan = compiled_plan(self.root, wire) if columnar else None
            self._blocks[wire] = BlockDecoder(plan, HEADER, ends_well) if plan else None
        if block := self._blocks[wire]:
            return block.decode(buffer, start, end)
        rows = RowDecoder(self.root, lambda payload: self._read(payload, [wire]), self.notes)
        decoded = rows.decode(buffer, start, end)
        bad = [number for number, _ in decoded.unreadable]
        return decoded.batch.to_struct_array(), np.delete(np.arange(len(start)), bad)

    def _order(self, kind: int) -> str:
        if is_little(kind):
            return "<"
        return self._big_means or ">" if kind in _JUDGED else ">"

    def _read(self, payload: bytes, wires: list[Wire]) -> Row:
        body, failure = payload[HEADER:], None
        for wire in wires:
            cursor = Cursor(body)
            try:
                row: Row = compiled_reader(self.root, wire)(cursor)
                check_end(payload, HEADER + cursor.position)
            except UnreadableMessage as error:
                failure = failure or error
                continue
            if cursor.unknown:
                self._note(_UNKNOWN)
            return row
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
            self._note(_WRONG_ORDER)

    def _attempt(self, payloads: list[bytes], order: str) -> tuple[int, int]:
        """How many of the messages can't be read in this order, and how strange the others look."""
        failed = strange = 0
        wires = self._wires.of(0, order)
        for payload in payloads:
            try:
                strange += strangeness(self._read(payload, wires))
            except UnreadableMessage:
                failed += 1
        return failed, strange

    def _rank(self, kind: int, payloads: list[bytes]) -> None:
        """Find out once which of several ways of writing is meant: a message may fit more than one."""
        readable = []
        for wire in self._wires.of(kind, self._order(kind)):
            readable.append(0)
            for payload in payloads:
                try:
                    self._read(payload, [wire])
                except UnreadableMessage:
                    continue
                readable[-1] += 1
        self._wires.rank(kind, readable)

    def _note(self, note: Note) -> None:
        if note not in self.notes:
            self.notes.append(note)


def _decoded(pieces: Sequence[Piece], type_: pa.StructType) -> Decoded:
    array, _ = merge([(piece.array, piece.rows) for piece in pieces], type_)
    unreadable = sorted(item for piece in pieces for item in piece.unreadable)
    return Decoded(pa.RecordBatch.from_struct_array(array), tuple(unreadable))


def _payloads(buffer: Buffer, start: Offsets, end: Offsets, rows: Offsets) -> list[bytes]:
    return [bytes(buffer[start[row] : end[row]]) for row in rows]
