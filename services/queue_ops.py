"""What a queue does, on a `QueueState` in memory: shared by all queues that hold their state as a whole."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from datetime import datetime

from models.base import utc_now
from models.queue import Job, JobState, Lease, QueueState


class QueueOps:
    """The operations on a state in memory. Each tells whether it changed anything."""

    def __init__(self, state: QueueState) -> None:
        self.state = state
        self.changed = False

    def enqueue(self, jobs: Sequence[Job]) -> None:
        """See Queue."""
        places = {job.id: index for index, job in enumerate(self.state.jobs)}
        for job in jobs:
            place = places.get(job.id)
            if place is None:
                places[job.id] = len(self.state.jobs)
                self.state.jobs.append(job.model_copy())
            elif job.fence > self.state.jobs[place].fence:
                self.state.jobs[place] = job.model_copy()
            else:
                continue
            self.changed = True

    def claim(self, lease: Lease, limit: int) -> list[Job]:
        """See Queue."""
        if self.state.paused:
            return []
        ripen(self.state, utc_now())
        ready = [job for job in self.state.jobs if job.state is JobState.READY]
        ready.sort(key=lambda job: (-job.priority, job.enqueued_at))
        for job in ready[:limit]:
            job.state, job.lease, self.changed = JobState.LEASED, lease.model_copy(), True
        return [job.model_copy(deep=True) for job in ready[:limit]]

    def complete(self, job: str, worker: str) -> bool:
        """See Queue."""
        kept = [other for other in self.state.jobs if not (other.id == job and _held_by(other, worker))]
        found = len(kept) < len(self.state.jobs)
        self.state.jobs, self.changed = kept, self.changed or found
        return found

    def give_back(self, which: Callable[[Job], bool]) -> list[Job]:
        """Make the leased jobs that `which` picks ready again; returns them as they were."""
        given = [job for job in self.state.jobs if job.state is JobState.LEASED and which(job)]
        before = [job.model_copy(deep=True) for job in given]
        for job in given:
            job.state, job.lease, self.changed = JobState.READY, None, True
        return before

    def remove(self, workflow: str) -> list[Job]:
        """See Queue."""
        gone = [
            job for job in self.state.jobs if job.workflow == workflow and job.state is not JobState.LEASED
        ]
        if gone:
            ids = {job.id for job in gone}
            self.state.jobs = [job for job in self.state.jobs if job.id not in ids]
            self.changed = True
        return gone

    def reprioritize(self, workflow: str, priority: int) -> None:
        """See Queue."""
        for job in self.state.jobs:
            if job.workflow == workflow and job.priority != priority:
                job.priority, self.changed = priority, True

    def set_paused(self, *, paused: bool) -> None:
        """See Queue.pause and resume."""
        self.changed = self.changed or self.state.paused != paused
        self.state.paused = paused

    def rebuilt(self) -> None:
        """See Queue."""
        self.changed = self.changed or self.state.rebuild
        self.state.rebuild = False


def ripen(state: QueueState, now: datetime) -> None:
    """Make the delayed jobs ready whose time has come, and delay the ready ones whose time has not."""
    for job in state.jobs:
        if job.state is not JobState.LEASED:
            late = job.not_before is not None and job.not_before > now
            job.state = JobState.DELAYED if late else JobState.READY


def seal(state: QueueState) -> None:
    """Count an operation: the next seq, the time, the counts."""
    state.seq += 1
    state.updated_at = utc_now()
    count(state)


def count(state: QueueState) -> None:
    """Bring delayed jobs and the counts up to date."""
    ripen(state, utc_now())
    state.counts = {kind: sum(job.state is kind for job in state.jobs) for kind in JobState}


def empty(*, rebuild: bool) -> QueueState:
    """A new queue; `rebuild` if jobs may be missing from it."""
    return QueueState(rebuild=rebuild, updated_at=utc_now(), counts=dict.fromkeys(JobState, 0))


def _held_by(job: Job, worker: str) -> bool:
    return job.lease is not None and job.lease.worker == worker


class BaseQueue(ABC):
    """The operations of a Queue, given a way to change and to read its state."""

    @abstractmethod
    def _change(self) -> AbstractContextManager[QueueOps]:
        """Hold the queue for one operation, and keep what it changed."""

    @abstractmethod
    def snapshot(self) -> QueueState:
        """See Queue."""

    def enqueue(self, jobs: Sequence[Job]) -> None:
        """See Queue."""
        if jobs:
            with self._change() as ops:
                ops.enqueue(jobs)

    def claim(self, lease: Lease, limit: int) -> list[Job]:
        """See Queue."""
        if limit <= 0:
            return []
        with self._change() as ops:
            return ops.claim(lease, limit)

    def complete(self, job: str, worker: str) -> bool:
        """See Queue."""
        with self._change() as ops:
            return ops.complete(job, worker)

    def release(self, jobs: Collection[str], worker: str) -> list[Job]:
        """See Queue."""
        with self._change() as ops:
            return ops.give_back(lambda job: job.id in jobs and _held_by(job, worker))

    def remove(self, workflow: str) -> list[Job]:
        """See Queue."""
        with self._change() as ops:
            return ops.remove(workflow)

    def reprioritize(self, workflow: str, priority: int) -> None:
        """See Queue."""
        with self._change() as ops:
            ops.reprioritize(workflow, priority)

    def pause(self) -> None:
        """See Queue."""
        with self._change() as ops:
            ops.set_paused(paused=True)

    def resume(self) -> None:
        """See Queue."""
        with self._change() as ops:
            ops.set_paused(paused=False)

    def rebuilt(self) -> None:
        """See Queue."""
        with self._change() as ops:
            ops.rebuilt()

    def dead_leases(self, is_dead: Callable[[Lease], bool]) -> list[Job]:
        """See Queue."""
        # Asked outside the lock; the dead don't come back, so the answer still holds inside.
        leases = {job.lease.worker: job.lease for job in self.snapshot().jobs if job.lease}
        dead = {worker for worker, lease in leases.items() if is_dead(lease)}
        if not dead:
            return []
        with self._change() as ops:
            return ops.give_back(lambda job: job.lease is not None and job.lease.worker in dead)
