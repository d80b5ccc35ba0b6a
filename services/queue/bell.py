"""How a waiting process is woken at once when there is something to claim: it listens to a FIFO.

Each that waits has one in `workers/`, and whoever has work for them writes a byte to all. The path of a FIFO
may be long, unlike a socket's. Whoever can't have one looks at the journal from time to time, and so do the
others, more slowly: a ring may get lost with a process that died before it.
"""

import errno
import os
import select
import time
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

_SUFFIX = ".bell"
_READ = 4096
_SETTLED = 100_000_000
"""Nanoseconds after which a folder's time tells of every later change; file systems count in ticks."""


class Bell:
    """A FIFO of one's own, from the making of this object to `close`."""

    def __init__(self, folder: Path) -> None:
        """Raises OSError where there can be no FIFO."""
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / f"{uuid4().hex}{_SUFFIX}"
        born = self._path.with_suffix(".new")
        os.mkfifo(born)
        try:
            # For reading and writing: it never comes to its end when a writer leaves.
            self.descriptor = os.open(born, os.O_RDWR | os.O_NONBLOCK)
            born.rename(self._path)  # only now, for one without a reader is taken for a dead one's
        except BaseException:
            born.unlink()
            raise

    def wait(self, timeout: float) -> None:
        """Wait for a ring, at most `timeout` seconds."""
        poll = select.poll()
        poll.register(self.descriptor, select.POLLIN)
        if poll.poll(timeout * 1000):
            hear(self.descriptor)

    def close(self) -> None:
        """Listen no more."""
        with suppress(OSError):
            self._path.unlink()
        os.close(self.descriptor)


def hear(descriptor: int) -> None:
    """Take in all that was rung."""
    with suppress(BlockingIOError):
        while len(os.read(descriptor, _READ)) == _READ:
            pass


class Ringer:
    """Rings the bells of a folder, which is read again only when it has changed."""

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder)
        self._known: list[str] = []
        self._since = -1

    def ring(self) -> None:
        """Wake all who wait. What the dead have left is removed; nothing is raised."""
        try:
            if os.stat(self._folder).st_mtime_ns != self._since:  # noqa: PTH116 - faster than Path's
                self._look()
        except OSError:
            return
        for path in self._known:
            _ring(path)

    def _look(self) -> None:
        changed, now = os.stat(self._folder).st_mtime_ns, time.time_ns()  # noqa: PTH116
        with os.scandir(self._folder) as entries:
            self._known = [entry.path for entry in entries if entry.name.endswith(_SUFFIX)]
        # A file that comes at the same moment as this look changes the time of the folder no more.
        self._since = changed if now - changed > _SETTLED else -1


def _ring(path: str) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
    except OSError as error:
        if error.errno == errno.ENXIO:  # nobody has it open
            with suppress(OSError):
                Path(path).unlink()
        return
    try:
        with suppress(OSError):  # one that is full rings already
            os.write(descriptor, b"!")
    finally:
        os.close(descriptor)
