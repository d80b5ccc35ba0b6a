"""Services and actions, whose recorded definitions hold `---`."""

import pytest

from bagmill.errors import SchemaInvalid
from bagmill.schemas.ros import parse_ros2
from bagmill.schemas.tree import Kind, Primitive, Sequence, Struct

SERVICE = "int64 a\nint64 b\n---\nint64 sum\nbool overflow\n"
ACTION = "int32 order\n---\nint32[] sequence\n---\nint32[] partial_sequence\n"


def names(tree: object) -> list[str]:
    assert isinstance(tree, Struct)
    return [item.name for item in tree.fields]


def test_the_event_of_a_service() -> None:
    tree = parse_ros2("example/srv/Add_Event", SERVICE)

    assert names(tree) == ["info", "request", "response"]
    info, request, response = (item.type for item in tree.fields)
    assert names(info) == ["event_type", "stamp", "client_gid", "sequence_number"]
    assert isinstance(info, Struct)
    assert info.fields[2].type == Sequence(Primitive(Kind.UINT8), size=16)
    assert isinstance(request, Sequence)
    assert isinstance(response, Sequence)
    assert (request.bound, response.bound) == (1, 1)
    assert names(request.element) == ["a", "b"]
    assert names(response.element) == ["sum", "overflow"]


@pytest.mark.parametrize(("name", "expected"), [("Request", ["a", "b"]), ("Response", ["sum", "overflow"])])
def test_the_halves_of_a_service(name: str, expected: list[str]) -> None:
    assert names(parse_ros2(f"example/srv/Add_{name}", SERVICE)) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Fibonacci_FeedbackMessage", ["goal_id", "feedback"]),
        ("Fibonacci_SendGoal_Request", ["goal_id", "goal"]),
        ("Fibonacci_SendGoal_Response", ["accepted", "stamp"]),
        ("Fibonacci_GetResult_Request", ["goal_id"]),
        ("Fibonacci_GetResult_Response", ["status", "result"]),
        ("Fibonacci_SendGoal_Event", ["info", "request", "response"]),
    ],
)
def test_the_messages_of_an_action(name: str, expected: list[str]) -> None:
    assert names(parse_ros2(f"example/action/{name}", ACTION)) == expected


def test_an_empty_half_is_a_message_without_fields() -> None:
    tree = parse_ros2("example/srv/Trigger_Event", "---\nbool success\n")

    request = tree.fields[1].type
    assert isinstance(request, Sequence)
    assert names(request.element) == []


def test_the_text_of_a_service_is_not_the_text_of_a_message() -> None:
    with pytest.raises(SchemaInvalid):
        parse_ros2("example/srv/Add", SERVICE)
