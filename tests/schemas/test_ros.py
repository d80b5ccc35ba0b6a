"""ROS 1 and ROS 2 definitions as trees."""

import pytest

from bagmill.errors import SchemaInvalid, SchemaUnsupported
from bagmill.recording import Schema
from bagmill.schemas import parse
from bagmill.schemas.ros import parse_ros1, parse_ros2
from bagmill.schemas.rostext import type_name
from bagmill.schemas.tree import (
    MAX_LEAVES,
    Constant,
    Field,
    Kind,
    Primitive,
    Sequence,
    Struct,
    Type,
    leaves,
)

LINE = "=" * 80


def only_field(text: str, *, ros: int = 2) -> Type:
    """The type of the one field that a definition has."""
    tree = (parse_ros1 if ros == 1 else parse_ros2)("pkg/msg/Thing", text)
    (item,) = tree.fields
    return item.type


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("bool", Primitive(Kind.BOOL)),
        ("byte", Primitive(Kind.UINT8)),
        ("char", Primitive(Kind.UINT8)),
        ("float32", Primitive(Kind.FLOAT32)),
        ("uint64", Primitive(Kind.UINT64)),
        ("string", Primitive(Kind.STRING)),
        ("wstring", Primitive(Kind.WSTRING)),
        ("string<=22", Primitive(Kind.STRING, bound=22)),
        ("float64[36]", Sequence(Primitive(Kind.FLOAT64), size=36)),
        ("float64[]", Sequence(Primitive(Kind.FLOAT64))),
        ("float64[<=3]", Sequence(Primitive(Kind.FLOAT64), bound=3)),
        ("string<=5[<=10]", Sequence(Primitive(Kind.STRING, bound=5), bound=10)),
        ("uint8[]", Sequence(Primitive(Kind.UINT8))),
    ],
)
def test_types_of_ros2(written: str, expected: Type) -> None:
    assert only_field(f"{written} value") == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("byte", Primitive(Kind.INT8)),
        ("char", Primitive(Kind.UINT8)),
        ("byte[]", Sequence(Primitive(Kind.UINT8))),
        ("int8[]", Sequence(Primitive(Kind.INT8))),
    ],
)
def test_types_of_ros1(written: str, expected: Type) -> None:
    assert only_field(f"{written} value", ros=1) == expected


def test_time_of_ros1_is_unsigned_and_duration_signed() -> None:
    tree = parse_ros1("pkg/Thing", "time stamp\nduration[] spans")

    stamp = Struct("time", (Field("sec", Primitive(Kind.UINT32)), Field("nanosec", Primitive(Kind.UINT32))))
    span = Struct("duration", (Field("sec", Primitive(Kind.INT32)), Field("nanosec", Primitive(Kind.INT32))))
    assert tree.fields == (Field("stamp", stamp), Field("spans", Sequence(span)))


def test_time_of_ros2_needs_no_definition() -> None:
    tree = parse_ros2("pkg/msg/Thing", "builtin_interfaces/Time a\nbuiltin_interfaces/msg/Duration b\ntime c")

    assert [item.type.name for item in tree.fields if isinstance(item.type, Struct)] == [
        "builtin_interfaces/msg/Time",
        "builtin_interfaces/msg/Duration",
        "builtin_interfaces/msg/Time",
    ]


def test_the_recorded_definition_of_time_wins_over_the_built_in_one() -> None:
    text = f"builtin_interfaces/Time a\n{LINE}\nMSG: builtin_interfaces/Time\nuint32 sec\nuint32 nanosec\n"

    inner = only_field(text)

    assert isinstance(inner, Struct)
    assert inner.fields[0].type == Primitive(Kind.UINT32)


@pytest.mark.parametrize("written", ["other/Point", "other/msg/Point"])
@pytest.mark.parametrize("header", ["other/Point", "other/msg/Point", "fastdds/other/msg/Point"])
def test_names_of_types_may_have_the_folder_or_not(written: str, header: str) -> None:
    inner = only_field(f"{written} p\n{LINE}\nMSG: {header}\nfloat64 x\n")

    assert isinstance(inner, Struct)
    assert inner.fields == (Field("x", Primitive(Kind.FLOAT64)),)


@pytest.mark.parametrize(
    "name",
    ["std_msgs/String", "std_msgs/msg/String", "std_msgs::msg::dds_::String_", "fastdds/std_msgs/msg/String"],
)
def test_all_ways_to_write_a_type_are_one(name: str) -> None:
    assert type_name(name) == ("std_msgs", "String")


def test_a_type_without_package_is_of_the_same_package() -> None:
    sections = "\n".join(
        [
            LINE,
            "MSG: other/Point",
            "int8 wrong",
            LINE,
            "MSG: pkg/Point",
            "int8 right",
            LINE,
            "MSG: pkg/Pose",
            "Point p",
        ]
    )
    pose = only_field(f"Pose pose\n{sections}")

    assert isinstance(pose, Struct)
    assert isinstance(pose.fields[0].type, Struct)
    assert pose.fields[0].type.fields[0].name == "right"


def test_header_without_package_is_that_of_std_msgs() -> None:
    inner = only_field(f"Header header\n{LINE}\nMSG: std_msgs/Header\nuint32 seq\n", ros=1)

    assert isinstance(inner, Struct)
    assert inner.fields[0].name == "seq"


def test_a_type_without_package_that_stands_once_is_found() -> None:
    assert isinstance(only_field(f"Point p\n{LINE}\nMSG: elsewhere/Point\nint8 x\n"), Struct)


def test_constants_are_kept_and_are_no_fields() -> None:
    text = """
    # status
    int8 STATUS_NO_FIX =  -1        # unable to fix position
    uint8 MASK=0x1F
    float32 HALF=0.5
    bool ON=true
    string QUOTED="with # and \\" inside"   # comment
    string NAME='single'
    int8 status
    """
    tree = parse_ros2("pkg/msg/Thing", text)

    assert tree.constants == (
        Constant("STATUS_NO_FIX", Kind.INT8, -1),
        Constant("MASK", Kind.UINT8, 31),
        Constant("HALF", Kind.FLOAT32, 0.5),
        Constant("ON", Kind.BOOL, True),
        Constant("QUOTED", Kind.STRING, 'with # and " inside'),
        Constant("NAME", Kind.STRING, "single"),
    )
    assert [item.name for item in tree.fields] == ["status"]


def test_text_constants_of_ros1_take_the_whole_line() -> None:
    tree = parse_ros1("pkg/Thing", 'string EXAMPLE="#comments" are ignored, and quotes\nint8 x')

    assert tree.constants[0].value == '"#comments" are ignored, and quotes'


def test_a_constant_that_is_no_literal_stays_text() -> None:
    tree = parse_ros2("pkg/msg/Thing", "int32 ODD=1e3x\nint32 x")

    assert tree.constants == (Constant("ODD", Kind.INT32, "1e3x"),)


def test_defaults_do_not_change_fields() -> None:
    text = """
    string name "Hello # world!"
    string<=9 bounded 'it''s'
    string bare text
    int32[] many [1, 2, 3]
    string[<=2] texts ["a", 'b']
    float64 ratio 0.5 # half
    float32 none nan
    bool yes True
    byte mask 0xff
    wstring wide "wide"
    """
    tree = parse_ros2("pkg/msg/Thing", text)

    assert [item.name for item in tree.fields] == [line.split()[1] for line in text.splitlines()[1:-1]]


def test_ros1_has_no_defaults() -> None:
    with pytest.raises(SchemaInvalid, match="x can't have the default '5'"):
        parse_ros1("pkg/Thing", "int8 x 5")


@pytest.mark.parametrize(
    ("written", "value"),
    [
        (r'"a\n\"b\" \\ \'"', r'a\n"b" \\ \''),
        (r"'it\'s \"'", r"it's \""),
        ("'#' # comment", "#"),
        ('"# one" # "two"', "# one"),
        ("bare # comment", "bare"),
        ('"open # comment', '"open'),
        ("", ""),
        ('""', ""),
    ],
)
def test_in_quotes_only_the_quote_is_escaped(written: str, value: str) -> None:
    """As in rosidl_adapter's `parser.py`."""
    tree = parse_ros2("pkg/msg/Thing", f"string X={written}\nint8 x")

    assert tree.constants == (Constant("X", Kind.STRING, value),)


@pytest.mark.parametrize(
    "text",
    [
        "int8 a\nint16 b",
        "int8 a\r\nint16 b\r\n",
        "int8 a\rint16 b",
        "\tint8\t\ta\t\n \n\tint16   b  \t",
        "int8 a#comment\nint16 b # \u2028 int8 no \x0c int8 no \x85 int8 no",
        "# int8 no\n  # int8 no\nint8 a\nint16 b",
        "MSG: pkg/Thing\nint8 a\nint16 b",
        "MSG: pkg/msg/Thing \nint8 a\nint16 b",
        f"{LINE}\nMSG: pkg/Thing\nint8 a\nint16 b",
        f"{LINE}\nMSG: pkg/Other\nint8 no\n{LINE}\nMSG: pkg/Thing\nint8 a\nint16 b",
        "int8 a\nint16 b\n===\nMSG: pkg/Other\nint8 no",
        f"int8 a\nint16 b\n{LINE}{LINE}  \nMSG:  pkg/Other\nint8 no",
        "int8 a\nint16 b\n" + LINE + "\nMSG: pkg/Broken\n}{ what",
    ],
)
def test_the_same_definition(text: str) -> None:
    tree = parse_ros2("pkg/msg/Thing", text)

    assert tree.fields == (Field("a", Primitive(Kind.INT8)), Field("b", Primitive(Kind.INT16)))


def test_a_mark_of_the_byte_order_is_passed_over() -> None:
    tree = parse(Schema(1, "pkg/msg/Thing", "ros2msg", b"\xef\xbb\xbfint8 a"), "cdr")

    assert isinstance(tree, Struct)
    assert tree.fields == (Field("a", Primitive(Kind.INT8)),)


def test_a_definition_with_its_package_is_found_by_a_name_without() -> None:
    assert parse_ros2("Thing", "MSG: pkg/Thing\nint8 a").fields == (Field("a", Primitive(Kind.INT8)),)


def test_an_empty_definition_has_no_fields() -> None:
    assert parse_ros2("std_msgs/msg/Empty", "\n# nothing\n").fields == ()


def test_names_are_kept_exactly() -> None:
    tree = parse_ros1("pkg/Thing", "int8 camelCase\nint8 K\nint8 x__y_")

    assert [item.name for item in tree.fields] == ["camelCase", "K", "x__y_"]


def test_windows_line_ends_are_line_ends() -> None:
    inner = only_field(f"Point p\r\n{LINE}\r\nMSG: pkg/Point\r\nfloat64 x\r\n")

    assert isinstance(inner, Struct)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("THIS IS NOT A VALID ROS MSG DEFINITION }{][", "THIS, whose definition is missing"),
        ("int8", "line 1"),
        ("int8 a b/c = 5 [\nfloat64[ x", "line 2"),
        ("int8 5x", "line 1"),
        ("int8[0] none", "no elements"),
        ("int8<=5 x", "no type"),
        ("int8[<=] x", "no type"),
        ("int8 a\nint16 a", "two fields named a"),
        ("other/Missing m", "other/Missing, whose definition is missing"),
        (f"Point p 5\n{LINE}\nMSG: pkg/Point\nint8 x", "p can't have the default '5'"),
        ("int8 x, y", "x can't have the default ', y'"),
        ("int8[] x 5", "x can't have the default '5'"),
        ("bool x perhaps", "x can't have the default 'perhaps'"),
        ("int8[3] X=5", "a constant is no array"),
        ("MSG: other/Type\nint8 x", "the schema does not define pkg/msg/Thing, only other/Type"),
        ('string X="' + "\\" * 5001 + "\nint8 int8 int8", "can't have the default"),
        (f"Point p\n{LINE}\nint8 x", "no 'MSG:' line"),
        ("float64[99999999999999999999] x", "no type"),
    ],
)
def test_bad_definitions_say_what_is_wrong(text: str, complaint: str) -> None:
    with pytest.raises(SchemaInvalid) as caught:
        parse_ros2("pkg/msg/Thing", text)

    assert complaint in caught.value.message
    assert caught.value.where == {"schema": caught.value.where["schema"]}


def test_a_broken_definition_that_nobody_uses_harms_nobody() -> None:
    text = f"int8 x\n{LINE}\nMSG: pkg/Broken\nfloat64[ nothing"

    assert parse_ros2("pkg/msg/Thing", text).fields == (Field("x", Primitive(Kind.INT8)),)


@pytest.mark.parametrize(
    "text",
    ["Thing[] children", f"Other o\n{LINE}\nMSG: pkg/Other\nThing[] things"],
)
def test_a_message_that_holds_itself_is_no_table(text: str) -> None:
    with pytest.raises(SchemaUnsupported, match="holds itself"):
        parse_ros2("pkg/msg/Thing", text)


def test_a_definition_that_would_explode_is_refused() -> None:
    """Ten levels of ten fields are 10,000,000,000 columns."""
    levels = "\n".join(
        f"{LINE}\nMSG: pkg/L{level}\n" + "\n".join(f"L{level + 1} f{number}" for number in range(10))
        for level in range(10)
    )
    with pytest.raises(SchemaUnsupported, match=f"more than the {MAX_LEAVES}"):
        parse_ros2("pkg/msg/Thing", f"L0 x\n{levels}\n{LINE}\nMSG: pkg/L10\nint8 x")


def test_a_definition_that_is_too_deep_is_refused() -> None:
    levels = "\n".join(f"{LINE}\nMSG: pkg/L{level}\nL{level + 1} f" for level in range(3000))

    with pytest.raises(SchemaUnsupported, match="levels deep"):
        parse_ros2("pkg/msg/Thing", f"L0 x\n{levels}\n{LINE}\nMSG: pkg/L3000\nint8 x")


def test_a_message_without_fields_counts_as_one_leaf() -> None:
    tree = parse_ros2("pkg/msg/Thing", f"Nothing n\nint8 x\n{LINE}\nMSG: pkg/Nothing\n")

    assert leaves(tree) == 2
