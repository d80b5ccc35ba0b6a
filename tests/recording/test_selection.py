"""Channels and times select exactly; skipping chunks never changes what comes out."""

from pathlib import Path

import pytest

from bagmill.recording import Recording
from tests.recording.making import Maker, Message, messages, messages_of, read


@pytest.fixture
def content() -> list[Message]:
    return messages(90, channels=3)


@pytest.fixture
def path(tmp_path: Path, content: list[Message]) -> Path:
    """Nine chunks; the first five hold channels 1 to 3, the others only channel 1."""
    made = Maker.plain(3)
    for first in range(0, 50, 10):
        made.chunk(content[first : first + 10], "zstd")
    rest = [one._replace(channel=1) for one in content[50:]]
    content[50:] = rest
    for first in range(0, 40, 10):
        made.chunk(rest[first : first + 10], "lz4")
    (tmp_path / "a.mcap").write_bytes(made.finish())
    return tmp_path / "a.mcap"


@pytest.mark.parametrize("channels", [[1], [2], [3], [2, 3], {1, 2, 3}, [], [77]])
def test_channels(path: Path, content: list[Message], channels: list[int]) -> None:
    expected = [one for one in content if one.channel in channels]

    assert read(path, channels=channels) == (expected, [])


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (None, None),
        (1000, None),
        (1001, None),
        (None, 1000),
        (None, 1001),
        (1200, 1200),
        (1250, 1600),
        (9999, None),
    ],
)
def test_the_start_is_inclusive_and_the_end_is_not(
    path: Path, content: list[Message], start: int | None, end: int | None
) -> None:
    expected = [
        one
        for one in content
        if (start is None or one.log_time >= start) and (end is None or one.log_time < end)
    ]

    assert read(path, start_time=start, end_time=end) == (expected, [])


def test_channels_and_times_together(path: Path, content: list[Message]) -> None:
    expected = [one for one in content if one.channel == 2 and 1100 <= one.log_time < 1300]

    assert read(path, channels=[2], start_time=1100, end_time=1300).messages == expected


def test_what_lies_outside_of_the_times_is_not_even_decompressed(tmp_path: Path) -> None:
    """Seen by its damage: only who reads the chunk finds it."""
    content = messages(30)
    made = Maker.plain().chunk(content[:10], "zstd").chunk(content[10:20], "zstd", crc=1).chunk(content[20:])

    result = read(tmp_path / "a.mcap", made.finish(), end_time=1100)

    assert result == (content[:10], [])


def test_chunks_without_the_channel_are_not_even_decompressed(tmp_path: Path) -> None:
    ones, twos = messages(10), [one._replace(channel=2) for one in messages(10)]
    made = Maker.plain(2).chunk(ones, "zstd", crc=1).chunk(twos, "zstd")

    assert read(tmp_path / "a.mcap", made.finish(), channels=[2]) == (twos, [])


def test_bounds_that_are_zero_are_not_believed(tmp_path: Path) -> None:
    content = messages(10)
    made = Maker.plain().chunk(content, times=(0, 0))

    assert read(tmp_path / "a.mcap", made.finish(), start_time=1000).messages == content


def test_a_map_that_does_not_name_all_messages_is_not_believed(tmp_path: Path) -> None:
    content = messages(10, channels=2)
    ones = [one for one in content if one.channel == 1]
    made = Maker.plain(2).chunk(content, named=ones)

    assert read(tmp_path / "a.mcap", made.finish(), channels=[2]).messages == content[1::2]


@pytest.mark.parametrize("target", [1, 100, 1000, 10_000, 1 << 24])
def test_the_size_of_blocks_changes_nothing(path: Path, content: list[Message], target: int) -> None:
    assert read(path, target_bytes=target) == (content, [])


def test_blocks_stay_near_the_size_that_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "a.mcap"
    made = Maker.plain()
    for first in range(0, 200, 10):
        made.chunk(messages(10, first=first, size=1000))
    path.write_bytes(made.finish())

    with Recording.open(path) as recording:
        sizes = [block.buffer.size for block in recording.blocks(target_bytes=25_000)]

    assert max(sizes) <= 25_000
    assert len(sizes) == 10


def test_a_chunk_bigger_than_the_target_is_one_block(tmp_path: Path) -> None:
    path = tmp_path / "a.mcap"
    content = messages(100, size=1000)
    path.write_bytes(Maker.plain().chunk(content[:90]).chunk(content[90:]).finish())

    with Recording.open(path) as recording:
        assert [len(block) for block in recording.blocks(target_bytes=1000)] == [90, 10]


def test_progress_goes_up_to_the_end_of_the_data(path: Path) -> None:
    with Recording.open(path) as recording:
        assert recording.done_bytes == 0
        seen = [recording.done_bytes for _ in recording.blocks(target_bytes=1)]
        assert seen == sorted(seen)
        assert 0 < seen[0] < recording.done_bytes <= recording.size


def test_a_recording_can_be_read_again(path: Path, content: list[Message]) -> None:
    with Recording.open(path) as recording:
        next(recording.blocks(target_bytes=1))
        assert list(messages_of(recording)) == content
        assert list(messages_of(recording, channels=[2])) == [one for one in content if one.channel == 2]
