"""events.jsonl: the history of one workflow, each event exactly once, in order, without gaps.

It follows from the revisions of state.json, which carries its newest events (`last_events`). They are
written there first and appended here second; a crash between the two, or in the middle of the append, is
made good before the next change: `settle` compares the end of the file with what must stand there.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from models.workflow import Event
from services import durable


@dataclass(frozen=True, slots=True)
class _Line:
    """A complete line: where it ends (offset in bytes), and its event if it is one."""

    end: int
    event: Event | None


def append(path: Path, events: Sequence[Event]) -> None:
    """Add events, durably. Raises StorageFailed."""
    durable.append_lines(path, lines(events))


def lines(events: Sequence[Event]) -> list[bytes]:
    """The events as they stand in the file."""
    return [durable.json_line(event) for event in events]


def read(path: Path) -> list[Event]:
    """All events that can be read, in the file's order; a torn or damaged line is left out."""
    return [line.event for line in _parse(_content(path)) if line.event]


def settle(path: Path, newest: Sequence[Event]) -> int:
    """Make the file end with `newest`, the events of the state's latest change; returns its last seq.

    The caller holds the workflow's lock. A torn last line is cut off, missing events are added. Should the
    file know later events than the state (somebody restored an old state.json), they stay and the number
    returned is theirs, so that numbers go on from there.
    """
    expected = b"".join(lines(newest))
    if expected and _ends_with(path, expected):
        return newest[-1].seq
    content = _content(path)
    entries = list(_parse(content))
    first = newest[0].seq if newest else 1
    kept = [line for line in entries if line.event and line.event.seq < first]
    later = {line.event.seq for line in entries if line.event and line.event.seq >= first}
    if later <= {event.seq for event in newest}:
        _cut(path, content, kept[-1].end if kept else 0)
        append(path, newest)
        return newest[-1].seq if newest else 0
    _cut(path, content, max(line.end for line in entries if line.event))
    return max(later)


def _cut(path: Path, content: bytes, size: int) -> None:
    if size < len(content):
        durable.truncate(path, size)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise durable.storage_failed(path, error) from error


def _ends_with(path: Path, expected: bytes) -> bool:
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            start = size - len(expected)
            if start < 0:
                return False
            file.seek(max(start - 1, 0))
            return file.read() == (b"\n" if start else b"") + expected
    except FileNotFoundError:
        return False
    except OSError as error:
        raise durable.storage_failed(path, error) from error


def _parse(content: bytes) -> Iterator[_Line]:
    end = 0
    for line in content.splitlines(keepends=True):
        end += len(line)
        if line.endswith(b"\n"):
            yield _Line(end, _event(line))


def _event(line: bytes) -> Event | None:
    try:
        return Event.model_validate_json(line)
    except ValueError:
        return None
