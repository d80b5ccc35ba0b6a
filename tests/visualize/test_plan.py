from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rerun.chunk import McapReader

from bagmill.errors import NothingSelected, UnknownTopic
from bagmill.visualize.plan import entity_path
from bagmill.visualize.reader import exactly
from tests.conftest import Sample
from tests.visualize.rrd import SECOND, Message, json_messages, rows_in, show, write_mcap

STRING = ("std_msgs/msg/String", "ros2msg", b"string data")
FLOAT = ("std_msgs/msg/Float64", "ros2msg", b"float64 data")
AWKWARD = [
    "",
    "/",
    "a",
    "/a/",
    "/a//b",
    "a b",
    "/ü",
    "a.b",
    "a\\b",
    "a`b`",
    "{x}",
    "a|b",
    "~x",
    "__a",
    "/__mcap",
    "1",
]


def cdr_string(text: str) -> bytes:
    return b"\0\1\0\0" + (len(text) + 1).to_bytes(4, "little") + text.encode() + b"\0"


@pytest.mark.parametrize("topic", AWKWARD)
def test_every_topic_has_an_entity_that_is_kept(tmp_path: Path, topic: str) -> None:
    recording = write_mcap(tmp_path / "in.mcap", [Message(topic, cdr_string("hi"), SECOND, STRING, "cdr")])
    run = show(recording, tmp_path / "out")

    assert run.topics[topic]["rows"] == 1
    assert rows_in(run.path)[run.topics[topic]["entity"]]["TextLog:text"] == 1


def test_topics_that_share_an_entity_are_kept_apart(tmp_path: Path) -> None:
    topics = ["a", "/a", "/a/"]
    messages = [Message(topic, cdr_string(topic), SECOND, STRING, "cdr") for topic in topics]
    run = show(write_mcap(tmp_path / "in.mcap", messages), tmp_path / "out")

    assert {run.topics[topic]["entity"] for topic in topics} == {"/a", "/a_", "/a__"}
    assert all(facts["rows"] == 1 for facts in run.topics.values())


def test_parts_of_a_message_keep_clear_of_topics(tmp_path: Path) -> None:
    messages = json_messages("/robot", "acme/State", [{"arm": {"angle": 1.0}}]) + json_messages(
        "/robot/arm", "acme/Arm", [{"force": 2.0}]
    )
    run = show(write_mcap(tmp_path / "in.mcap", messages), tmp_path / "out")
    rows = rows_in(run.path)

    assert rows["/robot/arm_"]["Scalars:scalars"] == rows["/robot/arm"]["Scalars:scalars"] == 1


def test_a_topic_of_two_schemas_has_two_entities(tmp_path: Path) -> None:
    messages = [
        Message("/x", cdr_string("hi"), SECOND, STRING, "cdr"),
        Message("/x", b"\0\1\0\0" + bytes(8), SECOND, FLOAT, "cdr"),
    ]
    run = show(write_mcap(tmp_path / "in.mcap", messages), tmp_path / "out")

    assert {facts["shown"] for facts in run.topics.values()} == {"text", "plot"}
    assert {facts["topic"] for facts in run.topics.values()} == {"/x"}
    assert len({facts["entity"] for facts in run.topics.values()}) == 2


def test_entities_are_those_of_the_sdk(sample: Sample) -> None:
    theirs = {chunk.entity_path for chunk in McapReader(sample.path, decoders=["raw"]).stream()}

    assert {entity_path(topic) for topic in sample.messages} == theirs


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=12))
@settings(max_examples=40, deadline=None)
def test_a_topic_is_matched_exactly(tmp_path_factory: pytest.TempPathFactory, topic: str) -> None:
    path = tmp_path_factory.mktemp("exactly") / "in.mcap"
    write_mcap(path, [Message(name, b"x", SECOND) for name in (topic, f"{topic}x", f"x{topic}")])
    reader = McapReader(path, decoders=["raw"], include_topic_regex=[exactly(topic)])

    assert sum(chunk.num_rows for chunk in reader.stream() if not chunk.is_static) == 1


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"topics": "/imu/*"}, {"/imu/data"}),
        ({"topics": ["/tf*", "/odom"]}, {"/tf", "/tf_static", "/odom"}),
        ({"exclude_topics": ["/[!s]*"]}, {"/status"}),
    ],
)
def test_only_selected_topics_are_shown(
    sample: Sample, tmp_path: Path, options: dict[str, Any], expected: set[str]
) -> None:
    run = show(sample.path, tmp_path / "out", **options)

    assert run.topics.keys() == expected
    entities = [entity for entity in rows_in(run.path) if not entity.startswith("/__")]
    assert all(any(entity.startswith(topic) for topic in expected) for entity in entities)
    assert {topic: run.topics[topic]["messages"]["written"] for topic in expected} == {
        topic: sample.messages[topic] for topic in expected
    }


def test_unknown_topics_and_empty_selections_are_refused(sample: Sample, tmp_path: Path) -> None:
    with pytest.raises(UnknownTopic):
        show(sample.path, tmp_path / "1", topics="/imuu/*")
    with pytest.raises(NothingSelected):
        show(sample.path, tmp_path / "2", exclude_topics="*")
    with pytest.raises(NothingSelected):
        show(sample.path, tmp_path / "3", end_time=5)
    assert not any(path.is_file() for path in tmp_path.rglob("*"))
