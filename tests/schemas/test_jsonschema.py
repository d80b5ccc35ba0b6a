"""JSON Schemas as trees, and what messages add to them."""

import json
from typing import Any

import pytest

from bagmill.errors import SchemaInvalid, SchemaUnsupported
from bagmill.schemas.inference import Shape
from bagmill.schemas.jsonschema import parse_json_schema
from bagmill.schemas.tree import (
    MAX_LEAVES,
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

INTEGER, NUMBER = Primitive(Kind.INT64), Primitive(Kind.FLOAT64)
TEXT, FLAG = Primitive(Kind.STRING), Primitive(Kind.BOOL)


def typed(schema: Any) -> Type:
    return parse_json_schema("name", json.dumps(schema).encode())


def seen(*messages: Any, schema: Any = True) -> Type:
    """The type after some messages have been looked at."""
    shape = Shape(typed(schema))
    for message in messages:
        shape.add(message)
    return shape.type("name")


def members(node: Type) -> dict[str, Type]:
    assert isinstance(node, Struct)
    assert all(item.optional for item in node.fields)
    return {item.name: item.type for item in node.fields}


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "integer"}, INTEGER),
        ({"type": "integer", "minimum": 0, "maximum": 2**64 - 1}, Primitive(Kind.UINT64)),
        ({"type": "number"}, NUMBER),
        ({"type": ["integer", "number"]}, NUMBER),
        ({"type": "string"}, TEXT),
        ({"type": "string", "contentEncoding": "base64"}, Primitive(Kind.BINARY)),
        ({"type": "boolean"}, FLAG),
        ({"type": ["null", "string"]}, TEXT),
        ({"enum": ["a", "b", None]}, TEXT),
        ({"const": 5}, INTEGER),
        ({"enum": [1, 2.5]}, NUMBER),
        ({"enum": [1, "a"]}, Untyped()),
        ({"enum": [[1]]}, Untyped()),
        ({"type": "array", "items": {"type": "number"}}, Sequence(NUMBER, optional=True)),
        ({"items": {"type": "number"}}, Sequence(NUMBER, optional=True)),
        ({"type": "array"}, Sequence(Untyped(), optional=True)),
        ({"type": "array", "prefixItems": [{"type": "number"}]}, Sequence(Untyped(), optional=True)),
        (
            {"type": "object", "additionalProperties": {"type": "integer"}},
            Mapping(TEXT, INTEGER, optional=True),
        ),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, INTEGER),
        ({"anyOf": [{"type": "integer"}, {"type": "string"}]}, Untyped()),
        ({"type": ["string", "integer"]}, Untyped()),
        ({"type": "object"}, Untyped()),
        ({}, Untyped()),
        (True, Untyped()),
        (False, Untyped()),
        ({"$ref": "elsewhere.json"}, Untyped()),
        ({"$ref": "#/no/such/place"}, Untyped()),
    ],
)
def test_schemas(schema: Any, expected: Type) -> None:
    assert typed(schema) == expected


def test_the_titles_of_constants_are_names() -> None:
    schema = {"oneOf": [{"title": "OFF", "const": 0}, {"title": "ON", "const": 1}]}

    assert typed({"properties": {"state": schema}}) == Struct(
        "name",
        (
            Field(
                "state",
                Primitive(Kind.INT64, enum=Enum("name.state", (("OFF", 0), ("ON", 1)))),
                optional=True,
            ),
        ),
    )


def test_references_within_the_schema_are_followed() -> None:
    schema = {
        "type": "object",
        "properties": {"a": {"$ref": "#/$defs/p~1q"}, "b": {"$ref": "#/definitions/t"}},
        "$defs": {"p/q": {"type": "integer"}},
        "definitions": {"t": {"title": "T", "properties": {"x": {"type": "number"}}}},
    }

    found = members(typed(schema))

    assert found["a"] == INTEGER
    assert found["b"] == Struct("T", (Field("x", NUMBER, optional=True),))


def test_a_schema_that_holds_itself_is_typed_by_the_messages() -> None:
    schema = {"properties": {"value": {"type": "integer"}, "next": {"$ref": "#"}}}

    found = seen({"value": 1, "next": {"value": 2, "next": None}}, schema=schema)

    inner = members(members(found)["next"])
    assert inner["value"] == INTEGER


@pytest.mark.parametrize(
    "data", [b"no json", b"[1]", b'"text"', b"\xff\xfe", b"[" * 100_000, b'{"title": "\\ud800"}']
)
def test_bad_schemas_are_refused(data: bytes) -> None:
    with pytest.raises(SchemaInvalid):
        parse_json_schema("name", data)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([True], FLAG),
        ([1, 2], INTEGER),
        ([1, 2.5], NUMBER),
        ([2**63], Primitive(Kind.UINT64)),
        ([2**63, -1], INTEGER),
        (["a"], TEXT),
        ([None], TEXT),
        ([[1], [], [2.5]], Sequence(NUMBER, optional=True)),
        ([[[True]]], Sequence(Sequence(FLAG, optional=True), optional=True)),
        ([[]], Sequence(TEXT, optional=True)),
    ],
)
def test_types_are_taken_from_values(values: list[Any], expected: Type) -> None:
    assert members(seen(*({"x": value} for value in values)))["x"] == expected


def test_values_of_several_types_each_get_their_place() -> None:
    found = members(seen({"x": 1}, {"x": "one"}, {"x": [1]}))["x"]

    assert isinstance(found, Struct)
    assert found.variant
    assert members(found) == {"array": Sequence(INTEGER, optional=True), "integer": INTEGER, "string": TEXT}


def test_members_stand_in_the_order_they_were_first_seen() -> None:
    assert list(members(seen({"b": 1}, {"a": 1, "b": 1}, {"c": 1}))) == ["b", "a", "c"]


def test_what_a_schema_does_not_list_is_added_behind() -> None:
    schema = {"properties": {"a": {"type": "number"}, "inner": {"properties": {"x": {"type": "string"}}}}}

    found = members(seen({"more": 1, "inner": {"y": 2}, "a": 1}, schema=schema))

    assert list(found) == ["a", "inner", "more"]
    assert found["a"] == NUMBER
    assert members(found["inner"]) == {"x": TEXT, "y": INTEGER}


def test_a_declared_map_may_have_any_number_of_keys() -> None:
    schema = {"properties": {"m": {"type": "object", "additionalProperties": {}}}}

    found = members(seen({"m": {f"key {n}": n for n in range(2 * MAX_LEAVES)}}, schema=schema))

    assert found["m"] == Mapping(TEXT, INTEGER, optional=True)


def test_integers_of_a_schema_may_turn_out_to_be_unsigned() -> None:
    assert members(seen({"x": 2**64 - 1}, schema={"properties": {"x": {"type": "integer"}}}))[
        "x"
    ] == Primitive(Kind.UINT64)


def test_an_object_with_more_members_than_columns_is_no_table() -> None:
    with pytest.raises(SchemaUnsupported, match=f"more than {MAX_LEAVES}"):
        seen({f"key {n}": n for n in range(MAX_LEAVES + 1)})
