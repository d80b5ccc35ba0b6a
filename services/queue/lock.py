"""The lock of the queue: taken for each operation, by many threads and processes.

Who finds it taken waits in the kernel, which is fair and wakes at once. A thread of its own does the waiting,
so that it can be given up: a process that is stopped while it holds the lock must not stop the others.
"""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from services import disk
from services.durable import storage_failed
from services.errors import LockTimeout
from services.locks import TIMEOUT, open_lock


class QueueLock:
    """The lock file, kept open. To be used by the process that made it, not by what it forks."""

    def __init__(self, path: Path, timeout: float = TIMEOUT) -> None:
        """`timeout`: seconds that the lock is waited for."""
        self.path = path
        self._name = str(path)
        self._timeout = timeout
        self._mutex = threading.Lock()
        self._descriptor: int | None = None
        self._news = threading.Condition()
        self._blocked = False
        self._wanted = False
        self._granted = False
        self._process = os.getpid()

    def __del__(self) -> None:
        if self._descriptor is not None and not self._blocked:
            os.close(self._descriptor)

    @contextmanager
    def held(self, timeout: float | None = None) -> Iterator[None]:
        """Hold the lock. Raises as `take`."""
        self.take(timeout)
        try:
            yield
        finally:
            self.give_up()

    def take(self, timeout: float | None = None) -> None:
        """Take the lock, until `give_up`.

        Raises LockTimeout, StorageFailed; RuntimeError in a forked process.
        """
        if self._process != os.getpid():
            raise RuntimeError("A queue can't be used by a process that was forked: make one there.")
        timeout = self._timeout if timeout is None else timeout
        deadline = time.monotonic() + timeout
        if not self._mutex.acquire(timeout=timeout):
            raise LockTimeout(where={"path": str(self.path)})
        try:
            self._take(deadline)
        except BaseException:
            self._mutex.release()
            raise

    def give_up(self) -> None:
        """Let others have it."""
        assert self._descriptor is not None
        try:
            disk.unlock(self._descriptor, self.path)
        finally:
            self._mutex.release()

    def _take(self, deadline: float) -> None:
        while True:
            if self._descriptor is None:
                self._descriptor = open_lock(self.path)
                identity = os.fstat(self._descriptor)
                self._inode, self._device = identity.st_ino, identity.st_dev
            descriptor = self._descriptor
            try:
                # A lock that the waiting thread gets is the descriptor's: nobody else may try it meanwhile.
                free = not self._blocked and disk.lock(descriptor, self.path)
                if not free and not self._is_granted(descriptor, deadline):
                    raise LockTimeout(where={"path": str(self.path)})
                if self._is_current():
                    return
            except OSError as error:
                raise storage_failed(self.path, error) from error
            self._descriptor = None
            os.close(descriptor)

    def _is_current(self) -> bool:
        """Whether the path still names the file that is open: somebody may have removed or replaced it."""
        try:
            there = os.stat(self._name)  # noqa: PTH116 - faster than Path's
        except FileNotFoundError:
            return False
        return there.st_ino == self._inode and there.st_dev == self._device

    def _is_granted(self, descriptor: int, deadline: float) -> bool:
        """Have a thread wait for the flock; False if the deadline came first."""
        with self._news:
            if not self._blocked:
                self._blocked = True
                threading.Thread(
                    target=self._wait, args=(descriptor,), name="queue-lock", daemon=True
                ).start()
            self._wanted = True
            self._news.wait_for(lambda: self._granted, max(0.0, deadline - time.monotonic()))
            granted, self._granted, self._wanted = self._granted, False, False
            return granted

    def _wait(self, descriptor: int) -> None:
        """Wait in the kernel, and hand the lock over, or back if nobody wants it any more."""
        disk.lock(descriptor, self.path, wait=True)
        with self._news:
            if self._wanted:
                self._granted = True
                self._news.notify_all()
            else:
                disk.unlock(descriptor, self.path)
            self._blocked = False  # only now may others try it, who do not wait for this
