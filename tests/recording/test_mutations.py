"""Thousands of ruined files: each ends in messages or in one of the project's errors, in bounded memory."""

import random
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from bagmill.errors import BagmillError
from bagmill.recording import Recording
from tests.recording.making import FAIL, Maker, attachment, messages, messages_of, metadata

COUNT = 200
MOST_MEMORY = 64 << 20
"""The biggest thing that 4 KB of zstd can claim and be believed so far, and the reader's own buffers."""


def plain(codec: str, *, summary: bool, loose: bool = False) -> bytes:
    content = messages(24, channels=3, size=30)
    made = Maker.plain(3).add(metadata("m", {"k": "v"}))
    if loose:
        made.add(made.definitions()).loose(content)
    else:
        for first in range(0, 24, 8):
            made.chunk(content[first : first + 8], codec)
    return made.add(attachment("a", b"x" * 50)).finish(summary=summary)


SEEDS = {
    "stored": plain("", summary=True),
    "zstd": plain("zstd", summary=True),
    "lz4": plain("lz4", summary=True),
    "stored without summary": plain("", summary=False),
    "zstd without summary": plain("zstd", summary=False),
    "outside of chunks": plain("", summary=True, loose=True),
    "outside of chunks without summary": plain("", summary=False, loose=True),
}
EXTREMES = [
    bytes(8),
    b"\xff" * 8,
    b"\xff" * 4 + bytes(4),
    bytes(7) + b"\x80",
    b"\xff" * 7 + b"\x7f",
    bytes(4),
]


def flipped(data: bytes, chance: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.randint(1, 6)):
        changed[chance.randrange(8, len(data))] = chance.randrange(256)
    return bytes(changed)


def cut(data: bytes, chance: random.Random) -> bytes:
    start = chance.randrange(8, len(data))
    return data[:start] + data[start + chance.randint(1, 200) :]


def spliced(data: bytes, chance: random.Random) -> bytes:
    at, start = chance.randrange(8, len(data)), chance.randrange(len(data))
    return data[:at] + data[start : start + chance.randint(1, 400)] + data[at:]


def extreme(data: bytes, chance: random.Random) -> bytes:
    """A number of a length, an offset or a time at its limits."""
    at, number = chance.randrange(8, len(data)), chance.choice(EXTREMES)
    return data[:at] + number + data[at + len(number) :]


def ended(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(8, len(data))] + chance.choice([b"", chance.randbytes(40)])


def grafted(data: bytes, chance: random.Random) -> bytes:
    other = chance.choice(list(SEEDS.values()))
    return data[: chance.randrange(8, len(data))] + other[chance.randrange(len(other)) :]


WAYS: list[Callable[[bytes, random.Random], bytes]] = [flipped, cut, spliced, extreme, ended, grafted]


def look_at(path: Path) -> None:
    """Do with a file everything that can be done."""
    with Recording.open(path) as recording:
        assert recording.profile is not None
        assert recording.identity.size == recording.size
        list(messages_of(recording, target_bytes=4096))
        assert recording.spans() is not None
        for entry in recording.summary.metadata:
            recording.metadata_values(entry)
        for file in recording.summary.attachments:
            recording.attachment_data(file)


def look_closely(path: Path) -> None:
    with Recording.open(path) as recording:
        channels = list(recording.summary.channels)[:2]
        list(messages_of(recording, channels=channels, start_time=1050, end_time=1200, on_corrupt=FAIL))


@pytest.mark.parametrize("name", SEEDS)
def test_ruined_files_end_in_messages_or_in_an_error_of_the_project(tmp_path: Path, name: str) -> None:
    chance = random.Random(name)
    path = tmp_path / "ruined.mcap"
    tracemalloc.start()
    try:
        for _ in range(COUNT):
            path.write_bytes(ruined(SEEDS[name], chance))
            for look in (look_at, look_closely):
                with suppress(BagmillError):
                    look(path)
        assert tracemalloc.get_traced_memory()[1] < MOST_MEMORY
    finally:
        tracemalloc.stop()


def ruined(data: bytes, chance: random.Random) -> bytes:
    for _ in range(chance.randint(1, 2)):
        data = chance.choice(WAYS)(data, chance)
    return data


def test_noise_behind_the_magic_bytes(tmp_path: Path) -> None:
    chance = random.Random(5)
    path = tmp_path / "noise.mcap"
    for size in range(300):
        path.write_bytes(b"\x89MCAP0\r\n" + chance.randbytes(size))
        with pytest.raises(BagmillError):
            look_at(path)
