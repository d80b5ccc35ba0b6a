"""Every legal layout of a file gives all its messages, in the order of the file."""

import itertools
import random
from pathlib import Path

import pytest
from mcap.reader import NonSeekingReader
from mcap.stream_reader import StreamReader
from mcap.writer import CompressionType, IndexType, Writer

from bagmill.recording import Recording, SummarySource
from tests.recording.making import (
    MAGIC,
    Maker,
    Message,
    attachment,
    channel,
    chunk,
    header,
    message,
    messages,
    metadata,
    read,
    record,
    schema,
)

CODECS = ("", "zstd", "lz4")
PRIVATE = record(0x80, b"private") + record(0x42, b"of a later version")


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("summary", [True, False])
def test_chunks_with_an_index(tmp_path: Path, codec: str, summary: bool) -> None:
    content = messages(100, channels=3)
    made = Maker.plain(3).chunk(content[:60], codec).chunk(content[60:], codec, define=False)

    result = read(tmp_path / "a.mcap", made.finish(summary=summary))

    assert result.messages == content
    assert result.losses == []


@pytest.mark.parametrize("codec", CODECS)
def test_chunks_without_an_index(tmp_path: Path, codec: str) -> None:
    content = messages(100, channels=3)
    made = Maker.plain(3).chunk(content, codec, named=[])

    assert read(tmp_path / "a.mcap", made.finish()) == (content, [])


@pytest.mark.parametrize("summary", [True, False])
@pytest.mark.parametrize("statistics", [True, False])
@pytest.mark.parametrize("repeat", [True, False])
@pytest.mark.parametrize("indexes", [True, False])
def test_a_summary_may_leave_out_any_part(
    tmp_path: Path, summary: bool, statistics: bool, repeat: bool, indexes: bool
) -> None:
    content = messages(40, channels=2)
    made = Maker.plain(2).chunk(content[:20], "zstd").chunk(content[20:], define=False)
    path = tmp_path / "a.mcap"

    result = read(path, made.finish(summary=summary, statistics=statistics, repeat=repeat, indexes=indexes))

    assert result == (content, [])
    with Recording.open(path) as recording:
        found = recording.summary
        assert found.message_counts == {1: 20, 2: 20}
        assert {one.topic for one in found.channels.values()} == {"/a", "/b"}
        assert set(found.schemas) == {1}
        assert len(found.chunks) == 2
        assert (found.start_time, found.end_time) == (1000, 1390)
        complete = summary and statistics and repeat and indexes
        assert found.source is (SummarySource.SUMMARY if complete else SummarySource.SCAN)


def test_messages_outside_of_chunks(tmp_path: Path) -> None:
    content = messages(5000, channels=2)
    made = Maker.plain(2)
    made.add(made.definitions()).loose(content)

    assert read(tmp_path / "a.mcap", made.finish()) == (content, [])
    assert read(tmp_path / "a.mcap", made.finish(summary=False)) == (content, [])


def test_messages_outside_of_chunks_bigger_than_a_window(tmp_path: Path) -> None:
    content = [*messages(3, size=300_000), *messages(3, first=3), *messages(2, first=6, size=70_000)]
    made = Maker.plain()
    made.add(made.definitions()).loose(content)

    assert read(tmp_path / "a.mcap", made.finish(), target_bytes=1000) == (content, [])


def test_messages_in_and_outside_of_chunks_by_turns(tmp_path: Path) -> None:
    content = messages(60, channels=2)
    made = Maker.plain(2)
    made.add(made.definitions())
    for first in range(0, 60, 20):
        made.loose(content[first : first + 10]).add(PRIVATE)
        made.chunk(content[first + 10 : first + 20], "zstd", define=False).add(metadata("m", {}))

    assert read(tmp_path / "a.mcap", made.finish(summary=False)) == (content, [])


def test_channels_that_stand_only_in_the_summary(tmp_path: Path) -> None:
    content = messages(10, channels=2)
    made = Maker.plain(2).chunk(content, "lz4", define=False)

    assert read(tmp_path / "a.mcap", made.finish()) == (content, [])
    assert read(tmp_path / "a.mcap", made.finish(statistics=False)) == (content, [])


def test_channels_without_messages(tmp_path: Path) -> None:
    made = Maker.plain(5).chunk(messages(10, channels=2), define=False)
    path = tmp_path / "a.mcap"
    path.write_bytes(made.finish())

    with Recording.open(path) as recording:
        assert recording.summary.message_counts == {1: 5, 2: 5, 3: 0, 4: 0, 5: 0}


def test_a_definition_behind_the_messages_that_need_it(tmp_path: Path) -> None:
    content = messages(10)
    made = Maker.plain().chunk(content, define=False).chunk([])

    assert read(tmp_path / "a.mcap", made.finish(summary=False)) == (content, [])


def test_unknown_records_everywhere(tmp_path: Path) -> None:
    content = messages(20, channels=2)
    made = Maker.plain(2).add(PRIVATE).chunk(content, "zstd", between=PRIVATE).add(PRIVATE)

    assert read(tmp_path / "a.mcap", made.finish(more=PRIVATE)) == (content, [])
    assert read(tmp_path / "a.mcap", made.finish(summary=False)) == (content, [])


def padded(made: bytes, size: int) -> bytes:
    """A record with `size` more bytes behind its known fields."""
    return record(made[0], made[9:] + b"\x01" * size)


@pytest.mark.parametrize("size", [1, 20, 300])
def test_records_with_fields_of_later_versions(tmp_path: Path, size: int) -> None:
    content = messages(4)
    inside = padded(schema(1), size) + padded(channel(1), size) + b"".join(map(message, content))
    data = MAGIC + b"".join(
        padded(made, size)
        for made in (
            header(),
            metadata("m", {"a": "b"}),
            attachment("x", b"123"),
            chunk(inside, (1000, 1030)),
        )
    )
    made = Maker.plain().note(*content)
    made.data = bytearray(data)
    path = tmp_path / "a.mcap"

    assert read(path, made.finish(summary=False)) == (content, [])
    with Recording.open(path) as recording:
        assert [entry.name for entry in recording.summary.metadata] == ["m"]
        assert recording.metadata_values(recording.summary.metadata[0]) == {"a": "b"}
        assert recording.attachment_data(recording.summary.attachments[0]) == b"123"


def test_schema_zero_and_no_schema(tmp_path: Path) -> None:
    content = messages(3)
    made = Maker(schemas={0: schema(0)}, channels={1: channel(1, schema_id=0)}).chunk(content)
    path = tmp_path / "a.mcap"

    assert read(path, made.finish(summary=False)) == (content, [])
    with Recording.open(path) as recording:
        assert recording.summary.schemas == {}
        assert recording.summary.channels[1].schema_id == 0


def test_several_channels_on_one_topic(tmp_path: Path) -> None:
    content = messages(9, channels=3)
    made = Maker.plain(3)
    made.channels = {number: channel(number, "/same") for number in (1, 2, 3)}

    assert read(tmp_path / "a.mcap", made.chunk(content, "zstd").finish()) == (content, [])


def test_overlapping_and_unordered_chunks_keep_the_order_of_the_file(tmp_path: Path) -> None:
    content = messages(100, channels=2)
    random.Random(1).shuffle(content)
    made = Maker.plain(2).chunk(content[:30]).chunk(content[30:70], "zstd").chunk(content[70:], "lz4")

    assert read(tmp_path / "a.mcap", made.finish()) == (content, [])


def test_an_index_in_the_order_of_time_does_not_change_the_order_of_the_file(tmp_path: Path) -> None:
    content = messages(20)[::-1]
    with (tmp_path / "a.mcap").open("wb") as file:
        writer = Writer(file)
        writer.start("", "")
        number = writer.register_channel("/a", "json", writer.register_schema("s", "", b""))
        for one in content:
            writer.add_message(number, one.log_time, one.data, one.publish_time, one.sequence)
        writer.finish()  # type: ignore[no-untyped-call]

    assert read(tmp_path / "a.mcap") == (content, [])


def test_chunks_without_messages_and_without_anything(tmp_path: Path) -> None:
    content = messages(2)
    made = Maker.plain().chunk([], "zstd").chunk([], "", define=False).chunk(content, "lz4")

    assert read(tmp_path / "a.mcap", made.finish()) == (content, [])


@pytest.mark.parametrize("summary", [True, False])
def test_a_recording_of_nothing(tmp_path: Path, summary: bool) -> None:
    assert read(tmp_path / "a.mcap", Maker().finish(summary=summary)) == ([], [])


def test_a_file_without_the_end_of_its_data_but_with_a_footer(tmp_path: Path) -> None:
    content = messages(3)
    made = Maker.plain().chunk(content).finish(summary=False)
    at = made.index(record(0x0F, bytes(4)))

    assert read(tmp_path / "a.mcap", made[:at] + made[at + 13 :]) == (content, [])


def test_a_name_of_metadata_twice_and_attachments(tmp_path: Path) -> None:
    path = tmp_path / "a.mcap"
    made = Maker.plain().add(metadata("same", {"a": "1"})).chunk(messages(2))
    made.add(attachment("notes.txt", b"hello")).add(metadata("same", {"b": "2"}))
    path.write_bytes(made.finish(summary=False))

    with Recording.open(path) as recording:
        entries, (file,) = recording.summary.metadata, recording.summary.attachments
        assert [recording.metadata_values(entry) for entry in entries] == [{"a": "1"}, {"b": "2"}]
        assert (file.name, file.media_type, file.size) == ("notes.txt", "text/plain", 5)
        assert (file.log_time, file.create_time) == (5, 6)
        assert recording.attachment_data(file) == b"hello"


def test_text_that_is_not_utf8_stays_visible(tmp_path: Path) -> None:
    content = messages(1)
    bad = record(0x04, b"\x01\x00\x00\x00" + b"\x02\x00\x00\x00/\xff" + b"\x00" * 8)
    made = Maker(channels={1: bad}).chunk(content)
    path = tmp_path / "a.mcap"

    assert read(path, made.finish()).messages == content
    with Recording.open(path) as recording:
        assert recording.summary.channels[1].topic == "/\\xff"


@pytest.mark.parametrize(
    ("compression", "chunking", "index"),
    list(
        itertools.product(CompressionType, [True, False], [IndexType.ALL, IndexType.NONE, IndexType.MESSAGE])
    ),
)
def test_what_the_usual_writer_writes(
    tmp_path: Path, compression: CompressionType, chunking: bool, index: IndexType
) -> None:
    path = tmp_path / "a.mcap"
    with path.open("wb") as file:
        writer = Writer(
            file, chunk_size=700, compression=compression, use_chunking=chunking, index_types=index
        )
        writer.start("ros2", "test")
        numbers = [
            writer.register_channel(f"/{name}", "json", writer.register_schema(name, "jsonschema", b"{}"))
            for name in "abc"
        ]
        for one in messages(90, channels=3):
            writer.add_message(
                numbers[one.channel - 1], one.log_time, one.data, one.publish_time, one.sequence
            )
        writer.add_attachment(1, 2, "x", "text/plain", b"data")
        writer.add_metadata("m", {"k": "v"})
        writer.finish()  # type: ignore[no-untyped-call]

    assert read(path) == (by_reference(path), [])


def by_reference(path: Path) -> list[Message]:
    """What the usual reader reads."""
    with path.open("rb") as file:
        reader = NonSeekingReader(file)
        return [
            Message(one.channel_id, one.sequence, one.log_time, one.publish_time, one.data)
            for _, _, one in reader.iter_messages(log_time_order=False)
        ]


def test_the_files_made_by_hand_are_what_the_usual_reader_calls_valid(tmp_path: Path) -> None:
    content = messages(30, channels=2)
    made = Maker.plain(2).chunk(content[:10], "zstd").chunk(content[10:], "lz4").add(attachment("x", b"1"))
    path = tmp_path / "a.mcap"
    path.write_bytes(made.finish(data_crc=True))

    assert by_reference(path) == content
    with path.open("rb") as file:
        assert len(list(StreamReader(file, validate_crcs=True).records)) > 10
