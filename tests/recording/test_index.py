"""index.json: what a recording holds, the same bytes for the same recording."""

import json
import os
import random
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from bagmill.errors import EmptyRecording, OutputFailed, RecordingDamaged
from bagmill.index import MAX_METADATA, index
from bagmill.options import IndexOptions
from bagmill.recording.times import rfc3339
from bagmill.report import Progress, Report
from tests.recording.making import Maker, attachment, channel, messages, metadata, schema

OPTIONS = IndexOptions()


class Indexed(NamedTuple):
    content: dict[str, Any]
    report: Report
    folder: Path

    def files(self) -> dict[str, bytes]:
        """Every file below the output folder, by its path."""
        paths = [path for path in self.folder.rglob("*") if path.is_file()]
        return {str(path.relative_to(self.folder)): path.read_bytes() for path in paths}


def indexed(folder: Path, made: bytes, name: str = "drive.mcap") -> Indexed:
    source, output = folder / name, folder / "output"
    source.write_bytes(made)
    output.mkdir(exist_ok=True)
    report = index(source, output, OPTIONS)
    return Indexed(json.loads((output / "index.json").read_text("utf-8")), report, output)


def recording(**parts: bool) -> bytes:
    content = [one._replace(log_time=one.log_time + 1_700_000_000_000_000_000) for one in messages(60, 3)]
    made = Maker(schemas={1: schema(1, "pkg/msg/A", "ros2msg", b"int32 a"), 2: schema(2, "J", "jsonschema")})
    made.channels = {
        1: channel(1, "/a"),
        2: channel(2, "/b", 2),
        3: channel(3, "/a"),
        4: channel(4, "/quiet", 0),
    }
    made.chunk(content[:40], "zstd").chunk(content[40:], "lz4", define=False)
    return made.finish(**parts)  # type: ignore[arg-type]


def test_everything_of_a_recording(tmp_path: Path) -> None:
    content, report, folder = indexed(tmp_path, recording())

    assert content["schema_version"] == 1
    assert content["kind"] == "index"
    assert content["recording"] == "drive.mcap"
    assert content["size"] == len(recording())
    assert content["identity"]["size"] == len(recording())
    assert len(content["identity"]["sha256"]) == 64
    assert (content["profile"], content["library"], content["indexed"]) == ("", "by hand", "summary")
    assert content["start_time"] == "2023-11-14T22:13:20.000001000Z"
    assert content["start_time_ns"] == "1700000000000001000"
    assert content["end_time_ns"] == "1700000000000001590"
    assert (content["duration_seconds"], content["duration_ns"]) == (5.9e-07, "590")
    assert content["messages"] == 60
    assert content["chunks"]["count"] == 2
    assert set(content["chunks"]["compression"]) == {"zstd", "lz4"}
    assert content["chunks"]["compression"]["zstd"]["count"] == 1
    assert content["chunks"]["compression"]["zstd"]["uncompressed_bytes"] > 40 * 51
    assert content["losses"] == content["attachments"] == content["metadata"] == []
    assert set(content["topics"]) == {"/a", "/b", "/quiet"}
    assert report.complete
    assert report.warnings == ()
    assert report.counters["messages"] == report.body["messages"] == 60
    paths = [output.path for output in report.outputs]
    assert paths[0] == "index.json"
    assert all((folder / path).is_file() for path in paths)


def test_a_topic_with_two_channels(tmp_path: Path) -> None:
    topic = indexed(tmp_path, recording()).content["topics"]["/a"]

    assert topic["messages"] == 40
    assert topic["schemas"] == [
        {"name": "pkg/msg/A", "encoding": "ros2msg", "file": "schemas/pkg%2Fmsg%2FA.msg"}
    ]
    assert topic["message_encodings"] == ["json"]
    assert (topic["first_time_ns"], topic["last_time_ns"]) == ("1700000000000001000", "1700000000000001590")
    assert topic["first_time"] == "2023-11-14T22:13:20.000001000Z"
    assert topic["exact"] is True
    assert topic["rate_hz"] == round(39 / 590e-9, 6)
    assert topic["bytes"] is None
    assert [(one["id"], one["messages"], one["metadata"]) for one in topic["channels"]] == [
        (1, 20, {"foo": "bar"}),
        (3, 20, {"foo": "bar"}),
    ]


def test_a_topic_without_messages(tmp_path: Path) -> None:
    topic = indexed(tmp_path, recording()).content["topics"]["/quiet"]

    assert topic["messages"] == 0
    assert topic["schemas"] == []
    assert topic["rate_hz"] is topic["first_time"] is topic["last_time_ns"] is None


def test_a_recording_without_a_summary_is_scanned(tmp_path: Path) -> None:
    content, report, _ = indexed(tmp_path, recording(summary=False))

    assert content["indexed"] == "scan"
    assert content["topics"]["/a"]["bytes"] == 800
    assert content["topics"]["/quiet"]["bytes"] == 0
    assert content["topics"]["/b"]["exact"] is True
    assert report.complete


def test_a_summary_and_a_scan_differ_only_in_what_is_known(tmp_path: Path) -> None:
    (tmp_path / "1").mkdir()
    (tmp_path / "2").mkdir()
    given = indexed(tmp_path / "1", recording()).content
    scanned = indexed(tmp_path / "2", recording(summary=False)).content

    for content in (given, scanned):
        for name in ("size", "identity", "indexed"):
            content.pop(name)
        for topic in content["topics"].values():
            topic.pop("bytes")
    assert given == scanned


def test_a_recording_of_nothing(tmp_path: Path) -> None:
    content, report, _ = indexed(tmp_path, Maker().finish())

    assert content["messages"] == 0
    assert content["topics"] == {}
    assert content["start_time"] is content["duration_seconds"] is content["duration_ns"] is None
    assert report.complete


def test_the_same_recording_gives_the_same_bytes(tmp_path: Path) -> None:
    for folder in ("one", "other"):
        (tmp_path / folder).mkdir()
    one, other = indexed(tmp_path / "one", recording()), indexed(tmp_path / "other", recording())

    assert one.files() == other.files()


def test_one_message_has_no_rate_and_a_single_time(tmp_path: Path) -> None:
    topic = indexed(tmp_path, Maker.plain().chunk(messages(1)).finish()).content["topics"]["/a"]

    assert topic["rate_hz"] is None
    assert topic["first_time_ns"] == topic["last_time_ns"] == "1000"


def test_times_are_bounds_where_nothing_says_more(tmp_path: Path) -> None:
    content = indexed(tmp_path, Maker.plain(2).chunk(messages(10, 2), named=[]).finish()).content

    assert content["topics"]["/b"]["exact"] is False
    assert content["topics"]["/b"]["first_time_ns"] == "1000"


def test_attachments_and_metadata(tmp_path: Path) -> None:
    made = Maker.plain().add(attachment("n.txt", b"hello")).add(metadata("m", {"a": "1"}))
    made.add(metadata("m", {"b": "ü"})).add(metadata("big", {"k": "v" * MAX_METADATA})).chunk(messages(1))

    content, report, _ = indexed(tmp_path, made.finish(summary=False))

    assert content["attachments"] == [
        {
            "name": "n.txt",
            "media_type": "text/plain",
            "size": 5,
            "log_time": "1970-01-01T00:00:00.000000005Z",
            "log_time_ns": "5",
            "create_time": "1970-01-01T00:00:00.000000006Z",
            "create_time_ns": "6",
        }
    ]
    assert content["metadata"] == [
        {"name": "m", "values": {"a": "1"}},
        {"name": "m", "values": {"b": "ü"}},
        {"name": "big", "values": None},
    ]
    assert [warning.code for warning in report.warnings] == ["metadata_too_big"]


def test_a_topic_with_two_schemas_lists_both(tmp_path: Path) -> None:
    made = Maker.plain(2)
    made.schemas = {1: schema(1, "A", "ros2msg", b"x"), 2: schema(2, "B", "protobuf", b"\x0a\x00")}
    made.channels = {1: channel(1, "/same", 2), 2: channel(2, "/same", 1)}

    result = indexed(tmp_path, made.chunk(messages(4, 2)).finish())

    assert result.content["topics"]["/same"]["schemas"] == [
        {"name": "B", "encoding": "protobuf", "file": "schemas/B.binpb"},
        {"name": "A", "encoding": "ros2msg", "file": "schemas/A.msg"},
    ]
    assert result.files()["schemas/B.binpb"] == b"\x0a\x00"


def test_schemas_keep_their_bytes_under_names_that_any_file_system_takes(tmp_path: Path) -> None:
    schemas = {
        1: schema(1, "a/b", "ros2idl", b"1"),
        2: schema(2, "A/B", "omgidl", b"1"),
        3: schema(3, "../../up", "jsonschema", b"3"),
        4: schema(4, "x" * 300, "ros1msg", b"4"),
        5: schema(5, "ünï\U0001f600", "other", b"5"),
        6: schema(6, "same", "ros2msg", b"6"),
        7: schema(7, "same", "ros2msg", b"7"),
        8: schema(8, "same", "ros2msg", b"6"),
        9: schema(9, "", "flatbuffer", b"9"),
        10: schema(10, "empty", "", b""),
    }
    made = Maker(schemas=schemas)
    made.channels = {number: channel(number, f"/t{number}", number) for number in schemas}

    result = indexed(tmp_path, made.chunk(messages(20, 10)).finish())

    files = result.files()
    by_id = {one["id"]: one["file"] for one in result.content["schemas"]}
    assert by_id[10] is None
    assert by_id[6] == by_id[8] != by_id[7]
    for number in range(1, 10):
        assert files[by_id[number]] == schemas[number].rpartition(b"\x01\x00\x00\x00")[2]
    names = [path.removeprefix("schemas/") for path in by_id.values() if path]
    assert len({name.lower() for name in names}) == len(set(names)) == 8
    assert all("/" not in name and name.isascii() and len(name) <= 200 for name in names)


def test_a_name_that_is_not_utf8(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9.mcap")

    assert indexed(tmp_path, recording(), name).content["recording"] == "caf\\xe9.mcap"


def test_a_damaged_recording_is_indexed_with_its_losses(tmp_path: Path) -> None:
    content = messages(40, 2)
    made = Maker.plain(2).chunk(content[:20]).chunk(content[20:], crc=1)

    result = indexed(tmp_path, made.finish(summary=False))

    assert result.content["messages"] == 20
    (loss,) = result.content["losses"]
    assert loss["messages"] == {"/a": 10, "/b": 10}
    assert loss["offset"] > 0
    assert "CRC" in loss["reason"]
    assert not result.report.complete
    (warning,) = result.report.warnings
    assert warning.code == "damaged"
    assert "20 messages are lost" in warning.message


def test_a_cut_summary_is_told_and_nothing_is_missing(tmp_path: Path) -> None:
    result = indexed(tmp_path, recording()[:-30])

    assert result.content["messages"] == 60
    assert result.report.complete
    assert len(result.report.warnings) == 1


def test_progress_ends_at_the_size(tmp_path: Path) -> None:
    path = tmp_path / "a.mcap"
    path.write_bytes(recording(summary=False))
    (tmp_path / "output").mkdir()
    seen: list[Progress] = []

    index(path, tmp_path / "output", OPTIONS, seen.append)

    assert [one.done for one in seen] == sorted(one.done for one in seen)
    assert (seen[-1].done, seen[-1].total) == (path.stat().st_size, path.stat().st_size)
    assert seen[-1].counters == {"messages": 60}


def test_nothing_is_written_for_what_is_no_recording(tmp_path: Path) -> None:
    with pytest.raises(EmptyRecording):
        indexed(tmp_path, b"")
    with pytest.raises(RecordingDamaged):
        indexed(tmp_path, b"\x89MCAP0\r\n")

    assert list((tmp_path / "output").iterdir()) == []


def test_an_output_folder_that_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "a.mcap"
    path.write_bytes(recording())

    with pytest.raises(OutputFailed):
        index(path, tmp_path / "none", OPTIONS)


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, "1970-01-01T00:00:00.000000000Z"),
        (1, "1970-01-01T00:00:00.000000001Z"),
        (1_715_767_200_123_456_789, "2024-05-15T10:00:00.123456789Z"),
        ((1 << 64) - 1, "2554-07-21T23:34:33.709551615Z"),
    ],
)
def test_times_keep_every_digit(nanoseconds: int, text: str) -> None:
    assert rfc3339(nanoseconds) == text


def test_random_recordings_are_counted_right(tmp_path: Path) -> None:
    chance = random.Random(11)
    for _ in range(10):
        content = messages(chance.randint(1, 200), channels=chance.randint(1, 5))
        chance.shuffle(content)
        made, at = Maker.plain(5), 0
        while at < len(content):
            size = chance.randint(1, 60)
            made.chunk(content[at : at + size], chance.choice(["", "zstd", "lz4"]))
            at += size
        topics = indexed(tmp_path, made.finish()).content["topics"]
        for number in range(1, 6):
            times = [one.log_time for one in content if one.channel == number]
            topic = topics[f"/{chr(96 + number)}"]
            assert topic["messages"] == len(times)
            assert topic["exact"]
            assert topic["first_time_ns"] == (str(min(times)) if times else None)
            assert topic["last_time_ns"] == (str(max(times)) if times else None)
