"""Files whose parts contradict each other, claim what can't be, or hold more than one recording."""

import struct
from pathlib import Path

import pytest

from bagmill.errors import BagmillError, RecordingDamaged
from bagmill.recording import Recording, SummarySource
from tests.recording.files import CONTENT, chunk_starts, chunks, flip, loose
from tests.recording.making import (
    MAGIC,
    Maker,
    Message,
    Read,
    attachment,
    channel,
    header,
    messages,
    messages_of,
    read,
    record,
    schema,
)


def test_messages_on_a_channel_that_is_not_defined(tmp_path: Path) -> None:
    content = messages(20, channels=2)
    made = Maker.plain(1).chunk(content)
    for summary in (True, False):
        result = read(tmp_path / "a.mcap", made.finish(summary=summary))
        assert result.messages == content[0::2]
        assert result.lost == {"(channel 2)": 10}


def test_messages_on_a_channel_that_is_missing_in_the_summary_alone(tmp_path: Path) -> None:
    made = Maker.plain(2).chunk(CONTENT)
    made.channels.pop(2)
    made.counts.pop(2)

    result = read(tmp_path / "a.mcap", made.finish())

    assert result.messages == CONTENT[0::2]
    assert result.lost == {"/b": 20}


@pytest.mark.parametrize("summary", [True, False])
def test_a_channel_that_is_defined_twice_is_believed_until_then(tmp_path: Path, summary: bool) -> None:
    made = Maker.plain(2).chunk(CONTENT[:20])
    first = dict(made.channels)
    made.channels[2] = channel(2, "/other")
    made.chunk(CONTENT[20:])
    made.channels = first

    result = read(tmp_path / "a.mcap", made.finish(summary=summary))

    assert result.messages == CONTENT[:20] + CONTENT[20::2]
    assert result.lost == {"/b": 10}


def test_a_schema_that_is_defined_twice(tmp_path: Path) -> None:
    made = Maker.plain(2).chunk(CONTENT[:20])
    made.schemas[1] = schema(1, data=b"another")
    made.chunk(CONTENT[20:])
    made.schemas[1] = schema(1)

    result = read(tmp_path / "a.mcap", made.finish())

    assert result.messages == CONTENT[:20]
    assert result.lost == {"/a": 10, "/b": 10}


def test_metadata_of_a_channel_may_differ(tmp_path: Path) -> None:
    made = Maker.plain(2).chunk(CONTENT[:20])
    made.channels[2] = made.channels[2].replace(b"bar", b"baz")

    assert read(tmp_path / "a.mcap", made.chunk(CONTENT[20:]).finish()) == (CONTENT, [])


def test_two_recordings_in_one_file(tmp_path: Path) -> None:
    one = Maker.plain(2).chunk(CONTENT[:20]).finish()
    other = Maker.plain(2).chunk(CONTENT[20:]).finish()

    result = read(tmp_path / "a.mcap", one + other)

    assert result.messages == CONTENT[:20]
    assert result.told
    assert read(tmp_path / "b.mcap", one + other[:-5]).told


def test_a_recording_in_an_attachment_is_not_taken_for_this_one(tmp_path: Path) -> None:
    inner = Maker.plain(2).chunk(CONTENT[:20]).finish()
    made = Maker.plain(2).add(attachment("inner.mcap", inner)).chunk(CONTENT[20:])
    at = len(MAGIC) + len(header())
    whole = made.finish(summary=False)

    assert read(tmp_path / "a.mcap", whole) == (CONTENT[20:], [])
    with pytest.raises(RecordingDamaged):  # the attachment's length is damaged
        read(tmp_path / "b.mcap", whole[: at + 1] + b"\xff" * 8 + whole[at + 9 :])
    proven = made.finish()
    result = read(tmp_path / "c.mcap", proven[: at + 1] + b"\xff" * 8 + proven[at + 9 :])
    assert result.messages == CONTENT[20:]


def test_bytes_behind_the_end(tmp_path: Path) -> None:
    result = read(tmp_path / "a.mcap", chunks("zstd") + bytes(500))

    assert result.messages == CONTENT
    assert result.told


def test_statistics_that_count_more_than_there_is(tmp_path: Path) -> None:
    made = Maker.plain(2).chunk(CONTENT)
    made.counts[1] += 3

    result = read(tmp_path / "a.mcap", made.finish())

    assert result.messages == CONTENT
    assert result.lost == {"/a": 3}


def test_statistics_that_count_less_cost_nothing(tmp_path: Path) -> None:
    made = Maker.plain(2).chunk(CONTENT)
    made.counts[1] -= 3

    result = read(tmp_path / "a.mcap", made.finish())

    assert result.messages == CONTENT
    assert not result.told
    assert "3 messages more" in result.losses[0].reason


def test_a_chunk_that_the_index_does_not_list_is_read(tmp_path: Path) -> None:
    made = Maker.plain(2).chunk(CONTENT[:10]).chunk(CONTENT[10:])
    made.indexes.pop()

    assert read(tmp_path / "a.mcap", made.finish()) == (CONTENT, [])


@pytest.mark.parametrize(
    "size",
    [0, 1, 1000, 1 << 20, 1 << 32, 1 << 40, 1 << 62, (1 << 63) - 1, 1 << 63, (1 << 64) - 1],
)
@pytest.mark.parametrize("codec", ["", "zstd", "lz4"])
def test_sizes_that_can_not_be_are_refused_before_memory_is_taken(
    tmp_path: Path, codec: str, size: int
) -> None:
    made = Maker.plain(2).chunk(CONTENT[:20], codec).chunk(CONTENT[20:], codec, crc=0)
    whole = made.finish()
    at = chunk_starts(whole)[1] + 9 + 16

    result = read(tmp_path / "a.mcap", whole[:at] + struct.pack("<Q", size) + whole[at + 8 :])

    assert result.messages == CONTENT[:20]
    assert result.lost == {"/a": 10, "/b": 10}


def test_a_compression_that_is_not_known(tmp_path: Path) -> None:
    made = Maker.plain(2).chunk(CONTENT[:20]).chunk(CONTENT[20:], "zstd").finish(summary=False)

    result = read(tmp_path / "a.mcap", made.replace(b"zstd", b"zip!"))

    assert result.messages == CONTENT[:20]
    assert "zip!" in result.losses[0].reason


def test_a_damaged_definition(tmp_path: Path) -> None:
    content = messages(4)
    made = Maker(schemas={1: record(0x03, b"\x01\x00\xff\xff\xff\xff")}, channels={1: channel(1)})

    result = read(tmp_path / "a.mcap", made.chunk(content).finish(summary=False))

    assert result.messages == content
    assert "schema record is not valid" in result.losses[0].reason


def test_very_many_losses_cost_no_memory(tmp_path: Path) -> None:
    made = Maker.plain()
    for one in messages(3000):
        made.chunk([one], crc=1, define=False)
    made.chunk(messages(1))

    result = read(tmp_path / "a.mcap", made.finish(summary=False))

    assert len(result.losses) == 1000
    assert result.lost == {"/a": 3000}


def test_a_stored_chunk_too_big_for_memory_is_read_in_parts(tmp_path: Path) -> None:
    content = messages(3000, channels=2, size=100)
    made = Maker.plain(2).chunk(content)
    path = tmp_path / "a.mcap"

    assert in_parts(path, made.finish()) == (content, [])
    broken = flip(made.finish(), len(made.data) // 2)
    with pytest.raises(RecordingDamaged, match="CRC"):
        in_parts(path, broken)


def in_parts(path: Path, made: bytes) -> Read:
    """Read with a bound on memory that the file exceeds."""
    path.write_bytes(made)
    with Recording.open(path, max_record=50_000) as recording:
        return Read(list(messages_of(recording, target_bytes=1000)), recording.losses)


def test_a_compressed_chunk_too_big_for_memory_is_a_loss(tmp_path: Path) -> None:
    content = messages(1000, size=100)
    made = Maker.plain().chunk(content, "zstd").chunk(messages(3, first=1000))

    result = in_parts(tmp_path / "a.mcap", made.finish())

    assert result.messages == messages(3, first=1000)
    assert result.lost == {"/a": 1000}


def test_a_message_too_big_for_memory_is_a_loss(tmp_path: Path) -> None:
    content = [*messages(2), *messages(1, first=2, size=90_000), *messages(20, first=3)]
    made = Maker.plain()
    made.add(made.definitions()).loose(content)

    result = in_parts(tmp_path / "a.mcap", made.finish())

    assert result.messages == content[:2] + content[3:]
    assert result.lost == {"/a": 1}


def test_the_crc_of_the_data_section_watches_over_messages_without_another(tmp_path: Path) -> None:
    made = loose()
    at = made.index(CONTENT[7].data) + 5

    result = read(tmp_path / "a.mcap", flip(made, at))

    assert len(result.messages) == 40
    assert result.told
    assert "CRC" in result.losses[0].reason


def test_a_damaged_summary_is_replaced_by_a_scan(tmp_path: Path) -> None:
    made = chunks("zstd")
    path = tmp_path / "a.mcap"

    result = read(path, flip(made, len(made) - 60))

    assert result.messages == CONTENT
    assert not result.told
    assert "scan" in result.losses[0].reason
    with Recording.open(path) as recording:
        assert recording.summary.source is SummarySource.SCAN
        assert [one.name for one in recording.summary.attachments] == ["notes"]


def test_damage_is_an_error_of_the_project(tmp_path: Path) -> None:
    with pytest.raises(BagmillError) as caught:
        read(tmp_path / "a.mcap", MAGIC + bytes(100))
    assert caught.value.hint


def test_messages_of_losses_are_json(tmp_path: Path) -> None:
    made = Maker.plain(2).chunk(CONTENT, crc=1).chunk(messages(1))

    (loss,) = read(tmp_path / "a.mcap", made.finish()).losses

    assert loss.facts()["messages"] == {"/a": 20, "/b": 20}
    assert "40 messages are lost" in str(loss)


def test_one_message(tmp_path: Path) -> None:
    one = Message(1, 0, 0, 0, b"")

    assert read(tmp_path / "a.mcap", Maker.plain().chunk([one], "lz4").finish()) == ([one], [])
