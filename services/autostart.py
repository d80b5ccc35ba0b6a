"""Who starts the worker when nobody does: one API process of all looks after it.

The one is whoever holds `autostart.lock`; the others keep trying, so that one of them takes over when it
ends. It starts a worker when none lives, and again, with growing pauses, when it dies. The worker has a
session of its own and holds a lock that it inherits, so that from its first moment no second one is started,
not even by an API that was restarted just then. It ends by itself, some time after no API holds
`autostart.lock` any more; the stop of an API leaves it alone. One that gives no sign of life for the time of
a lease is ended and replaced; other people's workers are left alone, but do not count then.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Collection
from contextlib import suppress
from types import TracebackType
from typing import Self

from bagmill.errors import BagmillError
from config import ROOT, LogLevel, Settings
from services.locks import lock_for_child, try_lock
from services.logs import Action, say
from services.processes import stopped_holders
from services.queue.observing import Observer
from services.workers import last_signs, worker_records

TICK = 0.5
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 30.0
LONG_LIFE = 60.0
"""Seconds; a worker that lived so long did not die of its start, so the pauses begin anew."""


class Autostart:
    """A thread of the API, from `__enter__` to `__exit__`, if WORKER_AUTOSTART is set."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = settings.locks_dir / "autostarted.lock"
        self._observer = Observer(settings.lease_seconds)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="autostart", daemon=True)
        self._worker: subprocess.Popen[bytes] | None = None
        self._since = 0.0  # of its start, or of its end while there is a pause
        self._pause = 0.0

    def __enter__(self) -> Self:
        if self._settings.worker_autostart:
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(TICK):
            try:
                held = try_lock(self._settings.autostart_lock)
            except BagmillError as error:
                self._postpone(f"can't be looked after: {error}")
                self._stop.wait(self._pause)
                continue
            if held:
                try:
                    self._watch()
                finally:
                    held.release()

    def _watch(self) -> None:
        """Look after the worker until this API stops."""
        while True:
            try:
                self._look()
            except (BagmillError, OSError) as error:
                self._postpone(f"could not be started: {error}")
            if self._stop.wait(TICK):
                return

    def _look(self) -> None:
        if self._worker and (code := self._worker.poll()) is not None:  # also reaps it
            self._worker = None
            self._postpone(f"ended with code {code}")
        signs = last_signs(self._settings)
        if signs.keys() - self._observer.silent(signs):
            return
        self._end_silent(signs)
        if self._worker is None and time.monotonic() >= self._since + self._pause:
            self._start()

    def _end_silent(self, signs: Collection[str]) -> None:
        """End autostarted workers among those that are silent: own ones, and stopped ones of earlier APIs."""
        if not signs:
            return
        pids = {record.pid for record in worker_records(self._settings)}
        silent = {holder.pid for holder in stopped_holders([self._lock])}
        if self._worker:
            silent.add(self._worker.pid)
        for pid in pids & silent:
            say(Action.PROCESS_ENDED, f"the worker with process {pid} is silent, and is ended", pid=pid)
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _postpone(self, why: str) -> None:
        """Wait longer each time, but for a worker that had lived long."""
        now = time.monotonic()
        long_life = now - self._since > LONG_LIFE
        self._pause = FIRST_PAUSE if long_life else min(self._pause * 2 or FIRST_PAUSE, LONGEST_PAUSE)
        self._since = now
        told = f"the worker {why}; the next one starts in {self._pause:g} s"
        say(Action.WORKER_ENDED, told, level=LogLevel.WARNING)

    def _start(self) -> None:
        lock = lock_for_child(self._lock)
        if lock is None:
            return  # one that an earlier API started has only just begun
        try:
            self._since = time.monotonic()
            self._worker = subprocess.Popen(
                [sys.executable, "worker.py", "--autostarted"],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                pass_fds=(lock,),
            )
        finally:
            os.close(lock)
        pid = self._worker.pid
        say(Action.WORKER_AUTOSTARTED, f"started a worker, process {pid}", pid=pid)
