"""ROS definitions that are random and recorded, compared with what other people's parser makes of them."""

import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcap.exceptions import McapError
from mcap.records import Schema
from mcap.stream_reader import StreamReader
from rosbags.typesys import TypesysError, get_types_from_msg

from bagmill.errors import SchemaInvalid
from bagmill.schemas.ros import parse_ros1, parse_ros2
from bagmill.schemas.tree import Struct
from tests.schemas.generated_ros import ros
from tests.schemas.rosbags_types import described, plain, structs

PARSERS = {1: parse_ros1, 2: parse_ros2}
FEW = settings(max_examples=30, deadline=None)
MANY = settings(max_examples=1000, deadline=None, suppress_health_check=list(HealthCheck))
ANY = st.sampled_from([1, 2]).flatmap(lambda version: st.tuples(st.just(version), ros(version)))
PLAIN = st.sampled_from([1, 2]).flatmap(lambda version: st.tuples(st.just(version), ros(version, plain=True)))
Made = tuple[int, tuple[str, str, Struct]]


def check_tree(made: Made) -> None:
    version, (name, text, tree) = made

    assert PARSERS[version](name, text) == tree


def check_rosbags(name: str, text: str, tree: Struct) -> None:
    # The DDS recorder writes a prefix that `rosbags` takes for the package.
    ours, theirs = structs(tree), get_types_from_msg(text.replace("fastdds/", ""), name)
    ours = {rosbags_name(key): one for key, one in ours.items()}
    assert theirs.keys() >= ours.keys() - {"builtin_interfaces/msg/Time", "builtin_interfaces/msg/Duration"}
    for key in theirs.keys() & ours.keys():
        constants, fields = theirs[key]
        one = ours[key]
        assert [(item.name, with_names(plain(item.type))) for item in one.fields] == [
            (field, described(node)) for field, node in fields
        ]
        assert [(item.name, item.value) for item in one.constants if not isinstance(item.value, str)] == [
            (constant, value) for constant, kind, value in constants if not isinstance(value, str)
        ]


def rosbags_name(name: str) -> str:
    """A name with the `msg` that `rosbags` puts in everywhere."""
    if name in ("time", "duration"):
        return f"builtin_interfaces/msg/{name.title()}"
    package, slash, last = name.rpartition("/")
    return f"{package}/msg/{last}" if slash and not package.endswith("/msg") else name


def with_names(node: object) -> object:
    if isinstance(node, tuple):
        return tuple(with_names(item) for item in node)
    return rosbags_name(node) if isinstance(node, str) else node


def check_others(made: Made) -> None:
    version, (name, text, tree) = made
    found = PARSERS[version](name, text)

    assert found == tree
    check_rosbags(name, text, found)


@given(ANY)
@FEW
def test_what_is_written_is_read(made: Made) -> None:
    check_tree(made)


@given(PLAIN)
@FEW
def test_others_read_the_same(made: Made) -> None:
    check_others(made)


@pytest.mark.slow
@given(ANY)
@MANY
def test_much_of_what_is_written_is_read(made: Made) -> None:
    check_tree(made)


@pytest.mark.slow
@given(PLAIN)
@MANY
def test_others_read_much_the_same(made: Made) -> None:
    check_others(made)


def recorded(folder: Path) -> Iterator[Schema]:
    """All different ROS schemas in all recordings that can be read."""
    seen = set()
    for path in sorted(folder.glob("*/*.mcap")):
        try:
            with path.open("rb") as file:
                for record in StreamReader(file).records:
                    if isinstance(record, Schema) and record.encoding in ("ros1msg", "ros2msg"):
                        key = record.name, record.encoding, record.data
                        if key not in seen:
                            seen.add(key)
                            yield record
        except (McapError, struct.error):
            continue


def test_recorded_definitions(shared_recordings: Path) -> None:
    compared, not_theirs = 0, set()
    for schema in recorded(shared_recordings):
        name = schema.name if "/" in schema.name else f"pkg/{schema.name}"
        text = schema.data.decode()
        try:
            tree = PARSERS[int(schema.encoding[3])](name, text)
        except SchemaInvalid:
            assert "THIS IS NOT A VALID ROS MSG DEFINITION" in text
            continue
        try:
            get_types_from_msg(text, name)
        except TypesysError:
            not_theirs.add(name)
            continue
        check_rosbags(name, text, tree)
        compared += 1

    assert compared > 100
    assert not_theirs == {"test_msgs/srv/BasicTypes_Event"}
