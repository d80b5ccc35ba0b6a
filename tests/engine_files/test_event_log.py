"""events.jsonl after a crash: whatever stands at its end, `settle` makes it what the state says."""

from pathlib import Path

import pytest

from models.base import utc_now
from models.workflow import Event, EventType, Status
from services import event_log


def events(first: int, last: int) -> list[Event]:
    """Events of these numbers, of different length."""
    return [
        Event(
            seq=seq, at=utc_now(), type=EventType.STEP, step="s" * seq, to=Status.QUEUED, detail="ünï\u2028"
        )
        for seq in range(first, last + 1)
    ]


def content(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""


@pytest.mark.parametrize("known", [0, 1, 5])
@pytest.mark.parametrize("count", [1, 3])
def test_an_append_torn_at_any_byte_is_made_good(tmp_path: Path, known: int, count: int) -> None:
    path = tmp_path / "events.jsonl"
    history, newest = events(1, known), events(known + 1, known + count)
    start = b"".join(event_log.lines(history))
    whole = start + b"".join(event_log.lines(newest))

    for size in range(len(start), len(whole) + 1):
        path.write_bytes(whole[:size])

        assert event_log.settle(path, newest) == known + count
        assert content(path) == whole
    assert event_log.read(path) == history + newest


@pytest.mark.parametrize("hole", [0, 1, 2])
def test_pages_that_never_reached_the_disk_are_made_good(tmp_path: Path, hole: int) -> None:
    """After a power cut a later page of an append may be on the disk and an earlier one not."""
    path = tmp_path / "events.jsonl"
    newest = events(4, 6)
    lines = event_log.lines(events(1, 3)) + event_log.lines(newest)
    damaged = [b"\0" * len(line) if number == 3 + hole else line for number, line in enumerate(lines)]
    path.write_bytes(b"".join(damaged))

    event_log.settle(path, newest)

    assert content(path) == b"".join(lines)


def test_a_whole_file_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    event_log.append(path, events(1, 2))
    event_log.append(path, newest := events(3, 4))
    before = path.stat()

    event_log.settle(path, newest)

    assert (path.stat().st_mtime_ns, path.stat().st_size) == (before.st_mtime_ns, before.st_size)


def test_a_missing_file_begins_with_what_is_known(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"

    assert event_log.settle(path, events(7, 8)) == 8
    assert [event.seq for event in event_log.read(path)] == [7, 8]


def test_damage_in_the_middle_stays_and_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    lines = event_log.lines(events(1, 4))
    lines[1] = b'{"seq": 2, "at": oh no}\n'
    path.write_bytes(b"".join(lines))

    event_log.settle(path, newest := events(5, 5))

    assert content(path) == b"".join(lines + event_log.lines(newest))
    assert [event.seq for event in event_log.read(path)] == [1, 3, 4, 5]


def test_history_beyond_an_old_state_stays_and_numbers_go_on_from_there(tmp_path: Path) -> None:
    """Somebody restored an earlier state.json: its newest event is 2, but the history knows 5."""
    path = tmp_path / "events.jsonl"
    event_log.append(path, events(1, 5))
    whole = content(path)
    path.write_bytes(whole + b'{"seq": 6, "at"')

    assert event_log.settle(path, events(2, 2)) == 5
    assert content(path) == whole


def test_without_known_events_only_a_torn_end_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    event_log.append(path, events(1, 2))
    whole = content(path)
    path.write_bytes(whole + b'{"seq": 3')

    assert event_log.settle(path, []) == 2
    assert content(path) == whole


def test_readers_leave_out_a_torn_line(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    event_log.append(path, events(1, 2))
    path.write_bytes(content(path)[:-1])

    assert [event.seq for event in event_log.read(path)] == [1]
    assert event_log.read(tmp_path / "none") == []
