"""What a queue does: each operation looks at the board and makes one record of what it changes, or none."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from models.base import rfc3339
from models.queue import Job, Lease, QueueState, QueueStatus
from services.queue.board import Board, Record
from services.queue.entries import Entry, fields_of

_RINGS = frozenset({"enqueue", "release", "resume", "delay", "hold"})
"""After these there may be more to claim than before."""


class Change(ABC):
    """One operation on the board, held while this is entered: `make` carries a record out, at most once.

    No context manager of contextlib: those take a good part of the time of an operation.
    """

    board: Board
    made = False
    rings = False

    @abstractmethod
    def __enter__(self) -> Self:
        """Hold the board."""

    @abstractmethod
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go of it, and keep what was made."""

    @abstractmethod
    def carry_out(self, record: Record) -> None:
        """Write and apply what the record says."""

    def make(self, op: str, **fields: Any) -> None:
        """Do it."""
        self.carry_out({"op": op, **fields})
        self.made, self.rings = True, op in _RINGS


class BaseQueue(ABC):
    """The operations of a Queue, given a way to change its board and to look at it. See Queue for each."""

    @abstractmethod
    def _change(self, *, certain: bool = False, vital: bool = False, lazy: bool = False) -> Change:
        """What holds the board for one operation; what it made is kept when the block has ended.

        `certain`: what others did is kept too, even if there was nothing to make. `vital`: it may use the
        reserve of a full disk. `lazy`: it need not be on the disk yet.
        """

    @abstractmethod
    def _look(self) -> AbstractContextManager[Board]:
        """Hold the board as it is now."""

    def enqueue(self, jobs: Sequence[Job]) -> list[Job]:
        """See Queue."""
        if not jobs:
            return []
        with self._change(certain=True) as change:
            if new := _newer(jobs, change.board.entries):
                change.make("enqueue", jobs=fields_of(new))
            return new

    def claim(self, lease: Lease, limit: int) -> list[Job]:
        """See Queue."""
        if limit <= 0:
            return []
        with self._change() as change:
            board = change.board
            ids = [] if board.paused or board.held else board.first(limit)
            if ids:
                change.make("claim", jobs=ids, lease=_holder(lease))
            return board.jobs(board.entries[job] for job in ids)

    def renew(self, worker: str) -> bool:
        """See Queue."""
        with self._change(vital=True, lazy=True) as change:
            if found := change.board.holds(worker):
                change.make("renew", worker=worker)
            return found

    def complete(self, job: str, worker: str) -> bool:
        """See Queue."""
        with self._change(vital=True) as change:
            if found := _holds(change.board, job, worker):
                change.make("complete", jobs=[job])
            return found

    def fail(self, job: str, worker: str, reason: str) -> bool:
        """See Queue."""
        with self._change(vital=True) as change:
            if found := _holds(change.board, job, worker):
                change.make("fail", jobs=[job], reason=reason)
            return found

    def release(self, jobs: Collection[str], worker: str) -> list[Job]:
        """See Queue."""
        with self._change(vital=True) as change:
            return _give_back(change, [entry for entry in change.board.of_worker(worker) if entry.id in jobs])

    def remove(self, workflow: str) -> list[Job]:
        """See Queue."""
        with self._change(vital=True) as change:
            gone = [entry for entry in change.board.of_workflow(workflow) if not entry.lease]
            removed = change.board.jobs(gone)
            if gone:
                change.make("remove", jobs=[entry.id for entry in gone])
            return removed

    def reprioritize(self, workflow: str, priority: int) -> None:
        """See Queue."""
        with self._change() as change:
            if any(entry.priority != priority for entry in change.board.of_workflow(workflow)):
                change.make("reprioritize", workflow=workflow, priority=priority)

    def delay(self, jobs: Collection[str], until: datetime | None, reason: str | None = None) -> list[Job]:
        """See Queue."""
        with self._change() as change:
            known = [entry for job in jobs if (entry := change.board.entries.get(job))]
            waiting = [entry.id for entry in known if not entry.lease]
            if waiting:
                time = rfc3339(until) if until else None
                change.make("delay", jobs=waiting, not_before=time, reason=reason)
            return change.board.jobs(change.board.entries[job] for job in waiting)

    def pause(self) -> None:
        """See Queue."""
        with self._change() as change:
            if not change.board.paused:
                change.make("pause")

    def resume(self) -> None:
        """See Queue."""
        with self._change() as change:
            if change.board.paused:
                change.make("resume")

    def hold(self, reason: str | None) -> None:
        """See Queue."""
        with self._change() as change:
            if change.board.held != reason:
                change.make("hold", reason=reason)

    def rebuilt(self, history: str | None = None) -> None:
        """See Queue."""
        with self._change() as change:
            board = change.board
            if board.rebuild and history in {None, board.history}:
                change.make("rebuilt")

    def dead_leases(self, is_dead: Callable[[Lease], bool]) -> list[Job]:
        """See Queue."""
        # Asked outside the lock; the dead don't come back, so the answer still holds inside.
        dead = [lease.worker for lease in self.leases() if is_dead(lease)]
        if not dead:
            return []
        with self._change() as change:
            held = [entry for worker in dead for entry in change.board.of_worker(worker)]
            return _give_back(change, sorted(held, key=lambda entry: entry.order))

    def intend(self, workflows: Collection[str]) -> None:
        """See Queue."""
        if not workflows:
            return
        with self._change(certain=True) as change:
            if new := [workflow for workflow in workflows if not change.board.is_open(workflow)]:
                change.make("intend", workflows=new)

    def close(self, workflows: Collection[str]) -> None:
        """See Queue."""
        with self._change(vital=True, lazy=True) as change:
            if ended := [workflow for workflow in workflows if change.board.is_without_jobs(workflow)]:
                change.make("close", workflows=ended)

    def news(self, since: tuple[int, int] | None) -> tuple[tuple[int, int], list[str] | None]:
        """See Queue."""
        with self._look() as board:
            return board.news.mark, board.news.since(since)

    def open_workflows(self) -> set[str]:
        """See Queue."""
        with self._look() as board:
            return board.open_workflows()

    def next(self, limit: int) -> list[Job]:
        """See Queue."""
        with self._look() as board:
            return board.jobs(board.entries[job] for job in board.first(limit))

    def held(self, worker: str) -> list[Job]:
        """See Queue."""
        with self._look() as board:
            return board.jobs(board.of_worker(worker))

    def leases(self) -> list[Lease]:
        """See Queue."""
        with self._look() as board:
            return board.leases()

    def status(self) -> QueueStatus:
        """See Queue."""
        with self._look() as board:
            return board.status()

    def snapshot(self) -> QueueState:
        """See Queue."""
        with self._look() as board:
            return board.state()


def _newer(jobs: Sequence[Job], known: Mapping[str, Entry]) -> list[Job]:
    """The jobs that are not known, or only an older one of; the last of those with one id."""
    chosen: dict[str, Job] = {}
    for job in jobs:
        old = chosen.get(job.id) or known.get(job.id)
        if old is None or job.fence > old.fence:
            chosen[job.id] = job
    return list(chosen.values())


def _holder(lease: Lease) -> dict[str, Any]:
    """A lease as it stands in a record: without what is not known, and what is of each job."""
    fields: dict[str, Any] = {
        "worker": lease.worker,
        "host": lease.host,
        "pid": lease.pid,
        "since": rfc3339(lease.since),
    }
    if lease.process_started is not None:
        fields["process_started"] = lease.process_started
    if lease.boot is not None:
        fields["boot"] = lease.boot
    return fields


def _holds(board: Board, job: str, worker: str) -> bool:
    entry = board.entries.get(job)
    return entry is not None and entry.lease is not None and entry.lease["worker"] == worker


def _give_back(change: Change, entries: Sequence[Entry]) -> list[Job]:
    """Make leased jobs ready again; returns them as they were."""
    before = change.board.jobs(entries)
    if entries:
        change.make("release", jobs=[entry.id for entry in entries])
    return before
