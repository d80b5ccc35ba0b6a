"""The queue: which jobs wait, and who runs which.

`FileQueue` keeps it in one file which each operation reads and writes whole, under a lock; `MemoryQueue`
(queue_memory.py) keeps it in memory. What the operations do stands in queue_ops.py.
"""

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from loguru import logger
from pydantic import ValidationError

from config import Settings
from models.base import SCHEMA_VERSION
from models.queue import Job, Lease, QueueState
from services import durable
from services.errors import QueueUnreadable
from services.locks import Locks
from services.queue_ops import BaseQueue, QueueOps, count, empty, seal

Token = tuple[int, ...]
"""Changes with each change of the queue."""

_DOORBELL_SECONDS = 0.05


class Queue(Protocol):
    """What workers and the API need of a queue. Safe to use from many threads and processes."""

    def enqueue(self, jobs: Sequence[Job]) -> None:
        """Add jobs. One that is there already stays as it is, unless the new one's fence is higher."""
        ...

    def claim(self, lease: Lease, limit: int) -> list[Job]:
        """Lease up to `limit` ready jobs: highest priority first, then oldest. None while paused."""
        ...

    def complete(self, job: str, worker: str) -> bool:
        """Take out a job that this worker has leased; False if it has not."""
        ...

    def release(self, jobs: Collection[str], worker: str) -> list[Job]:
        """Give back jobs that this worker has leased; returns those that it had."""
        ...

    def remove(self, workflow: str) -> list[Job]:
        """Take out the jobs of a workflow that nobody has leased, and return them."""
        ...

    def reprioritize(self, workflow: str, priority: int) -> None:
        """Set the priority of a workflow's jobs."""
        ...

    def pause(self) -> None:
        """Hand out no more jobs."""
        ...

    def resume(self) -> None:
        """Hand out jobs again."""
        ...

    def rebuilt(self) -> None:
        """All that the workflow folders know is enqueued: take back the `rebuild` mark."""
        ...

    def dead_leases(self, is_dead: Callable[[Lease], bool]) -> list[Job]:
        """Give back all jobs whose holder is dead, and return them as they were leased."""
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


class FileQueue(BaseQueue):
    """The queue in QUEUE_STATE_FILE. A missing or bad file begins anew, marked `rebuild`."""

    def __init__(self, settings: Settings) -> None:
        self.path = settings.queue_state_file
        self._locks = Locks(settings)

    def snapshot(self) -> QueueState:
        """The queue as it is now. Raises QueueUnreadable for a file that can't be opened."""
        try:
            state = self._load()
        except _BadFile:
            with self._change() as ops:
                state = ops.state
        count(state)
        return state

    def version(self) -> Token:
        """The file's inode, time and size; empty if there is none."""
        try:
            stat = self.path.stat()
        except FileNotFoundError:
            return ()
        return stat.st_ino, stat.st_mtime_ns, stat.st_size

    def wait(self, version: Token, timeout: float) -> Token:
        """Look at the file every 50 ms until its version is another, at most `timeout` seconds."""
        deadline = time.monotonic() + timeout
        while (now := self.version()) == version and (rest := deadline - time.monotonic()) > 0:
            time.sleep(min(_DOORBELL_SECONDS, rest))
        return now

    def rebuilt(self) -> None:
        """See Queue. Also removes what crashed writers left beside the file."""
        super().rebuilt()
        with self._locks.queue():
            durable.sweep_temporaries(self.path)

    @contextmanager
    def _change(self) -> Iterator[QueueOps]:
        with self._locks.queue():
            ops = QueueOps(self._load_or_begin_anew())
            yield ops
            if ops.changed:
                seal(ops.state)
                durable.write_bytes(self.path, layout(ops.state))

    def _load_or_begin_anew(self) -> QueueState:
        try:
            return self._load()
        except _BadFile as error:
            aside = durable.set_aside(self.path)
            logger.error("The queue could not be read ({}); set aside as {}", error, aside.name)
            state = empty(rebuild=True)
            durable.write_bytes(self.path, layout(state))
            return state

    def _load(self) -> QueueState:
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return empty(rebuild=True)
        except OSError as error:
            raise QueueUnreadable(
                f"{error.strerror}.",
                where={"path": str(self.path)},
                hint="Check the permissions and the disk; the file was not touched.",
            ) from error
        try:
            state = QueueState.model_validate_json(data)
        except ValidationError as error:
            raise _BadFile(error.errors(include_url=False)[0]["msg"]) from error
        if state.schema_version > SCHEMA_VERSION:
            raise QueueUnreadable(
                f"The queue has version {state.schema_version}; this program knows {SCHEMA_VERSION}",
                where={"path": str(self.path)},
                hint="It was written by a newer Bagmill: update this one.",
            )
        return state


class _BadFile(Exception):
    """The file was read and is no queue."""


def layout(state: QueueState) -> bytes:
    """The file: JSON, the counts on top and each job on a line of its own."""
    head = durable.json_bytes(state.model_dump(mode="json", exclude={"jobs"}))
    jobs = b",".join(b"\n    " + durable.json_line(job).rstrip() for job in state.jobs)
    return head.rstrip()[:-2] + b',\n  "jobs": [' + jobs + b"\n  ]\n}\n"
