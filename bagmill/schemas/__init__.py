"""Message definitions as a tree of types: `parse` reads them, whatever language they are written in.

The readers of languages are loaded when they are needed: together they cost more than a small conversion.
"""

from functools import lru_cache

from bagmill.errors import SchemaInvalid, SchemaUnsupported
from bagmill.recording import Schema
from bagmill.schemas.tree import MOST_KNOWN, Struct, Type, Untyped

PROTOBUF_SCHEMAS = ("protobuf", "proto")
"""Names of the schema encoding; the second is what some recorders write."""


def parse(schema: Schema | None, message_encoding: str) -> Type:
    """Read a schema into a tree; all but JSON and CBOR give a `Struct`; those may have `Untyped` parts.

    Raises:
        SchemaInvalid: the definition can't be read or misses a part.
        SchemaUnsupported: there is no decoder for these encodings, or the type is no table.
    """
    if message_encoding in ("json", "cbor"):
        if schema is None or schema.encoding != "jsonschema":
            return Untyped()
        from bagmill.schemas.jsonschema import parse_json_schema

        return parse_json_schema(schema.name, schema.data)
    if schema is None:
        raise SchemaUnsupported(
            f"messages of encoding {message_encoding!r} without a schema can't be decoded"
        )
    # Without its id, by which the same definition goes in another recording.
    return _parse_typed(schema._replace(id=0), message_encoding)


@lru_cache(MOST_KNOWN)
def _parse_typed(schema: Schema, message_encoding: str) -> Struct:
    match message_encoding, schema.encoding:
        case "cdr", "ros2msg":
            from bagmill.schemas.ros import parse_ros2

            return parse_ros2(schema.name, text(schema))
        case "cdr", "ros2idl":
            from bagmill.schemas.idl import parse_ros2idl

            return parse_ros2idl(schema.name, text(schema))
        case "cdr", "omgidl":
            from bagmill.schemas.idl import parse_omgidl

            return parse_omgidl(schema.name, text(schema))
        case "ros1", "ros1msg":
            from bagmill.schemas.ros import parse_ros1

            return parse_ros1(schema.name, text(schema))
        case "flatbuffer", "flatbuffer":
            from bagmill.schemas.flatbuffer import parse_flatbuffer

            return parse_flatbuffer(schema.name, schema.data)
        case "protobuf", encoding if encoding in PROTOBUF_SCHEMAS:
            from bagmill.schemas.protobuf import parse_protobuf

            return parse_protobuf(schema.name, schema.data)
    raise SchemaUnsupported(
        f"messages of encoding {message_encoding!r} with a schema of encoding {schema.encoding!r} "
        "can't be decoded",
        where={"schema": schema.name},
    )


def text(schema: Schema) -> str:
    """The schema's data as text, without the mark that some editors put before it.

    Raises:
        SchemaInvalid: it is not UTF-8.
    """
    try:
        return schema.data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise SchemaInvalid(
            f"the schema of {schema.name} is no UTF-8", where={"schema": schema.name}
        ) from None
