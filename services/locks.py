"""Locks across processes: advisory flocks that the kernel gives up when their holder dies.

A lock file is never removed: whoever waits on a removed one would hold a lock that nobody else sees. Should
a person remove or replace one, the holder notices when it takes it, and takes the new one. Descriptors are
not inherited by children. Lock order: a workflow's lock first, then the queue's; workflow locks do not nest.
"""

import fcntl
import os
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from config import Settings
from services import disk
from services.durable import make_folders, storage_failed
from services.errors import LockTimeout

STRIPES = 64
TIMEOUT = 30.0
"""Seconds that a lock is waited for. Locks are held for milliseconds."""
_POLL = 0.002
_PROBE_PATIENCE = 0.1


class HeldLock:
    """A lock that is held until `release`, or until the process ends."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor: int | None = descriptor

    def release(self) -> None:
        """Give the lock up, if it is still held; the file stays."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is None:
            return
        try:
            disk.unlock(descriptor, self.path)
        finally:
            os.close(descriptor)


def open_lock(path: Path) -> int:
    """A descriptor of a lock file, made if missing. Raises StorageFailed."""
    try:
        try:
            return os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        except FileNotFoundError:  # the first time: locks are taken too often to look for the folder always
            make_folders(path.parent)
            return os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise storage_failed(path, error) from error


def is_current(descriptor: int, path: Path) -> bool:
    """Whether the path still names the file that is open: somebody may have removed or replaced it."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _take(path: Path, timeout: float) -> HeldLock:
    """Take the lock of a file, made if missing. Raises LockTimeout, StorageFailed."""
    deadline = time.monotonic() + timeout
    while True:
        descriptor = open_lock(path)
        try:
            while not disk.lock(descriptor, path):
                if time.monotonic() >= deadline:
                    raise LockTimeout(where={"path": str(path)})
                time.sleep(_POLL)
            current = is_current(descriptor, path)
        except BaseException:
            os.close(descriptor)
            raise
        if current:
            return HeldLock(path, descriptor)
        os.close(descriptor)


@contextmanager
def lock(path: Path, timeout: float = TIMEOUT) -> Iterator[None]:
    """Hold the lock of a file (made if missing). Raises LockTimeout after `timeout` seconds."""
    held = _take(path, timeout)
    try:
        yield
    finally:
        held.release()


def try_lock(path: Path) -> HeldLock | None:
    """Take a lock for long (a worker's life, the autostart); None if another process or handle has it."""
    try:
        # Not zero: a probe of `is_locked` may hold it for a moment.
        return _take(path, _PROBE_PATIENCE)
    except LockTimeout:
        return None


def is_locked(path: Path) -> bool:
    """Whether anybody, this process included, holds it; of a missing file nobody. Raises StorageFailed."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise storage_failed(path, error) from error
    try:
        # Shared: two probes at a time must not take each other for a holder.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def lock_for_child(path: Path) -> int | None:
    """Take a lock for a child process; None if somebody holds it. Raises StorageFailed.

    Returns a descriptor for Popen's `pass_fds`. The lock lives as long as any copy of it is open: once the
    caller has closed its own, as long as the child does.
    """
    descriptor = open_lock(path)
    if disk.lock(descriptor, path):
        return descriptor
    os.close(descriptor)
    return None


class Locks:
    """The locks of one set of state folders."""

    def __init__(self, settings: Settings) -> None:
        self._stripes = [settings.locks_dir / f"{number:02d}.lock" for number in range(STRIPES)]
        self._queue = settings.queue_lock
        self._timeout = settings.lock_timeout
        self._mine = threading.local()

    def stripe(self, workflow: str) -> Path:
        """The lock file of a workflow's folder; 64 of them serve all workflows."""
        return self._stripes[zlib.crc32(workflow.encode()) % STRIPES]

    @contextmanager
    def workflow(self, workflow: str, timeout: float | None = None) -> Iterator[None]:
        """Hold the lock of a workflow's folder; `timeout`: the settings', if None. Raises LockTimeout.

        A second one in the same thread is a bug (two workflows may share a stripe) and raises RuntimeError.
        """
        if getattr(self._mine, "held", None):
            raise RuntimeError(f"{workflow}: this thread already holds the lock of {self._mine.held}")
        with lock(self.stripe(workflow), self._timeout if timeout is None else timeout):
            self._mine.held = workflow
            try:
                yield
            finally:
                self._mine.held = None

    @contextmanager
    def queue(self, timeout: float | None = None) -> Iterator[None]:
        """Hold the lock of the queue; `timeout` as above. Raises LockTimeout."""
        with lock(self._queue, self._timeout if timeout is None else timeout):
            yield

    def files(self) -> list[Path]:
        """All lock files that several processes wait for: the queue's, and those of workflows."""
        return [self._queue, *self._stripes]
