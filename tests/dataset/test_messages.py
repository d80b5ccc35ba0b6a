"""Which messages of a recording count, when they were, and what is told of those that do not."""

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bagmill.dataset.extract import extract
from bagmill.dataset.extracted import Extracted
from bagmill.errors import RecordingDamaged, SpecUnfit
from tests.dataset.recordings import Sent, Stream, made, numbers, record, rows_of, spec

A = numbers("/a", [(10, 1.0), (20, 2.0), (30, 3.0), (40, 4.0)])
STAMPED = b"builtin_interfaces/Time stamp\nint64 ns\nfloat64 s\nfloat64 data\n" + b"=" * 80
STAMPED += b"\nMSG: builtin_interfaces/Time\nint32 sec\nuint32 nanosec\n"
BYTES = ("pkg/msg/Bytes", "ros2msg", b"uint8[] data")


def stamped(topic: str, messages: list[tuple[int, int, float]]) -> Stream:
    """Messages with a log time, a stamp in three forms (ns), and a value."""
    sent = [
        Sent(
            b"\0\1\0\0" + struct.pack("<iIqdd", stamp // 10**9, stamp % 10**9, stamp, stamp / 1e9, data), time
        )
        for time, stamp, data in messages
    ]
    return Stream(topic, ("pkg/msg/Stamped", "ros2msg", STAMPED), "cdr", sent)


def blob(data: bytes) -> bytes:
    return b"\0\1\0\0" + struct.pack("<I", len(data)) + data


@pytest.mark.parametrize("field", ["stamp", "ns", "s"])
def test_a_stamp_is_the_time_of_its_message(tmp_path: Path, field: str) -> None:
    a = stamped("/a", [(1, 3000, 1.0), (2, 1000, 2.0), (3, 2000, 3.0)])

    found = made(tmp_path, spec({"a": "/a"}, time={"source": "field", "field": field}), a)

    assert rows_of(found)["time_ns"] == [1000, 2000, 3000]
    assert rows_of(found)["a"] == [2.0, 3.0, 1.0]


def test_messages_without_a_time_are_left_out_and_told(tmp_path: Path) -> None:
    a = stamped("/a", [(1, 3000, 1.0), (2, -1000, 2.0)])

    found = made(tmp_path, spec({"a": "/a"}, time={"source": "field", "field": "ns"}), a)

    assert rows_of(found)["a"] == [1.0]
    assert [(one.code, one.where) for one in found.facts.warnings] == [("no_time", {"topic": "/a"})]
    assert "1 of 2 messages of /a have no usable time in `ns`." in found.facts.warnings[0].message
    assert not found.facts.complete


def test_a_time_is_a_number_or_a_stamp(tmp_path: Path) -> None:
    sent = [Sent(b"\0\1\0\0\1\0\0\0\0", 1)]
    text = Stream("/a", ("pkg/msg/T", "ros2msg", b"string data"), "cdr", sent)

    with pytest.raises(SpecUnfit, match=r"/time/field: /a: A time is .*this is string"):
        made(tmp_path, spec({"a": "/a"}, time={"source": "field", "field": "data"}), text)


def test_the_publish_time_counts_if_it_is_wanted(tmp_path: Path) -> None:
    value = b"\0\1\0\0" + struct.pack("<d", 1.0)
    a = Stream("/a", ("pkg/msg/Number", "ros2msg", b"float64 data"), "cdr", [Sent(value, 10, 7)])

    assert rows_of(made(tmp_path, spec({"a": "/a"}, time={"source": "publish_time"}), a))["time_ns"] == [7]


def test_unreadable_messages_do_not_exist(tmp_path: Path) -> None:
    good = b"\0\1\0\0" + struct.pack("<d", 1.0)
    b = Stream(
        "/b", ("pkg/msg/Number", "ros2msg", b"float64 data"), "cdr", [Sent(good, 10), Sent(b"\0\1", 20)]
    )

    found = made(tmp_path, spec({"b": {"source": {"topic": "/b", "field": "data"}}}), A, b)

    assert rows_of(found)["b"] == [1.0, 1.0, 1.0, 1.0]
    assert [one.code for one in found.facts.warnings] == ["unreadable_messages"]
    assert not found.facts.complete


def test_a_topic_that_can_not_be_decoded_is_refused_where_its_content_is_wanted(tmp_path: Path) -> None:
    odd = Stream("/odd", ("x", "weird", b"?"), "weird", [Sent(b"1", 10)])
    counted = made(tmp_path, spec({"n": {"source": {"count": "/odd"}}}), A, odd)

    with pytest.raises(SpecUnfit, match=r"/features/x/source/topic: The messages of /odd can't be decoded"):
        made(tmp_path, spec({"x": "/odd"}), A, odd)

    assert rows_of(counted)["n"] == [1, 0, 0, 0]


def test_a_topic_of_two_types_is_refused_and_one_of_two_alike_read_in_order(tmp_path: Path) -> None:
    def other(text: bytes) -> Stream:
        sent = [
            Sent(b"\0\1\0\0" + struct.pack("<d", value), time) for time, value in ((20, -2.0), (30, -3.0))
        ]
        return Stream("/a", ("pkg/msg/Other", "ros2msg", text), "cdr", sent)

    alike = made(tmp_path, spec({"a": "/a"}), A, other(b"# the same\nfloat64 data"))
    with pytest.raises(SpecUnfit, match=r"several types: pkg/msg/Number, pkg/msg/Other"):
        made(tmp_path, spec({"a": "/a"}), A, other(b"int64 data"))

    assert rows_of(alike)["time_ns"] == [10, 20, 20, 30, 30, 40]
    assert rows_of(alike)["a"] == [1.0, -2.0, 2.0, -3.0, 3.0, 4.0]


def test_the_first_messages_in_the_file_are_taken_of_each_topic(tmp_path: Path) -> None:
    a = numbers("/a", [(40, 1.0), (10, 2.0), (20, 3.0)])

    found = made(tmp_path, spec({"a": "/a"}, input={"max_messages": 2}), a, numbers("/b", [(5, 1.0)]))

    assert rows_of(found)["a"] == [2.0, 1.0]
    assert found.facts.topics == {"/a": 2}


def test_json_is_looked_at_first(tmp_path: Path) -> None:
    sent = [
        Sent(json.dumps({"data": value}).encode(), time) for time, value in ((10, 1), (20, None), (30, 2.5))
    ]

    found = made(tmp_path, spec({"j": "/j"}), A, Stream("/j", None, "json", sent))

    assert rows_of(found)["j"] == [1.0, None, 2.5, 2.5]


def test_a_topic_without_messages_is_told(tmp_path: Path) -> None:
    empty = Stream("/b", ("pkg/msg/Number", "ros2msg", b"float64 data"), "cdr", [])
    grid = {"kind": "rate", "hz": 10}

    joined = made(tmp_path, spec({"a": "/a", "b": "/b"}), A, empty)
    on_a_grid = made(tmp_path, spec({"a": "/a", "b": "/b"}, grid), A, empty)

    assert rows_of(joined)["b"] == [None] * 4
    assert [one.message for one in joined.facts.warnings] == ["/b has no messages."]
    assert on_a_grid.facts.rows == 0
    assert "never begins" in on_a_grid.facts.warnings[0].message


def test_damage_is_told_or_refused(tmp_path: Path) -> None:
    many = numbers("/a", [(time, 0.0) for time in range(100)])
    whole = record(tmp_path / "whole.mcap", many, chunk_size=1).read_bytes()
    damaged = tmp_path / "cut.mcap"
    damaged.write_bytes(whole[: len(whole) // 3])
    for name in ("recover", "fail"):
        (tmp_path / name).mkdir()

    report = extract(damaged, tmp_path / "recover", spec({"a": "/a"}))
    with pytest.raises(RecordingDamaged):
        extract(damaged, tmp_path / "fail", spec({"a": "/a"}, input={"on_corrupt": "fail"}))

    assert {one.code for one in report.warnings} >= {"damaged"}
    assert 0 < Extracted.open(tmp_path / "recover").facts.rows < 100


def test_a_step_leaves_no_trace_in_rows_before_it(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    times = rng.permutation(np.arange(0, 4_000_000, 1000)).tolist()
    step = 2_000_000
    b = numbers("/b", [(time, float(time >= step)) for time in times])

    found = rows_of(made(tmp_path, spec({"b": "/b"}, {"kind": "rate", "hz": 333_333}), b))

    before = [value for time, value in zip(found["time_ns"], found["b"], strict=True) if time < step]
    after = [value for time, value in zip(found["time_ns"], found["b"], strict=True) if time >= step]
    assert len(before) > 600
    assert set(before) == {0.0}
    assert set(after) == {1.0}


@pytest.mark.parametrize("at_a_time", [1, 3, 1000])
def test_big_values_out_of_order_reach_their_rows(tmp_path: Path, at_a_time: int) -> None:
    times = np.random.default_rng(4).permutation(20).tolist()
    images = Stream("/i", BYTES, "cdr", [Sent(blob(bytes([time]) * (time * 7000)), time) for time in times])
    rows = numbers("/a", [(time, 0.0) for time in range(0, 22, 2)])

    found = rows_of(made(tmp_path, spec({"i": "/i"}), rows, images, most_rows=at_a_time))

    assert found["i"] == [bytes([min(time, 19)]) * (min(time, 19) * 7000) for time in range(0, 22, 2)]


def test_progress_goes_up_to_its_end(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    seen: list[Any] = []

    extract(record(tmp_path / "a.mcap", A), tmp_path / "out", spec({"a": "/a"}), seen.append)

    done = [one.done for one in seen]
    assert done == sorted(done)
    assert seen[-1].done == seen[-1].total
    assert {one.stage for one in seen} == {"read", "rows"}
