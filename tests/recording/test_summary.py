"""The summary: taken from the file where it says enough, checked, and made by a scan where it does not."""

import subprocess
import sys
from pathlib import Path

import pytest

from bagmill.errors import RecordingDamaged
from bagmill.recording import Attachment, Metadata, Recording, Span, Summary, SummarySource
from tests.recording.making import (
    Maker,
    Message,
    attachment,
    channel,
    footer,
    header,
    messages,
    metadata,
    record,
    schema,
)

CONTENT = messages(60, channels=3)


def summary_of(path: Path, made: bytes) -> Summary:
    path.write_bytes(made)
    with Recording.open(path) as recording:
        return recording.summary


def three_chunks() -> Maker:
    made = Maker.plain(3)
    for first in range(0, 60, 20):
        made.chunk(CONTENT[first : first + 20], "zstd")
    return made


def test_a_summary_and_a_scan_say_the_same(tmp_path: Path) -> None:
    given = summary_of(tmp_path / "a.mcap", three_chunks().finish())
    made = summary_of(tmp_path / "b.mcap", three_chunks().finish(summary=False))

    assert (given.source, made.source) == (SummarySource.SUMMARY, SummarySource.SCAN)
    assert given.channels == made.channels
    assert given.schemas == made.schemas
    assert given.message_counts == made.message_counts == {1: 20, 2: 20, 3: 20}
    assert given.message_count == made.message_count == 60
    assert (given.start_time, given.end_time) == (made.start_time, made.end_time) == (1000, 1590)
    assert given.chunked
    assert made.chunked
    places = [(chunk.offset, chunk.length, chunk.compression) for chunk in given.chunks]
    assert places == [(chunk.offset, chunk.length, chunk.compression) for chunk in made.chunks]
    assert made.payload_bytes == {1: 400, 2: 400, 3: 400}
    assert given.payload_bytes is None


def test_nothing_but_the_summary_is_read(tmp_path: Path) -> None:
    """The chunks are ruined, and the summary does not notice."""
    made = three_chunks().finish()
    start = made.index(b"zstd") + 20

    found = summary_of(tmp_path / "a.mcap", made[:start] + bytes(100) + made[start + 100 :])

    assert found.source is SummarySource.SUMMARY
    assert found.message_count == 60


def test_reading_a_summary_loads_no_arrow(tmp_path: Path) -> None:
    path = tmp_path / "a.mcap"
    path.write_bytes(three_chunks().finish())
    code = (
        "import sys; from pathlib import Path; from bagmill.recording import Recording\n"
        "assert Recording.open(Path(sys.argv[1])).summary.message_count == 60\n"
        "assert 'pyarrow' not in sys.modules\n"
    )

    subprocess.run([sys.executable, "-c", code, str(path)], check=True, cwd=Path(__file__).parents[2])


def test_a_summary_without_a_crc_is_taken(tmp_path: Path) -> None:
    found = summary_of(tmp_path / "a.mcap", three_chunks().finish(crc=False))

    assert found.source is SummarySource.SUMMARY


@pytest.mark.parametrize("at", [0, 1, 9, 30, 100, 200, -38, -30, -20, -12])
def test_a_summary_with_a_changed_byte_is_not_taken(tmp_path: Path, at: int) -> None:
    made = bytearray(three_chunks().finish())
    start = int.from_bytes(made[-28:-20], "little")
    made[start + at if at >= 0 else at] ^= 0x55

    found = summary_of(tmp_path / "a.mcap", bytes(made))

    assert found.source is SummarySource.SCAN
    assert found.message_counts == {1: 20, 2: 20, 3: 20}


def test_a_footer_that_points_elsewhere(tmp_path: Path) -> None:
    made = three_chunks().finish(summary=False)[: -len(footer(0, b""))]
    boundaries = [8, 8 + len(header()), made.rindex(b"\x0f")]
    for start in [*boundaries, *range(1, len(made), 9), 1 << 40, (1 << 64) - 1]:
        found = summary_of(tmp_path / "a.mcap", made + footer(start, b"", crc=False))
        assert found.source is SummarySource.SCAN
        assert found.message_count == 60


def lying(change: str) -> bytes:
    """A summary that its CRC confirms and that can't be true."""
    made = three_chunks()
    if change == "no channel":
        made.channels.pop(2)
    elif change == "no schema":
        made.schemas.pop(1)
    elif change == "a chunk outside of the file":
        made.indexes[1] = made.indexes[1][:25] + b"\xff" * 8 + made.indexes[1][33:]
    elif change == "a chunk less":
        made.indexes.pop()
    elif change == "an attachment less":
        made.extra_statistics = (1, 0)
    elif change == "metadata less":
        made.extra_statistics = (0, 1)
    else:
        made.times += [0, 1]
        made.counts.clear()
    return made.finish()


@pytest.mark.parametrize(
    "change",
    [
        "no channel",
        "no schema",
        "a chunk outside of the file",
        "a chunk less",
        "an attachment less",
        "metadata less",
        "counts less",
    ],
)
def test_a_summary_that_contradicts_itself_is_not_taken(tmp_path: Path, change: str) -> None:
    made = lying(change)
    if change == "counts less":
        made = made.replace(record(0x0B, b"")[:1] + made[made.rindex(b"\x0b") + 1 :][:8], b"\x7f" * 9)

    found = summary_of(tmp_path / "a.mcap", made)

    assert found.source is SummarySource.SCAN
    assert found.message_counts == {1: 20, 2: 20, 3: 20}


def test_a_scan_tells_how_far_it_is(tmp_path: Path) -> None:
    path = tmp_path / "a.mcap"
    made = Maker.plain()
    for first in range(12):
        made.chunk(messages(10, first=10 * first, size=100_000))
    path.write_bytes(made.finish(summary=False))
    seen: list[int] = []

    with Recording.open(path) as recording:
        summary = recording.load_summary(seen.append)
        assert recording.load_summary(seen.append) is summary is recording.summary

    assert len(seen) > 1
    assert seen == sorted(seen)
    assert seen[-1] <= path.stat().st_size


def test_a_scan_keeps_channels_that_only_the_summary_knows(tmp_path: Path) -> None:
    made = Maker.plain(3).chunk(CONTENT, define=False)

    found = summary_of(tmp_path / "a.mcap", made.finish(statistics=False))

    assert found.source is SummarySource.SCAN
    assert len(found.channels) == 3
    assert found.message_count == 60


def test_the_first_definition_of_an_id_stays(tmp_path: Path) -> None:
    made = Maker.plain().chunk(messages(2))
    made.add(channel(1, "/later")).add(schema(1, data=b"later"))

    found = summary_of(tmp_path / "a.mcap", made.finish(summary=False))

    assert found.channels[1].topic == "/a"
    assert found.schemas[1].data == b"def"


def spans_of(path: Path, made: bytes) -> dict[int, Span]:
    path.write_bytes(made)
    with Recording.open(path) as recording:
        return recording.spans()


EXACT = {number: Span(990 + 10 * number, 1560 + 10 * number, exact=True) for number in (1, 2, 3)}
AROUND = dict.fromkeys((1, 2, 3), Span(1000, 1590, exact=False))


def test_times_of_channels_from_message_indexes(tmp_path: Path) -> None:
    assert spans_of(tmp_path / "a.mcap", three_chunks().finish()) == EXACT


def test_times_of_channels_from_a_scan(tmp_path: Path) -> None:
    assert spans_of(tmp_path / "a.mcap", three_chunks().finish(summary=False)) == EXACT


def test_times_of_channels_without_message_indexes_are_bounds(tmp_path: Path) -> None:
    made = Maker.plain(3).chunk(CONTENT, named=[]).finish()

    assert spans_of(tmp_path / "a.mcap", made) == AROUND


def test_times_of_channels_of_an_index_that_leaves_out_messages_are_bounds(tmp_path: Path) -> None:
    made = Maker.plain(3).chunk(CONTENT, named=CONTENT[5:]).finish()

    assert spans_of(tmp_path / "a.mcap", made) == AROUND


def test_times_of_channels_outside_of_chunks_are_bounds(tmp_path: Path) -> None:
    made = Maker.plain(3)
    made.add(made.definitions()).loose(CONTENT)

    assert spans_of(tmp_path / "a.mcap", made.finish()) == AROUND


def test_times_of_channels_in_any_order(tmp_path: Path) -> None:
    made = Maker.plain(3)
    for first in (40, 0, 20):
        made.chunk(CONTENT[first : first + 20][::-1])

    assert spans_of(tmp_path / "a.mcap", made.finish()) == EXACT


def test_times_of_channels_of_overlapping_chunks(tmp_path: Path) -> None:
    made = Maker.plain(3).chunk(CONTENT[0::2]).chunk(CONTENT[1::2])

    assert spans_of(tmp_path / "a.mcap", made.finish()) == EXACT


def test_times_of_channels_whose_message_index_is_ruined_are_bounds(tmp_path: Path) -> None:
    made = three_chunks()
    whole = made.finish()
    at = whole.index(record(0x07, b"")[:1] + (6 + 7 * 16).to_bytes(8, "little") + b"\x01\x00")

    found = spans_of(tmp_path / "a.mcap", whole[:at] + b"\x00" + whole[at + 1 :])

    assert found == EXACT | {1: AROUND[1]}


def test_channels_without_messages_have_no_times(tmp_path: Path) -> None:
    made = Maker.plain(5).chunk(CONTENT)

    assert set(spans_of(tmp_path / "a.mcap", made.finish())) == {1, 2, 3}
    assert spans_of(tmp_path / "b.mcap", Maker.plain(2).finish()) == {}


def opened(path: Path, made: bytes) -> Recording:
    path.write_bytes(made)
    return Recording.open(path)


def test_an_attachment_with_a_wrong_crc(tmp_path: Path) -> None:
    made = Maker.plain().chunk(messages(1)).add(attachment("x", b"123", crc=7)).finish(summary=False)

    with opened(tmp_path / "a.mcap", made) as recording, pytest.raises(RecordingDamaged, match="CRC"):
        recording.attachment_data(recording.summary.attachments[0])


def test_an_attachment_without_a_crc(tmp_path: Path) -> None:
    made = Maker.plain().chunk(messages(1)).add(attachment("x", b"123", crc=0)).finish(summary=False)

    with opened(tmp_path / "a.mcap", made) as recording:
        assert recording.attachment_data(recording.summary.attachments[0]) == b"123"


@pytest.mark.parametrize(
    ("offset", "length"), [(0, 50), (40, 9), (1 << 40, 50), (8, 1 << 62), (8, 0), (8, 30)]
)
def test_places_that_hold_no_such_record(tmp_path: Path, offset: int, length: int) -> None:
    made = Maker.plain().chunk(messages(1)).add(metadata("m", {})).finish()

    with opened(tmp_path / "a.mcap", made) as recording:
        with pytest.raises(RecordingDamaged):
            recording.metadata_values(Metadata("m", offset, length))
        with pytest.raises(RecordingDamaged):
            recording.attachment_data(Attachment("a", "", offset, length, 3, 0, 0))


def test_identity_is_of_the_content_and_not_of_the_name(tmp_path: Path) -> None:
    made = three_chunks().finish()
    with opened(tmp_path / "a.mcap", made) as one, opened(tmp_path / "b.mcap", made) as other:
        assert one.identity == other.identity
        assert one.identity.size == len(made)


@pytest.mark.parametrize("summary", [True, False])
def test_identity_tells_recordings_apart(tmp_path: Path, summary: bool) -> None:
    seen = set()
    for count in range(1, 30):
        made = Maker.plain().chunk(messages(count, size=1000), "zstd")
        with opened(tmp_path / "a.mcap", made.finish(summary=summary)) as recording:
            seen.add(recording.identity.sha256)

    assert len(seen) == 29


def test_identity_of_a_big_file_reads_its_ends(tmp_path: Path) -> None:
    content = [Message(1, 0, 1, 1, bytes(100_000))]
    made = bytearray(Maker.plain().chunk(content).finish())
    with opened(tmp_path / "a.mcap", bytes(made)) as recording:
        before = recording.identity
    made[50_000] ^= 1
    with opened(tmp_path / "a.mcap", bytes(made)) as recording:
        assert recording.identity == before
    made[-60] ^= 1
    with opened(tmp_path / "a.mcap", bytes(made)) as recording:
        assert recording.identity != before


def test_identity_of_a_cut_file(tmp_path: Path) -> None:
    made = three_chunks().finish()
    with opened(tmp_path / "a.mcap", made[:-20]) as one, opened(tmp_path / "b.mcap", made[:-21]) as other:
        assert one.identity != other.identity
