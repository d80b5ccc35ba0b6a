"""What is in a recording, field by field."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bagmill.dataset.fieldstats import field_stats
from bagmill.dataset.inspect import FieldFacts, Inspected, TopicFacts, inspect_recording
from bagmill.dataset.samples import MOST_BYTES
from bagmill.dataset.values import Values
from bagmill.errors import RecordingError
from tests.conftest import Sample
from tests.convert.making import Stream, record
from tests.dataset.columns import FEW, Row, kind, values_of
from tests.dataset.robots import START, camera, told
from tests.dataset.test_samples import write


def inspected(path: Path, *streams: Stream) -> Inspected:
    found = inspect_recording(record(path / "a.mcap", *streams))
    json.dumps(found.model_dump(mode="json"), allow_nan=False)
    return found


def topic(found: Inspected, name: str) -> TopicFacts:
    return next(one for one in found.topics if one.topic == name)


def fields(topic_: TopicFacts) -> dict[str, FieldFacts]:
    """All fields by their path."""
    waiting, known = list(topic_.fields), {}
    while waiting:
        one = waiting.pop()
        known[one.path] = one
        waiting += one.fields
    return known


def message(number: int) -> dict[str, Any]:
    return {
        "name": "arm",
        "values": [float(number), 2.0],
        "several": [1.5] * (number % 3),
        "level": number % 5,
        "pose": {"position": {"x": number / 2, "y": 1.0, "z": -1.0}},
        "joints": [{"angle": number * 1.5}, {"angle": -1.0}],
        "odd": None if number % 2 else 4.0,
    }


def test_fields_are_told_with_what_is_in_them(tmp_path: Path) -> None:
    found = topic(inspected(tmp_path, told("/arm", 10, message)), "/arm")

    assert (found.messages, found.sampled, found.rate_hz) == (100, 100, 10.0)
    known = fields(found)
    assert known["name"].constant
    assert known["name"].examples == ["arm"] * 3
    assert (known["values"].type, known["values"].lengths) == ("float64[any]", [2, 2])
    assert (known["values"].min, known["values"].max) == (0.0, 99.0)
    assert known["several"].lengths == [0, 2]
    assert (known["level"].kind, known["level"].distinct) == ("number", 5)
    position = known["pose.position"]
    assert (position.type, position.usable, len(position.fields)) == ("float64[3]", True, 3)
    assert position.examples[-1] == [49.5, 1.0, -1.0]
    assert not known["pose"].usable
    assert known["joints[*].angle"].type == "float64[any]"
    assert known["joints[*].angle"].max == 148.5
    assert known["odd"].missing_share == 0.5


def test_images_are_told_whole(tmp_path: Path) -> None:
    found = topic(inspected(tmp_path, camera("/camera", 2)), "/camera")

    assert found.whole is not None
    assert (found.whole.kind, found.whole.path) == ("image", "")
    assert found.whole.examples[0]["media_type"] == "image/jpeg"


def test_topics_that_cannot_be_decoded_say_why(tmp_path: Path) -> None:
    strange = Stream("/strange", ("a/B", "secret", b"?"), "secret", told("/x", 1, message).messages)

    found = topic(inspected(tmp_path, strange), "/strange")

    assert found.raw_reason is not None
    assert fields(found)["data"].kind == "bytes"


def test_only_a_few_chunks_are_read(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mcap", chunk_size=300_000)

    found = inspect_recording(path)

    assert found.messages == 5101
    assert found.read_bytes < found.size / 3 < MOST_BYTES
    assert len(found.places) == 6
    assert found.start_time == "1970-01-01T00:00:00.000000000Z"
    assert topic(found, "/once").sampled == 1
    assert fields(topic(found, "/number"))["value"].max == 4999


def test_all_kinds_of_messages_are_told(sample: Sample) -> None:
    found = inspect_recording(sample.path)

    assert {one.topic: one.messages for one in found.topics} == sample.messages
    imu = fields(topic(found, "/imu/data"))
    assert imu["orientation"].kind == "rotation"
    assert imu["header.stamp"].kind == "time"
    assert imu["header.stamp"].examples[0].endswith("Z")
    assert fields(topic(found, "/tf"))["transforms[*].transform.translation"].type == "float64[any, 3]"


def test_real_recordings_are_told(shared_recordings: Path) -> None:
    folders = ("ros2", "mixed", "omgidl", "json", "malformed")  # the others have the same in more topics
    paths = [path for folder in folders for path in (shared_recordings / folder).glob("*.mcap")]
    told_ = 0
    for path in paths:
        try:
            found = inspect_recording(path)
        except RecordingError:
            assert path.parent.name == "malformed"
            continue
        told_ += 1
        json.dumps(found.model_dump(mode="json"), allow_nan=False)
        assert all(one.sampled or not one.messages or one.unreadable for one in found.topics)
    assert told_ > 13


@FEW
@given(st.lists(st.none() | st.floats(width=32), min_size=1, max_size=9))
def test_numbers_of_numbers(rows: list[Row]) -> None:
    values = values_of(rows, kind("float32"))

    stats = field_stats(values, np.arange(len(rows)), [len(rows)])

    there = [row for row in rows if row is not None]
    finite = [row for row in there if math.isfinite(row)]
    assert (stats.count, stats.missing) == (len(rows), len(rows) - len(there))
    assert stats.nan_share == pytest.approx(1 - len(finite) / len(there) if there else 0)
    assert (stats.least, stats.most) == ((min(finite), max(finite)) if finite else (None, None))
    assert stats.constant == (len({repr(row) if row != 0 else "0" for row in there}) < 2)


@FEW
@given(
    st.lists(
        st.none() | st.lists(st.lists(st.integers(0, 1), max_size=2), max_size=2), min_size=1, max_size=5
    )
)
def test_lists_of_lists_may_be_constant(rows: list[Row]) -> None:
    stats = field_stats(values_of(rows, kind("int8", None, None)), np.arange(len(rows)), [len(rows)])

    there = [row for row in rows if row is not None]
    assert stats.constant == all(row == there[0] for row in there)
    assert stats.lengths == ((min(map(len, there)), max(map(len, there))) if there else None)


TIMES = START + np.arange(100) * 50_000_000


def dense(data: Any, dtype: str) -> Values:
    return Values.dense(np.asarray(data), np.ones(100, np.bool_), kind(dtype))


@pytest.mark.parametrize(
    ("values", "name", "runs_on"),
    [
        (dense(np.arange(100), "uint32"), "seq", "counter"),
        (dense(TIMES / 1e9, "float64"), "timestamp", "clock"),
        (dense(TIMES // 1000, "int64"), "time_us", "clock"),
        (dense(np.arange(100) * 0.05, "float64"), "uptime", "clock"),
        (dense(np.arange(100) * 0.05, "float64"), "x", None),
        (dense(np.arange(100) * 2, "int32"), "ticks", None),
        (dense(np.sin(np.arange(100)), "float64"), "time", None),
    ],
)
def test_clocks_and_counters(values: Values, name: str, runs_on: str | None) -> None:
    assert field_stats(values, TIMES, [60, 40], name).runs_on == runs_on
