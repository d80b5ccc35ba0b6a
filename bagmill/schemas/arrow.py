"""From the tree of types to Arrow: what the columns of a topic are.

| in the message | column |
|---|---|
| fixed array | FixedSizeList (of `uint8`: FixedSizeBinary) |
| sequence | List (of `uint8`: Binary) |
| message in a message | Struct |
| union | Struct: `_d`, the discriminator, and a member for each case, of which at most one is not null |
| map | Map |
| enum, bitmask | its integer; the field's metadata names the enum, `describe` its values |
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import pyarrow as pa

from bagmill.errors import SchemaUnsupported
from bagmill.schemas.names import RESERVED, distinct
from bagmill.schemas.tree import (
    MOST_KNOWN,
    PLACEHOLDER,
    Constant,
    Kind,
    Mapping,
    Primitive,
    Sequence,
    Struct,
    Type,
    Union,
    Untyped,
    children,
)

MAX_FIXED = 2**31 - 1
"""Most elements of a fixed array: Arrow counts them with 32 bits."""

_SCALARS = {
    Kind.BOOL: pa.bool_(),
    Kind.INT8: pa.int8(),
    Kind.UINT8: pa.uint8(),
    Kind.INT16: pa.int16(),
    Kind.UINT16: pa.uint16(),
    Kind.INT32: pa.int32(),
    Kind.UINT32: pa.uint32(),
    Kind.INT64: pa.int64(),
    Kind.UINT64: pa.uint64(),
    Kind.FLOAT32: pa.float32(),
    Kind.FLOAT64: pa.float64(),
    Kind.STRING: pa.string(),
    Kind.WSTRING: pa.string(),
    Kind.BINARY: pa.binary(),
}


@lru_cache(MOST_KNOWN)
def arrow_schema(root: Struct) -> pa.Schema:
    """The columns of a message's own fields, under their own names where readers can tell them apart.

    A message without fields has no columns.

    Raises:
        SchemaUnsupported: a fixed array has more elements than Arrow can count.
    """
    names = column_names(root, top=True)
    return pa.schema(
        [_field(name, item.type, item.optional) for name, item in zip(names, root.fields, strict=True)]
    )


def column_names(struct: Struct | Union, *, top: bool = False) -> list[str]:
    """The names of a struct's fields in Arrow; `top`: of a message, whose fields stand beside our columns."""
    return distinct([item.name for item in struct.fields], RESERVED if top else ())


def arrow_type(node: Type) -> pa.DataType:
    """The Arrow type of any type of the tree but `Untyped`."""
    match node:
        case Primitive(kind=kind):
            return _SCALARS[kind]
        case Sequence():
            return _sequence(node)
        case Mapping(key=key, value=value, optional=optional):
            return pa.map_(pa.field("key", arrow_type(key), nullable=False), _field("value", value, optional))
        case Struct(fields=()):
            # Neither Parquet nor IDL has a struct without members; ROS 2 puts this one in.
            return pa.struct([pa.field(PLACEHOLDER, pa.uint8(), nullable=False)])
        case Struct(fields=fields) | Union(fields=fields):
            names = column_names(node)
            return pa.struct(
                [_member(name, item.type, item.optional) for name, item in zip(names, fields, strict=True)]
            )
        case Untyped():
            raise TypeError("a part without a type has no column: infer it from the messages first")


def _sequence(node: Sequence) -> pa.DataType:
    if node.size is not None and node.size > MAX_FIXED:
        raise SchemaUnsupported(f"an array of {node.size} elements is more than a column can hold")
    if node.is_blob:
        return pa.binary() if node.size is None else pa.binary(node.size)
    element = _field("item", node.element, node.optional)
    return pa.list_(element) if node.size is None else pa.list_(element, node.size)


def _member(name: str, node: Type, optional: bool) -> pa.Field:
    # A struct may be null as a whole, and then a list of fixed size that may not be makes Parquet unreadable.
    fixed = isinstance(node, Sequence) and node.size is not None and not node.is_blob
    return _field(name, node, optional or fixed)


def _field(name: str, node: Type, optional: bool) -> pa.Field:
    metadata = {"enum": node.enum.name} if isinstance(node, Primitive) and node.enum else None
    return pa.field(name, arrow_type(node), nullable=optional, metadata=metadata)


@lru_cache(MOST_KNOWN)
def describe(root: Struct) -> dict[str, Any]:
    """What the columns can't say, ready for JSON: `constants`, `enums` and `renamed`, each only if not empty.

    `constants`: by message type, by name. `enums`: by enum, by name. `renamed`: by column path, the field's
    own name. Elements of lists are `[]` in a path.
    """
    facts: dict[str, dict[str, Any]] = {"constants": {}, "enums": {}, "renamed": {}}
    for path, node, own_name in _walk(root):
        if isinstance(node, Struct) and node.constants:
            facts["constants"][node.name] = {item.name: _constant(item) for item in node.constants}
        if isinstance(node, Primitive) and node.enum:
            facts["enums"][node.enum.name] = dict(node.enum.values)
        if own_name is not None and path.rpartition(".")[2] != own_name:
            facts["renamed"][path] = own_name
    return {name: found for name, found in facts.items() if found}


def _constant(item: Constant) -> bool | int | float | str:
    # JSON has no infinities and no NaN.
    return repr(item.value) if isinstance(item.value, float) and item.value - item.value != 0 else item.value


def _walk(root: Struct) -> Iterator[tuple[str, Type, str | None]]:
    """All nodes with their column path and, for fields, the name in the definition."""
    yield "", root, None
    waiting: list[tuple[str, Type, bool]] = [("", root, True)]
    while waiting:
        path, node, top = waiting.pop()
        below = list(children(node))
        if is_field := isinstance(node, Struct | Union):
            names = column_names(node, top=top)
        else:
            names = [name for name, _ in below]
        for name, (own_name, child) in zip(names, below, strict=True):
            child_path = f"{path}.{name}" if is_field and path else f"{path}{name}"
            yield child_path, child, own_name if is_field else None
            waiting.append((child_path, child, False))
