"""Protobuf descriptor sets as trees."""

import pytest

from bagmill.errors import SchemaInvalid, SchemaUnsupported
from bagmill.schemas.protobuf import parse_protobuf
from bagmill.schemas.tree import Enum, Field, Kind, Mapping, Primitive, Sequence, Struct
from tests.schemas.descriptors import Proto, descriptor_set, everything, field, file, message

POINT = Struct("p.Point", (Field("x", Primitive(Kind.FLOAT64)), Field("y", Primitive(Kind.FLOAT64))))
COLOR = Primitive(Kind.INT32, enum=Enum("p.Color", (("RED", 0), ("GREEN", 1), ("BLUE", 7))))


@pytest.fixture(scope="module")
def tree() -> dict[str, Field]:
    return {item.name: item for item in parse_protobuf("p.Everything", everything()).fields}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a_double", Kind.FLOAT64),
        ("a_float", Kind.FLOAT32),
        ("a_sint32", Kind.INT32),
        ("a_fixed64", Kind.UINT64),
        ("a_sfixed64", Kind.INT64),
        ("a_bool", Kind.BOOL),
        ("a_string", Kind.STRING),
        ("a_bytes", Kind.BINARY),
    ],
)
def test_scalars(tree: dict[str, Field], name: str, kind: Kind) -> None:
    assert tree[name] == Field(name, Primitive(kind))


def test_an_enum_is_an_integer_with_names(tree: dict[str, Field]) -> None:
    assert tree["color"] == Field("color", COLOR)
    assert tree["colors"] == Field("colors", Sequence(COLOR))


def test_messages_and_lists_of_them(tree: dict[str, Field]) -> None:
    assert tree["point"] == Field("point", POINT, optional=True)
    assert tree["points"] == Field("points", Sequence(POINT))


def test_maps(tree: dict[str, Field]) -> None:
    assert tree["tags"] == Field("tags", Mapping(Primitive(Kind.STRING), Primitive(Kind.INT32)))
    assert tree["named"] == Field("named", Mapping(Primitive(Kind.UINT32), POINT))


def test_what_may_be_absent_is_optional(tree: dict[str, Field]) -> None:
    assert {name for name, item in tree.items() if item.optional} == {
        "point",
        "as_text",
        "as_point",
        "maybe",
        "stamp",
        "nothing",
    }


def test_time_is_a_message_like_others_and_may_be_left_out_of_the_set(tree: dict[str, Field]) -> None:
    stamp = tree["stamp"].type

    assert isinstance(stamp, Struct)
    assert [item.name for item in stamp.fields] == ["seconds", "nanos"]


def test_members_of_proto2_can_be_absent() -> None:
    data = descriptor_set(file("a.proto", [message("A", [field("x", 1, Proto.TYPE_INT32)])], syntax="proto2"))

    assert parse_protobuf("p.A", data).fields == (Field("x", Primitive(Kind.INT32), optional=True),)


def test_extensions_are_members_with_their_full_name() -> None:
    body = message("A", [field("x", 1, Proto.TYPE_INT32)])
    body.extension_range.add(start=100, end=200)
    extended = file("a.proto", [body], syntax="proto2")
    extension = extended.extension.add(
        name="more", number=100, type=Proto.TYPE_STRING, label=Proto.LABEL_OPTIONAL, extendee=".p.A"
    )
    assert extension.name == "more"

    names = [item.name for item in parse_protobuf("p.A", descriptor_set(extended)).fields]

    assert names == ["x", "p.more"]


def test_a_message_that_holds_itself_is_no_table() -> None:
    data = descriptor_set(
        file("a.proto", [message("A", [field("next", 1, Proto.TYPE_MESSAGE, type_name=".p.A")])])
    )

    with pytest.raises(SchemaUnsupported, match="holds itself"):
        parse_protobuf("p.A", data)


def map_by(key: str) -> bytes:
    """A set with a map whose entries call their key so, which no compiler makes."""
    entry = message("BEntry", [field(key, 1, Proto.TYPE_INT32), field("value", 2, Proto.TYPE_INT32)])
    entry.options.map_entry = True
    owner = message("A", [field("b", 1, Proto.TYPE_MESSAGE, repeated=True, type_name=".p.A.BEntry")])
    owner.nested_type.append(entry)
    return descriptor_set(file("a.proto", [owner]))


@pytest.mark.parametrize(
    ("name", "data", "complaint"),
    [
        ("p.A", b"\xff\xff\xff", "no FileDescriptorSet"),
        ("p.A", descriptor_set(), "does not hold p.A"),
        (
            "p.A",
            descriptor_set(file("a.proto", [message("A", [])], dependencies=["b.proto"])),
            "misses b.proto",
        ),
        (
            "p.A",
            descriptor_set(file("a.proto", [message("A", [])], dependencies=["google/protobuf/no.proto"])),
            "misses google/protobuf/no.proto",
        ),
        (
            "p.A",
            descriptor_set(file("ab.proto", [message("A", [])])).replace(b"ab", b"\xff\xff"),
            "is no text",
        ),
        (
            "p.A",
            descriptor_set(file("a.proto", [message("A", [])], dependencies=["google/protobuf/a.b.proto"])),
            "misses google/protobuf/a.b.proto",
        ),
        (
            "p.A",
            descriptor_set(file("a.proto", [message("A", [])]), file("a.proto", [message("B", [])])),
            "two files a.proto",
        ),
        (
            "p.A",
            descriptor_set(
                file("a.proto", [message("A", [field("b", 1, Proto.TYPE_MESSAGE, type_name=".p.B")])])
            ),
            "a.proto in the schema of p.A",
        ),
        (
            "p.A",
            descriptor_set(
                file("a.proto", [message("A", [])], dependencies=["b.proto"]),
                file("b.proto", [message("B", [])], dependencies=["a.proto"]),
            ),
            "in the schema of p.A",
        ),
        ("p.A", map_by("kez"), "p.A.BEntry is a map's entry without a key or a value"),
    ],
)
def test_bad_descriptor_sets_say_what_is_wrong(name: str, data: bytes, complaint: str) -> None:
    with pytest.raises(SchemaInvalid) as caught:
        parse_protobuf(name, data)

    assert complaint in caught.value.message
