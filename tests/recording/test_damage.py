"""Damage costs what is damaged, and nothing of it happens in silence.

The rule under all of these: if no loss is told, every message is there, and it is what was recorded.
"""

import random
import struct
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from bagmill.errors import RecordingDamaged
from bagmill.recording import Recording
from tests.recording.files import CONTENT, FILES, SMALL, chunk_starts, chunks, flip
from tests.recording.making import (
    FAIL,
    MAGIC,
    Maker,
    header,
    messages,
    read,
)

Places = Callable[[range], Iterable[int]]


def some(places: range) -> list[int]:
    """A part of all places, always the same, in their order."""
    return sorted(random.Random(len(places)).sample(places, min(len(places), 150)))


AT = pytest.mark.parametrize(
    "places", [some, pytest.param(iter, marks=pytest.mark.slow)], ids=["some", "all"]
)


@AT
@pytest.mark.parametrize("name", FILES)
def test_a_file_cut_anywhere_gives_what_stands_before_the_cut(
    tmp_path: Path, name: str, places: Places
) -> None:
    made = FILES[name]
    most = 0
    for size in places(range(len(MAGIC), len(made))):
        try:
            result = read(tmp_path / "cut.mcap", made[:size])
        except RecordingDamaged:
            assert most == 0
            continue
        assert result.messages == SMALL[: len(result.messages)]
        assert len(result.messages) >= most
        assert result.told or result.messages == SMALL
        most = len(result.messages)
    assert most == len(SMALL)


@AT
@pytest.mark.parametrize("name", FILES)
def test_a_byte_changed_anywhere_is_told_or_harms_nothing(tmp_path: Path, name: str, places: Places) -> None:
    made = FILES[name]
    start = len(MAGIC) + len(header())
    chance = random.Random(7)
    for at in places(range(start, len(made))):
        damaged = flip(made, at, chance.randrange(1, 256))
        try:
            result = read(tmp_path / "flip.mcap", damaged)
        except RecordingDamaged:
            continue
        assert result.told or result.messages == SMALL, at
        if name.startswith(("zstd", "lz4", "stored")):
            assert set(result.messages) <= set(SMALL), at


@pytest.mark.parametrize("name", [name for name in FILES if "chunks" not in name])
def test_a_byte_changed_in_one_chunk_costs_no_message_of_another(tmp_path: Path, name: str) -> None:
    made = FILES[name]
    starts = chunk_starts(made)
    for at in range(starts[1], starts[2]):
        result = read(tmp_path / "flip.mcap", flip(made, at))
        assert [one for one in SMALL if not 5 <= one.sequence < 10] == [
            one for one in result.messages if not 5 <= one.sequence < 10
        ], at


@pytest.mark.parametrize("codec", ["", "zstd", "lz4"])
def test_a_chunk_with_a_wrong_crc_is_left_out_and_counted(tmp_path: Path, codec: str) -> None:
    made = Maker.plain(2).chunk(CONTENT[:10], codec).chunk(CONTENT[10:30], codec, crc=1)
    made.chunk(CONTENT[30:], codec)
    place = chunk_starts(made.finish())[1]

    result = read(tmp_path / "a.mcap", made.finish())

    assert result.messages == CONTENT[:10] + CONTENT[30:]
    assert result.lost == {"/a": 10, "/b": 10}
    (loss,) = result.losses
    assert (loss.offset, loss.harmless) == (place, False)
    assert "CRC" in loss.reason
    assert loss.length == struct.unpack_from("<Q", made.finish(), place + 1)[0] + 9


def test_the_messages_of_a_lost_chunk_are_counted_within_the_selection(tmp_path: Path) -> None:
    made = Maker.plain(2).chunk(CONTENT[:20], crc=1).chunk(CONTENT[20:])
    asked = {"channels": [2], "start_time": 1100}

    result = read(tmp_path / "a.mcap", made.finish(), **asked)

    assert result.lost == {"/b": 5}
    assert result.messages == CONTENT[21::2]


def test_a_topic_that_is_lost_whole_does_not_take_the_others_with_it(tmp_path: Path) -> None:
    ones, twos = CONTENT[0::2], CONTENT[1::2]
    made = Maker.plain(2).chunk(ones).chunk(twos, crc=1)

    result = read(tmp_path / "a.mcap", made.finish(), channels=[2])

    assert result.messages == []
    assert result.lost == {"/b": 20}
    with pytest.raises(RecordingDamaged, match="Nothing readable"):
        read(tmp_path / "b.mcap", Maker.plain(2).chunk(twos, crc=1).finish(), channels=[2])


@pytest.mark.parametrize("summary", [True, False])
def test_a_lost_chunk_without_an_index_is_counted_where_the_statistics_can(
    tmp_path: Path, summary: bool
) -> None:
    made = Maker.plain(2).chunk(CONTENT[:30]).chunk(CONTENT[30:], crc=1, named=[])

    result = read(tmp_path / "a.mcap", made.finish(summary=summary))

    assert result.messages == CONTENT[:30]
    assert len(result.losses) == 1
    assert result.lost == ({"/a": 5, "/b": 5} if summary else {})
    assert result.told


def test_fail_raises_where_the_damage_is(tmp_path: Path) -> None:
    made = Maker.plain(2).chunk(CONTENT[:10]).chunk(CONTENT[10:], crc=1)
    path = tmp_path / "a.mcap"
    path.write_bytes(made.finish())

    with Recording.open(path) as recording, pytest.raises(RecordingDamaged) as caught:
        list(recording.blocks(on_corrupt=FAIL))

    assert caught.value.where == {"path": str(path), "offset": chunk_starts(made.finish())[1]}


@pytest.mark.parametrize("name", FILES)
def test_fail_accepts_what_is_whole(tmp_path: Path, name: str) -> None:
    assert read(tmp_path / "a.mcap", FILES[name], on_corrupt=FAIL) == (SMALL, [])


@pytest.mark.parametrize("name", FILES)
def test_fail_refuses_a_file_that_is_cut_although_no_message_is_missing(tmp_path: Path, name: str) -> None:
    with pytest.raises(RecordingDamaged):
        read(tmp_path / "a.mcap", FILES[name][:-1], on_corrupt=FAIL)


def test_a_stored_chunk_that_is_cut_gives_its_whole_messages(tmp_path: Path) -> None:
    made = bytes(Maker.plain(2).chunk(CONTENT, named=[]).data)

    result = read(tmp_path / "a.mcap", made[:-25])

    assert result.messages == CONTENT[:-1]
    assert "39 messages of it were saved" in result.losses[0].reason


@pytest.mark.parametrize("codec", ["zstd", "lz4"])
def test_a_compressed_chunk_that_is_cut_gives_what_comes_out_of_it(tmp_path: Path, codec: str) -> None:
    chance = random.Random(3)
    content = [one._replace(data=chance.randbytes(2000)) for one in messages(1000)]
    made = bytes(Maker.plain().chunk(content, codec, named=[]).data)

    result = read(tmp_path / "a.mcap", made[: len(made) // 2])

    assert 300 < len(result.messages) < 600
    assert result.messages == content[: len(result.messages)]
    assert result.told


@pytest.mark.parametrize("codec", ["", "zstd", "lz4"])
def test_a_chunk_that_was_never_closed_gives_its_messages(tmp_path: Path, codec: str) -> None:
    """Writers that stream a chunk fill in its sizes when they close it; until then they are all ones."""
    whole = Maker.plain(2).chunk(CONTENT, codec, named=[]).data
    at = len(MAGIC) + len(header())
    name = 4 + len(codec)
    ones = b"\xff" * 8
    made = bytes(whole)
    made = made[: at + 1] + ones + bytes(16) + ones + b"\xff" * 4 + made[at + 37 :]
    made = made[: at + 37 + name] + ones + made[at + 45 + name :]

    result = read(tmp_path / "a.mcap", made)

    assert result.messages == CONTENT
    assert result.told


def test_a_chunk_that_was_never_closed_and_holds_nothing(tmp_path: Path) -> None:
    made = (
        MAGIC + header() + b"\x06" + b"\xff" * 8 + bytes(16) + b"\xff" * 12 + b"\x04\0\0\0zstd" + b"\xff" * 8
    )

    with pytest.raises(RecordingDamaged, match="Nothing readable"):
        read(tmp_path / "a.mcap", made)


def test_a_header_and_nothing_more(tmp_path: Path) -> None:
    with pytest.raises(RecordingDamaged, match="Nothing readable"):
        read(tmp_path / "a.mcap", MAGIC + header())


def test_a_chunk_without_a_crc_gives_what_stands_before_its_damage(tmp_path: Path) -> None:
    made = Maker.plain(2).chunk(CONTENT, crc=0).finish()
    at = made.index(struct.pack("<IQ", 25, CONTENT[25].log_time)) - 2 - 9
    path = tmp_path / "a.mcap"

    result = read(path, flip(made, at + 8))  # the length of message 25
    assert result.messages == CONTENT[:25]
    assert result.lost == {"/a": 7, "/b": 8}

    result = read(path, flip(made, at))  # its opcode
    assert result.messages == CONTENT[:25] + CONTENT[26:]
    assert result.lost == {"/b": 1}


@pytest.mark.parametrize("codec", ["", "zstd"])
def test_zeros_at_the_end_as_after_a_power_failure(tmp_path: Path, codec: str) -> None:
    """Whatever they fill up, no message is made of them."""
    content = messages(20, size=400)
    made = bytes(Maker.plain().chunk(content[:10], codec).chunk(content[10:], named=[]).data)
    for size in range(len(made) - 1000, len(made), 37):
        result = read(tmp_path / "a.mcap", made[:size] + bytes(4096))
        assert result.messages == content[: len(result.messages)]
        assert len(result.messages) > 15
        assert result.told


def test_zeros_behind_the_end_of_the_data(tmp_path: Path) -> None:
    made = Maker.plain(2).chunk(CONTENT, "zstd").finish(data_crc=True)

    result = read(tmp_path / "a.mcap", made[:-60] + bytes(5000))

    assert result.messages == CONTENT
    assert not result.told


def test_zeros_in_the_middle(tmp_path: Path) -> None:
    made = chunks("zstd")
    first, _, third, _ = chunk_starts(made)
    hole = made[: first + 20] + bytes(third - first - 40) + made[third - 20 :]

    result = read(tmp_path / "a.mcap", hole)

    assert result.messages == CONTENT[20:]
    assert result.lost == {"/a": 10, "/b": 10}


@pytest.mark.parametrize("summary", [True, False])
def test_a_piece_is_missing_from_the_middle(tmp_path: Path, summary: bool) -> None:
    """Everything behind it stands at other offsets than the summary says."""
    made = chunks("zstd", summary=summary)
    starts = chunk_starts(made)
    shorter = made[: starts[1] + 50] + made[starts[1] + 90 :]

    result = read(tmp_path / "a.mcap", shorter)

    assert set(CONTENT[:10] + CONTENT[20:]) >= set(result.messages)
    assert result.messages[:10] == CONTENT[:10]
    assert result.told
    if not summary:
        assert result.messages == CONTENT[:10] + CONTENT[20:]


def test_behind_damage_outside_of_chunks_the_next_messages_are_found(tmp_path: Path) -> None:
    content = messages(30, size=100)
    made = Maker.plain()
    made.add(made.definitions()).loose(content)
    path = tmp_path / "a.mcap"
    for summary in (True, False):
        whole = made.finish(summary=summary)
        at = whole.index(struct.pack("<IQ", 10, content[10].log_time)) - 2 - 8
        result = read(path, whole[:at] + b"\xff" * 8 + whole[at + 8 :])
        assert result.messages == content[:10] + content[11:]
        assert result.told
        assert result.lost == ({"/a": 1} if summary else {})
        (loss,) = result.losses
        assert (loss.offset, loss.length) == (at - 1, 131)


def test_the_opcode_of_a_chunk_is_changed(tmp_path: Path) -> None:
    made = chunks("zstd", summary=False)
    at = chunk_starts(made)[1]
    for opcode in range(256):
        damaged = made[:at] + bytes([opcode]) + made[at + 1 :]
        result = read(tmp_path / "a.mcap", damaged)
        assert result.told or result.messages == CONTENT, opcode
        assert set(result.messages) >= set(CONTENT[:10] + CONTENT[20:]), opcode
