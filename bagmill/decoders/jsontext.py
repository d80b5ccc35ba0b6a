"""JSON messages: parsed one by one, typed by their schema and by what the topic's messages hold."""

import json
import re
from typing import Any

from bagmill.decoders.base import Buffer, Decoder, Note, Offsets, UnreadableMessage
from bagmill.decoders.jsonvalues import struct_converter
from bagmill.decoders.raw import RawDecoder
from bagmill.decoders.rows import Row, RowDecoder
from bagmill.errors import SchemaError
from bagmill.recording import Schema
from bagmill.schemas import parse
from bagmill.schemas.inference import Shape
from bagmill.schemas.tree import MAX_DEPTH, Field, Struct, Type, check_size

_HALF_A_PAIR = re.compile(r"\\u[dD][89a-fA-F]")
_MAX_LEVELS = MAX_DEPTH // 2
"""A level of JSON may make two of the tree."""


class JsonDecoder(RowDecoder):
    """Decodes JSON messages of a complete type. A message that is no object becomes the column `value`.

    Null and absent are both null. A message that does not fit its type, or has members without a column, is
    unreadable: its bytes are kept, and no value is bent.
    """

    def __init__(self, root: Type, name: str, notes: list[Note]) -> None:
        self._wrapped = not isinstance(root, Struct) or root.variant
        table = Struct(name, (Field("value", root, optional=True),)) if self._wrapped else root
        assert isinstance(table, Struct)
        super().__init__(check_size(table), self._read_message, notes)
        self._convert = struct_converter(table, "", top=True)

    def _read_message(self, payload: bytes) -> Row:
        value = parse_message(payload)
        row: Row = self._convert({"value": value} if self._wrapped else value)
        return row


class JsonInspection:
    """Looks at all messages of a topic before they are decoded, to find types that hold all of them."""

    def __init__(self, schema: Schema | None) -> None:
        self._name = schema.name if schema and schema.name else "message"
        self._notes: list[Note] = []
        self._failure: SchemaError | None = None
        try:
            self._shape = Shape(parse(schema, "json"))
        except SchemaError as error:
            self._shape = Shape()
            self._notes.append(
                Note("schema_ignored", f"{error.message}; the types are taken from the messages instead")
            )

    def take(self, buffer: Buffer, start: Offsets, end: Offsets) -> None:
        """Look at the messages `buffer[start[i]:end[i]]`; those that are no JSON are passed over."""
        for first, last in zip(start.tolist(), end.tolist(), strict=True):
            try:
                self._shape.add(parse_message(bytes(buffer[first:last])))
            except UnreadableMessage:
                continue
            except SchemaError as error:
                self._failure = error

    def decoder(self) -> Decoder:
        """The decoder for all that was seen; a raw one if that is no table."""
        try:
            if self._failure is not None:
                raise self._failure
            return JsonDecoder(self._shape.type(self._name), self._name, self._notes)
        except SchemaError as error:
            return RawDecoder(error)


def parse_message(payload: bytes) -> Any:
    """Parse one message.

    Raises:
        UnreadableMessage: it is no JSON in UTF-8, holds what is no text, or is nested too deep.
    """
    try:
        text = payload.decode("utf-8-sig")
        value = json.loads(text)
        if _HALF_A_PAIR.search(text):
            json.dumps(value, ensure_ascii=False).encode()
    except UnicodeDecodeError:
        raise UnreadableMessage("no UTF-8") from None
    except UnicodeEncodeError:
        raise UnreadableMessage("a string holds half of a surrogate pair, which is no text") from None
    except (ValueError, RecursionError) as error:
        raise UnreadableMessage(f"no valid JSON: {error}") from None
    if text.count("{") + text.count("[") > _MAX_LEVELS and _levels(value) > _MAX_LEVELS:
        raise UnreadableMessage(f"nested more than {_MAX_LEVELS} levels deep")
    return value


def _levels(value: Any) -> int:
    """Levels of arrays and objects."""
    if not isinstance(value, dict | list):
        return 0
    inner = value.values() if isinstance(value, dict) else value
    return 1 + max((_levels(item) for item in inner), default=0)
