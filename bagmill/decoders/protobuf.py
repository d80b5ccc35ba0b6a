"""Protobuf messages, read with protobuf's own classes."""

from collections.abc import Callable
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass

from bagmill.decoders.base import Note, UnreadableMessage
from bagmill.decoders.rows import Row, RowDecoder
from bagmill.schemas.arrow import column_names
from bagmill.schemas.protobuf import load_descriptor
from bagmill.schemas.tree import PLACEHOLDER, Kind, Mapping, Primitive, Sequence, Struct, Type

Getter = Callable[[Message], Any]


class ProtobufDecoder(RowDecoder):
    """Decodes messages of the descriptor set's message `name`.

    Members that are absent are null; those that proto3 can't tell from their default are their default.
    """

    def __init__(self, root: Struct, name: str, data: bytes) -> None:
        super().__init__(root, self._read_message, [])
        descriptor = load_descriptor(name, data)
        self._class = GetMessageClass(descriptor)
        self._row = _Converter().struct(root, descriptor, top=True)
        self._unknown = False

    def _read_message(self, payload: bytes) -> Row:
        try:
            message = self._class.FromString(payload)
            row: Row = self._row(message)
        except DecodeError as error:
            raise UnreadableMessage(f"no valid protobuf: {error}") from None
        if not self._unknown:
            self._look_for_unknown(message)
        return row

    def _look_for_unknown(self, message: Message) -> None:
        """Tell once that messages hold more than their schema: a newer sender's fields have no columns."""
        size = message.ByteSize()
        message.DiscardUnknownFields()
        if message.ByteSize() != size:
            self._unknown = True
            self.notes.append(
                Note(
                    "unknown_fields",
                    "messages hold fields that their schema does not list; they have no columns",
                )
            )


class _Converter:
    """Makes the functions that turn messages into dicts, one for each type."""

    def __init__(self) -> None:
        self._known: dict[str, Getter] = {}

    def struct(self, node: Struct, message: Descriptor, *, top: bool = False) -> Getter:
        if message.full_name in self._known:
            return self._known[message.full_name]
        if not node.fields:
            return lambda _: {} if top else {PLACEHOLDER: 0}
        extensions = {item.full_name: item for item in message.file.pool.FindAllExtensions(message)}
        getters = [
            self.field(item.type, message.fields_by_name.get(item.name) or extensions[item.name])
            for item in node.fields
        ]
        pairs = tuple(zip(column_names(node, top=top), getters, strict=True))

        def convert(value: Message) -> dict[str, Any]:
            return {name: get(value) for name, get in pairs}

        self._known[message.full_name] = convert
        return convert

    def field(self, node: Type, item: FieldDescriptor) -> Getter:
        get, present = _access(item)
        if isinstance(node, Mapping):
            value_of = self.element(node.value, item.message_type.fields_by_name["value"])
            # The order of a map's entries means nothing and is not the same each time; sorted, it is.
            key_of = _text if node.key.kind is Kind.STRING else _same
            return lambda value: [(key_of(key), value_of(get(value)[key])) for key in sorted(get(value))]
        if isinstance(node, Sequence):
            element_of = self.element(node.element, item)
            return lambda value: [element_of(element) for element in get(value)]
        convert = self.element(node, item)
        if present is None:
            return lambda value: convert(get(value))
        return lambda value: convert(get(value)) if present(value) else None

    def element(self, node: Type, item: FieldDescriptor) -> Callable[[Any], Any]:
        if isinstance(node, Struct):
            return self.struct(node, item.message_type)
        return _text if isinstance(node, Primitive) and node.kind is Kind.STRING else _same


def _same(value: Any) -> Any:
    return value


def _text(value: Any) -> str:
    if isinstance(value, bytes):  # that is how proto2 gives a string that is none
        raise UnreadableMessage("a string is no UTF-8")
    return str(value)


def _access(item: FieldDescriptor) -> tuple[Getter, Callable[[Message], bool] | None]:
    """How to get a field, and how to see whether it is there if that can be seen."""
    name = item.name
    if item.is_extension:
        present = (lambda message: message.HasExtension(item)) if item.has_presence else None
        return lambda message: message.Extensions[item], present
    seen = (lambda message: message.HasField(name)) if item.has_presence else None
    return lambda message: getattr(message, name), seen
