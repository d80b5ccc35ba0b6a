"""IDL as a tree of types."""

import pytest

from bagmill.errors import SchemaInvalid, SchemaUnsupported
from bagmill.schemas.idl import parse_omgidl
from bagmill.schemas.tree import (
    Case,
    Enum,
    Extensibility,
    Field,
    Kind,
    Mapping,
    Primitive,
    Sequence,
    Struct,
    Type,
    Union,
)


def only_field(text: str, *, before: str = "") -> Type:
    """The type of the one member that a struct has."""
    (item,) = parse_omgidl("A", f"{before} struct A {{ {text}; }};").fields
    return item.type


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        ("boolean", Kind.BOOL),
        ("octet", Kind.UINT8),
        ("char", Kind.UINT8),
        ("int8", Kind.INT8),
        ("uint8", Kind.UINT8),
        ("short", Kind.INT16),
        ("int16", Kind.INT16),
        ("unsigned short", Kind.UINT16),
        ("uint16", Kind.UINT16),
        ("long", Kind.INT32),
        ("int32", Kind.INT32),
        ("unsigned long", Kind.UINT32),
        ("uint32", Kind.UINT32),
        ("long long", Kind.INT64),
        ("int64", Kind.INT64),
        ("unsigned long long", Kind.UINT64),
        ("uint64", Kind.UINT64),
        ("float", Kind.FLOAT32),
        ("double", Kind.FLOAT64),
        ("string", Kind.STRING),
        ("wstring", Kind.WSTRING),
    ],
)
def test_basic_types(written: str, kind: Kind) -> None:
    assert only_field(f"{written} a") == Primitive(kind)


LONG, BYTE, TEXT = Primitive(Kind.INT32), Primitive(Kind.UINT8), Primitive(Kind.STRING)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("string<9> a", Primitive(Kind.STRING, bound=9)),
        ("wstring<9> a", Primitive(Kind.WSTRING, bound=9)),
        ("sequence<long> a", Sequence(LONG)),
        ("sequence<long, 5> a", Sequence(LONG, bound=5)),
        ("sequence<sequence<octet>> a", Sequence(Sequence(BYTE))),
        ("sequence<sequence<octet> > a", Sequence(Sequence(BYTE))),
        ("sequence<string<3>, 2> a", Sequence(Primitive(Kind.STRING, bound=3), bound=2)),
        ("long a[4]", Sequence(LONG, size=4)),
        ("long a[2][3]", Sequence(Sequence(LONG, size=3), size=2)),
        ("sequence<long> a[2]", Sequence(Sequence(LONG), size=2)),
        ("char a[20]", Sequence(BYTE, size=20)),
        ("map<string, long> a", Mapping(TEXT, LONG)),
        ("map<long, sequence<long>, 7> a", Mapping(LONG, Sequence(LONG), bound=7)),
    ],
)
def test_templates_and_arrays(written: str, expected: Type) -> None:
    assert only_field(written) == expected


@pytest.mark.parametrize(
    ("typedef", "member", "expected"),
    [
        ("typedef long T;", "T a", LONG),
        ("typedef long T[3];", "T a", Sequence(LONG, size=3)),
        ("typedef long T[3];", "T a[2]", Sequence(Sequence(LONG, size=3), size=2)),
        ("typedef long T[3];", "sequence<T> a", Sequence(Sequence(LONG, size=3))),
        ("typedef sequence<long, 2> T, U[3];", "U a", Sequence(Sequence(LONG, bound=2), size=3)),
        ("typedef long T; typedef T U; typedef U V;", "V a", LONG),
        (
            "typedef struct S { long x; } T;",
            "T a",
            Struct("S", (Field("x", LONG, id=0),), extensibility=Extensibility.APPENDABLE),
        ),
        ("typedef enum E { P } T;", "T a", Primitive(Kind.INT32, enum=Enum("E", (("P", 0),)))),
    ],
)
def test_typedefs(typedef: str, member: str, expected: Type) -> None:
    assert only_field(member, before=typedef) == expected


def test_a_type_may_be_defined_where_it_is_used() -> None:
    """IDL before 4 lets one."""
    inner = only_field("struct B { long x; } b[2]")

    assert isinstance(inner, Sequence)
    assert inner.element == Struct("A::B", (Field("x", LONG, id=0),), extensibility=Extensibility.APPENDABLE)


def test_names_are_looked_up_from_the_inside_out() -> None:
    text = """
    struct T { octet outermost; };
    module m {
        struct T { octet middle; };
        module n { struct T { octet inner; }; struct A { T a; m::T b; ::T c; n::T d; U e; }; };
        struct U { octet later; };
    };
    module m { module n { struct V { octet reopened; }; }; struct B { n::V v; n::A a; }; };
    """

    def first(item: Field) -> str:
        assert isinstance(item.type, Struct)
        return item.type.fields[0].name

    tree = parse_omgidl("m::n::A", text)
    assert [first(item) for item in tree.fields] == ["inner", "middle", "outermost", "inner", "later"]
    assert [first(item) for item in parse_omgidl("m::B", text).fields] == ["reopened", "a"]


def test_a_struct_may_be_declared_before_it_is_defined() -> None:
    tree = parse_omgidl("A", "struct A; struct B; union U; struct A { B b; }; struct B { long x; };")

    assert isinstance(tree.fields[0].type, Struct)


def test_a_struct_begins_with_the_members_of_the_one_that_it_extends() -> None:
    text = """
    struct Base { long a; @id(10) long b; }; struct Middle : Base { long c; };
    struct A : Middle { @optional long d; };
    """

    assert parse_omgidl("A", text).fields == (
        Field("a", LONG, id=0),
        Field("b", LONG, id=10),
        Field("c", LONG, id=11),
        Field("d", LONG, optional=True, id=12),
    )


def test_an_enum_is_an_integer_with_names() -> None:
    text = "enum E { RED, @value(5) GREEN, BLUE, @value(-1) @default_literal NONE, };"

    expected = Enum("E", (("RED", 0), ("GREEN", 5), ("BLUE", 6), ("NONE", -1)))
    assert only_field("E a", before=text) == Primitive(Kind.INT32, enum=expected)


@pytest.mark.parametrize(
    ("bits", "kind"), [(1, Kind.INT8), (8, Kind.INT8), (9, Kind.INT16), (17, Kind.INT32), (32, Kind.INT32)]
)
def test_the_width_of_an_enum(bits: int, kind: Kind) -> None:
    node = only_field("E a", before=f"@bit_bound({bits}) enum E {{ P }};")

    assert node == Primitive(kind, enum=Enum("E", (("P", 0),)))


@pytest.mark.parametrize(
    ("bits", "kind"),
    [(3, Kind.UINT8), (16, Kind.UINT16), (32, Kind.UINT32), (33, Kind.UINT64), (64, Kind.UINT64)],
)
def test_a_bitmask_is_an_unsigned_integer_with_flags(bits: int, kind: Kind) -> None:
    text = f"@bit_bound(value={bits}) bitmask F {{ P, @position(2) Q }};"

    assert only_field("F a", before=text) == Primitive(kind, enum=Enum("F", (("P", 1), ("Q", 4))))


def test_a_bitmask_has_32_bits_unless_it_says() -> None:
    text = "bitmask F { P, @position(31) Q };"

    assert only_field("F a", before=text) == Primitive(Kind.UINT32, enum=Enum("F", (("P", 1), ("Q", 2**31))))


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ("bitfield<3> a; bitfield<5> b;", Kind.UINT8),
        ("bitfield<3> a; bitfield<4>; bitfield<2> c;", Kind.UINT16),
        ("bitfield<10, short> a b;", Kind.UINT32),
        ("bitfield<60> a;", Kind.UINT64),
    ],
)
def test_a_bitset_is_the_integer_that_holds_its_bits(fields: str, kind: Kind) -> None:
    assert only_field("B a", before=f"bitset B {{ {fields} }};") == Primitive(kind)


def test_a_bitset_holds_the_bits_that_it_inherits() -> None:
    text = "bitset C { bitfield<6> a; }; bitset B : C { bitfield<3> b; };"

    assert only_field("B a", before=text) == Primitive(Kind.UINT16)


UNION = """
enum Color { RED, GREEN, BLUE };
@final union U switch (Color) {
    case RED: case Color::BLUE: long number;
    case GREEN: sequence<octet> data;
    default: @id(9) string text;
};
"""


def test_a_union() -> None:
    color = Primitive(Kind.INT32, enum=Enum("Color", (("RED", 0), ("GREEN", 1), ("BLUE", 2))))

    assert only_field("U a", before=UNION) == Union(
        "U",
        color,
        (
            Case((0, 2), Field("number", LONG, id=1)),
            Case((1,), Field("data", Sequence(BYTE), id=2)),
            Case((), Field("text", TEXT, id=9)),
        ),
        Extensibility.FINAL,
    )


@pytest.mark.parametrize(
    ("switch", "label", "kind", "value"),
    [
        ("long", "-5", Kind.INT32, -5),
        ("unsigned long long", "18446744073709551615", Kind.UINT64, 2**64 - 1),
        ("short", "N + 1", Kind.INT16, 5),
        ("octet", "0x10", Kind.UINT8, 16),
        ("char", "'c'", Kind.UINT8, 99),
        ("boolean", "TRUE", Kind.BOOL, 1),
        ("@key long", "2", Kind.INT32, 2),
        ("T", "3", Kind.INT32, 3),
    ],
)
def test_what_a_union_may_switch_on(switch: str, label: str, kind: Kind, value: int) -> None:
    text = f"const short N = 4; typedef long T; union U switch ({switch}) {{ case {label}: string s; }};"

    node = only_field("U a", before=text)

    assert isinstance(node, Union)
    assert (node.discriminator.kind, node.cases[0].labels) == (kind, (value,))


def test_labels_are_names_of_the_enum_that_is_switched_on() -> None:
    """Another enum beside it may use the same names, although IDL does not allow it."""
    text = """
    enum First { UNKNOWN, A1 }; enum Second { B1, UNKNOWN }; typedef Second Alias;
    union U switch (Alias) { case UNKNOWN: long x; };
    """

    node = only_field("U a", before=text)

    assert isinstance(node, Union)
    assert node.cases[0].labels == (1,)


def test_a_case_of_several_labels_with_default_takes_all_that_is_left() -> None:
    text = "union U switch (long) { case 1: long a; case 2: default: long b; };"

    node = only_field("U a", before=text)

    assert isinstance(node, Union)
    assert [case.labels for case in node.cases] == [(1,), ()]


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        ("", Extensibility.APPENDABLE),
        ("@final", Extensibility.FINAL),
        ("@appendable", Extensibility.APPENDABLE),
        ("@mutable", Extensibility.MUTABLE),
        ("@Mutable", Extensibility.MUTABLE),
        ("@extensibility(FINAL)", Extensibility.FINAL),
        ("@extensibility(appendable)", Extensibility.APPENDABLE),
        ("@extensibility(value = MUTABLE)", Extensibility.MUTABLE),
        ("@Extensibility(MUTABLE_EXTENSIBILITY)", Extensibility.MUTABLE),
        ("@extensibility(EXTENSIBLE_EXTENSIBILITY)", Extensibility.APPENDABLE),
        ("@topic @nested(FALSE) @final @key", Extensibility.FINAL),
    ],
)
def test_extensibility(annotation: str, expected: Extensibility) -> None:
    tree = parse_omgidl("A", f"{annotation} struct A {{ long a; }};")

    assert tree.extensibility is expected


def ids(text: str) -> list[int | None]:
    return [item.id for item in parse_omgidl("A", text).fields]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("struct A { long a; long b; };", [0, 1]),
        ("struct A { long a; @id(5) long b; long c; @id(0x10) long d; };", [0, 5, 6, 16]),
        ("@autoid(SEQUENTIAL) struct A { long color; };", [0]),
        # An example of XTypes.
        ("@autoid(HASH) struct A { long color; };", [0x0FA5DD70]),
        ("@autoid struct A { long color; };", [0x0FA5DD70]),
        (
            'struct A { @hashid long color; @hashid("shapesize") long b; long c; };',
            [0x0FA5DD70, 0x047790DA, 0x047790DB],
        ),
        ('struct A { @hashid("color") long b; };', [0x0FA5DD70]),
        ("@autoid(HASH) struct A { long color; @id(3) long b; };", [0x0FA5DD70, 3]),
    ],
)
def test_ids_of_members(text: str, expected: list[int]) -> None:
    assert ids(text) == expected


def test_modules_hand_down_how_ids_are_made() -> None:
    text = """
    @autoid(HASH) module m {
        module n { struct A { long color; }; @autoid(SEQUENTIAL) struct B { long color; }; };
    };
    module m { module n { struct C { long color; }; }; };
    """

    found = [parse_omgidl(f"m::n::{name}", text).fields[0].id for name in "ABC"]

    assert found == [0x0FA5DD70, 0, 0]


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [("@optional", True), ("@optional(TRUE)", True), ("@optional(value=FALSE)", False), ("@key", False)],
)
def test_optional_members(annotation: str, expected: bool) -> None:
    (item,) = parse_omgidl("A", f"struct A {{ {annotation} long a; }};").fields

    assert item.optional is expected


def test_what_is_not_serialized_is_no_member() -> None:
    assert ids("struct A { long a; @non_serialized long b; long c; };") == [0, 2]


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("wchar a", "wchar takes 2 bytes with some writers and 4 with others"),
        ("sequence<wchar> a", "wchar"),
        ("long double a", "long double has no column type"),
        ("fixed<5, 2> a", "fixed has no column type"),
        ("any a", "any has a type of its own"),
        ("Object a", "references"),
    ],
)
def test_types_that_are_not_decoded(written: str, why: str) -> None:
    with pytest.raises(SchemaUnsupported, match=why):
        only_field(written)


def test_a_struct_without_members_is_not_decoded() -> None:
    with pytest.raises(SchemaUnsupported, match="B has no members"):
        only_field("B b", before="struct B {};")


def test_what_is_not_used_harms_nobody() -> None:
    text = "struct B { wchar c; Missing m; }; struct C { long x; long x; }; typedef Nothing N;"

    assert only_field("long a", before=text) == LONG


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("struct A { m::Missing a; };", "line 1, column 12 of A: m::Missing is used but not defined"),
        ("struct A { long a; string a; };", "A has two members named a"),
        ("struct B { long a; }; struct A : B { string a; };", "A has two members named a"),
        ("struct A : Missing { long a; };", "Missing is used but not defined"),
        ("enum E { P }; struct A : E { long a; };", "E is no struct to extend"),
        ("const long C = 1; struct A { C a; };", "C is a constant and no type"),
        ("struct A { string<0> a; };", "0 is no integer from 1 to 4294967295"),
        ("struct A { sequence<long, 0> a; };", "0 is no integer from 1"),
        ("struct A { long a[-1]; };", "-1 is no integer from 1"),
        ("struct A { long a[4294967296]; };", "no integer from 1"),
        ("struct A { long a[1.5]; };", "1.5 is no integer"),
        ("struct A { long a[N]; };", "there is no constant N"),
        ("struct A { map<sequence<long>, long> a; };", "the key of a map"),
        ("struct A { @id(1) long a; @id(1) long b; };", "b has the id 1, as a has"),
        ("struct B { long a; }; struct A : B { @id(0) long b; };", "b has the id 0, as a has"),
        ("struct A { @id long a; };", "@id needs a number"),
        ("struct A { @id(268435456) long a; };", "no integer from 0 to 268435455"),
        ("@extensibility(OPEN) struct A { long a; };", "@extensibility needs one of FINAL, APPENDABLE"),
        ("@autoid(X) struct A { long a; };", "@autoid needs one of SEQUENTIAL, HASH"),
        ("enum E { P, P }; struct A { E a; };", "P stands twice"),
        ("@bit_bound(8) enum E { @value(200) P }; struct A { E a; };", "P does not fit into E's bit_bound"),
        (
            "@bit_bound(8) bitmask E { @position(8) P }; struct A { E a; };",
            "P does not fit into E's bit_bound",
        ),
        ("@bit_bound(33) enum E { P }; struct A { E a; };", "33 is no integer from 1 to 32"),
        ("enum E { @value(2147483647) P, Q }; struct A { E a; };", "Q gets a number that is too big"),
        ("enum E { P }; enum F { P }; struct A { long a[P]; };", "P is a name of two enums"),
        ("bitset B { bitfield<60> a; bitfield<5> b; }; struct A { B a; };", "B has 65 bits"),
        ("struct C { long a; }; bitset B : C { bitfield<1> a; }; struct A { B a; };", "C is no bitset"),
        ("union U switch (float) { case 1: long a; }; struct A { U a; };", "no integer"),
        ("union U switch (long) { case 1: long a; case 1: long b; }; struct A { U a; };", "for one label"),
        ("union U switch (long) { default: long a; default: long b; }; struct A { U a; };", "for one label"),
        (
            "union U switch (long) { case 1: long a; case 2: long a; }; struct A { U a; };",
            "two members named a",
        ),
        (
            "union U switch (octet) { case 256: long a; }; struct A { U a; };",
            "256 is no integer from 0 to 255",
        ),
        ("union U switch (boolean) { case 2: long a; }; struct A { U a; };", "2 is no integer from 0 to 1"),
        (
            "struct A { long a; }; struct A { long b; };",
            "A is declared a second time, differently from line 1",
        ),
        ("struct B { long a; };", "the schema does not define A, only B"),
        ("", "the schema does not define A, only no struct"),
    ],
)
def test_what_breaks_the_rules_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(SchemaInvalid, match=complaint):
        parse_omgidl("A", text)


@pytest.mark.parametrize(
    "text",
    ["union A switch (long) { case 1: long a; };", "enum A { P };", "typedef long A;", "const long A = 1;"],
)
def test_only_structs_are_messages(text: str) -> None:
    with pytest.raises(SchemaUnsupported, match="A is no struct"):
        parse_omgidl("A", text)


def test_the_same_declaration_twice_is_one() -> None:
    text = "struct B { long a; }; // from one file\nstruct B{long a;};"

    assert isinstance(only_field("B b", before=text), Struct)


@pytest.mark.parametrize("name", ["m::n::A", "m/n/A", "::m::n::A", "m.n.A"])
def test_a_message_is_found_by_any_way_to_write_its_name(name: str) -> None:
    tree = parse_omgidl(name, "module m { module n { struct A { long a; }; }; }; struct A { long b; };")

    assert (tree.name, tree.fields[0].name) == ("m::n::A", "a")
