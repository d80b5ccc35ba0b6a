"""Every recording beside the checkout: counts by an independent parser, values by other libraries."""

import base64
import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.message import Message
from mcap_protobuf.decoder import DecoderFactory as ProtobufReference
from mcap_ros1.decoder import DecoderFactory as Ros1Reference
from mcap_ros2.decoder import DecoderFactory as Ros2Reference

from bagmill.errors import BagmillError
from bagmill.recording import Schema
from bagmill.schemas import parse
from bagmill.schemas.arrow import column_names
from bagmill.schemas.tree import PLACEHOLDER, Struct
from tests.convert.making import Dataset, dataset
from tests.decoders.references import Recorded, messages, ours, plain, rosbags_decoder, same
from tests.support.places import SHARED_RECORDINGS

NAMES = sorted(
    path.relative_to(SHARED_RECORDINGS).as_posix()
    for path in SHARED_RECORDINGS.glob("*/*.mcap")
    if "conformance" not in path.parts
)
REFUSED = {
    "malformed/2024-05-15_crlf_mangled.mcap": "not_mcap",
    "malformed/chunk_not_closed.mcap": "recording_damaged",
    "malformed/rerun_r2b_galileo.mcap": "lfs_pointer",
    "malformed/zero_bytes.mcap": "empty_recording",
}
RAW = {
    "malformed/one_bad_schema_one_good.mcap": {"/bad/data"},
    "other/data_tamer_unknown_encoding.mcap": {"channelA", "channelB"},
    "ros2/wrong_message_encoding.mcap": {"/array_topic", "/test_topic"},
}
LARGE = {"ros1/osi_sensor_view.mcap", "protobuf/osi_lane_boundaries.mcap"}
"""A reference takes many seconds for each of these."""
COMPARED = 25
"""Messages of each topic whose values the quick test compares; the slow one compares all."""

pytestmark = pytest.mark.usefixtures("shared_recordings")


@pytest.fixture(scope="module")
def facts(shared_recordings: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((shared_recordings / "FACTS.json").read_text("utf-8"))
    return found


@pytest.fixture(scope="module")
def converted(shared_recordings: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Dataset]:
    """Converts a file once for all tests of this module."""
    known: dict[str, Dataset] = {}

    def once(name: str) -> Dataset:
        if name not in known:
            known[name] = dataset(shared_recordings / name, tmp_path_factory.mktemp("shared") / "d")
        return known[name]

    return once


@pytest.mark.parametrize("name", [name for name in NAMES if name not in REFUSED])
def test_counts_are_those_of_an_independent_parser(
    name: str, facts: dict[str, Any], converted: Callable[[str], Dataset]
) -> None:
    made = converted(name)
    expected: dict[str, int] = defaultdict(int)
    for line in facts[name]["topics"]:
        topic, _, rest = line.partition(" [")
        expected[topic] += int(rest.partition(" n=")[2].split()[0])

    rows: dict[str, int] = defaultdict(int)
    for table in made.topics.values():
        rows[table["topic"]] += table["rows"]

    listed = {topic: count for topic, count in rows.items() if topic in expected}
    assert sum(rows.values()) == facts[name]["messages"]
    assert listed == expected if len(expected) < 60 else listed.items() <= expected.items()
    assert made.unreadable == []
    assert {key for key, table in made.topics.items() if not table["decoded"]} == RAW.get(name, set())
    assert made.report.complete == (name != "malformed/truncated_in_message_index.mcap")


@pytest.mark.parametrize(("name", "code"), REFUSED.items())
def test_what_holds_nothing_readable_is_refused(
    name: str, code: str, shared_recordings: Path, tmp_path: Path
) -> None:
    with pytest.raises(BagmillError) as caught:
        dataset(shared_recordings / name, tmp_path / "d")

    assert caught.value.code == code


def test_the_conformance_suite(shared_recordings: Path, tmp_path: Path) -> None:
    wrong = {}
    paths = sorted(shared_recordings.glob("conformance/*/*.mcap"))
    for number, path in enumerate(paths):
        made = dataset(path, tmp_path / str(number))
        listed = json.loads(path.with_suffix(".json").read_text("utf-8"))["records"]
        expected = sum(item["type"] == "Message" for item in listed)
        if (made.report.counters["rows"], made.report.complete) != (expected, True):
            wrong[path.name] = (made.report.counters["rows"], expected)

    assert len(paths) == 416
    assert wrong == {}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow if name in LARGE else ())
        for name in NAMES
        if name not in REFUSED
    ],
)
def test_values_are_those_of_the_reference_decoders(
    name: str, shared_recordings: Path, converted: Callable[[str], Dataset]
) -> None:
    compare(converted(name), shared_recordings / name, COMPARED)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in NAMES if name not in REFUSED])
def test_all_values_are_those_of_the_reference_decoders(
    name: str, shared_recordings: Path, tmp_path: Path
) -> None:
    compare(dataset(shared_recordings / name, tmp_path / "d"), shared_recordings / name, None)


def compare(made: Dataset, recording: Path, most: int | None) -> None:
    """Compare the first messages of each topic, all with None."""
    sent: dict[str, list[Recorded]] = defaultdict(list)
    for message in messages(recording):
        sent[message.topic].append(message)

    for table in made.topics.values():
        topic, decoded = table["topic"], table["decoded"]
        rows = made.rows(topic)
        assert len(rows) == len(sent[topic])
        pairs = list(zip(rows, sent[topic], strict=True))[:most]
        for row, message in pairs:
            assert (row["log_time"], row["log_time_ns"]) == (message.log_time, message.log_time)
            assert (row["publish_time"], row["sequence"]) == (message.publish_time, message.sequence)
            assert decoded or row["data"] == message.data
        if decoded:
            different = list(differences(pairs))
            assert not different, (recording.name, topic, different[:1])


def differences(pairs: list[tuple[dict[str, Any], Recorded]]) -> Iterator[tuple[Any, Any]]:
    """Rows that differ from what a reference makes of the message, with that."""
    if not pairs:
        return
    first = pairs[0][1]
    assert first.schema is not None
    compare = {"json": json_differences, "protobuf": protobuf_differences}.get(
        first.encoding, ros_differences
    )
    yield from compare(pairs, first)


def ros_differences(
    pairs: list[tuple[dict[str, Any], Recorded]], first: Recorded
) -> Iterator[tuple[Any, Any]]:
    schema = first.schema
    assert schema is not None
    tree = parse(Schema(schema.id, schema.name, schema.encoding, schema.data), first.encoding)
    assert isinstance(tree, Struct)
    names = column_names(tree, top=True)
    for decode in references(first):
        for row, message in pairs:
            own = {item.name: row[name] for item, name in zip(tree.fields, names, strict=True)}
            one = ours(own, tree) if tree.fields else PLACEHOLDER
            other = plain(decode(message.data), tree)
            if not same(one, other):
                yield one, other


def references(first: Recorded) -> Iterator[Callable[[bytes], Any]]:
    """The decoders of other people that can read this topic; some fail on some valid definitions."""
    schema = first.schema
    assert schema is not None
    if first.data[:2] == b"\0\0":
        return  # a header that lies, which they believe
    factory = Ros2Reference() if first.encoding == "cdr" else Ros1Reference()
    makers: list[Callable[[], Callable[[bytes], Any] | None]] = [
        lambda: rosbags_decoder(schema.name, schema.data.decode(), 2 if first.encoding == "cdr" else 1),
        lambda: factory.decoder_for(first.encoding, schema),
    ]
    for make in makers:
        try:
            decode = make()
            assert decode is not None
            decode(first.data)
        except Exception:  # noqa: BLE001  they raise whatever comes
            continue
        yield decode


def json_differences(
    pairs: list[tuple[dict[str, Any], Recorded]], first: Recorded
) -> Iterator[tuple[Any, Any]]:
    for row, message in pairs:
        sent = json.loads(message.data)
        if not json_same({key: value for key, value in row.items() if key in sent}, sent):
            yield row, sent


def json_same(one: Any, other: Any) -> bool:
    """Whether a value is what JSON says; members that JSON does not have are null."""
    if isinstance(other, dict) and isinstance(one, dict):
        return all(json_same(one.get(key), value) for key, value in other.items()) and all(
            one[key] is None for key in one.keys() - other.keys()
        )
    if isinstance(other, list) and isinstance(one, list):
        return len(one) == len(other) and all(json_same(a, b) for a, b in zip(one, other, strict=True))
    if isinstance(one, bytes):
        return one == base64.b64decode(other)
    return bool(one == other)


def protobuf_differences(
    pairs: list[tuple[dict[str, Any], Recorded]], first: Recorded
) -> Iterator[tuple[Any, Any]]:
    decode = ProtobufReference().decoder_for(first.encoding, first.schema)
    assert decode is not None
    for row, message in pairs:
        sent = decode(message.data)
        if not protobuf_same(row, sent):
            yield row, sent


def protobuf_same(one: Any, other: Any) -> bool:
    """Whether a value is what protobuf's own classes say; members without presence have their default."""
    if isinstance(other, Message):
        present = {item.name: value for item, value in other.ListFields()}
        return all(
            protobuf_same(one[item.name], present[item.name]) if item.name in present else not one[item.name]
            for item in other.DESCRIPTOR.fields
        )
    if isinstance(one, list):
        return len(one) == len(other) and all(protobuf_same(a, b) for a, b in zip(one, other, strict=True))
    return bool(one == other) or (one != one and other != other)
