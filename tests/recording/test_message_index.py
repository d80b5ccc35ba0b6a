"""A message index that lies costs time, never a message."""

import random
from pathlib import Path

import numpy as np
import pytest

from bagmill.recording import messages as finding
from bagmill.recording.messages import Views, from_index
from tests.recording.making import Maker, Message, chunk, message, messages, read, record

Entries = dict[int, list[tuple[int, int]]]


def indexed(content: list[Message], lie: Entries | None = None, *, padding: bytes = b"") -> bytes:
    """One chunk whose index is `lie`, or right in everything without one."""
    made = Maker.plain(2)
    records = bytearray(made.definitions())
    truth: Entries = {}
    for one in content:
        truth.setdefault(one.channel, []).append((one.log_time, len(records)))
        records += message(one)
    records += padding
    bounds = (min(one.log_time for one in content), max(one.log_time for one in content))
    made.note(*content)
    made.raw_chunk(chunk(bytes(records), bounds, "zstd"), bounds, truth if lie is None else lie)
    return made.finish()


CONTENT = messages(20, channels=2)
FIRST = len(Maker.plain(2).definitions())
SIZE = len(message(CONTENT[0]))
TRUTH: Entries = {
    number: [(one.log_time, FIRST + SIZE * one.sequence) for one in CONTENT if one.channel == number]
    for number in (1, 2)
}


def changed(number: int, row: int, entry: tuple[int, int] | None) -> Entries:
    """The truth with one entry replaced, or left out."""
    entries = {key: list(value) for key, value in TRUTH.items()}
    entries[number][row : row + 1] = [] if entry is None else [entry]
    return entries


def test_the_truth(tmp_path: Path) -> None:
    assert read(tmp_path / "a.mcap", indexed(CONTENT, TRUTH)) == (CONTENT, [])


@pytest.mark.parametrize(
    "lie",
    [
        changed(1, 0, None),
        changed(1, 9, None),
        changed(2, 5, None),
        {1: TRUTH[1]},
        {2: TRUTH[2]},
        {1: TRUTH[1], 2: []},
        {1: TRUTH[2], 2: TRUTH[1]},
        {1: TRUTH[1] + TRUTH[1], 2: TRUTH[2]},
        {1: TRUTH[1] + TRUTH[2]},
        {7: TRUTH[1], 2: TRUTH[2]},
        {1: [], 2: []},
        changed(1, 3, (1, TRUTH[1][3][1])),
        changed(1, 3, (TRUTH[1][3][0], TRUTH[1][3][1] + 1)),
        changed(1, 3, (TRUTH[1][3][0], TRUTH[1][4][1])),
        changed(1, 9, (TRUTH[1][9][0], FIRST + SIZE * 20 - 31)),
        changed(1, 9, (TRUTH[1][9][0], FIRST + SIZE * 20)),
        changed(1, 9, (TRUTH[1][9][0], 1 << 31)),
        changed(1, 9, (TRUTH[1][9][0], 1 << 63)),
        changed(1, 9, (TRUTH[1][9][0], (1 << 64) - 1)),
    ],
)
def test_lies(tmp_path: Path, lie: Entries) -> None:
    assert read(tmp_path / "a.mcap", indexed(CONTENT, lie)) == (CONTENT, [])


def test_an_index_that_points_into_a_message_is_not_followed(tmp_path: Path) -> None:
    """A message that holds the bytes of a message: the index names the inner one."""
    inner = message(Message(1, 0, 1010, 0, b"wrong"))
    content = [*messages(1), Message(1, 1, 1010, 1011, inner), *messages(1, first=2)]
    outer = FIRST + SIZE
    lie = {1: [(1000, FIRST), (1010, outer + 31), (1020, outer + 31 + len(inner))]}

    assert read(tmp_path / "a.mcap", indexed(content, lie)) == (content, [])


def test_records_between_messages_are_passed_by(tmp_path: Path) -> None:
    content = messages(20, channels=2)
    made = Maker.plain(2).chunk(content, between=record(0x90, b"anything"))

    assert read(tmp_path / "a.mcap", made.finish()) == (content, [])


def test_an_index_whose_size_is_not_of_whole_entries(tmp_path: Path) -> None:
    made = Maker.plain(2).chunk(CONTENT, named=[]).add(record(0x07, b"\x01\x00\x05\x00\x00\x00abcde"))

    assert read(tmp_path / "a.mcap", made.finish()).messages == CONTENT


def test_index_records_of_one_channel_in_two_parts(tmp_path: Path) -> None:
    made = Maker.plain(2)
    records = made.definitions() + b"".join(map(message, CONTENT))
    bounds = (CONTENT[0].log_time, CONTENT[-1].log_time)
    made.note(*CONTENT).raw_chunk(chunk(records, bounds), bounds, {1: TRUTH[1][:4], 2: TRUTH[2]})
    made.add(record(0x07, made_index(1, TRUTH[1][4:])))

    assert read(tmp_path / "a.mcap", made.finish()) == (CONTENT, [])


def made_index(number: int, entries: list[tuple[int, int]]) -> bytes:
    pairs = b"".join(time.to_bytes(8, "little") + at.to_bytes(8, "little") for time, at in entries)
    return number.to_bytes(2, "little") + len(pairs).to_bytes(4, "little") + pairs


@pytest.mark.parametrize("seed", range(20))
def test_random_lies(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    lie: Entries = {}
    for number in (1, 2):
        entries = list(TRUTH[number])
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(entries))
            entries[at] = (
                chance.choice(entries)[0],
                chance.choice([*entries, (0, chance.getrandbits(12))])[1],
            )
        lie[number] = entries

    assert read(tmp_path / "a.mcap", indexed(CONTENT, lie)) == (CONTENT, [])


def found_by_index(lie: Entries) -> list[int] | None:
    """Positions of messages that the index alone gives; None if it is not believed."""
    records = Maker.plain(2).definitions() + b"".join(map(message, CONTENT))
    entries = finding.Entries(
        channels=list(lie),
        pairs=[np.array(pairs, np.uint64).reshape(-1) for pairs in lie.values()],
    )
    found = from_index(Views(np.frombuffer(records, np.uint8)), 0, len(records), entries)
    return None if found is None else found.starts.tolist()


def test_the_truth_is_believed_without_going_through_the_chunk() -> None:
    assert found_by_index(TRUTH) == [FIRST + SIZE * row for row in range(20)]


def test_less_than_the_truth_is_not_believed() -> None:
    assert found_by_index(changed(2, 9, None)) is None
    assert found_by_index({1: [], 2: []}) is None
