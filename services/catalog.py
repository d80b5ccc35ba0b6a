"""What lists need to know of all workflows, kept in memory, so that many workflows make no list slower.

Nothing here is the truth: the folders are. A workflow that has ended changes no more unless somebody opens it
again, and then the queue tells; so does it of new ones. What has not ended is looked at each time (one stat).
Folders that people bring or take away are found by the time of WORKFLOWS_DIR, and what they change within
them is found bit by bit, or at once where it is to be shown.
"""

import itertools
import time
from bisect import bisect_left, insort
from collections.abc import Iterator
from contextlib import suppress

from models.workflow import WorkflowState
from services import catalog_file
from services.catalog_file import Row
from services.errors import StateUnreadable, WorkflowNotFound
from services.queue_service import Queue
from services.state_manager import StateManager, Version

SHARE = 20
"""Looking through WORKFLOWS_DIR takes at most one part in so many of the time, if it takes long."""
QUICK = 0.01
"""Seconds that are not long."""
SETTLED = 1_000_000_000
"""Nanoseconds after which the time of a folder is the newest that it can be: it is coarse."""
UNSETTLED = 60.0
"""Seconds within which a workflow that was opened is written: until then it is looked at each time."""
VERIFIED = 50
"""Rows that are compared with their files each time, one after the other."""
UNSAVED = 5000
"""Rows that may get lost with this process: reading them again takes a second."""


class Catalog:
    """The rows of all workflows, each read when it is first needed. Not safe for threads."""

    def __init__(self, states: StateManager, queue: Queue) -> None:
        self._states = states
        self._queue = queue
        self._mark: tuple[int, int] | None = None
        self._ids: set[str] = set()
        self._path = states.settings.listing_cache
        self._rows: dict[str, Row] = {}
        self._saved = 0
        self._unfiled: list[str] = []  # by age
        self._filed: dict[str | None, list[str]] = {}  # by parent, and by age
        self._unsettled: dict[str, float] = {}
        self._unverified: set[str] = set()
        self._looked_at: int | None = None
        self._next_look = 0.0
        self._turn: Iterator[str] = iter(())

    def refresh(self) -> None:
        """Take in what has come and gone. Raises QueueUnreadable, StorageFailed, LockTimeout, OSError."""
        if self._mark is None:
            self._rows = catalog_file.load(self._path)
            self._saved = len(self._rows)
        self._mark, news = self._queue.news(self._mark)
        if news is None:  # anything may have happened
            self._unverified.update(self._rows)
            self._look()
        else:
            self._take_in(news)
            self._look_if_changed()
        self._file()
        self._verify_some()
        if len(self._rows) > self._saved + UNSAVED:
            self.save()

    def save(self) -> None:
        """Keep the rows for the next start."""
        if self._rows:
            catalog_file.save(self._path, self._rows)
            self._saved = len(self._rows)

    def newest(self, parent: str | None, before: str | None = None) -> Iterator[str]:
        """The workflows of a batch, or of none, from the newest on, and all that can't be read."""
        filed = self._filed.get(parent, [])
        one = (bisect_left(filed, before) if before else len(filed)) - 1
        other = (bisect_left(self._unfiled, before) if before else len(self._unfiled)) - 1
        while one >= 0 or other >= 0:
            if other < 0 or (one >= 0 and filed[one] > self._unfiled[other]):
                workflow, one = filed[one], one - 1
            else:
                workflow, other = self._unfiled[other], other - 1
            if workflow in self._ids:
                yield workflow

    def all(self) -> list[str]:
        """All workflows there are, as far as is known."""
        return list(self._ids)

    def row(self, workflow: str) -> Row:
        """The row of a workflow, as it is now. Raises WorkflowNotFound, StateUnreadable."""
        known = self._rows.get(workflow)
        if known and known.status.ended and not self._is_doubtful(workflow):
            return known
        try:
            version = self._states.version(workflow)
            if known is None or known.version != version:
                known = self._rows[workflow] = row_of(version, self._states.read(workflow))
        except WorkflowNotFound:
            self._forget(workflow)
            raise
        except StateUnreadable:
            self._rows.pop(workflow, None)
            raise
        self._unverified.discard(workflow)
        return known

    def _is_doubtful(self, workflow: str) -> bool:
        return workflow in self._unsettled or workflow in self._unverified

    def _forget(self, workflow: str) -> None:
        """It is gone, unless it is about to come."""
        if workflow not in self._unsettled:
            self._ids.discard(workflow)
            self._rows.pop(workflow, None)

    def _take_in(self, news: list[str]) -> None:
        now = time.monotonic()
        self._unsettled = {one: until for one, until in self._unsettled.items() if until > now}
        for workflow in news:
            self._unsettled[workflow] = now + UNSETTLED
            if workflow not in self._ids:
                self._ids.add(workflow)
                insort(self._unfiled, workflow)

    def _look_if_changed(self) -> None:
        try:
            changed = self._states.settings.workflows_dir.stat().st_mtime_ns
        except FileNotFoundError:
            changed = None
        if changed != self._looked_at and time.monotonic() >= self._next_look:
            self._look()

    def _look(self) -> None:
        """Read the names of all folders."""
        begun, seen = time.monotonic(), self._folder_time()
        ids = {*self._states.ids(newest_first=False), *self._unsettled}
        if gone := self._ids - ids:
            self._rows = {workflow: row for workflow, row in self._rows.items() if workflow not in gone}
            for places in (self._unfiled, *self._filed.values()):
                places[:] = [workflow for workflow in places if workflow not in gone]
        self._unfiled += ids - self._ids
        self._unfiled.sort()
        self._ids = ids
        self._looked_at = seen
        took = time.monotonic() - begun
        self._next_look = time.monotonic() + (took * SHARE if took > QUICK else 0.0)

    def _folder_time(self) -> int | None:
        """The time of the folder, if another change would give it another time."""
        try:
            changed = self._states.settings.workflows_dir.stat().st_mtime_ns
        except FileNotFoundError:
            return None
        return changed if time.time_ns() - changed > SETTLED else -1

    def _file(self) -> None:
        """Put workflows whose parent is known with their like, beginning with the newest."""
        touched: set[str | None] = set()
        while self._unfiled and (row := self._rows.get(self._unfiled[-1])):
            self._filed.setdefault(row.parent, []).append(self._unfiled.pop())
            touched.add(row.parent)
        for parent in touched:
            self._filed[parent].sort()

    def _verify_some(self) -> None:
        """Compare some rows with their files: people may have changed those."""
        some = list(itertools.islice(self._turn, VERIFIED))
        for workflow in some:
            with suppress(WorkflowNotFound, StateUnreadable):
                row = self._rows.get(workflow)
                if row and self._states.version(workflow) == row.version:
                    continue
            self._unverified.add(workflow)
        if not some:
            self._turn = iter(list(self._rows))


def row_of(version: Version, state: WorkflowState) -> Row:
    """The row of a state."""
    source = state.source.path if state.source else None
    named = [state.params.get("recording"), state.params.get("recordings"), source]
    paths = [path for name in named for path in (name if isinstance(name, list) else [name])]
    # Somebody may have edited the file: params are whatever stands there.
    texts = [text for text in (state.id, state.template, *paths) if isinstance(text, str)]
    return Row(version, state.status, state.template, state.parent, "\n".join(texts).casefold())
