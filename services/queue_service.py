"""The queue: which jobs wait, and who runs which.

`FileQueue` keeps it in files, for any number of processes; `MemoryQueue` in memory, for one. What they are
made of stands in `services/queue/`.
"""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Protocol

from models.queue import Job, Lease, QueueState, QueueStatus
from services.queue.file import FileQueue
from services.queue.memory import MemoryQueue

__all__ = ["FileQueue", "Mark", "MemoryQueue", "Queue", "Token"]

Mark = tuple[int, int]
"""A moment in what one queue object has seen."""

Token = tuple[int, ...]
"""Changes with each change of the queue."""


class Queue(Protocol):
    """What workers and the API need of a queue. Safe to use from many threads and processes.

    What an operation has done is on the disk when it returns, unless it says otherwise. No operation takes
    longer because many jobs wait.
    """

    def enqueue(self, jobs: Sequence[Job]) -> list[Job]:
        """Add jobs, and return those that were new.

        One that is there already stays as it is, unless the new one's fence is higher.
        """
        ...

    def claim(self, lease: Lease, limit: int) -> list[Job]:
        """Lease up to `limit` ready jobs: highest priority first, then oldest. None while paused or held."""
        ...

    def renew(self, worker: str) -> bool:
        """Say that a worker is well: its leases' renewals grow by one. False if it has none.

        Not brought to the disk: of no use after a power cut.
        """
        ...

    def complete(self, job: str, worker: str) -> bool:
        """Take out a job that this worker has leased; False if it has not."""
        ...

    def fail(self, job: str, worker: str, reason: str) -> bool:
        """As `complete`, for a job that will never be done; the reason stands in the journal."""
        ...

    def release(self, jobs: Collection[str], worker: str) -> list[Job]:
        """Give back jobs that this worker has leased; returns those that it had, as they were."""
        ...

    def remove(self, workflow: str) -> list[Job]:
        """Take out the jobs of a workflow that nobody has leased, and return them."""
        ...

    def reprioritize(self, workflow: str, priority: int) -> None:
        """Set the priority of a workflow's jobs."""
        ...

    def delay(self, jobs: Collection[str], until: datetime | None, reason: str | None = None) -> list[Job]:
        """Set the time before which jobs are not handed out, and why; None: they may be at once.

        Only for jobs that nobody has leased; returns these, as they are now.
        """
        ...

    def pause(self) -> None:
        """Hand out no more jobs."""
        ...

    def resume(self) -> None:
        """Hand out jobs again."""
        ...

    def hold(self, reason: str | None) -> None:
        """Hand out no more jobs for a reason that passes by itself; None: it has passed."""
        ...

    def intend(self, workflows: Collection[str]) -> None:
        """Note workflows whose folders are about to be made, or opened again: they have not ended."""
        ...

    def close(self, workflows: Collection[str]) -> None:
        """Note workflows that have ended. One that has jobs here stays open. May get lost in a power cut."""
        ...

    def news(self, since: Mark | None) -> tuple[Mark, list[str] | None]:
        """Which workflows were opened or given jobs since a mark, and the present one.

        None instead of them if that is not known, as it is at first: then the folders are to be looked at.
        """
        ...

    def open_workflows(self) -> set[str]:
        """The workflows that have not ended, those with jobs here included."""
        ...

    def rebuilt(self, history: str | None = None) -> None:
        """All that the workflow folders know is enqueued: take back the `rebuild` mark.

        With a `history` only if it still is the present one: the queue may have been begun anew again.
        """
        ...

    def dead_leases(self, is_dead: Callable[[Lease], bool]) -> list[Job]:
        """Give back all jobs whose holder is dead, and return them as they were leased."""
        ...

    def next(self, limit: int) -> list[Job]:
        """The jobs whose turn comes next, at most `limit`, whether or not they are handed out now."""
        ...

    def held(self, worker: str) -> list[Job]:
        """The jobs that a worker has leased."""
        ...

    def leases(self) -> list[Lease]:
        """The newest lease of each worker that has any."""
        ...

    def status(self) -> QueueStatus:
        """The queue in numbers; cheap."""
        ...

    def snapshot(self) -> QueueState:
        """The queue as it is now."""
        ...

    def version(self) -> Token:
        """A token that changes with each change; cheap."""
        ...

    def wait(self, version: Token, timeout: float) -> Token:
        """Wait until the version is another, at most `timeout` seconds; returns the present one."""
        ...

    def bell(self) -> int | None:
        """A descriptor from which there is something to read when there may be more to claim.

        None if there is none; then, and now and then in any case, look at the version.
        """
        ...

    def tend(self) -> None:
        """Put right what others may have left undone; to be called about once a second."""
        ...

    def finish(self) -> None:
        """Bring what people look at up to date; to be called when this object is needed no more."""
        ...
