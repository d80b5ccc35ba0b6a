"""An executor that runs jobs in its own process: all calls to the disk of a whole run have one numbering.

It passes the conformance tests of executors that stand beside it; only the worker's own tests use it.
"""

import time
from collections.abc import Callable, Sequence

from models.job import DoneEvent, FailedEvent, IdleEvent, JobEvent, JobRequest
from services.executors.base import Exited, Happening
from services.executors.entry import Events, Reporter, run

NAP = 0.002
Runner = Callable[[JobRequest, Reporter], DoneEvent | FailedEvent]


class _Told(Events):
    """Events, kept in a list."""

    def __init__(self) -> None:
        super().__init__(-1)
        self.all: list[JobEvent] = []

    def send(self, event: JobEvent | IdleEvent) -> None:
        if not isinstance(event, IdleEvent):
            self.all.append(event)


class InlineExecutor:
    """Runs one job at a time, whole, when it is asked for events."""

    def __init__(self, runner: Runner = run) -> None:
        self._runner = runner
        self._waiting: list[JobRequest] = []
        self._news: list[tuple[str, Happening]] = []
        self._draining = False

    def capacity(self) -> int:
        return 0 if self._draining or self._waiting else 1

    def start(self, request: JobRequest) -> None:
        if any(known.job == request.job for known in self._waiting):
            raise ValueError(f"{request.job} is running already")
        self._waiting.append(request)

    def listen(self, descriptor: int) -> None:
        """Nothing to do: it never waits for long."""

    def events(self, timeout: float) -> Sequence[tuple[str, Happening]]:
        if self._waiting:
            self._run(self._waiting.pop())
        elif not self._news:
            time.sleep(min(timeout, NAP))
        news, self._news = self._news, []
        return news

    def cancel(self, job: str) -> None:
        for request in self._waiting:
            if request.job == job:
                self._waiting.remove(request)
                self._news.append((job, Exited(-15, "")))

    def reattach(self, request: JobRequest) -> bool:
        return False

    def drain(self, grace: float) -> Sequence[tuple[str, Happening]]:
        self._draining = True
        if grace <= 0:
            for request in list(self._waiting):
                self.cancel(request.job)
        return self.events(0.0)

    def _run(self, request: JobRequest) -> None:
        told = _Told()
        last = self._runner(request, Reporter(told))
        happened: list[Happening] = [*told.all, last, Exited(0 if isinstance(last, DoneEvent) else 1, "")]
        self._news += [(request.job, what) for what in happened]
