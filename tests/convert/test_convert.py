"""Conversion from end to end: files, columns, counts and what is told."""

import json
import struct
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bagmill.convert import convert
from bagmill.errors import (
    EmptyRecording,
    NothingSelected,
    NotMcap,
    OutputFailed,
    RecordingDamaged,
    RecordingNotFound,
    UnknownTopic,
)
from bagmill.options import Compression, ConvertOptions
from bagmill.recording import Recording
from bagmill.report import Progress
from tests.conftest import Sample
from tests.convert.making import (
    POINT,
    SECOND,
    START,
    Dataset,
    Sent,
    Stream,
    dataset,
    point,
    points,
    record,
    texts,
)


def test_the_columns_of_a_topic(tmp_path: Path) -> None:
    late = Sent(point(3, 4), START + 5, START + 2)
    made = dataset(
        record(tmp_path / "a.mcap", Stream("/p", ("pkg/msg/P", "ros2msg", POINT.encode()), "cdr", [late])),
        tmp_path / "d",
    )

    assert made.rows("/p") == [
        {
            "log_time": START + 5,
            "publish_time": START + 2,
            "log_time_ns": START + 5,
            "sequence": 0,
            "x": 3.0,
            "y": 4.0,
        }
    ]
    schema = pq.read_schema(made.folder / "topic=%2Fp" / "part-00000.parquet")
    assert schema.field("log_time").type == pa.timestamp("ns", tz="UTC")
    assert schema.field("log_time_ns").type == pa.int64()
    assert schema.field("sequence").type == pa.uint32()


def test_the_metadata_of_a_file(tmp_path: Path) -> None:
    text = b"uint8 ON=1\nuint8 topic"
    stream = Stream("/p", ("pkg/msg/P", "ros2msg", text), "cdr", [Sent(b"\0\1\0\0\5", START)])
    made = dataset(record(tmp_path / "a.mcap", stream), tmp_path / "d")

    metadata = pq.read_metadata(made.folder / "topic=%2Fp" / "part-00000.parquet").metadata

    source = made.report.body["source"]
    assert json.loads(metadata[b"bagmill"]) == {
        "topic": "/p",
        "schema": {"name": "pkg/msg/P", "encoding": "ros2msg"},
        "message_encoding": "cdr",
        "source": {"size": source["size"], "sha256": source["sha256"]},
        "constants": {"pkg/msg/P": {"ON": 1}},
        "renamed": {"topic_": "topic"},
    }
    assert metadata[b"bagmill.sorted"] == b"true"
    assert source["name"] == "a.mcap"
    assert source["size"] == (tmp_path / "a.mcap").stat().st_size


def test_what_the_report_says(tmp_path: Path) -> None:
    recording = record(tmp_path / "a.mcap", points("/p", 3), points("/q", 2), texts("/j", b'{"a": 1}'))

    made = dataset(recording, tmp_path / "d", start_time=START + SECOND)

    assert made.report.complete
    assert made.report.warnings == ()
    assert list(made.topics) == ["/j", "/p", "/q"]
    assert made.topics["/p"] == {
        "topic": "/p",
        "schema": "pkg/msg/Point",
        "schema_encoding": "ros2msg",
        "encoding": "cdr",
        "decoded": True,
        "rows": 2,
        "sorted": True,
        "messages": {"read": 2, "written": 2, "skipped": 0, "unreadable": 0},
        "files": ["topic=%2Fp/part-00000.parquet"],
    }
    assert made.report.body["options"]["start_time"] == str(START + SECOND)
    assert made.report.body["losses"] == []
    assert made.report.counters == {
        "messages": 3,
        "unreadable": 0,
        "rows": 3,
        "bytes": recording.stat().st_size,
    }
    assert [(item.path, item.rows, item.schema) for item in made.report.outputs] == [
        ("topic=%2Fj/part-00000.parquet", 0, None),
        ("topic=%2Fp/part-00000.parquet", 2, "pkg/msg/Point"),
        ("topic=%2Fq/part-00000.parquet", 1, "pkg/msg/Point"),
    ]
    json.dumps(made.report.body, allow_nan=False)


def test_a_topic_without_messages_keeps_its_columns(tmp_path: Path) -> None:
    made = dataset(record(tmp_path / "a.mcap", points("/p", 0), points("/q", 1)), tmp_path / "d")

    table = pq.read_table(made.folder / made.topics["/p"]["files"][0], partitioning=None)

    assert table.num_rows == 0
    assert table.schema.names == ["log_time", "publish_time", "log_time_ns", "sequence", "x", "y"]


def test_a_recording_without_anything_is_an_empty_dataset(tmp_path: Path) -> None:
    made = dataset(record(tmp_path / "a.mcap"), tmp_path / "d")

    assert made.report.complete
    assert made.topics == {}
    assert list(made.folder.iterdir()) == []


def test_a_message_without_fields_has_only_our_columns(tmp_path: Path) -> None:
    stream = Stream("/e", ("std_msgs/msg/Empty", "ros2msg", b""), "cdr", [Sent(b"\0\1\0\0\0", START)] * 3)

    made = dataset(record(tmp_path / "a.mcap", stream), tmp_path / "d")

    assert [list(row) for row in made.rows("/e")] == [
        ["log_time", "publish_time", "log_time_ns", "sequence"]
    ] * 3


def test_rows_stand_in_file_order_and_the_flag_says_whether_that_is_time_order(tmp_path: Path) -> None:
    disordered = [Sent(point(n, 0), START + time) for n, time in enumerate([5, 3, 4])]
    schema = ("pkg/msg/P", "ros2msg", POINT.encode())
    recording = record(tmp_path / "a.mcap", Stream("/p", schema, "cdr", disordered), points("/q", 3))

    made = dataset(recording, tmp_path / "d")

    assert [row["log_time_ns"] - START for row in made.rows("/p")] == [5, 3, 4]
    assert (made.topics["/p"]["sorted"], made.topics["/q"]["sorted"]) == (False, True)
    flags = [
        pq.read_metadata(made.folder / made.topics[topic]["files"][0]).metadata[b"bagmill.sorted"]
        for topic in ("/p", "/q")
    ]
    assert flags == [b"false", b"true"]


def test_unreadable_messages_are_kept_and_told(tmp_path: Path) -> None:
    schema = ("pkg/msg/P", "ros2msg", POINT.encode())
    sent = [
        Sent(point(1, 1), START),
        Sent(b"\0\1\0\0short", START + 1, START + 9),
        Sent(point(2, 2), 2**63, 5),
        Sent(point(3, 3), START + 2, 2**64 - 1),
        Sent(point(4, 4), START + 3),
    ]
    made = dataset(
        record(tmp_path / "a.mcap", Stream("/p", schema, "cdr", sent), points("/q", 1)), tmp_path / "d"
    )

    assert [row["x"] for row in made.rows("/p")] == [1.0, 4.0]
    assert made.topics["/p"]["messages"] == {"read": 5, "written": 2, "skipped": 0, "unreadable": 3}
    assert made.topics["/q"]["messages"]["unreadable"] == 0
    assert not made.report.complete
    assert made.codes == ["unreadable_messages"]
    assert "3 of 5 messages of /p" in made.report.warnings[0].message
    assert made.report.body["unreadable"] == ["unreadable/part-00000.parquet"]
    first, second, third = made.unreadable
    assert first == {
        "topic": "/p",
        "log_time": START + 1,
        "publish_time": START + 9,
        "log_time_ns": START + 1,
        "publish_time_ns": START + 9,
        "sequence": 1,
        "reason": first["reason"],
        "data": b"\0\1\0\0short",
    }
    assert "ends at byte 5" in first["reason"]
    assert (second["log_time"], second["log_time_ns"], second["publish_time"]) == (None, 2**63, 5)
    assert "log time" in second["reason"]
    assert (third["publish_time"], third["publish_time_ns"], third["data"]) == (None, 2**64 - 1, point(3, 3))
    assert "publish time" in third["reason"]


def test_a_topic_without_a_decoder_is_kept_as_bytes_with_its_schema(tmp_path: Path) -> None:
    broken = Stream("/b", ("pkg/msg/B", "ros2msg", b"garbage["), "cdr", [Sent(b"any", START)])
    other = Stream("/o", ("pkg/msg/B", "omgidl", b"struct B {};"), "cdr", [Sent(b"\0\1\2", START)])
    bare = Stream("/n", None, "text", [Sent(b"hello", START)])

    made = dataset(record(tmp_path / "a.mcap", broken, other, bare, points("/p", 1)), tmp_path / "d")

    assert [row["data"] for key in ("/b", "/o", "/n") for row in made.rows(key)] == [
        b"any",
        b"\0\1\2",
        b"hello",
    ]
    assert made.report.complete
    assert made.codes == ["kept_raw"] * 3
    assert [warning.where["topic"] for warning in made.report.warnings] == ["/b", "/n", "/o"]
    assert not made.topics["/b"]["decoded"]
    assert (made.folder / "schemas" / "pkg%2Fmsg%2FB.msg").read_bytes() == b"garbage["
    assert (made.folder / "schemas" / "pkg%2Fmsg%2FB.idl").read_bytes() == b"struct B {};"
    assert made.rows("/p")[0]["x"] == 0.0


def test_two_schemas_on_one_topic_are_two_tables(tmp_path: Path) -> None:
    other = Stream("/p", ("pkg/msg/Other", "ros2msg", b"int8 a"), "cdr", [Sent(b"\0\1\0\0\5", START)])
    again = points("/p", 2, first=5)
    made = dataset(record(tmp_path / "a.mcap", points("/p", 2), other, again), tmp_path / "d")

    assert list(made.topics) == ["/p~pkg/msg/Other", "/p~pkg/msg/Point"]
    assert {table["topic"] for table in made.topics.values()} == {"/p"}
    assert made.rows("/p~pkg/msg/Other")[0]["a"] == 5
    assert [row["x"] for row in made.rows("/p~pkg/msg/Point")] == [0.0, 5.0, 1.0, 6.0]
    assert sorted(path.name for path in made.folder.iterdir()) == [
        "topic=%2Fp~pkg%2Fmsg%2FOther",
        "topic=%2Fp~pkg%2Fmsg%2FPoint",
    ]


def test_json_is_typed_by_all_messages_of_the_window(tmp_path: Path) -> None:
    recording = record(tmp_path / "a.mcap", texts("/j", b'{"a": 1}', b'{"a": 2.5, "b": "x"}', b'{"c": true}'))

    whole, part = (
        dataset(recording, tmp_path / "d"),
        dataset(recording, tmp_path / "e", end_time=START + SECOND),
    )

    assert [(row["a"], row["b"], row["c"]) for row in whole.rows("/j")] == [
        (1.0, None, None),
        (2.5, "x", None),
        (None, None, True),
    ]
    assert [row["a"] for row in part.rows("/j")] == [1]


def test_bad_json_is_unreadable_and_does_not_change_types(tmp_path: Path) -> None:
    made = dataset(record(tmp_path / "a.mcap", texts("/j", b'{"a": 1}', b"{", b'{"a": 2}')), tmp_path / "d")

    assert [row["a"] for row in made.rows("/j")] == [1, 2]
    assert [row["data"] for row in made.unreadable] == [b"{"]


def test_progress_goes_from_the_start_to_the_end_of_the_file(tmp_path: Path) -> None:
    recording = record(tmp_path / "a.mcap", points("/p", 500), texts("/j", b"{}"), chunk_size=1000)
    seen: list[Progress] = []
    (tmp_path / "d").mkdir()

    convert(recording, tmp_path / "d", ConvertOptions(), seen.append)

    done = [progress.done / progress.total for progress in seen]
    assert done == sorted(done)
    assert 0 < done[0] <= done[-1] <= 1
    assert {progress.stage for progress in seen} == {"inspect", "convert"}
    assert seen[-1].counters["messages"] == 501


@pytest.mark.parametrize("compression", list(Compression))
def test_every_codec_is_used_and_read(tmp_path: Path, compression: Compression) -> None:
    made = dataset(record(tmp_path / "a.mcap", points("/p", 100)), tmp_path / "d", compression=compression)

    column = pq.read_metadata(made.folder / made.topics["/p"]["files"][0]).row_group(0).column(0)

    names = {"none": "UNCOMPRESSED", "lz4": "LZ4"}
    assert column.compression == names.get(compression.value, compression.value.upper())
    assert len(made.rows("/p")) == 100


@pytest.mark.parametrize("threads", [2, 3])
def test_threads_change_nothing(tmp_path: Path, sample: Sample, threads: int) -> None:
    made = {}
    for number in (1, threads):
        folder = tmp_path / str(number)
        folder.mkdir()
        report = convert(sample.path, folder, ConvertOptions(), threads=number)
        made[number] = (
            report,
            {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()},
        )

    assert made[1] == made[threads]


def test_the_same_recording_and_options_give_the_same_bytes(tmp_path: Path) -> None:
    recording = record(
        tmp_path / "a.mcap", points("/p", 300), texts("/j", b'{"b": 1, "a": 2}'), chunk_size=500
    )
    renamed = tmp_path / "other name.mcap"
    renamed.write_bytes(recording.read_bytes())

    one, two = dataset(recording, tmp_path / "d"), dataset(renamed, tmp_path / "e")

    assert files(one) == files(two)


def files(made: Dataset) -> dict[str, bytes]:
    return {
        path.relative_to(made.folder).as_posix(): path.read_bytes()
        for path in made.folder.rglob("*")
        if path.is_file()
    }


def test_topics_whose_folders_would_be_one_on_some_machines(tmp_path: Path) -> None:
    streams = [points(topic, 1) for topic in ("/a", "/A", "/b", "x" * 300, "", "ü/ö", "..", "a~b")]
    made = dataset(record(tmp_path / "a.mcap", *streams), tmp_path / "d")

    names = [path.name for path in made.folder.iterdir()]
    assert len({name.lower() for name in names}) == len(streams)
    assert max(map(len, names)) <= 200
    assert "topic=%2Fb" in names
    assert all(table["rows"] == 1 for table in made.topics.values())


def test_names_do_not_depend_on_what_is_selected(tmp_path: Path) -> None:
    recording = record(tmp_path / "a.mcap", points("/a", 1), points("/A", 1))

    whole, part = dataset(recording, tmp_path / "d"), dataset(recording, tmp_path / "e", topics=["/a"])

    assert part.topics["/a"]["files"] == whole.topics["/a"]["files"]


@pytest.mark.parametrize(
    ("options", "error", "pointer", "hint"),
    [
        ({"topics": ["/imu", "/camra*"]}, UnknownTopic, "/params/topics/1", "/camera/image"),
        ({"topics": ["/IMU"]}, UnknownTopic, "/params/topics/0", "Did you mean /imu?"),
        ({"topics": ["zzz"]}, UnknownTopic, "/params/topics/0", "The recording has"),
        ({"exclude_topics": ["*"]}, NothingSelected, "/params/exclude_topics", "The recording has"),
        ({"start_time": START + 60 * SECOND}, NothingSelected, "/params/start_time", "2023-11-14T22:13:20"),
        ({"end_time": START}, NothingSelected, "/params/end_time", "2023-11-14T22:13:20"),
    ],
)
def test_a_selection_that_takes_nothing_is_refused(
    tmp_path: Path, options: dict[str, object], error: type[Exception], pointer: str, hint: str
) -> None:
    recording = record(tmp_path / "a.mcap", points("/imu", 3), points("/camera/image", 3))

    with pytest.raises(error) as caught:
        dataset(recording, tmp_path / "d", **options)

    assert isinstance(caught.value, UnknownTopic | NothingSelected)
    assert caught.value.where["pointer"] == pointer
    assert hint in caught.value.hint
    assert list((tmp_path / "d").iterdir()) == []


def test_globs(tmp_path: Path) -> None:
    recording = record(tmp_path / "a.mcap", *(points(topic, 1) for topic in ("/a/x", "/a/y", "/b", "c")))

    made = dataset(recording, tmp_path / "d", topics=["/a/*", "c"], exclude_topics=["*y", "nothing"])

    assert list(made.topics) == ["/a/x", "c"]


def test_a_damaged_recording_is_told(tmp_path: Path) -> None:
    recording = record(tmp_path / "a.mcap", points("/p", 2000), chunk_size=2000)
    data = recording.read_bytes()
    cut = tmp_path / "cut.mcap"
    cut.write_bytes(data[: len(data) // 2])

    made = dataset(cut, tmp_path / "d")

    facts = made.topics["/p"]["messages"]
    assert 0 < facts["read"] == facts["written"] < 2000
    assert not made.report.complete
    assert "damaged" in made.codes
    assert made.report.body["losses"]
    with pytest.raises(RecordingDamaged):
        dataset(cut, tmp_path / "e", on_corrupt="fail")


def test_messages_lost_by_damage_are_counted(tmp_path: Path) -> None:
    recording = record(tmp_path / "a.mcap", points("/p", 2000), chunk_size=2000)
    with Recording.open(recording) as source:
        chunk = source.summary.chunks[3]
    data = bytearray(recording.read_bytes())
    data[chunk.offset + chunk.length - 5] ^= 0xFF
    recording.write_bytes(data)

    made = dataset(recording, tmp_path / "d")

    facts = made.topics["/p"]["messages"]
    assert facts["skipped"] > 0
    assert facts["read"] + facts["skipped"] == 2000
    assert not made.report.complete


@pytest.mark.parametrize(
    ("content", "error"), [(None, RecordingNotFound), (b"", EmptyRecording), (b"no mcap at all", NotMcap)]
)
def test_what_is_no_recording(tmp_path: Path, content: bytes | None, error: type[Exception]) -> None:
    path = tmp_path / "a.mcap"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(error):
        dataset(path, tmp_path / "d")


def test_an_output_that_can_not_be_written(tmp_path: Path) -> None:
    recording = record(tmp_path / "a.mcap", points("/p", 1))
    (tmp_path / "d").write_text("a file, not a folder")

    with pytest.raises(OutputFailed) as caught:
        convert(recording, tmp_path / "d", ConvertOptions())

    assert str(tmp_path) in str(caught.value.where["path"])


def test_big_messages_are_decoded_in_slices(tmp_path: Path) -> None:
    blob = struct.pack("<I", 5 << 20) + bytes(5 << 20)
    sent = [Sent(b"\0\1\0\0" + blob, START + n) for n in range(5)]
    made = dataset(
        record(tmp_path / "a.mcap", Stream("/image", ("pkg/msg/I", "ros2msg", b"uint8[] data"), "cdr", sent)),
        tmp_path / "d",
    )

    assert made.topics["/image"]["rows"] == 5
    assert [len(row["data"]) for row in made.rows("/image")] == [5 << 20] * 5
