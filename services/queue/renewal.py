"""When the snapshot is renewed: soon after a change, but never so often that it takes much of the time."""

import threading
import time
from collections.abc import Callable

from loguru import logger

from bagmill.errors import BagmillError

AFTER = 1.0
"""Seconds from a change to the snapshot that has it; what is promised is 2."""
IDLE_AFTER = 0.1
"""The same, when the last job has left."""
SHARE = 20
"""A snapshot takes at most one part in so many of the time."""
REST = 2.0
"""Seconds from one that failed to the next."""
LINGER = 5.0
"""Seconds that the thread waits for more to do."""


class Renewal:
    """A thread that calls `renew` when it is time; there is none while nothing changes."""

    def __init__(self, renew: Callable[[], None]) -> None:
        self._renew = renew
        self._news = threading.Condition()
        self._thread: threading.Thread | None = None
        self._due: float | None = None
        self._not_before = 0.0
        self._ended = False

    def ask(self, seconds: float) -> None:
        """Renew in so many seconds, or earlier if that was asked for."""
        due = time.monotonic() + seconds
        # Without the lock: what is found to be due has not begun, and will know of all that was done before.
        if (known := self._due) is not None and known <= due:
            return
        with self._news:
            if self._ended or (self._due is not None and self._due <= due):
                return
            self._due = due
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="queue-snapshot", daemon=True)
                self._thread.start()
            else:
                self._news.notify()

    def end(self) -> None:
        """Renew what is due, if anything is, and do nothing from now on."""
        with self._news:
            self._ended, due = True, self._due is not None
            self._due = None
            self._news.notify()
            thread = self._thread
        if thread:
            thread.join()
        if due:
            self._try()

    def _run(self) -> None:
        while self._wait():
            begun = time.monotonic()
            if self._try():
                self._not_before = begun + (SHARE + 1) * (time.monotonic() - begun)
            else:
                self._not_before = begun + REST
                self.ask(REST)

    def _try(self) -> bool:
        try:
            self._renew()
        except (BagmillError, OSError) as error:
            logger.warning("the queue's snapshot is not renewed yet: {}", error)
            return False
        return True

    def _wait(self) -> bool:
        """Wait until it is time; False if there is nothing to do."""
        with self._news:
            lingered = False
            while True:
                now = time.monotonic()
                if self._ended or (self._due is None and lingered):
                    self._thread = None
                    return False
                due = now + LINGER if self._due is None else max(self._due, self._not_before)
                if due <= now:
                    self._due = None
                    return True
                lingered = not self._news.wait(due - now) and self._due is None
