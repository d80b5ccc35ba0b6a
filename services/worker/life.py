"""Who lives: each worker holds the lock of `workers/<uuid>.lock` from its first to its last moment.

The kernel gives the lock up when its holder dies, whatever the cause. So "can it be taken?" is an exact and
immediate answer, safe against reused pids and names.

One that lives but hangs, or was stopped, is known by its silence: it does not renew the time of that file any
more. Its jobs go to others, and should it come back, what it does with them does not count.
"""

import os
import re
import socket
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from bagmill import __version__
from config import Settings
from models.base import utc_now
from models.queue import Lease
from models.worker import WorkerRecord
from services import disk, durable, processes
from services.errors import LockTimeout, StorageFailed
from services.locks import HeldLock, is_locked, try_lock


class WorkerLife:
    """One worker's life. Its id is a fresh uuid: what an earlier process held is never taken for its own.

    `silent` are the others that gave no sign of life for too long, each with its last sign.
    """

    def __init__(self, settings: Settings) -> None:
        self.id = str(uuid4())
        self.silent: Mapping[str, int] = {}
        self._folder = settings.workers_dir
        self._lock: HeldLock | None = None
        self._holder = Lease(
            worker=self.id,
            host=socket.gethostname(),
            pid=os.getpid(),
            since=utc_now(),
            process_started=processes.started(os.getpid()),
            boot=processes.boot(),
        )

    def begin(self) -> None:
        """Take the lock and tell of oneself. Raises StorageFailed."""
        self._lock = try_lock(_lock_file(self._folder, self.id))
        if self._lock is None:
            raise LockTimeout(where={"path": str(_lock_file(self._folder, self.id))})
        record = WorkerRecord(
            id=self.id,
            host=self._holder.host,
            pid=self._holder.pid,
            process_started=self._holder.process_started,
            boot=self._holder.boot,
            started_at=self._holder.since,
            version=__version__,
        )
        durable.write_json(_record_file(self._folder, self.id), record)

    def end(self) -> None:
        """Remove the files and give the lock up."""
        if self._lock:
            _remove_files(self._folder, self.id)
            self._lock.release()

    def lease(self) -> Lease:
        """What says in the queue that a job is this worker's."""
        return self._holder.model_copy(update={"since": utc_now()})

    def touch(self) -> None:
        """Give a sign of life. Raises OSError."""
        os.utime(_lock_file(self._folder, self.id))

    def signs(self) -> dict[str, int]:
        """The last signs of the other living workers: not a time to compare, but what changes."""
        living = (worker for worker in self.others() if not self.is_dead(worker))
        return {worker: sign for worker in living if (sign := self._sign(worker)) is not None}

    def is_dead(self, worker: str | None) -> bool:
        """Whether nobody lives under this id."""
        return worker != self.id and (worker is None or not is_locked(_lock_file(self._folder, worker)))

    def is_gone(self, worker: str | None) -> bool:
        """Whether it is dead, or has been silent for so long that its jobs are not its own any more."""
        if worker is not None and worker in self.silent and self._sign(worker) == self.silent[worker]:
            return True
        return self.is_dead(worker)

    def others(self) -> set[str]:
        """The ids of all other workers that have files, dead or alive; one may be but half written."""
        names = [name.lstrip(".") for name in os.listdir(self._folder)]  # noqa: PTH208 - faster
        return {name.partition(".")[0] for name in names if _OF_A_WORKER.search(name)} - {self.id}

    def _sign(self, worker: str) -> int | None:
        try:
            return _lock_file(self._folder, worker).stat().st_mtime_ns
        except OSError:
            return None

    def bury(self, worker: str) -> None:
        """Remove a dead worker's files; a living one's stay."""
        if held := try_lock(_lock_file(self._folder, worker)):
            _remove_files(self._folder, worker)
            held.release()


_OF_A_WORKER = re.compile(r"\.(lock|json(\..*\.tmp)?)$")


def _lock_file(folder: Path, worker: str) -> Path:
    return folder / f"{worker}.lock"


def _record_file(folder: Path, worker: str) -> Path:
    return folder / f"{worker}.json"


def _remove_files(folder: Path, worker: str) -> None:
    """The caller holds the lock: nobody waits for it, since ids are never used again."""
    with suppress(StorageFailed):
        durable.sweep_temporaries(_record_file(folder, worker))
    for file in (_record_file(folder, worker), _lock_file(folder, worker)):
        with suppress(OSError):
            disk.unlink(file)
