"""`queue-journal.jsonl`: what was done to the queue since its snapshot, one line each, only ever added to.

Its first line says which history it belongs to and after which number it begins. An operation is done when
its line is on the disk: a sync covers all that was written before, by anybody, so that many wait for one.
"""

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from models.base import SCHEMA_VERSION, now_text
from services import disk, durable
from services.errors import QueueUnreadable, SyncFailed
from services.queue.board import Board
from services.queue.lines import Line, decode_all, encode, is_damage
from services.queue.reserve import FULL
from services.queue.snapshots import check_version


class BadJournal(Exception):
    """The file's next lines can't be read."""


class Journal:
    """The open file. All calls but `reach` are made under the queue's lock."""

    def __init__(self, path: Path, descriptor: int, head: Line, size: int) -> None:
        self.path = path
        self._name = str(path)
        self.history: str = head.record["history"]
        self.rebuild: bool = head.record["rebuild"]
        self.base = self.seq = head.seq
        self.size = size
        self._descriptor = descriptor
        identity = os.fstat(descriptor)
        self.identity = identity.st_ino, identity.st_dev
        self.durable = head.seq
        """The highest number that is known to be on the disk."""
        self._mutex = threading.Lock()
        self._news = threading.Condition(self._mutex)
        self._waiting = 0
        self._syncing = False
        self._broken: SyncFailed | None = None

    def __del__(self) -> None:
        # Whoever syncs it in another thread still has it; so it is closed when the last one lets go.
        os.close(self._descriptor)

    @classmethod
    def open(cls, path: Path) -> "Journal | None":
        """The file, read up to the end of its first line; None if there is none.

        Raises BadJournal; QueueUnreadable for one that can't be opened or is of a newer program.
        """
        try:
            descriptor = disk.open_to_append(path, make=False)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise QueueUnreadable(f"{error.strerror}.", where={"path": str(path)}) from error
        try:
            head, size = _first_line(descriptor)
            check_version(path, head.record["schema_version"])
            return cls(path, descriptor, head, size)
        except BaseException:
            os.close(descriptor)
            raise

    @classmethod
    def begin(
        cls, path: Path, history: str, base: int, *, rebuild: bool = False, rest: bytes = b"", seq: int = 0
    ) -> "Journal":
        """Put a new file in the place of any that is there, whole and durable. Raises StorageFailed.

        It goes on after number `base`; `rest` are lines that do, up to number `seq`.
        """
        record = {"op": "begin", "schema_version": SCHEMA_VERSION, "history": history, "rebuild": rebuild}
        head = Line(base, base, now_text(), record)
        content = encode(head) + rest
        durable.write_bytes(path, content)
        journal = cls(path, disk.open_to_append(path, make=False), head, len(content))
        journal.seq = journal.durable = max(base, seq)
        return journal

    def place(self) -> os.stat_result | None:
        """What is on the disk under the file's name now; None if nothing is."""
        try:
            return os.stat(self._name)  # noqa: PTH116 - faster than Path's
        except FileNotFoundError:
            return None

    def take_in(self, board: Board) -> None:
        """Apply what others have added; lines that the board knows already are passed over.

        Raises BadJournal at a line that can't be read: all before it is taken in.
        """
        start = self.size
        for line, end in decode_all(self.rest()):
            if line is None or line.seq != self.seq + 1:
                raise BadJournal
            if line.seq > board.seq:
                try:
                    board.apply(line.record, line.seq, line.at)
                except (KeyError, TypeError) as error:
                    raise BadJournal from error
            self.seq, self.size = line.seq, start + end

    def rest(self, start: int | None = None) -> bytes:
        """The bytes from `start` on; from where it was read to, without."""
        at = self.size if start is None else start
        parts = []
        while (missing := os.fstat(self._descriptor).st_size - at) > 0:
            parts.append(os.pread(self._descriptor, missing, at))
            at += len(parts[-1])
        return b"".join(parts)

    def is_torn(self) -> bool:
        """Whether the bad line that comes next is what a crash left, and no damage."""
        return not is_damage(self.rest(), self.seq + 1)

    def cut(self) -> None:
        """Cut off what can't be read. Raises StorageFailed."""
        durable.truncate(self.path, self.size)

    def add(self, line: Line, make_room: Callable[[], bool]) -> None:
        """Add a line; durable after `reach`. On a full disk `make_room` may help once. Raises OSError."""
        data = encode(line)
        try:
            disk.write(self._descriptor, self.path, data)
        except OSError as error:
            self._cut_back()
            if error.errno not in FULL or not make_room():
                raise
            self._add_again(data)
        self.size += len(data)
        self.seq = line.seq

    def _add_again(self, data: bytes) -> None:
        try:
            disk.write(self._descriptor, self.path, data)
        except OSError:
            self._cut_back()
            raise

    def _cut_back(self) -> None:
        with suppress(OSError):  # what stays is a torn line, which the next one to look cuts off
            disk.truncate(self._descriptor, self.path, self.size)

    def reach(self, seq: int) -> None:
        """Return when number `seq` is on the disk: by an own sync, or by one that others wait for too.

        Raises SyncFailed, then and ever after: what the disk has is not known any more.
        """
        with self._mutex:
            while True:
                if self._broken:
                    raise self._broken
                if self.durable >= seq:
                    return
                if not self._syncing:
                    break
                self._waiting += 1
                self._news.wait()
                self._waiting -= 1
            self._syncing = True
        written, reached = self.seq, self.durable
        try:
            disk.sync(self._descriptor, self.path, data_only=True)
            reached = max(reached, written)
        except OSError as error:
            self._broken = SyncFailed(f"{error.strerror or error}.", where={"path": str(self.path)})
            raise self._broken from error
        finally:
            with self._mutex:
                self._syncing, self.durable = False, reached
                if self._waiting:
                    self._news.notify_all()


def _first_line(descriptor: int) -> tuple[Line, int]:
    for line, end in decode_all(os.pread(descriptor, 4096, 0)):
        if line is None or line.record.get("op") != "begin":
            break
        return line, end
    raise BadJournal
