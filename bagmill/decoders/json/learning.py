"""What columns that were read at once teach about a topic's types: the same as their messages one by one."""

from typing import Any

import pyarrow as pa

from bagmill.kernels import call
from bagmill.schemas.inference import Shape
from bagmill.schemas.tree import Field, Kind, Primitive, Sequence, Struct, Type

_NUMBER = Primitive(Kind.FLOAT64)


def type_to_read(shape: Shape, node: Type) -> Type:
    """The type that messages are read with while they are looked at; `node` is what the shape says now.

    A declared integer that was seen as something else stays an integer whatever comes, so any number will do.
    """
    match node:
        case Primitive(kind=Kind.INT64) if isinstance(shape.declared, Primitive) and shape.seen - {"integer"}:
            return _NUMBER
        case Sequence(element=element):
            return Sequence(type_to_read(shape.element_shape(), element), optional=True)
        case Struct(variant=variant):
            fields = (
                Field(
                    item.name,
                    type_to_read(shape if variant else shape.member(item.name), item.type),
                    optional=True,
                )
                for item in node.fields
            )
            return Struct(node.name, tuple(fields), variant=variant)
        case _:
            return node


def learn(shape: Shape, node: Type, array: pa.Array) -> None:
    """Add to the shape what an array shows that was read as `node`, the type of the shape.

    That it could be read so says already that no member and no type is new, but for two things: integers have
    a range, and where only null was seen before, any type will do, and that is text.
    """
    match node:
        case Struct(fields=fields):
            for item, inner in zip(fields, array.flatten(), strict=True):
                learn(shape.member(item.name), item.type, inner)
        case Sequence(element=element):
            learn(shape.element_shape(), element, call("list_flatten", array))
        case Primitive(kind=Kind.INT64 | Kind.UINT64) if array.null_count < len(array):
            limits: dict[str, Any] = call("min_max", array).as_py()
            shape.add_integers(limits["min"], limits["max"])
        case Primitive(kind=Kind.STRING) if array.null_count < len(array):
            shape.seen.add("string")
