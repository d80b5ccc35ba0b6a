"""IDL as rosbag2 stores it, compared with what other people's parser makes of it."""

from typing import Any

import pytest
from rosbags.typesys import get_types_from_idl

from bagmill.errors import SchemaInvalid
from bagmill.recording import Schema
from bagmill.schemas import parse
from bagmill.schemas.idl import parse_ros2idl
from bagmill.schemas.ros import parse_ros2
from bagmill.schemas.tree import Constant, Extensibility, Kind, Primitive, Sequence, Struct, Type
from tests.schemas.rosbags_types import described, plain, structs

LINE = "=" * 80
TIME = f"""{LINE}
IDL: builtin_interfaces/msg/Time
module builtin_interfaces {{ module msg {{ struct Time {{ int32 sec; uint32 nanosec; }}; }}; }};
"""
HEADER = f"""{LINE}
IDL: std_msgs/msg/Header
// generated from rosidl_adapter/resource/msg.idl.em
#include "builtin_interfaces/msg/Time.idl"

module std_msgs {{
  module msg {{
    @verbatim (language="comment", text=
      "Standard metadata for higher-level stamped data types." "\\n"
      "This is generally used; to communicate \\"timestamped\\" data")
    struct Header {{
      @verbatim (language="comment", text=
        "Two-integer timestamp")
      builtin_interfaces::msg::Time stamp;

      string frame_id;
    }};
  }};
}};
"""
POSE = f"""{LINE}
IDL: pkg/msg/Pose
#include "std_msgs/msg/Header.idl"
module pkg {{ module msg {{
  typedef double double__36[36];
  module Pose_Constants {{
    const uint8 FLAG = 0x1f;
    const string TEXT = "a # text";
    const float HALF = 0.5;
    @verbatim (language="comment", text="why")
    const boolean ON = TRUE;
  }};
  struct Pose {{
    std_msgs::msg::Header header;
    @default (value=5)
    int8 small;
    @unit (value="m") double__36 covariance;
    @default (value="(1, 2)") sequence<float, 3> bounded;
    sequence<string<5> > texts;
    string<22> text;
    wstring wide;
    octet raw;
    sequence<uint8> blob;
    sequence<std_msgs::msg::Header> headers;
    int32 sequence;
  }};
}}; }};
"""


def bodies(text: str) -> str:
    """The text without its separators, which `rosbags` does not take."""
    lines = text.split("\n")
    return "\n".join(line for line in lines if not line.startswith((LINE, "IDL: ", "#")))


@pytest.mark.parametrize("text", [TIME + HEADER + POSE, POSE + HEADER + TIME, HEADER + POSE + TIME])
def test_definitions_in_any_order(text: str) -> None:
    tree = parse_ros2idl("pkg/msg/Pose", text)

    theirs = get_types_from_idl(bodies(TIME + HEADER + POSE))
    ours = structs(tree)
    assert ours.keys() == theirs.keys()
    for name, (constants, fields) in theirs.items():
        assert [(item.name, plain(item.type)) for item in ours[name].fields] == [
            (field, described(node)) for field, node in fields
        ]
        assert [(item.name, item.value) for item in ours[name].constants] == [
            (constant, value) for constant, _, value in constants
        ]


def test_a_tree_equals_that_of_the_same_message_in_ros2msg() -> None:
    message = """std_msgs/Header header
int8 small
float64[36] covariance
float32[<=3] bounded
string<=5[] texts
string<=22 text
wstring wide
byte raw
uint8[] blob
std_msgs/Header[] headers
int32 sequence
"""
    header = f"{LINE}\nMSG: std_msgs/Header\nbuiltin_interfaces/Time stamp\nstring frame_id\n"

    assert [
        (item.name, plain(item.type)) for item in parse_ros2idl("pkg/msg/Pose", TIME + HEADER + POSE).fields
    ] == [(item.name, plain(item.type)) for item in parse_ros2("pkg/msg/Pose", message + header).fields]


def test_types_are_final() -> None:
    """What ROS 2 writes, with XCDR1, is the same for final and appendable types."""
    for struct in structs(parse_ros2idl("pkg/msg/Pose", TIME + HEADER + POSE)).values():
        assert struct.extensibility is Extensibility.FINAL


def test_constants_stand_in_a_module_beside_the_message() -> None:
    assert parse_ros2idl("pkg/msg/Pose", TIME + HEADER + POSE).constants == (
        Constant("FLAG", Kind.UINT8, 31),
        Constant("TEXT", Kind.STRING, "a # text"),
        Constant("HALF", Kind.FLOAT32, 0.5),
        Constant("ON", Kind.BOOL, True),
    )


@pytest.mark.parametrize("end", ["\n", "\r\n", " \t\n"])
@pytest.mark.parametrize("width", [3, 80, 81])
def test_separators(end: str, width: int) -> None:
    text = (HEADER + TIME).replace(LINE + "\n", "=" * width + end)

    assert [item.name for item in parse_ros2idl("std_msgs/msg/Header", text).fields] == ["stamp", "frame_id"]


def test_a_line_of_equal_signs_may_stand_in_a_comment() -> None:
    text = f"/*\n{LINE}\n Copyright\n{LINE}\n*/ module p {{ module msg {{ struct A {{ long a; }}; }}; }};"

    assert parse_ros2idl("p/msg/A", text).name == "p/msg/A"


@pytest.mark.parametrize(
    "name",
    ["std_msgs/msg/String", "std_msgs::msg::String", "std_msgs/String", "std_msgs::msg::dds_::String_"],
)
@pytest.mark.parametrize("mangled", [False, True])
def test_a_message_is_found_by_any_of_its_names(name: str, mangled: bool) -> None:
    inner = (
        "module dds_ { struct String_ { string data; }; };" if mangled else "struct String { string data; };"
    )
    other = "module other { module msg { struct String { long x; }; }; };"

    tree = parse_ros2idl(name, f"{other} module std_msgs {{ module msg {{ {inner} }}; }};")

    assert [item.name for item in tree.fields] == ["data"]
    assert tree.name == ("std_msgs/msg/dds_/String_" if mangled else "std_msgs/msg/String")


def test_a_message_without_fields_has_none() -> None:
    """IDL has no empty structs, so ROS 2 puts a member in, and it writes the same byte in either case."""
    empty = "struct E { uint8 structure_needs_at_least_one_member; };"
    text = f"module p {{ module msg {{ {empty} struct A {{ E e; }}; }}; }};"

    assert parse_ros2idl("p/msg/E", text).fields == parse_ros2("p/msg/E", "").fields == ()
    assert parse_ros2idl("p/msg/A", text).fields[0].type == Struct("p/msg/E", ())


def test_a_definition_that_misses_another_names_it() -> None:
    with pytest.raises(SchemaInvalid, match=r"line 14, column 5 .*: std_msgs::msg::Header is used but not"):
        parse_ros2idl("pkg/msg/Pose", POSE)


def test_time_needs_no_definition() -> None:
    assert isinstance(parse_ros2idl("std_msgs/msg/Header", HEADER).fields[0].type, Struct)


def test_the_recorded_definition_of_time_counts() -> None:
    other = TIME.replace("uint32 nanosec", "uint64 nanosec")

    stamp = parse_ros2idl("std_msgs/msg/Header", HEADER + other).fields[0].type

    assert isinstance(stamp, Struct)
    assert stamp.fields[1].type == Primitive(Kind.UINT64)


BROKEN = (
    f"{LINE}\nIDL: pkg/msg/Broken\nmodule pkg {{ module msg {{ struct Broken {{ what is this }}; }}; }};\n"
)


def test_a_broken_definition_harms_only_those_that_use_it() -> None:
    assert parse_ros2idl("std_msgs/msg/Header", BROKEN + HEADER + TIME).name == "std_msgs/msg/Header"
    with pytest.raises(SchemaInvalid, match=r"line 3, column 51 .*: expected ';' but found 'this'"):
        parse_ros2idl("pkg/msg/Broken", BROKEN + HEADER + TIME)


SERVICE = """
module example { module srv {
  struct Add_Request { int64 a; int64 b; };
  struct Add_Response { int64 sum; };
}; };"""
ACTION = """
module example { module action {
  struct Fib_Goal { int32 order; };
  struct Fib_Result { sequence<int32> sequence; };
  struct Fib_Feedback { sequence<int32> partial_sequence; };
}; };"""


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("example/srv/Add_Request", ["a", "b"]),
        ("example/srv/Add_Response", ["sum"]),
        ("example/srv/Add_Event", ["info", "request", "response"]),
        ("example::srv::Add_Event", ["info", "request", "response"]),
        ("example/action/Fib_FeedbackMessage", ["goal_id", "feedback"]),
        ("example/action/Fib_SendGoal_Request", ["goal_id", "goal"]),
        ("example/action/Fib_SendGoal_Response", ["accepted", "stamp"]),
        ("example/action/Fib_SendGoal_Event", ["info", "request", "response"]),
        ("example/action/Fib_GetResult_Request", ["goal_id"]),
        ("example/action/Fib_GetResult_Response", ["status", "result"]),
        ("example/action/Fib_GetResult_Event", ["info", "request", "response"]),
    ],
)
def test_the_messages_of_services_and_actions(name: str, expected: list[str]) -> None:
    tree = parse_ros2idl(name, SERVICE + ACTION)

    assert [item.name for item in tree.fields] == expected


def test_an_event_is_the_same_as_in_ros2msg() -> None:
    ours = parse_ros2idl("example/srv/Add_Event", SERVICE)
    other = parse_ros2("example/srv/Add_Event", "int64 a\nint64 b\n---\nint64 sum\n")

    for one, two in zip(structs(ours).values(), structs(other).values(), strict=True):
        assert [(item.name, without_names(item.type)) for item in one.fields] == [
            (item.name, without_names(item.type)) for item in two.fields
        ]


def without_names(node: Type) -> Any:
    if isinstance(node, Struct):
        return [item.name for item in node.fields]
    if isinstance(node, Sequence):
        return without_names(node.element), node.size, node.bound
    return node


def test_no_event_without_its_service() -> None:
    with pytest.raises(SchemaInvalid, match="Add_Request is used but not defined"):
        parse_ros2idl("example/srv/Add_Event", ACTION)


@pytest.mark.parametrize("encoding", ["ros2idl", "omgidl"])
def test_schemas_of_recordings(encoding: str) -> None:
    data = b"module p { module msg { struct A { long a; }; }; };"

    tree = parse(Schema(1, "p::msg::A", encoding, data), "cdr")

    assert isinstance(tree, Struct)
    assert tree.name == {"ros2idl": "p/msg/A", "omgidl": "p::msg::A"}[encoding]
    with pytest.raises(SchemaInvalid, match="no UTF-8"):
        parse(Schema(1, "p::msg::A", encoding, data + b"//\xff"), "cdr")
