"""Protobuf descriptor sets, made without a compiler."""

from collections.abc import Sequence

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
)

Proto = FieldDescriptorProto


def field(
    name: str,
    number: int,
    kind: int,
    *,
    repeated: bool = False,
    type_name: str = "",
    oneof: int | None = None,
    optional: bool = False,
) -> FieldDescriptorProto:
    """A field of a message."""
    result = FieldDescriptorProto(
        name=name,
        number=number,
        type=kind,
        label=Proto.LABEL_REPEATED if repeated else Proto.LABEL_OPTIONAL,
    )
    if type_name:
        result.type_name = type_name
    if oneof is not None:
        result.oneof_index = oneof
    result.proto3_optional = optional
    return result


def message(
    name: str, fields: Sequence[FieldDescriptorProto], *, oneofs: Sequence[str] = ()
) -> DescriptorProto:
    """A message."""
    result = DescriptorProto(name=name, field=fields)
    for oneof in oneofs:
        result.oneof_decl.add(name=oneof)
    return result


def map_entry(name: str, key: int, value: int, type_name: str = "") -> DescriptorProto:
    """The nested message that a map field is made of."""
    result = message(name, [field("key", 1, key), field("value", 2, value, type_name=type_name)])
    result.options.map_entry = True
    return result


def enum(name: str, values: dict[str, int]) -> EnumDescriptorProto:
    """An enum."""
    result = EnumDescriptorProto(name=name)
    for label, number in values.items():
        result.value.add(name=label, number=number)
    return result


def file(
    name: str,
    messages: Sequence[DescriptorProto],
    *,
    dependencies: Sequence[str] = (),
    syntax: str = "proto3",
    enums: Sequence[EnumDescriptorProto] = (),
) -> FileDescriptorProto:
    """A file of package `p`."""
    return FileDescriptorProto(
        name=name, package="p", message_type=messages, dependency=dependencies, syntax=syntax, enum_type=enums
    )


def descriptor_set(*files: FileDescriptorProto) -> bytes:
    """A schema's data."""
    return bytes(FileDescriptorSet(file=files).SerializeToString(deterministic=True))


def everything() -> bytes:
    """A descriptor set whose message `p.Everything` has one field of each kind."""
    scalars = [
        (Proto.TYPE_DOUBLE, "double"),
        (Proto.TYPE_FLOAT, "float"),
        (Proto.TYPE_INT32, "int32"),
        (Proto.TYPE_INT64, "int64"),
        (Proto.TYPE_UINT32, "uint32"),
        (Proto.TYPE_UINT64, "uint64"),
        (Proto.TYPE_SINT32, "sint32"),
        (Proto.TYPE_SINT64, "sint64"),
        (Proto.TYPE_FIXED32, "fixed32"),
        (Proto.TYPE_FIXED64, "fixed64"),
        (Proto.TYPE_SFIXED32, "sfixed32"),
        (Proto.TYPE_SFIXED64, "sfixed64"),
        (Proto.TYPE_BOOL, "bool"),
        (Proto.TYPE_STRING, "string"),
        (Proto.TYPE_BYTES, "bytes"),
    ]
    fields = [field(f"a_{name}", number, kind) for number, (kind, name) in enumerate(scalars, 1)]
    fields += [
        field("color", 20, Proto.TYPE_ENUM, type_name=".p.Color"),
        field("point", 21, Proto.TYPE_MESSAGE, type_name=".p.Point"),
        field("points", 22, Proto.TYPE_MESSAGE, type_name=".p.Point", repeated=True),
        field("numbers", 23, Proto.TYPE_DOUBLE, repeated=True),
        field("colors", 24, Proto.TYPE_ENUM, type_name=".p.Color", repeated=True),
        field("tags", 25, Proto.TYPE_MESSAGE, type_name=".p.Everything.TagsEntry", repeated=True),
        field("named", 26, Proto.TYPE_MESSAGE, type_name=".p.Everything.NamedEntry", repeated=True),
        field("as_text", 27, Proto.TYPE_STRING, oneof=0),
        field("as_point", 28, Proto.TYPE_MESSAGE, type_name=".p.Point", oneof=0),
        field("maybe", 29, Proto.TYPE_INT32, oneof=1, optional=True),
        field("stamp", 30, Proto.TYPE_MESSAGE, type_name=".google.protobuf.Timestamp"),
        field("nothing", 31, Proto.TYPE_MESSAGE, type_name=".p.Nothing"),
    ]
    body = message("Everything", fields, oneofs=["choice", "_maybe"])
    body.nested_type.append(map_entry("TagsEntry", Proto.TYPE_STRING, Proto.TYPE_INT32))
    body.nested_type.append(map_entry("NamedEntry", Proto.TYPE_UINT32, Proto.TYPE_MESSAGE, ".p.Point"))
    point = message("Point", [field("x", 1, Proto.TYPE_DOUBLE), field("y", 2, Proto.TYPE_DOUBLE)])
    return descriptor_set(
        file("everything.proto", [body], dependencies=["google/protobuf/timestamp.proto", "parts.proto"]),
        file(
            "parts.proto",
            [point, message("Nothing", [])],
            enums=[enum("Color", {"RED": 0, "GREEN": 1, "BLUE": 7})],
        ),
    )
