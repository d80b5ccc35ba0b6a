"""From a JSON Schema to a tree of types (json-schema.org, drafts 4 to 2020-12).

A schema says what is allowed, not how it is laid out, and most of its words (patterns, limits, conditions) do
not change a column's type. What it leaves open is `Untyped` here and is filled in from the topic's messages.
Every member may be absent or null, so every column is nullable.
"""

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from bagmill.errors import SchemaInvalid
from bagmill.schemas.tree import (
    MAX_DEPTH,
    Enum,
    Field,
    Kind,
    Mapping,
    Primitive,
    Sequence,
    Struct,
    Type,
    Untyped,
)

_SCALARS = {
    "boolean": Primitive(Kind.BOOL),
    "number": Primitive(Kind.FLOAT64),
    "string": Primitive(Kind.STRING),
}
MAX_INT64 = 2**63 - 1


def parse_json_schema(name: str, data: bytes) -> Type:
    """Read a JSON Schema; parts without one type are `Untyped`.

    Raises:
        SchemaInvalid: the data is no JSON, or neither an object nor a boolean.
    """
    try:
        root = json.loads(data)
        if b"\\u" in data:  # may be half of a surrogate pair, which no column's name can hold
            json.dumps(root, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise SchemaInvalid(f"the schema of {name} is no JSON: {error}", where={"schema": name}) from None
    if not isinstance(root, dict | bool):
        raise SchemaInvalid(f"the schema of {name} is no JSON Schema", where={"schema": name})
    return _Parser(root).type(root, name)


@dataclass(slots=True)
class _Parser:
    root: Any
    open: list[str] = field(default_factory=list)
    depth: int = 0

    def type(self, schema: Any, name: str) -> Type:
        """The type of one schema; `name` is for people who read the metadata."""
        if not isinstance(schema, dict) or self.depth > MAX_DEPTH:
            return Untyped()
        self.depth += 1
        try:
            if "$ref" in schema:
                return self.reference(schema["$ref"], name)
            alternatives = schema.get("oneOf", schema.get("anyOf"))
            if isinstance(alternatives, list) and "properties" not in schema:
                return self.one_of(alternatives, name)
            return self.plain(schema, name)
        finally:
            self.depth -= 1

    def reference(self, target: Any, name: str) -> Type:
        """Follow `#/...`. What holds itself, or stands elsewhere, is typed by what the messages hold."""
        if not isinstance(target, str) or not target.startswith("#") or target in self.open:
            return Untyped()
        node = self.root
        for part in target[1:].split("/")[1:]:
            key = unquote(part).replace("~1", "/").replace("~0", "~")
            node = node.get(key) if isinstance(node, dict) else None
        self.open.append(target)
        found = self.type(node, name)
        self.open.pop()
        return found

    def one_of(self, alternatives: list[Any], name: str) -> Type:
        real = [item for item in alternatives if not (isinstance(item, dict) and item.get("type") == "null")]
        if real and all(isinstance(item, dict) and "const" in item for item in real):
            return _constants(name, [(str(item.get("title", "")), item["const"]) for item in real])
        return self.type(real[0], name) if len(real) == 1 else Untyped()

    def plain(self, schema: dict[str, Any], name: str) -> Type:
        kind = _kind(schema)
        if kind == "object":
            return self.object(schema, name)
        if kind == "array":
            # A list of schemas types each place on its own, and a column holds one type: take what is there.
            items = schema.get("items") if "prefixItems" not in schema else None
            return Sequence(self.type(items, f"{name}[]"), optional=True)
        if kind == "integer":
            return _integer(schema)
        if kind == "string" and schema.get("contentEncoding") == "base64":
            return Primitive(Kind.BINARY)
        if kind is None and isinstance(values := schema.get("enum", [schema.get("const")]), list):
            return _constants(name, [("", value) for value in values])
        return _SCALARS.get(kind or "", Untyped())

    def object(self, schema: dict[str, Any], name: str) -> Type:
        properties = schema.get("properties")
        if isinstance(properties, dict) and properties:
            fields = (
                Field(key, self.type(item, f"{name}.{key}"), optional=True)
                for key, item in properties.items()
            )
            return Struct(str(schema.get("title", name)), tuple(fields))
        values = schema.get("additionalProperties")
        if isinstance(values, dict):
            return Mapping(Primitive(Kind.STRING), self.type(values, f"{name}{{}}"), optional=True)
        return Untyped()


def _kind(schema: dict[str, Any]) -> str | None:
    """The one JSON type that a schema allows beside null; None where it allows several or does not say."""
    written = schema.get("type")
    if written is None:
        return "object" if "properties" in schema else "array" if "items" in schema else None
    kinds = {str(kind) for kind in (written if isinstance(written, list) else [written])} - {"null"}
    if kinds == {"integer", "number"}:
        return "number"
    return kinds.pop() if len(kinds) == 1 else "several"


def _integer(schema: dict[str, Any]) -> Primitive:
    low, high = schema.get("minimum"), schema.get("maximum")
    unsigned = isinstance(low, int) and isinstance(high, int) and low >= 0 and high > MAX_INT64
    return Primitive(Kind.UINT64 if unsigned else Kind.INT64)


def _constants(name: str, values: list[tuple[str, Any]]) -> Type:
    """The type that all listed values have; titles of integers are the names of an enum."""
    kinds = {type(value) for _, value in values if value is not None}
    if kinds == {int}:
        names = tuple((title, value) for title, value in values if title and value is not None)
        return Primitive(Kind.INT64, enum=Enum(name, names) if names else None)
    known: dict[frozenset[type], Kind] = {
        frozenset({str}): Kind.STRING,
        frozenset({bool}): Kind.BOOL,
        frozenset({float}): Kind.FLOAT64,
        frozenset({int, float}): Kind.FLOAT64,
    }
    kind = known.get(frozenset(kinds))
    return Primitive(kind) if kind else Untyped()
