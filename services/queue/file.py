"""The queue in two files: a readable snapshot, and a journal of what was done since."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from config import Settings
from models.base import now_text
from services import disk, durable
from services.errors import SyncFailed
from services.queue import snapshots
from services.queue.bell import Bell, Ringer
from services.queue.board import Board, Clock, Record
from services.queue.journal import Journal
from services.queue.lock import QueueLock
from services.queue.operations import BaseQueue, Change
from services.queue.renewal import AFTER, IDLE_AFTER, Renewal
from services.queue.reserve import Reserve
from services.queue.snapshots import BadSnapshot, Head
from services.queue.store import Store

LEAST_BOUND = 1 << 20
"""Bytes that the journal may have before it is shortened; half the snapshot's, if that is more."""
SLOW_POLL = 1.0
"""Seconds between two looks of one who waits and has a bell."""
FAST_POLL = 0.05
"""The same without a bell."""


class FileQueue(BaseQueue):
    """The queue in QUEUE_STATE_FILE and `queue-journal.jsonl` beside it. Making one touches no file."""

    def __init__(self, settings: Settings, *, now: Clock = now_text, least_bound: int = LEAST_BOUND) -> None:
        """`now` tells the time; `least_bound`: see LEAST_BOUND."""
        self.path = settings.queue_state_file
        self.journal = settings.queue_journal
        self._reserve = Reserve(settings.queue_reserve)
        self._lock = QueueLock(settings.queue_lock, settings.lock_timeout)
        self.give_up = self._lock.give_up
        self._store = Store(self.path, self.journal, self._reserve, now)
        self._renewal = Renewal(self.renew_snapshot)
        self._broken: SyncFailed | None = None
        self._bells = settings.workers_dir
        self._ringer = Ringer(self._bells)
        self._bell: Bell | None = None
        self._bound = self._least_bound = least_bound

    def version(self) -> tuple[int, ...]:
        """The journal's inode, time and size; empty if there is none."""
        try:
            stat = self.journal.stat()
        except FileNotFoundError:
            return ()
        return stat.st_ino, stat.st_mtime_ns, stat.st_size

    def wait(self, version: tuple[int, ...], timeout: float) -> tuple[int, ...]:
        """Wait for a ring, and look now and then; at most `timeout` seconds. See Queue."""
        deadline = time.monotonic() + timeout
        bell = self._listen()
        while (now := self.version()) == version and (rest := deadline - time.monotonic()) > 0:
            if bell:
                bell.wait(min(SLOW_POLL, rest))
            else:
                time.sleep(min(FAST_POLL, rest))
        return now

    def bell(self) -> int | None:
        """See Queue."""
        bell = self._listen()
        return bell.descriptor if bell else None

    def _listen(self) -> Bell | None:
        if self._bell is None:
            with suppress(OSError):
                self._bell = Bell(self._bells)
        return self._bell

    def tend(self) -> None:
        """Renew the snapshot if whoever should have done it is gone. Raises as `renew_snapshot`."""
        with self._held() as store:
            journal, seq = store.journal, store.board.seq
        if journal is None:
            return
        with suppress(BadSnapshot):
            head = snapshots.read_head(self.path)
            if head and head.history == journal.history and head.seq >= seq:
                return
        place = journal.place()
        if place is None or time.time() - place.st_mtime > 2 * AFTER:
            self._renewal.ask(0.0)

    def finish(self) -> None:
        """Leave the snapshot as it should be; to be called when this object is needed no more."""
        self._renewal.end()
        bell, self._bell = self._bell, None
        if bell:
            bell.close()

    def renew_snapshot(self) -> None:
        """Write the snapshot as the queue is now, and shorten the journal if it has grown.

        Raises StorageFailed, LockTimeout, QueueUnreadable, SyncFailed.
        """
        with self._held() as store:
            journal, picture = store.journal, store.board.picture()
            if journal is None or self._is_known(Head(journal.history, picture.seq)):
                return
            start = journal.size
            self._reserve.keep()
        self._reach(journal, picture.seq)
        data = snapshots.layout(picture)
        self._bound = max(self._least_bound, len(data) // 2)
        self._install(durable.write_temporary(self.path, data), journal, picture.seq, start)
        durable.fsync_dir(self.path.parent)

    def _install(self, temporary: Path, journal: Journal, seq: int, start: int) -> None:
        """Put a snapshot up to number `seq` in its place, unless there is as new a one by now."""
        with self._held() as store:
            if store.journal is not journal or self._is_known(Head(journal.history, seq)):
                disk.unlink(temporary)
                return
            durable.replace(temporary, self.path)
            if journal.size > self._bound:
                durable.fsync_dir(self.path.parent)  # before the lines are gone that it stands for
                store.shorten(seq, start)
                durable.sweep_temporaries(self.path)

    def rebuilt(self, history: str | None = None) -> None:
        """See Queue. Also removes what crashed writers left beside the file."""
        super().rebuilt(history)
        with self._held():
            durable.sweep_temporaries(self.path)
            durable.sweep_temporaries(self.journal)

    def _is_known(self, wanted: Head) -> bool:
        """Whether the snapshot on the disk is as new as that; a bad one is set aside. Under the lock."""
        try:
            head = snapshots.read_head(self.path)
        except BadSnapshot:
            durable.set_aside(self.path)
            return False
        return head is not None and head.history == wanted.history and head.seq >= wanted.seq

    def _change(self, *, certain: bool = False, vital: bool = False, lazy: bool = False) -> Change:
        return _Change(self, certain=certain, vital=vital, lazy=lazy)

    def take(self) -> Store:
        """The store, which nobody else changes before `give_up`."""
        if self._broken:
            raise self._broken
        self._lock.take()
        try:
            self._store.catch_up()
        except BaseException:
            self._lock.give_up()
            raise
        return self._store

    def keep(self, journal: Journal, seq: int, change: Change, *, lazy: bool, empty: bool) -> None:
        """Bring what was made to the disk, unless it may be `lazy`, and tell of it."""
        if not lazy:
            self._reach(journal, seq)
        if change.rings:
            self._ringer.ring()
        if change.made:
            big = journal.size > self._bound
            self._renewal.ask(0.0 if big else IDLE_AFTER if empty else AFTER)

    def _reach(self, journal: Journal, seq: int) -> None:
        try:
            journal.reach(seq)
        except SyncFailed as error:
            self._broken = error
            raise

    @contextmanager
    def _look(self) -> Iterator[Board]:
        with self._held() as store:
            yield store.board

    @contextmanager
    def _held(self) -> Iterator[Store]:
        store = self.take()
        try:
            yield store
        finally:
            self.give_up()


class _Change(Change):
    """One operation on the files."""

    def __init__(self, queue: FileQueue, *, certain: bool, vital: bool, lazy: bool) -> None:
        self._queue = queue
        self._certain = certain
        self._vital = vital
        self._lazy = lazy

    def __enter__(self) -> Self:
        self._store = self._queue.take()
        self.board = self._store.board
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        journal, board = self._store.journal, self._store.board
        seq, empty = board.seq, not board.entries
        self._queue.give_up()
        if kind is None and journal is not None and (self.made or self._certain):
            self._queue.keep(journal, seq, self, lazy=self._lazy, empty=empty)

    def carry_out(self, record: Record) -> None:
        """Add it to the journal, and apply it."""
        self._store.add(record, vital=self._vital)
