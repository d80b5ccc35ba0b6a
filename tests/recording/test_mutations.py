"""Thousands of ruined files: each ends in messages or in one of the project's errors, in bounded memory."""

import random
import tracemalloc
from contextlib import suppress
from pathlib import Path

import pytest

from bagmill.errors import BagmillError
from bagmill.recording import Recording
from tests.mutations.ways import ruined
from tests.recording.making import FAIL, MAGIC, Maker, attachment, messages, messages_of, metadata

COUNT, MORE = 30, 600
"""Ruined files of each kind; more for a proof of its own."""
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


@pytest.mark.parametrize("count", [COUNT, pytest.param(MORE, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", SEEDS)
def test_ruined_files_end_in_messages_or_in_an_error_of_the_project(
    tmp_path: Path, name: str, count: int
) -> None:
    chance = random.Random(name)
    path = tmp_path / "ruined.mcap"
    tracemalloc.start()
    try:
        for _ in range(count):
            path.write_bytes(MAGIC + ruined(SEEDS[name][len(MAGIC) :], chance, list(SEEDS.values())))
            for look in (look_at, look_closely):
                with suppress(BagmillError):
                    look(path)
        assert tracemalloc.get_traced_memory()[1] < MOST_MEMORY
    finally:
        tracemalloc.stop()


def test_noise_behind_the_magic_bytes(tmp_path: Path) -> None:
    chance = random.Random(5)
    path = tmp_path / "noise.mcap"
    for size in range(300):
        path.write_bytes(MAGIC + chance.randbytes(size))
        with pytest.raises(BagmillError):
            look_at(path)
