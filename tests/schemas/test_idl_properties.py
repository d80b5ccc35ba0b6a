"""IDL that is made at random, read back, and read by other people's parser."""

from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rosbags.typesys import get_types_from_idl

from bagmill.errors import SchemaError
from bagmill.schemas.idl import parse_omgidl, parse_ros2idl
from bagmill.schemas.tree import Struct
from tests.schemas.generated_idl import idl
from tests.schemas.rosbags_types import described, plain, structs

FEW = settings(max_examples=30, deadline=None)
MANY = settings(max_examples=1000, deadline=None, suppress_health_check=list(HealthCheck))


def check_tree(made: tuple[str, str, Struct]) -> None:
    name, text, tree = made

    found = parse_omgidl(name, text)

    assert found._replace(constants=()) == tree


def check_rosbags(made: tuple[str, str, Struct]) -> None:
    name, text, tree = made
    ours = structs(parse_ros2idl(name, text))

    assert ours[name] == tree
    theirs = get_types_from_idl(text)
    assert ours.keys() <= theirs.keys()
    for key, struct in ours.items():
        assert [(item.name, plain(item.type)) for item in struct.fields] == [
            (field, described(node)) for field, node in theirs[key][1]
        ]


@given(idl())
@FEW
def test_what_is_written_is_read(made: tuple[str, str, Struct]) -> None:
    check_tree(made)


@given(idl(plain=True))
@FEW
def test_others_read_the_same(made: tuple[str, str, Struct]) -> None:
    check_rosbags(made)


@st.composite
def damaged(draw: st.DrawFn) -> tuple[str, str]:
    """A text of which pieces are missing, doubled or replaced."""
    name, text, _ = draw(idl())
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 12)))
        other = draw(
            st.sampled_from(
                ["", text[start:end] * 2, *'{}()<>[];:,@"*/=-~', "::", "/*", "é", "0x", "struct "]
            )
        )
        text = text[:start] + other + text[end:]
    return name, text


def check_damaged(made: tuple[str, str]) -> None:
    name, text = made
    for parse in (parse_omgidl, parse_ros2idl):
        with suppress(SchemaError):
            parse(name, text)


@given(damaged())
@FEW
def test_damaged_text_raises_nothing_but_our_own_errors(made: tuple[str, str]) -> None:
    check_damaged(made)


@pytest.mark.slow
@given(damaged())
@MANY
def test_much_damaged_text_raises_nothing_but_our_own_errors(made: tuple[str, str]) -> None:
    check_damaged(made)


@pytest.mark.slow
@given(idl())
@MANY
def test_much_of_what_is_written_is_read(made: tuple[str, str, Struct]) -> None:
    check_tree(made)


@pytest.mark.slow
@given(idl(plain=True))
@MANY
def test_others_read_much_the_same(made: tuple[str, str, Struct]) -> None:
    check_rosbags(made)
