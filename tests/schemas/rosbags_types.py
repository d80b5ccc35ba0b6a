"""Types as plain values: ours, and those of the `rosbags` package."""

from typing import Any

from rosbags.interfaces import Nodetype

from bagmill.schemas.tree import Kind, Primitive, Sequence, Struct, Type


def plain(node: Type) -> Any:
    """A type of a tree, as far as `rosbags` knows types too."""
    match node:
        case Struct(name=name):
            return name
        case Sequence(element=element, size=size, bound=bound):
            return plain(element), "array" if size else "sequence", size or bound or 0
        case Primitive(kind=Kind.STRING | Kind.WSTRING as kind, bound=bound):
            return str(kind), bound or 0
        case Primitive(kind=kind):
            return str(kind)
    raise AssertionError(node)


def described(node: Any) -> Any:
    """A type of `rosbags`."""
    kind, value = node
    if kind == Nodetype.NAME:
        return value
    if kind == Nodetype.BASE:
        name, bound = value
        name = {"byte": "uint8", "char": "uint8"}.get(str(name), str(name))
        return (name, bound) if "string" in name else name
    element, size = value
    return described(element), "array" if kind == Nodetype.ARRAY else "sequence", size


def structs(root: Struct) -> dict[str, Struct]:
    """All messages in a message, by name."""
    found = {root.name: root}
    for item in root.fields:
        node = item.type
        while isinstance(node, Sequence):
            node = node.element
        if isinstance(node, Struct):
            found |= structs(node)
    return found
