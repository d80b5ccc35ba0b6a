"""What is said about the file itself: each made on purpose, and not said about a good one."""

import struct
from pathlib import Path

import pytest

from bagmill.doctor import Severity
from bagmill.errors import RecordingDamaged
from tests.doctor.making import codes, examined_bytes, the
from tests.recording.files import chunk_starts, flip
from tests.recording.making import (
    Maker,
    Message,
    attachment,
    channel,
    message,
    messages,
    metadata,
    record,
    schema,
)

EVER = {"time_not_set", "undecodable"}
"""Said about every file of `Maker`: its times begin at 1970 and its schema is of no known kind."""


def kept(channels: int = 1) -> Maker:
    """A file whose messages are of no known encoding, so that all bytes are readable."""
    made = Maker.plain(channels)
    made.channels = {
        number: channel(number, f"/{chr(96 + number)}", encoding="raw") for number in range(1, channels + 1)
    }
    return made


def chunked(codec: str) -> Maker:
    made = kept(2)
    for first in range(0, 20, 5):
        made.chunk(messages(5, 2, first=first), codec)
    return made.add(attachment("notes", b"some notes")).add(metadata("m", {"k": "v"}))


STORED, ZSTD = chunked("").finish(), chunked("zstd").finish()
OPEN, ZSTD_OPEN = chunked("").finish(summary=False), chunked("zstd").finish(summary=False)
LOOSE = kept(2).add(kept(2).definitions()).loose(messages(20, 2)).finish(data_crc=True)


def said(folder: Path, content: bytes) -> list[str]:
    return sorted(set(codes(examined_bytes(folder, content))) - EVER)


def test_nothing_is_said_about_a_good_file(tmp_path: Path) -> None:
    found = examined_bytes(tmp_path, ZSTD)

    assert set(codes(found)) == EVER
    assert found.complete
    assert found.facts["crc"] == {
        "chunks": {"checked": 4, "mismatched": 0, "without": 0},
        "data_section": "none",
        "summary": "right",
    }


@pytest.mark.parametrize(
    ("content", "code", "severity"),
    [
        (OPEN[:-200], "truncated", Severity.ERROR),
        (OPEN[:-10], "truncated", Severity.WARNING),
        (OPEN + b"more", "trailing_bytes", Severity.ERROR),
        (flip(STORED, 8), "header_damaged", Severity.WARNING),
        (flip(STORED, len(STORED) - 60), "summary_damaged", Severity.WARNING),
        (flip(STORED, chunk_starts(STORED)[1] + 90), "crc_mismatch", Severity.ERROR),
        (flip(LOOSE, len(LOOSE) // 3), "crc_mismatch", Severity.ERROR),
        (kept().chunk(messages(2)).note(*messages(2)).finish(), "counts_differ", Severity.ERROR),
        (
            kept().chunk([*messages(2), Message(9, 0, 1, 1, b"")]).finish(),
            "unknown_channel",
            Severity.ERROR,
        ),
        (
            kept().chunk(messages(2)).chunk(messages(2, first=2), "brotli").finish(),
            "unknown_compression",
            Severity.ERROR,
        ),
        (ZSTD_OPEN, "summary_missing", Severity.WARNING),
        (kept().chunk(messages(2)).finish(statistics=False), "summary_incomplete", Severity.WARNING),
        (LOOSE, "not_chunked", Severity.INFO),
        (kept().chunk(messages(4), named=[]).finish(), "index_missing", Severity.INFO),
        (kept().chunk(messages(4), crc=0).finish(), "crc_missing", Severity.INFO),
        (
            kept().chunk(messages(4, first=4)).chunk(messages(4)).finish(),
            "chunks_overlap",
            Severity.INFO,
        ),
        (
            kept().add(metadata("m", {})).add(metadata("m", {"k": "v"})).finish(),
            "metadata_repeated",
            Severity.INFO,
        ),
        (kept().finish(), "recording_empty", Severity.INFO),
        (kept(2).chunk(messages(4)).finish(), "no_messages", Severity.INFO),
        (
            kept().add(attachment("a", b"x", crc=5)).chunk(messages(2)).finish(),
            "attachment_damaged",
            Severity.WARNING,
        ),
    ],
)
def test_each_finding(tmp_path: Path, content: bytes, code: str, severity: Severity) -> None:
    found = examined_bytes(tmp_path, content)

    assert {finding.severity for finding in found.findings if finding.code == code} == {severity}
    assert found.complete == (severity is not Severity.ERROR)


def test_a_damaged_place_has_its_offset_and_what_is_lost(tmp_path: Path) -> None:
    made = STORED
    start = chunk_starts(made)[1]

    found = examined_bytes(tmp_path, flip(made, start + 90))

    wrong = the(found, "crc_mismatch")
    assert wrong.where["offset"] == start
    assert wrong.facts == {"messages": {"/a": 2, "/b": 3}}
    assert found.facts["crc"]["chunks"] == {"checked": 4, "mismatched": 1, "without": 0}
    assert found.findings[0] is wrong


def test_the_state_of_the_crcs(tmp_path: Path) -> None:
    wrong = examined_bytes(tmp_path, flip(LOOSE, len(LOOSE) // 3)).facts["crc"]
    right = examined_bytes(tmp_path, LOOSE).facts["crc"]
    without = examined_bytes(tmp_path, kept().chunk(messages(2), crc=0).finish(crc=False)).facts["crc"]
    broken = examined_bytes(tmp_path, flip(STORED, len(STORED) - 60)).facts["crc"]
    cut = examined_bytes(tmp_path, STORED[:-30]).facts["crc"]

    assert (right["data_section"], right["chunks"]["checked"]) == ("right", 0)
    assert wrong["data_section"] == "wrong"
    assert (without["chunks"], without["summary"]) == (
        {"checked": 0, "mismatched": 0, "without": 1},
        "none",
    )
    assert broken["summary"] == "wrong"
    assert cut["data_section"] == "unknown"


def test_large_chunks(tmp_path: Path) -> None:
    big = [Message(1, n, 1000 + n, 1000 + n, bytes(33 << 20)) for n in range(2)]
    made = kept().chunk(big, "zstd").chunk(messages(3, first=10), "zstd").finish()

    large = the(examined_bytes(tmp_path, made), "chunks_large")

    assert large.severity is Severity.WARNING
    assert large.facts["count"] == 1
    assert large.facts["largest_bytes"] > 66 << 20


def test_many_small_chunks(tmp_path: Path) -> None:
    def small_ones(count: int, size: int) -> bytes:
        made = kept()
        for first in range(count):
            made.chunk(messages(1, first=first, size=size))
        return made.finish()

    small = the(examined_bytes(tmp_path, small_ones(100, 20)), "chunks_small")

    assert small.severity is Severity.INFO
    assert small.facts["count"] == 100
    assert "chunks_small" not in said(tmp_path, small_ones(99, 20))
    assert "chunks_small" not in said(tmp_path, small_ones(100, 20_000))


def test_a_schema_that_nobody_uses(tmp_path: Path) -> None:
    made = kept()
    made.schemas[7] = schema(7, "Lonely")

    found = the(examined_bytes(tmp_path, made.chunk(messages(3)).finish()), "schema_unused")

    assert found.where == {"schema": 7}
    assert "'Lonely'" in found.message


def test_chunks_side_by_side_and_empty_ones_do_not_overlap(tmp_path: Path) -> None:
    made = kept().chunk(messages(4)).chunk([]).chunk(messages(4, first=4))

    assert said(tmp_path, made.finish()) == []


def test_chunks_out_of_order_are_counted(tmp_path: Path) -> None:
    made = kept()
    for first in (0, 8, 4, 12):
        made.chunk(messages(4, first=first))

    overlap = the(examined_bytes(tmp_path, made.finish()), "chunks_overlap")

    assert overlap.facts == {"count": 1, "out_of_order": 1}
    assert overlap.where == {"offset": chunk_starts(made.finish())[2]}


def test_what_has_nothing_readable_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordingDamaged):
        examined_bytes(tmp_path, ZSTD_OPEN[:200])


def test_unknown_records_and_padding_are_fine(tmp_path: Path) -> None:
    made = kept().add(record(0x90, b"private")).chunk(messages(4)).add(record(0x50, struct.pack("<I", 1)))

    assert said(tmp_path, made.finish()) == []


def test_a_message_outside_of_chunks_beside_chunks(tmp_path: Path) -> None:
    made = kept().add(kept().definitions()).chunk(messages(4))
    late = messages(1, first=4)[0]

    found = said(tmp_path, made.note(late).add(message(late)).finish())

    assert found == ["index_missing"]
