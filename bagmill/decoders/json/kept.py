"""Columns that the look at messages read, kept for their decoding: as many as there is room for."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from threading import Lock

import pyarrow as pa

from bagmill.decoders.json.lines import Numbers
from bagmill.decoders.json.plan import Group

_ROOM = 64 << 20


class Room:
    """Counts the bytes that are kept, of all topics of a recording, in any thread."""

    def __init__(self, size: int = _ROOM) -> None:
        self._left = size
        self._lock = Lock()

    def take(self, size: int) -> bool:
        """Take so many bytes, if there are as many left; 0 tells whether there are any."""
        with self._lock:
            enough = self._left > 0 and size <= self._left
            self._left -= size if enough else 0
            return enough

    def give_back(self, size: int) -> None:
        """Give back what was taken."""
        with self._lock:
            self._left += size


@dataclass(slots=True)
class Run:
    """What was read of a run of messages.

    `digest`: of its text; `windows`: by first line, the line behind the last and what was read.
    """

    digest: bytes
    harmful: Numbers
    windows: dict[int, tuple[int, Sequence[Group]]] = field(default_factory=dict)
    size: int = 0

    def groups(self, first: int, last: int) -> Sequence[Group]:
        """What was read of the lines `first` to `last` together, if they were."""
        end, groups = self.windows.get(first, (0, ()))
        return groups if end == last else ()

    def known(self, line: int) -> int:
        """How many lines from this one on are to be read together to be found; 0 if no more are."""
        if line in self.windows:
            return self.windows[line][0] - line
        return min((first for first in self.windows if first > line), default=line) - line


class Kept:
    """The runs of a topic, by the number of the message that each begins with.

    A run counts only where its text comes again: the caller may cut runs elsewhere, or leave messages out.
    """

    def __init__(self, room: Room) -> None:
        self._room = room
        self._runs: dict[int, Run] = {}

    def begin(self, message: int, text: pa.Buffer, harmful: Numbers) -> Run | None:
        """Begin a run, if there is room left."""
        if not self._room.take(0):
            return None
        self._runs[message] = run = Run(sha256(text).digest(), harmful)
        return run

    def put(self, run: Run, first: int, last: int, groups: Sequence[Group]) -> None:
        """Keep what was read of the lines `first` to `last` of a run, if there is room."""
        size = sum(array.get_total_buffer_size() for group in groups for array in group.columns.arrays)
        if self._room.take(size):
            run.windows[first] = last, groups
            run.size += size

    def pop(self, message: int, text: pa.Buffer) -> Run | None:
        """Take out the run that begins with a message, if it has this text."""
        run = self._runs.pop(message, None)
        if run is None:
            return None
        self._room.give_back(run.size)
        return run if run.digest == sha256(text).digest() else None
