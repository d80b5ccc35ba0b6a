"""How a file is built, and the kinds of damage as machines read them."""

from pathlib import Path

import pytest

from bagmill.recording import Crc, Recording
from tests.recording.files import FILES, chunk_starts, chunks, flip, loose
from tests.recording.making import Maker, messages, read


def opened(path: Path, content: bytes) -> Recording:
    path.write_bytes(content)
    return Recording.open(path)


def test_the_parts_of_a_whole_file(tmp_path: Path) -> None:
    with opened(tmp_path / "a", chunks("zstd")) as recording:
        list(recording.blocks())

        structure, contents = recording.structure, recording.contents
        assert (structure.closed, structure.has_summary, structure.summary_crc) == (True, True, True)
        assert structure.summary is not None
        assert len(contents.chunks) == 4
        assert [entry.name for entry in contents.attachments] == ["notes"]
        assert [entry.name for entry in contents.metadata] == ["m"]
        assert contents.without_crc == 0


def test_a_file_without_a_summary_and_one_that_was_cut_off(tmp_path: Path) -> None:
    whole = chunks("zstd", summary=False)
    with opened(tmp_path / "a", whole) as recording:
        assert (recording.structure.closed, recording.structure.has_summary) == (True, False)
    with opened(tmp_path / "b", whole[:-20]) as recording:
        assert recording.structure.closed is False
        assert recording.check_data_crc() is Crc.UNKNOWN


def test_chunks_without_a_crc_are_counted(tmp_path: Path) -> None:
    made = Maker.plain(1).chunk(messages(3), crc=0).chunk(messages(3, first=3)).finish()

    with opened(tmp_path / "a", made) as recording:
        list(recording.blocks())
        assert recording.contents.without_crc == 1


def test_the_crc_of_the_data(tmp_path: Path) -> None:
    with opened(tmp_path / "a", loose()) as recording:
        assert recording.check_data_crc() is Crc.RIGHT
    with opened(tmp_path / "b", flip(loose(), 100)) as recording:
        assert recording.check_data_crc() is Crc.WRONG
    with opened(tmp_path / "c", chunks("")) as recording:
        assert recording.check_data_crc() is Crc.NONE


WHOLE, OPEN = FILES["stored"], FILES["stored without summary"]
UNDEFINED = [*messages(2), messages(1)[0]._replace(channel=9)]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (flip(WHOLE, chunk_starts(WHOLE)[1] + 90), "crc_mismatch"),
        (flip(loose(), len(loose()) // 3), "crc_mismatch"),
        (OPEN[:-200], "truncated"),
        (OPEN[:-10], "truncated"),
        (OPEN + b"more", "trailing_bytes"),
        (flip(WHOLE, 8), "header_damaged"),
        (flip(WHOLE, len(WHOLE) - 60), "summary_damaged"),
        (Maker.plain(1).chunk(messages(2)).note(*messages(2)).finish(), "counts_differ"),
        (Maker.plain(1).chunk(UNDEFINED).finish(), "unknown_channel"),
        (
            Maker.plain(1).chunk(messages(2)).chunk(messages(2, first=2), "brotli").finish(),
            "unknown_compression",
        ),
    ],
)
def test_kinds_of_damage(tmp_path: Path, content: bytes, code: str) -> None:
    assert code in {loss.code for loss in read(tmp_path / "a", content).losses}
