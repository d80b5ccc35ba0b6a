"""Messages that say their own types, in JSON or CBOR: a look at all of them finds what holds them all."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from bagmill.decoders.base import Buffer, Decoder, Note, Offsets, UnreadableMessage
from bagmill.decoders.proportion import CELLS_A_BYTE, FREE_WIDTH, cell_counter, list_width
from bagmill.decoders.raw import RawDecoder
from bagmill.decoders.rows import Row, RowDecoder
from bagmill.decoders.values import struct_converter
from bagmill.errors import SchemaError
from bagmill.recording import Schema
from bagmill.schemas import parse
from bagmill.schemas.inference import Shape
from bagmill.schemas.tree import Field, Struct, Type, check_size, leaves

Parse = Callable[[bytes], Any]
"""Makes dicts, lists and scalars of a message, or raises `UnreadableMessage`."""


class InspectedDecoder(RowDecoder):
    """Decodes messages of a complete type. A message that is no object becomes the column `value`.

    Null and absent are both null. A message that does not fit its type, or has members without a column, is
    unreadable: its bytes are kept, and no value is bent.

    Raises:
        SchemaUnsupported: the type has more columns than a table can have.
    """

    def __init__(self, root: Type, name: str, notes: list[Note], parse_message: Parse) -> None:
        self.wrapped = not isinstance(root, Struct) or root.variant
        table = Struct(name, (Field("value", root, optional=True),)) if self.wrapped else root
        assert isinstance(table, Struct)
        super().__init__(check_size(table), self._read_message, notes)
        self.table = table
        self._width, self._list_width = leaves(table), list_width(table)
        self._cells = cell_counter(table)
        self._convert = struct_converter(table, "", top=True)
        self._parse = parse_message

    def _read_message(self, payload: bytes) -> Row:
        value = self._parse(payload)
        if self._list_width > FREE_WIDTH:
            self._check_cells(value, len(payload))
        row: Row = self._convert({"value": value} if self.wrapped else value)
        return row

    def _check_cells(self, value: Any, size: int) -> None:
        """Refuse what takes memory out of proportion: each `{}` in a list has all columns of its type."""
        if self._cells({"value": value} if self.wrapped else value) > CELLS_A_BYTE * size + self._width:
            raise UnreadableMessage("its lists hold far less than the columns of their elements")


class Inspection:
    """Takes the messages of a topic before they are decoded.

    Args:
        schema: of the topic; what it says is kept, if it can be read.
        encoding: of the messages.
        parse_message: how they are read.
    """

    def __init__(self, schema: Schema | None, encoding: str, parse_message: Parse) -> None:
        self.name = schema.name if schema and schema.name else "message"
        self.notes: list[Note] = []
        self.failure: SchemaError | None = None
        self._parse = parse_message
        try:
            self.shape = Shape(parse(schema, encoding))
        except SchemaError as error:
            self.shape = Shape()
            self.notes.append(
                Note("schema_ignored", f"{error.message}; the types are taken from the messages instead")
            )

    def take(self, buffer: Buffer, start: Offsets, end: Offsets) -> None:
        """Look at the messages `buffer[start[i]:end[i]]`; those that can't be read are passed over."""
        self.add(payloads(buffer, start, end))

    def add(self, messages: Iterable[bytes]) -> None:
        """Look at messages one after the other."""
        try:
            for payload in messages:
                try:
                    self.shape.add(self._parse(payload))
                except UnreadableMessage:
                    continue
        except SchemaError as error:
            self.failure = self.failure or error

    def decoder(self) -> Decoder:
        """The decoder for all that was seen; a raw one if that is no table."""
        try:
            if self.failure is not None:
                raise self.failure
            return self.make_decoder(self.shape.type(self.name))
        except SchemaError as error:
            return RawDecoder(error)

    def make_decoder(self, root: Type) -> Decoder:
        """Make the decoder of a complete type."""
        return InspectedDecoder(root, self.name, self.notes, self._parse)


def payloads(buffer: Buffer, start: Offsets, end: Offsets) -> Iterator[bytes]:
    """Copy messages out of their buffer one after the other."""
    for first, last in zip(start.tolist(), end.tolist(), strict=True):
        yield bytes(buffer[first:last])
