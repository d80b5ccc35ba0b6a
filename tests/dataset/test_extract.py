"""What is extracted of small recordings: rows, drops, episodes, facts."""

import math
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from mcap.writer import Writer

from bagmill.dataset.extract import extract
from bagmill.dataset.extracted import Extracted
from bagmill.errors import DatasetInvalid, SpecUnfit
from tests.dataset.recordings import Sent, Stream, made, numbers, rows_of, spec, texts, vectors

A = numbers("/a", [(10, 1.0), (20, 2.0), (30, 3.0), (40, 4.0)])
B = numbers("/b", [(15, -1.0), (25, -2.0), (38, -3.0)])
LATE = numbers("/late", [(35, 7.0)])


def feature(topic: str, **rest: Any) -> dict[str, Any]:
    return {"source": {"topic": topic, "field": "data"}} | rest


def test_a_row_for_each_message_of_the_trigger(tmp_path: Path) -> None:
    found = made(tmp_path, spec({"a": "/a", "b": "/b"}), A, B)

    assert rows_of(found) == {
        "time_ns": [10, 20, 30, 40],
        "episode": [0, 0, 0, 0],
        "frame_index": [0, 1, 2, 3],
        "a": [1.0, 2.0, 3.0, 4.0],
        "b": [None, -1.0, -2.0, -3.0],
    }
    assert found.facts.topics == {"/a": 4, "/b": 3}
    assert (found.facts.rows, found.facts.candidates, found.facts.bad) == (4, 4, 1)
    assert (found.facts.column("b").present, found.facts.column("b").missing) == (3, 1)


def test_a_grid_begins_when_all_topics_have_begun_and_ends_with_the_last(tmp_path: Path) -> None:
    rows = {"kind": "rate", "hz": 2e5}  # each 5 us
    a = numbers("/a", [(10_000, 1.0), (20_000, 2.0), (30_000, 3.0), (44_000, 4.0)])

    found = made(tmp_path, spec({"a": "/a", "b": "/b"}, rows), a, numbers("/b", [(15_000, 1.0)]))

    assert rows_of(found)["time_ns"] == [15_000, 20_000, 25_000, 30_000, 35_000, 40_000]
    assert rows_of(found)["a"] == [1, 2, 2, 3, 3, 3]


def test_topics_that_are_counted_do_not_hold_a_grid_up(tmp_path: Path) -> None:
    rows = {"kind": "rate", "hz": 1e5}
    a = numbers("/a", [(time, 1.0) for time in (10_000, 41_000)])
    late = numbers("/late", [(35_000, 7.0)])

    found = made(tmp_path, spec({"a": "/a", "n": {"source": {"count": "/late"}}}, rows), a, late)

    assert rows_of(found)["time_ns"] == [10_000, 20_000, 30_000, 40_000]
    assert rows_of(found)["n"] == [0, 0, 0, 1]


def test_messages_that_are_rows_take_themselves_also_at_equal_times(tmp_path: Path) -> None:
    twice = numbers("/a", [(20, 1.0), (10, 2.0), (20, 3.0)])
    rows = {"kind": "per_message", "topic": "/a"}

    found = rows_of(made(tmp_path, spec({"a": "/a", "n": {"source": {"count": "/a"}}}, rows), twice))

    assert found["time_ns"] == [10, 20, 20]
    assert found["a"] == [2.0, 1.0, 3.0]
    assert found["n"] == [1, 2, 0]


def test_rows_are_dropped_for_the_first_reason(tmp_path: Path) -> None:
    features = {
        "a": "/a",
        "b": feature("/b", missing={"policy": "drop_row"}),
        "late": feature("/late", missing={"policy": "drop_row"}, presence=True),
    }

    found = made(tmp_path, spec(features), A, B, LATE)

    assert rows_of(found)["time_ns"] == [40]
    assert rows_of(found)["late.present"] == [True]
    assert found.facts.drops == {"missing:b": 1, "missing:late": 2}
    assert (found.facts.rows, found.facts.candidates, found.facts.bad) == (1, 4, 3)
    assert found.facts.column("late").missing == 3


def test_forward_fill_is_by_what_is_left_and_never_too_old(tmp_path: Path) -> None:
    sync = {"policy": "exact", "staleness": 15e-9}
    b = numbers("/b", [(10, 5.0), (40, 6.0)])
    features = {"b": feature("/b", sync=sync, missing={"policy": "forward_fill"}, presence=True)}

    found = made(tmp_path, spec(features), A, b)

    assert rows_of(found)["b"] == [5.0, 5.0, None, 6.0]
    assert rows_of(found)["b.present"] == [True, False, False, True]
    facts = found.facts.column("b")
    assert (facts.present, facts.missing, facts.filled) == (2, 2, 1)


def test_a_missing_value_can_be_an_error(tmp_path: Path) -> None:
    with pytest.raises(DatasetInvalid) as failure:
        made(tmp_path, spec({"b": feature("/b", missing={"policy": "error"})}), A, B)

    assert [fault.pointer for fault in failure.value.items] == ["/features/b/missing/policy"]
    assert "1970-01-01T00:00:00.00000001" in failure.value.message


def test_a_dropped_row_lacks_nothing(tmp_path: Path) -> None:
    features = {
        "b": feature("/b", missing={"policy": "error"}),
        "other": feature("/b", missing={"policy": "drop_row"}),
    }

    assert made(tmp_path, spec(features), A, B).facts.rows == 3


NAN = numbers("/a", [(10, 1.0), (20, math.nan), (30, math.inf), (40, 4.0)])


@pytest.mark.parametrize(
    ("policy", "values", "missing"),
    [("null", [1.0, None, None, 4.0], 2), ("drop_row", [1.0, 4.0], 0)],
)
def test_nan_is_missing_or_drops_its_row(
    tmp_path: Path, policy: str, values: list[float | None], missing: int
) -> None:
    found = made(tmp_path, spec({"a": "/a"}, validation={"nan": policy}), NAN)

    assert rows_of(found)["a"] == values
    assert found.facts.column("a").missing == missing
    assert found.facts.column("a").nan == 2
    assert found.facts.drops == ({"nan:a": 2} if policy == "drop_row" else {})
    assert found.facts.bad == 2


def test_nan_is_allowed_and_counted(tmp_path: Path) -> None:
    found = made(tmp_path, spec({"a": "/a"}), NAN)

    assert str(rows_of(found)["a"]) == "[1.0, nan, inf, 4.0]"
    assert (found.facts.column("a").nan, found.facts.bad) == (2, 0)


def test_nan_is_an_error_or_reported(tmp_path: Path) -> None:
    with pytest.raises(DatasetInvalid, match=r"/validation/nan: The row at .*20Z has NaN"):
        made(tmp_path, spec({"a": "/a"}, validation={"nan": "error"}), NAN)

    told = made(tmp_path, spec({"a": "/a"}, validation={"nan": "error", "on_failure": "report"}), NAN)
    assert [warning.code for warning in told.facts.warnings] == ["validation"]
    assert told.facts.rows == 4


def test_gaps_between_rows_end_episodes(tmp_path: Path) -> None:
    a = numbers("/a", [(time, 0.0) for time in (10, 12, 20, 21, 40)])

    found = made(tmp_path, spec({"a": "/a"}, episodes={"by": "gap", "seconds": 5e-9}), a)

    assert rows_of(found)["episode"] == [0, 0, 1, 1, 2]
    assert rows_of(found)["frame_index"] == [0, 1, 0, 1, 0]
    assert [(one.first_ns, one.last_ns, one.rows) for one in found.facts.episodes] == [
        (10, 12, 2),
        (20, 21, 2),
        (40, 40, 1),
    ]


def test_gaps_of_a_topic_end_episodes(tmp_path: Path) -> None:
    by = {"by": "gap", "seconds": 10e-9, "topic": "/b"}

    found = made(tmp_path, spec({"a": "/a"}, episodes=by), A, B)

    assert rows_of(found)["episode"] == [0, 0, 0, 1]


@pytest.mark.parametrize(
    ("values", "kept", "episodes"),
    [(None, [20, 40], [0, 1]), (["x"], [20], [0]), (["x", ""], [20, 30], [0, 1])],
)
def test_a_field_makes_episodes(
    tmp_path: Path, values: list[str] | None, kept: list[int], episodes: list[int]
) -> None:
    state = texts("/state", [(15, "x"), (25, ""), (35, "y")])
    by = {"by": "field", "topic": "/state", "field": "data", "values": values}

    found = made(tmp_path, spec({"a": "/a"}, episodes=by), A, state)

    assert rows_of(found)["time_ns"] == kept
    assert rows_of(found)["episode"] == episodes
    assert found.facts.drops == {"outside_episodes": 4 - len(kept)}
    assert found.facts.candidates == len(kept)


def test_forward_fill_stays_within_an_episode(tmp_path: Path) -> None:
    b = numbers("/b", [(10, 5.0)])
    features = {"b": feature("/b", sync={"policy": "exact"}, missing={"policy": "forward_fill"})}
    by = {"by": "gap", "seconds": 10e-9, "topic": "/b2"}
    gaps = numbers("/b2", [(10, 0.0), (25, 0.0)])

    assert rows_of(made(tmp_path, spec(features, episodes=by), A, b, gaps))["b"] == [5.0, 5.0, None, None]


@pytest.mark.parametrize(
    ("given", "values"),
    [
        ({"max_messages": 2}, [1.0, 2.0]),
        ({"start_time": 20, "end_time": 40}, [2.0, 3.0]),
        ({"start_time": "+0.00000002s"}, [3.0, 4.0]),
        ({"end_time": "-0.00000001s"}, [1.0, 2.0]),
        ({"exclude_topics": ["/c"]}, [1.0, 2.0, 3.0, 4.0]),
    ],
)
def test_input_says_which_messages_there_are(tmp_path: Path, given: Any, values: list[float]) -> None:
    found = made(tmp_path, spec({"a": "/a"}, input=given), A, numbers("/c", [(10, 0.0)]))

    assert rows_of(found)["a"] == values


@pytest.mark.parametrize(
    ("changes", "pointer", "says", "hint"),
    [
        ({"rows": {"kind": "trigger", "topic": "/A"}}, "/rows/topic", "no topic '/A'", "`/a`"),
        ({"input": {"topics": ["/aa*"]}}, "/input/topics/0", "No topic matches '/aa*'", "/a"),
        ({"input": {"exclude_topics": ["/b"]}}, "/features/b/source/topic", "no topic '/b'", "`/a`"),
        ({"input": {"start_time": 50}}, "/input/start_time", "ends before", "log times"),
        ({"time": {"source": "field", "field": "stamp"}}, "/time/field", "/a: ", "`data`"),
        ({"episodes": {"by": "gap", "seconds": 1, "topic": "/x"}}, "/episodes/topic", "'/x'", "Known"),
        ({"episodes": {"by": "field", "topic": "/a", "field": "dat"}}, "/episodes/field", "'dat'", "`data`"),
        ({"episodes": {"by": "field", "topic": "/a", "field": "data"}}, "/episodes/field", "float64", ""),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(
    tmp_path: Path, changes: Any, pointer: str, says: str, hint: str
) -> None:
    plain = {"rows": {"kind": "trigger", "topic": "/a"}} | changes
    wanted = spec({"a": "/a", "b": "/b"}, **plain)

    with pytest.raises(SpecUnfit) as failure:
        made(tmp_path, wanted, A, B)

    assert [fault.pointer for fault in failure.value.items][:1] == [pointer]
    assert says in failure.value.items[0].detail
    assert hint in (failure.value.items[0].hint or "")


def test_a_grid_of_too_many_rows_is_refused(tmp_path: Path) -> None:
    day = numbers("/a", [(0, 1.0), (86_400_000_000_000, 2.0)])

    with pytest.raises(SpecUnfit, match="/rows/hz"):
        made(tmp_path, spec({"a": "/a"}, {"kind": "rate", "hz": 1e6}), day)


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    features = {"x": "/x", "a": feature("/a", shape=[2]), "y": "/y"}

    with pytest.raises(SpecUnfit) as failure:
        made(tmp_path, spec(features), A, B)

    assert [fault.pointer for fault in failure.value.items] == [
        "/features/x/source/topic",
        "/features/y/source/topic",
    ]


def test_the_types_of_columns_are_those_of_their_values(tmp_path: Path) -> None:
    vector = vectors("/v", [(10, [1.0, 2.0, 3.0])], 3)
    features = {"v": feature("/v", dtype="float32"), "t": "/t", "n": {"source": {"count": "/v"}}}

    schema = made(tmp_path, spec(features), A, vector, texts("/t", [(10, "é")])).schema

    assert schema.field("v").type == pa.list_(pa.field("element", pa.float32(), nullable=False), 3)
    assert schema.field("t").type == pa.string()
    assert schema.field("n").type == pa.int64()
    assert not schema.field("time_ns").nullable


def folder_bytes(found: Extracted) -> dict[str, bytes]:
    files = [path for path in found.folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(found.folder)): path.read_bytes() for path in files}


def test_the_same_recording_and_spec_give_the_same_bytes_with_any_number_of_threads(tmp_path: Path) -> None:
    wanted = spec({"a": "/a", "b": feature("/b", sync={"policy": "linear"})})

    one, two = (made(tmp_path, wanted, A, B, threads=threads) for threads in (1, 3))

    assert folder_bytes(one) == folder_bytes(two)
    assert sorted(folder_bytes(one)) == ["rows.json", "rows/part-00000.parquet"]


def test_statistics_are_those_of_each_split(tmp_path: Path) -> None:
    split = {"by": "time", "fractions": {"train": 0.5, "test": 0.5}}

    found = made(tmp_path, spec({"a": "/a"}, split=split), A)

    means = {one.group: (one.values["count"], one.values["mean"]) for one in found.facts.statistics}
    assert means == {"train": (2, 1.5), "test": (2, 3.5)}


STATES = b"uint8 IDLE=0\nuint8 RUN=1\nuint8 STOP=2\nuint8 data"


def states(*messages: tuple[int, int]) -> Stream:
    """Messages with a state, each with its log time (ns)."""
    sent = [Sent(b"\0\1\0\0" + bytes([value]), time) for time, value in messages]
    return Stream("/state", ("pkg/msg/State", "ros2msg", STATES), "cdr", sent)


@pytest.mark.parametrize(
    ("values", "kept"), [(None, [20, 30, 40]), (["RUN"], [20, 30]), ([2], [40]), (["IDLE", 2], [10, 40])]
)
def test_constants_make_episodes_by_name_or_number(
    tmp_path: Path, values: list[Any] | None, kept: list[int]
) -> None:
    by = {"by": "field", "topic": "/state", "field": "data", "values": values}

    found = made(tmp_path, spec({"a": "/a"}, episodes=by), A, states((5, 0), (15, 1), (35, 2)))

    assert rows_of(found)["time_ns"] == kept


@pytest.mark.parametrize(("value", "hint"), [("RAN", "`RUN`"), (True, "Known"), ("9", "Known")])
def test_a_state_that_can_not_be_is_refused(tmp_path: Path, value: Any, hint: str) -> None:
    by = {"by": "field", "topic": "/state", "field": "data", "values": [1, value]}

    with pytest.raises(SpecUnfit) as failure:
        made(tmp_path, spec({"a": "/a"}, episodes=by), A, states((5, 0)))

    assert failure.value.items[0].pointer == "/episodes/values/1"
    assert hint in (failure.value.items[0].hint or "")


def test_metadata_stands_in_each_row(tmp_path: Path) -> None:
    path = tmp_path / "a.mcap"
    with path.open("wb") as file:
        writer = Writer(file)
        writer.start()
        schema = writer.register_schema("pkg/msg/Number", "ros2msg", b"float64 data")
        channel = writer.register_channel("/a", "cdr", schema)
        for sent in A.messages:
            writer.add_message(channel, sent.log_time, sent.data, sent.log_time)
        for name, values in (("robot", {"name": "x"}), ("robot", {"name": "y"}), ("other", {"z": "1"})):
            writer.add_metadata(name, values)
        writer.finish()  # type: ignore[no-untyped-call]
    (tmp_path / "out").mkdir()

    extract(path, tmp_path / "out", spec({"robot": {"source": {"metadata": "robot", "key": "name"}}}))

    assert rows_of(Extracted.open(tmp_path / "out"))["robot"] == ["y"] * 4
