"""Names of folders and files, tables of topics, and selections."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bagmill.errors import UnknownTopic
from bagmill.layout import MAX_NAME, encode, folder_names, schema_file
from bagmill.options import Selection
from bagmill.recording import Channel, Schema
from bagmill.schemafiles import schema_paths
from bagmill.selection import select_topics
from bagmill.tables import plan_tables


@pytest.mark.parametrize(
    ("topic", "encoded"),
    [
        ("/camera/front-left_1.0", "%2Fcamera%2Ffront-left_1.0"),
        ("a~b", "a%7Eb"),
        ("ü", "%C3%BC"),
        ("a b\0*?[", "a%20b%00%2A%3F%5B"),
        ("..", ".."),
        ("", ""),
    ],
)
def test_topics_in_names(topic: str, encoded: str) -> None:
    assert encode(topic) == encoded
    assert folder_names([(topic, None)]) == [f"topic={encoded}"]


@given(st.lists(st.tuples(st.text(max_size=120), st.none() | st.text(max_size=120)), unique=True))
def test_folders_are_distinct_short_and_plain(tables: list[tuple[str, str | None]]) -> None:
    names = folder_names(tables)

    assert len({name.lower() for name in names}) == len(tables)
    assert all(len(name) <= MAX_NAME for name in names)
    assert all(name.isascii() and "/" not in name and "\0" not in name for name in names)


def test_a_name_that_is_cut_does_not_end_inside_an_escape() -> None:
    for length in range(60, 64):
        stem = folder_names([("x" * length + "/" * 100, None)])[0].partition("~")[0].removeprefix("topic=")
        assert len(stem) - len(stem.rstrip("2F%")) == 3 * stem.count("%2F")


def test_schema_files() -> None:
    assert schema_file("std_msgs/msg/String", "ros2msg") == "std_msgs%2Fmsg%2FString.msg"
    assert schema_file("a.B", "protobuf") == "a.B.binpb"
    assert schema_file("", "unknown") == "schema.txt"
    assert len(schema_file("x" * 500, "jsonschema")) <= MAX_NAME


def test_schemas_of_one_name_get_files_of_their_own() -> None:
    schemas = [
        Schema(1, "p/A", "ros2msg", b"int8 a"),
        Schema(2, "p/A", "ros2msg", b"int8 b"),
        Schema(3, "P/a", "ros1msg", b"int8 c"),
        Schema(4, "p/A", "ros2msg", b"int8 a"),
    ]

    paths = schema_paths(schemas)

    assert len(paths) == 3
    assert len({path.lower() for path in paths.values()}) == 3


def channel(number: int, topic: str, schema: int, encoding: str = "cdr") -> Channel:
    return Channel(number, topic, encoding, schema, {})


SCHEMAS = {
    1: Schema(1, "p/A", "ros2msg", b"int8 a"),
    2: Schema(2, "p/A", "ros2msg", b"int8 b"),
    3: Schema(3, "p/B", "ros2msg", b"int8 c"),
    4: Schema(4, "p/A", "ros2msg", b"int8 a"),
}


def keys(*channels: Channel) -> dict[str, tuple[int, ...]]:
    tables = plan_tables({item.id: item for item in channels}, SCHEMAS)
    return {table.key: table.channels for table in tables}


def test_channels_of_a_topic_with_equal_schemas_share_a_table() -> None:
    assert keys(channel(2, "/t", 4), channel(1, "/t", 1), channel(3, "/u", 1)) == {"/t": (1, 2), "/u": (3,)}


def test_different_schemas_of_a_topic_make_tables() -> None:
    assert keys(channel(1, "/t", 1), channel(2, "/t", 3)) == {"/t~p/A": (1,), "/t~p/B": (2,)}


def test_a_topic_in_two_encodings_makes_two_tables() -> None:
    found = keys(channel(1, "/t", 1), channel(2, "/t", 1, "json"))

    assert sorted(found.values()) == [(1,), (2,)]


def test_schemas_of_one_name_that_differ_make_tables_with_a_hash() -> None:
    found = keys(channel(1, "/t", 1), channel(2, "/t", 2))

    assert sorted(found.values()) == [(1,), (2,)]
    assert all(key.startswith("/t~p/A~") for key in found)


def test_keys_are_distinct_even_if_a_topic_is_named_like_a_table() -> None:
    found = keys(channel(1, "/t", 1), channel(2, "/t", 3), channel(3, "/t~p/A", 1))

    assert sorted(found.values()) == [(1,), (2,), (3,)]


def test_a_channel_without_a_schema_or_whose_schema_is_missing() -> None:
    tables = plan_tables({1: channel(1, "/t", 0), 2: channel(2, "/u", 99)}, SCHEMAS)

    assert [table.schema for table in tables] == [None, None]


def select(names: set[str], **given: object) -> set[str]:
    return select_topics(names, Selection.model_validate(given))


def test_globs_match_whole_names_and_case_counts() -> None:
    topics = {"/a/b", "/a/B", "/a", "b"}

    assert select(topics, topics=["/a*"]) == {"/a/b", "/a/B", "/a"}
    assert select(topics, topics="*[bB]", exclude_topics="b") == {"/a/b", "/a/B"}
    assert select(topics, topics=["b"]) == {"b"}


def test_a_recording_without_topics() -> None:
    assert select(set()) == set()
    assert select(set(), exclude_topics=["*"]) == set()
    with pytest.raises(UnknownTopic, match="no topic matches"):
        select(set(), topics=["/imu"])


def test_the_nearest_names_are_told() -> None:
    with pytest.raises(UnknownTopic) as caught:
        select({"/camera/front/image", "/imu"}, topics=["/camera/font/image"])

    assert caught.value.hint == "Did you mean /camera/front/image?"


def test_many_topics_are_not_all_listed() -> None:
    with pytest.raises(UnknownTopic) as caught:
        select({f"/topic{number}" for number in range(100)}, topics=["zzz"])

    assert "and 95 more topics" in caught.value.hint
