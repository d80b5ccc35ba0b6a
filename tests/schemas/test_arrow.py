"""The Arrow schema of a tree, and the names of its columns."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bagmill.errors import SchemaUnsupported
from bagmill.schemas.arrow import arrow_schema, arrow_type, describe
from bagmill.schemas.idl import parse_omgidl
from bagmill.schemas.names import RESERVED, distinct
from bagmill.schemas.protobuf import parse_protobuf
from bagmill.schemas.ros import parse_ros2
from bagmill.schemas.tree import (
    Case,
    Extensibility,
    Field,
    Kind,
    Mapping,
    Primitive,
    Sequence,
    Struct,
    Type,
    Union,
    Untyped,
)
from tests.schemas.descriptors import everything

BYTE, FLOAT, TEXT = Primitive(Kind.UINT8), Primitive(Kind.FLOAT32), Primitive(Kind.STRING)


def required(name: str, kind: pa.DataType) -> pa.Field:
    return pa.field(name, kind, nullable=False)


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        (Primitive(Kind.WSTRING), pa.string()),
        (Sequence(BYTE), pa.binary()),
        (Sequence(BYTE, size=16), pa.binary(16)),
        (Sequence(Primitive(Kind.INT8), size=2), pa.list_(required("item", pa.int8()), 2)),
        (Sequence(FLOAT), pa.list_(required("item", pa.float32()))),
        (Sequence(FLOAT, optional=True), pa.list_(pa.field("item", pa.float32()))),
        (Sequence(FLOAT, size=9), pa.list_(required("item", pa.float32()), 9)),
        (Struct("p", (Field("x", FLOAT),)), pa.struct([required("x", pa.float32())])),
        (Struct("p", ()), pa.struct([required("structure_needs_at_least_one_member", pa.uint8())])),
        (Mapping(TEXT, FLOAT), pa.map_(pa.string(), required("value", pa.float32()))),
        (
            Union("u", BYTE, (Case((1,), Field("x", FLOAT)), Case((), Field("p", Struct("p", ()))))),
            pa.struct(
                [
                    required("_d", pa.uint8()),
                    pa.field("x", pa.float32()),
                    pa.field("p", pa.struct([required("structure_needs_at_least_one_member", pa.uint8())])),
                ]
            ),
        ),
        (
            Struct("p", (Field("x", FLOAT, optional=True, id=7),), extensibility=Extensibility.MUTABLE),
            pa.struct([pa.field("x", pa.float32())]),
        ),
        (Sequence(Sequence(BYTE, size=3), size=2), pa.list_(required("item", pa.binary(3)), 2)),
    ],
)
def test_types(node: Type, expected: pa.DataType) -> None:
    assert arrow_type(node) == expected


def test_a_list_of_fixed_size_in_a_struct_may_be_null_so_that_parquet_can_be_read(tmp_path: Path) -> None:
    kind = arrow_type(Struct("p", (Field("x", Sequence(FLOAT, size=2)),)))
    table = pa.table({"p": pa.array([{"x": [1, 2]}, None], kind)})

    pq.write_table(table, tmp_path / "a.parquet")

    assert kind.field("x").nullable
    assert pq.read_table(tmp_path / "a.parquet").equals(table)


def test_an_array_beyond_what_arrow_counts_is_no_column() -> None:
    with pytest.raises(SchemaUnsupported):
        arrow_type(Sequence(BYTE, size=2**31))


def test_what_has_no_type_has_no_column() -> None:
    with pytest.raises(TypeError):
        arrow_type(Untyped())


def test_a_message_without_fields_has_no_columns() -> None:
    assert arrow_schema(Struct("std_msgs/msg/Empty", ())).names == []


def test_fields_that_collide_get_a_trailing_underscore() -> None:
    tree = parse_ros2(
        "p/msg/T",
        "int8 log_time\nint8 topic\nint8 sequence_\nint8 Sequence\nint8 x\nint8 X\nQ q"
        "\n===\nMSG: p/Q\nint8 topic\nint8 a\nint8 A",
    )

    assert arrow_schema(tree).names == ["log_time_", "topic_", "sequence_", "Sequence__", "x", "X_", "q"]
    assert [item.name for item in arrow_schema(tree).field("q").type] == ["topic", "a", "A_"]
    assert describe(tree)["renamed"] == {
        "log_time_": "log_time",
        "topic_": "topic",
        "Sequence__": "Sequence",
        "X_": "X",
        "q.A_": "A",
    }


@given(st.lists(st.sampled_from(["a", "A", "a_", "A_", "topic", "Topic_", "log_time", "", "_", "b"])))
def test_names_are_distinct_whatever_they_are(names: list[str]) -> None:
    unique = list(dict.fromkeys(names))

    chosen = [name.lower() for name in distinct(unique, RESERVED)]

    assert len(set(chosen)) == len(chosen)
    assert not set(chosen) & (RESERVED | {""})


def test_constants_and_enums_are_described() -> None:
    tree = parse_ros2("p/msg/T", "Q[] q\nint8 ON=1\n===\nMSG: p/Q\nfloat32 INF=inf\nstring S='text'\nint8 a")

    assert describe(tree) == {"constants": {"p/msg/T": {"ON": 1}, "p/msg/Q": {"INF": "inf", "S": "text"}}}
    facts = describe(parse_protobuf("p.Everything", everything()))
    assert facts == {"enums": {"p.Color": {"RED": 0, "GREEN": 1, "BLUE": 7}}}


def test_a_field_names_its_enum() -> None:
    schema = arrow_schema(parse_protobuf("p.Everything", everything()))

    assert schema.field("color").type == pa.int32()
    assert schema.field("color").metadata == {b"enum": b"p.Color"}
    assert schema.field("colors").type.value_field.metadata == {b"enum": b"p.Color"}


def test_what_a_union_holds_is_described() -> None:
    tree = parse_omgidl(
        "m::A",
        """
        module m {
            enum Color { RED, GREEN };
            bitmask Flags { LEFT, RIGHT };
            struct B { long X; long x; };
            module B_Constants { const double HALF = 0.5; };
            union U switch (Color) { case RED: B b; case GREEN: Flags __d; default: long B; };
            const string NAME = "name";
            struct A { sequence<U> us; map<string, Color> colors; };
        };
        """,
    )

    schema = arrow_schema(tree)
    union = schema.field("us").type.value_type
    assert [item.name for item in union] == ["_d", "b", "_d_", "B_"]
    assert union.field("_d").metadata == {b"enum": b"m::Color"}
    assert schema.field("colors").type.item_field.metadata == {b"enum": b"m::Color"}
    assert describe(tree) == {
        "constants": {"m::A": {"NAME": "name"}, "m::B": {"HALF": 0.5}},
        "enums": {"m::Color": {"RED": 0, "GREEN": 1}, "m::Flags": {"LEFT": 1, "RIGHT": 2}},
        "renamed": {"us[]._d_": "_d", "us[].B_": "B", "us[].b.x_": "x"},
    }
