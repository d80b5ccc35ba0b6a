"""Protobuf messages read one by one with protobuf's own classes: what the decoder is compared with."""

from collections.abc import Callable, Sequence
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass

from bagmill.schemas.arrow import column_names
from bagmill.schemas.protobuf import load_descriptor, parse_protobuf
from bagmill.schemas.tree import PLACEHOLDER, Kind, Mapping, Primitive, Struct, Type
from bagmill.schemas.tree import Sequence as SequenceType

Getter = Callable[[Message], Any]


class NoText(ValueError):
    """A string of proto2 is no UTF-8; protobuf's own classes give its bytes."""


class Reference:
    """Reads messages of the descriptor set's message `name`."""

    def __init__(self, name: str, data: bytes) -> None:
        descriptor = load_descriptor(name, data)
        self._class = GetMessageClass(descriptor)
        self._row = _struct(parse_protobuf(name, data), descriptor, top=True)

    def read(self, payloads: Sequence[bytes]) -> tuple[list[dict[str, Any]], list[int], bool]:
        """The rows, the numbers of unreadable messages, and whether a readable one has unknown fields."""
        rows, unreadable, unknown = [], [], False
        for index, payload in enumerate(payloads):
            try:
                message = self._class.FromString(payload)
                rows.append(self._row(message))
            except (DecodeError, NoText):
                unreadable.append(index)
                continue
            size = len(message.SerializePartialToString())
            message.DiscardUnknownFields()
            unknown |= size != len(message.SerializePartialToString())
        return rows, unreadable, unknown


def _struct(node: Struct, message: Descriptor, *, top: bool = False) -> Getter:
    if not node.fields:
        return lambda _: {} if top else {PLACEHOLDER: 0}
    extensions = {item.full_name: item for item in message.file.pool.FindAllExtensions(message)}
    getters = [
        _field(item.type, message.fields_by_name.get(item.name) or extensions[item.name])
        for item in node.fields
    ]
    pairs = tuple(zip(column_names(node, top=top), getters, strict=True))
    return lambda value: {name: get(value) for name, get in pairs}


def _field(node: Type, item: FieldDescriptor) -> Getter:
    get, present = _access(item)
    if isinstance(node, Mapping):
        value_of = _element(node.value, item.message_type.fields_by_name["value"])
        key_of = _text if node.key.kind is Kind.STRING else _same
        return lambda value: [
            (key_of(key), value_of(get(value)[key])) for key in sorted(get(value), key=_order)
        ]
    if isinstance(node, SequenceType):
        element_of = _element(node.element, item)
        return lambda value: [element_of(element) for element in get(value)]
    convert = _element(node, item)
    if present is None:
        return lambda value: convert(get(value))
    return lambda value: convert(get(value)) if present(value) else None


def _element(node: Type, item: FieldDescriptor) -> Callable[[Any], Any]:
    if isinstance(node, Struct):
        return _struct(node, item.message_type)
    return _text if isinstance(node, Primitive) and node.kind is Kind.STRING else _same


def _order(key: Any) -> Any:
    """Strings in the order of their code points, also beside some that are none."""
    return key.encode() if isinstance(key, str) else key


def _same(value: Any) -> Any:
    return value


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        raise NoText
    return str(value)


def _access(item: FieldDescriptor) -> tuple[Getter, Callable[[Message], bool] | None]:
    """How to get a field, and how to see whether it is there if that can be seen."""
    name = item.name
    if item.is_extension:
        present = (lambda message: message.HasExtension(item)) if item.has_presence else None
        return lambda message: message.Extensions[item], present
    seen = (lambda message: message.HasField(name)) if item.has_presence else None
    return lambda message: getattr(message, name), seen
