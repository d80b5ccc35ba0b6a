"""Decoders: `make_decoder` finds the one for a topic, and falls back to keeping bytes."""

from collections.abc import Callable, Mapping
from functools import cached_property, lru_cache, partial
from typing import TYPE_CHECKING

from bagmill.decoders.base import Decoded, Decoder, Note
from bagmill.decoders.cdr import CdrDecoder
from bagmill.decoders.raw import RawDecoder
from bagmill.decoders.ros1 import Ros1Decoder
from bagmill.errors import SchemaError
from bagmill.recording import Schema
from bagmill.schemas import parse
from bagmill.schemas.tree import Struct

if TYPE_CHECKING:
    from bagmill.decoders.inspected import Inspection

__all__ = [
    "INSPECTED",
    "Decoded",
    "Decoder",
    "Note",
    "RawDecoder",
    "inspections",
    "make_decoder",
]

INSPECTED = frozenset({"cbor", "json"})
"""Encodings of messages that are looked at before they are decoded, for their types."""


def inspections() -> Mapping[str, Callable[[Schema | None], "Inspection"]]:
    """What looks at the messages of a topic by their encoding, for the topics of one recording."""
    return {"cbor": _inspect_cbor, "json": _JsonInspections()}


def _inspect_cbor(schema: Schema | None) -> "Inspection":
    from bagmill.decoders.cbor import CborInspection  # here and below: few recordings need all of them

    return CborInspection(schema)


class _JsonInspections:
    """Those of one recording share their room."""

    @cached_property
    def _make(self) -> Callable[[Schema | None], "Inspection"]:
        from bagmill.decoders.json import JsonInspection, Room

        return partial(JsonInspection, room=Room())

    def __call__(self, schema: Schema | None) -> "Inspection":
        return self._make(schema)


def make_decoder(schema: Schema | None, message_encoding: str) -> Decoder:
    """Find the decoder for messages of this schema and encoding; never fails.

    Where there is none, or the schema can't be used, it is one that keeps bytes, with the reason in
    `raw_reason`. For JSON and CBOR the types come from the schema alone: to take what it leaves open from the
    messages, show them to an `Inspection` first (`bagmill.inspection.open_decoders` does).
    """
    if message_encoding in INSPECTED:
        return inspections()[message_encoding](schema).decoder()
    try:
        root = _parsed(schema._replace(id=0) if schema else None, message_encoding)
        assert schema is not None
        return _typed(schema, message_encoding, root)
    except SchemaError as error:
        return RawDecoder(error)


@lru_cache(maxsize=512)
def _parsed(schema: Schema | None, message_encoding: str) -> Struct:
    """The types of a schema: kept, for a process that opens many recordings with the same ones."""
    root = parse(schema, message_encoding)
    assert isinstance(root, Struct)
    return root


def _typed(schema: Schema, message_encoding: str, root: Struct) -> Decoder:
    if message_encoding == "cdr":
        return CdrDecoder(root)
    if message_encoding == "ros1":
        return Ros1Decoder(root)
    if message_encoding == "flatbuffer":
        from bagmill.decoders.flatbuffer import FlatbufferDecoder

        return FlatbufferDecoder(root, schema.name, schema.data)
    from bagmill.decoders.protobuf import ProtobufDecoder

    return ProtobufDecoder(root, schema.name, schema.data)
