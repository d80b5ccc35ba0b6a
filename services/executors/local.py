"""Runs jobs in child processes of the worker: one selector, no threads.

A process that has done a job well gets the next one, so that what it has loaded serves many. It is replaced
after a kill, after `JOBS_PER_PROCESS` jobs, and when it has grown.
"""

import math
import selectors
import sys
import time
from collections import deque
from collections.abc import Sequence

from models.job import JobRequest
from services.executors.base import Exited, Happening
from services.executors.child import Child
from services.queue.bell import hear

ENTRY = (sys.executable, "-m", "services.executors.entry")
"""The entry point that runs a request, wherever it lands."""

CANCEL_GRACE = 1.5
"""Seconds between SIGTERM and SIGKILL."""

NOT_STARTED = 126
"""Exit code of a job whose process could not be made, as a shell would say it."""

JOBS_PER_PROCESS = 1000
"""After so many jobs a process has done enough: what leaks, leaks slowly. A start costs as much as ten small
jobs."""
GROWN = 768 << 20
"""Bytes of memory an idle process may keep; what is loaded for all kinds of jobs is half of that."""
IDLE_SECONDS = 30.0
"""How long a process waits for another job."""

_REAP_POLL = 0.01
_LONGEST_SLEEP = 0.2
_END_PATIENCE = 5.0


class LocalExecutor:
    """An `Executor` on this machine. `command` is the entry point's argv; the event pipe's number follows."""

    def __init__(
        self, slots: int, *, command: Sequence[str] = ENTRY, cancel_grace: float = CANCEL_GRACE
    ) -> None:
        self._slots = slots
        self._command = tuple(command)
        self._cancel_grace = cancel_grace
        self._selector = selectors.DefaultSelector()
        self._children: dict[str, Child] = {}
        self._idle: list[tuple[float, Child]] = []
        self._leaving: list[Child] = []
        self._news: deque[tuple[str, Happening]] = deque()
        self._draining = False
        self._woken = False

    def capacity(self) -> int:
        """How many more jobs it takes now."""
        return 0 if self._draining else max(0, self._slots - len(self._children))

    def start(self, request: JobRequest) -> None:
        """Begin a job. One whose process can't be made has exited with `NOT_STARTED`."""
        if request.job in self._children:
            raise ValueError(f"{request.job} is running already")
        try:
            child = self._take_idle() or Child(self._command, self._selector)
        except OSError as error:
            exited = Exited(NOT_STARTED, f"the job's process could not be made: {error}")
            self._news.append((request.job, exited))
            return
        child.assign(request)
        self._children[request.job] = child

    def listen(self, descriptor: int) -> None:
        """Return early from `events` when there is something to read from this, and read it empty."""

        def heard() -> None:
            hear(descriptor)
            self._woken = True

        self._selector.register(descriptor, selectors.EVENT_READ, heard)

    def events(self, timeout: float) -> Sequence[tuple[str, Happening]]:
        """Wait up to `timeout` seconds for news and return it, each job's in the order it happened."""
        deadline = time.monotonic() + timeout
        while True:
            left = deadline - time.monotonic()
            self._round(0.0 if self._news else max(0.0, min(left, self._longest_sleep())))
            if self._news or self._woken or left <= 0:
                break
        self._woken = False
        news = list(self._news)
        self._news.clear()
        return news

    def cancel(self, job: str) -> None:
        """SIGTERM to the job's group, SIGKILL to what is left of it after the grace."""
        if child := self._children.get(job):
            child.terminate(self._cancel_grace)

    def reattach(self, request: JobRequest) -> bool:  # noqa: ARG002 - the Protocol's
        """Nothing to take over: local jobs die with their worker."""
        return False

    def drain(self, grace: float) -> Sequence[tuple[str, Happening]]:
        """Take no more jobs, wait up to `grace` seconds for the running ones, end the rest."""
        self._draining = True
        happened = self._until_idle(grace)
        for job in self._children:
            self.cancel(job)
        happened += self._until_idle(self._cancel_grace + _END_PATIENCE)
        self._dismiss(before=math.inf)
        deadline = time.monotonic() + _END_PATIENCE
        while self._leaving and time.monotonic() < deadline:
            self._round(_REAP_POLL)
        return happened

    def _until_idle(self, patience: float) -> list[tuple[str, Happening]]:
        deadline = time.monotonic() + patience
        happened = list(self.events(0.0))
        while self._children and (left := deadline - time.monotonic()) > 0:
            happened += self.events(left)
        return happened

    def _longest_sleep(self) -> float:
        silent = any(child.silent for child in self._children.values())
        return _REAP_POLL if silent else _LONGEST_SLEEP

    def _round(self, sleep: float) -> None:
        for key, _ in self._selector.select(sleep):
            key.data()
        for job, child in list(self._children.items()):
            self._look_after(job, child)
        self._dismiss(before=time.monotonic() - IDLE_SECONDS)
        for child in [child for child in self._leaving if child.exit_code() is not None]:
            child.close()
            self._leaving.remove(child)

    def _look_after(self, job: str, child: Child) -> None:
        child.enforce()
        code = child.exit_code()
        self._news += [(job, event) for event in child.take_events()]
        if code is not None:
            self._news.append((job, Exited(code, child.tail, child.over_memory)))
            child.close()
            del self._children[job]
        elif (result := child.finished()) is not None:
            self._news.append((job, Exited(result, child.tail)))
            del self._children[job]
            self._keep(child)

    def _take_idle(self) -> Child | None:
        """A process that waits for a job, and lives."""
        while self._idle:
            _, child = self._idle.pop()
            if child.exit_code() is None and not child.silent:
                return child
            self._let_go(child)
        return None

    def _keep(self, child: Child) -> None:
        """Let a process wait for its next job, if it is fit for one."""
        if child.told_to_end or child.jobs >= JOBS_PER_PROCESS or child.memory > GROWN:
            self._let_go(child)
        else:
            self._idle.append((time.monotonic(), child))

    def _dismiss(self, before: float) -> None:
        """Let go of the processes that have been idle since then or longer, and of those that have died."""
        for since, child in self._idle:
            if since <= before or child.silent:
                self._let_go(child)
        self._idle = [(since, child) for since, child in self._idle if child not in self._leaving]

    def _let_go(self, child: Child) -> None:
        """End a process that has no job: there is nothing in it to lose."""
        child.kill()
        self._leaving.append(child)
