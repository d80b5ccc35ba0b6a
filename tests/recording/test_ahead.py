"""Reading ahead in a thread gives the same blocks, ends with its reader, and is bounded."""

import threading
import time
from pathlib import Path

import pytest

from bagmill.errors import RecordingChanged, RecordingDamaged
from bagmill.recording import Recording
from tests.recording.files import FILES
from tests.recording.making import FAIL, Maker, Message, messages, messages_of, read


@pytest.fixture
def content() -> list[Message]:
    return messages(300, channels=3, size=100)


@pytest.fixture
def path(tmp_path: Path, content: list[Message]) -> Path:
    made = Maker.plain(3)
    for first in range(0, 300, 10):
        made.chunk(content[first : first + 10], "zstd")
    (tmp_path / "a.mcap").write_bytes(made.finish())
    return tmp_path / "a.mcap"


def readers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "bagmill-reader"]


@pytest.mark.parametrize("target", [1, 3000, 1 << 24])
@pytest.mark.parametrize("channels", [None, [2], []])
def test_the_same_messages_come(path: Path, channels: list[int] | None, target: int) -> None:
    expected = read(path, channels=channels, target_bytes=target)

    assert read(path, channels=channels, target_bytes=target, ahead=True) == expected
    assert readers() == []


@pytest.mark.parametrize("name", FILES)
def test_every_layout_cut_anywhere(tmp_path: Path, name: str) -> None:
    whole = FILES[name]
    for end in range(60, len(whole), 97):
        (tmp_path / "a.mcap").write_bytes(whole[:end])
        results = [outcome(tmp_path / "a.mcap", ahead=ahead) for ahead in (False, True)]
        assert results[0] == results[1], end


def outcome(path: Path, *, ahead: bool) -> object:
    try:
        return read(path, ahead=ahead, target_bytes=500)
    except RecordingDamaged as error:
        return str(error)


def test_bytes_stay_while_a_block_is_used(path: Path, content: list[Message]) -> None:
    seen = []
    with Recording.open(path) as recording:
        for block in recording.blocks(target_bytes=2000, ahead=True):
            time.sleep(0.002)  # long enough for a reader that does not care to overwrite it
            seen += [block.buffer[a:b].tobytes() for a, b in zip(block.start, block.end, strict=True)]

    assert seen == [message.data for message in content]


def test_damage_is_raised_where_it_stands(path: Path) -> None:
    with Recording.open(path) as recording:
        chunk = recording.summary.chunks[15]
    data = bytearray(path.read_bytes())
    data[chunk.end - 20] ^= 0xFF
    path.write_bytes(data)

    with Recording.open(path) as recording:
        blocks = recording.blocks(on_corrupt=FAIL, target_bytes=1, ahead=True)
        assert len(next(blocks)) == 10
        with pytest.raises(RecordingDamaged):
            list(blocks)


def test_a_file_that_gets_shorter_meanwhile_is_told(path: Path) -> None:
    with Recording.open(path) as recording:
        blocks = recording.blocks(target_bytes=1, ahead=True)
        next(blocks)
        path.write_bytes(path.read_bytes()[:4000])
        with pytest.raises(RecordingChanged):
            list(blocks)


def test_no_thread_stays_when_nobody_reads_on(path: Path, content: list[Message]) -> None:
    with Recording.open(path) as recording:
        blocks = recording.blocks(target_bytes=1, ahead=True)
        next(blocks)
        assert len(readers()) == 1
    assert readers() == []
    with Recording.open(path) as recording:
        next(recording.blocks(target_bytes=1, ahead=True))
        assert list(messages_of(recording, ahead=True)) == content
    assert readers() == []


def test_it_reads_no_further_ahead_than_it_may(path: Path) -> None:
    with Recording.open(path) as recording:
        blocks = recording.blocks(target_bytes=1, ahead=True)
        next(blocks)
        time.sleep(0.05)
        ahead = recording.done_bytes
        rest = len(list(blocks))

    assert rest == 29
    assert ahead < recording.size / 4
