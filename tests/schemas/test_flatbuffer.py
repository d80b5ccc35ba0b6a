"""Binary flatbuffer schemas as trees."""

from pathlib import Path
from random import Random

import pytest

from bagmill.decoders import make_decoder
from bagmill.errors import SchemaError, SchemaInvalid, SchemaUnsupported
from bagmill.recording import Schema
from bagmill.schemas.flatbuffer import parse_flatbuffer
from bagmill.schemas.tree import Case, Enum, Field, Kind, Primitive, Sequence, Struct, Union
from tests.decoders.flatbuffer_writing import encode_schema
from tests.decoders.flatbuffers import Choice, Made, Many, Member, Named, Ref, Scalar, Type, make_schema

FOLDER = Path(__file__).parent / "flatbuffer"
EVERYTHING = (FOLDER / "everything.bfbs").read_bytes()
UNUSUAL = (FOLDER / "unusual.bfbs").read_bytes()

COLOR = Enum("test.Color", (("Red", 0), ("Green", 2), ("Blue", 7)))
DOUBLE = Primitive(Kind.FLOAT64)
VEC = Struct("test.Vec", (Field("x", DOUBLE), Field("y", DOUBLE), Field("z", DOUBLE)))
INNER = Struct(
    "test.Inner",
    (
        Field("name", Primitive(Kind.STRING), optional=True),
        Field("v", VEC, optional=True),
        Field("numbers", Sequence(Primitive(Kind.INT32)), optional=True),
    ),
)
OTHER = Struct("test.Other", (Field("id", Primitive(Kind.UINT64)), Field("inner", INNER, optional=True)))
CHOICE = Union(
    "test.Choice",
    Primitive(
        Kind.UINT8,
        enum=Enum("test.Choice", (("NONE", 0), ("Inner", 1), ("Renamed", 2), ("Vec", 3), ("Text", 4))),
    ),
    (
        Case((1,), Field("Inner", INNER)),
        Case((2,), Field("Renamed", OTHER)),
        Case((3,), Field("Vec", VEC)),
        Case((4,), Field("Text", Primitive(Kind.STRING))),
    ),
)


@pytest.fixture(scope="module")
def tree() -> dict[str, Field]:
    return {item.name: item for item in parse_flatbuffer("test.Everything", EVERYTHING).fields}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a_bool", Field("a_bool", Primitive(Kind.BOOL))),
        ("a_byte", Field("a_byte", Primitive(Kind.INT8))),
        ("a_ulong", Field("a_ulong", Primitive(Kind.UINT64))),
        ("a_float", Field("a_float", Primitive(Kind.FLOAT32))),
        ("color", Field("color", Primitive(Kind.UINT8, enum=COLOR))),
        ("maybe_int", Field("maybe_int", Primitive(Kind.INT32), optional=True)),
        ("text", Field("text", Primitive(Kind.STRING), optional=True)),
        ("needed", Field("needed", Primitive(Kind.STRING))),
        ("doubles", Field("doubles", Sequence(DOUBLE), optional=True)),
        ("texts", Field("texts", Sequence(Primitive(Kind.STRING)), optional=True)),
        ("vec", Field("vec", VEC, optional=True)),
        ("inners", Field("inners", Sequence(INNER), optional=True)),
        ("empty", Field("empty", Struct("test.Empty", ()), optional=True)),
        ("choice", Field("choice", CHOICE, optional=True)),
        ("choices", Field("choices", Sequence(CHOICE), optional=True)),
    ],
)
def test_fields(tree: dict[str, Field], name: str, expected: Field) -> None:
    assert tree[name] == expected


def test_arrays_in_structs_are_of_fixed_size(tree: dict[str, Field]) -> None:
    mixed = tree["mixed"].type

    assert isinstance(mixed, Struct)
    assert {item.name: item.type for item in mixed.fields} == {
        "flag": Primitive(Kind.BOOL),
        "v": VEC,
        "color": Primitive(Kind.UINT8, enum=COLOR),
        "small": Sequence(Primitive(Kind.INT16), size=3),
        "raw": Sequence(Primitive(Kind.UINT8), size=4),
        "points": Sequence(VEC, size=2),
        "colors": Sequence(Primitive(Kind.UINT8, enum=COLOR), size=2),
    }


def test_fields_stand_in_the_order_of_their_definition(tree: dict[str, Field]) -> None:
    names = list(tree)

    assert (names[0], names[-2:]) == ("a_bool", ["log_time", "last"])
    assert "gone" not in names
    assert "choice_type" not in names


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("test.Node", "holds itself"),
        ("test.Left", "holds itself"),
        ("test.Holder", "holds itself"),
        ("test.Wider", "int instead of ubyte"),
    ],
)
def test_what_is_not_decoded(name: str, complaint: str) -> None:
    with pytest.raises(SchemaUnsupported) as caught:
        parse_flatbuffer(name, UNUSUAL)

    assert complaint in caught.value.message


def test_a_broken_type_harms_no_other() -> None:
    assert parse_flatbuffer("test.Part", UNUSUAL).fields == (Field("x", Primitive(Kind.INT32)),)


@pytest.mark.parametrize(
    ("name", "data", "complaint"),
    [
        ("test.Everything", b"", "no identifier"),
        ("test.Everything", b"\0" * 8, "no identifier"),
        ("test.Everything", EVERYTHING[:8], "points to byte"),
        ("test.Everything", b"\xff\xff\xff\xffBFBS", "points to byte"),
        ("test.Everything", EVERYTHING[:-200], "the binary flatbuffer schema"),
        ("test.Nothing", EVERYTHING, "does not hold a table test.Nothing"),
        ("test.Vec", EVERYTHING, "does not hold a table test.Vec"),
    ],
)
def test_bad_schemas_say_what_is_wrong(name: str, data: bytes, complaint: str) -> None:
    with pytest.raises(SchemaInvalid) as caught:
        parse_flatbuffer(name, data)

    assert complaint in caught.value.message


def encoded(*types: Type, enums: tuple[Named, ...] = ()) -> tuple[str, bytes]:
    made = Made(types, enums)
    return made.name, encode_schema(Random(0), made)


INT = Member("f", Scalar("int32"), 0)


REF = Member("r", Ref(0))
WRONG = {
    "two types are called n.B": encoded(
        Type("n.B", (INT,)), Type("n.B", ()), Type("n.A", (REF, Member("h", Ref(1))))
    ),
    "names part 7 of 1": encoded(Type("n.A", (Member("g", Ref(7)),))),
    "names part 3 of 0": encoded(Type("n.A", (Member("g", Scalar("int32", 3), 0),))),
    "names part -1 of 1": encoded(Type("n.A", (Member("g", Many(Many(Scalar("int32")))),))),
    "smaller than its members": encoded(
        Type("n.S", (Member("g", Scalar("int64")),), (0,), 4), Type("n.A", (REF,))
    ),
    "72000 bytes": encoded(
        Type("n.S", (Member("g", Many(Scalar("int64"), 9000)),), (0,), 72000), Type("n.A", (REF,))
    ),
    "a struct of the flatbuffer schema holds": encoded(
        Type("n.B", (INT,)), Type("n.S", (REF,), (0,), 4), Type("n.A", (Member("s", Ref(1)),))
    ),
    "a table of the flatbuffer schema holds an array": encoded(
        Type("n.A", (Member("g", Many(Scalar("float32"), 2)),))
    ),
    "a union of the flatbuffer schema holds a number": encoded(
        Type("n.A", (Member("u", Choice(0)),)),
        enums=(Named("n.U", "uint8", (("NONE", 0), ("m1", 1)), ((1, Scalar("int32")),)),),
    ),
    "100000 columns": encoded(
        Type("n.T0", (INT,)),
        *(
            Type(f"n.T{number + 1}", tuple(Member(f"f{place}", Ref(number)) for place in range(10)))
            for number in range(5)
        ),
    ),
    "levels deep": encoded(
        Type("n.T0", (INT,)),
        *(Type(f"n.T{number + 1}", (Member("f", Ref(number)),)) for number in range(80)),
    ),
}


@pytest.mark.parametrize(("complaint", "schema"), WRONG.items(), ids=WRONG)
def test_schemas_that_no_compiler_makes(complaint: str, schema: tuple[str, bytes]) -> None:
    decoder = make_decoder(Schema(1, schema[0], "flatbuffer", schema[1]), "flatbuffer")

    assert decoder.raw_reason is not None
    assert complaint in decoder.raw_reason.message


def test_damaged_schemas_are_refused_or_used() -> None:
    for seed in range(150):
        random = Random(seed)
        made = make_schema(random)
        name, data = (made.name, encode_schema(random, made)) if seed % 2 else ("test.Everything", EVERYTHING)
        damaged = bytearray(data)
        for _ in range(random.randint(1, 3)):
            damaged[random.randrange(8, len(data))] = random.choice([0, 255, random.randrange(256)])

        reason = make_decoder(Schema(1, name, "flatbuffer", bytes(damaged)), "flatbuffer").raw_reason

        assert reason is None or isinstance(reason, SchemaError)


def test_a_union_of_no_known_type() -> None:
    union = Named("n.U", "uint8", (("NONE", 0), ("m1", 1)), ((1, Ref(5)),))
    name, data = encoded(Type("n.A", (Member("u", Choice(0)),)), enums=(union,))

    with pytest.raises(SchemaInvalid):
        parse_flatbuffer(name, data)
