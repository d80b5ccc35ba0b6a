"""The entry point of every job: `python -m services.executors.entry <number of the events pipe>`.

It reads a `JobRequest` from stdin, does the step, writes `manifest.json` and says so; then it waits for the
next. At stdin's other end is the worker: when stdin ends, the worker is gone, and so is this process, with
its whole group.
"""

import contextlib
import faulthandler
import logging
import os
import sys
import threading
import time
from pathlib import Path

from bagmill.report import Progress
from bagmill.startup import start_light
from models.job import DoneEvent, FailedEvent, IdleEvent, JobEvent, JobRequest, LogEvent, ProgressEvent
from services.child_side import Lines, give_memory_back, stay_in_bounds
from services.executors.failures import failure_of
from services.executors.sealing import check_source, seal
from services.steps import runner

PROGRESS_INTERVAL = 0.2
"""Least seconds between two progress events of one stage."""

ALMOST = 0.99
"""Progress stays below 1 until the commit."""

NICENESS = 10
"""The API and the worker come first: with four jobs on two cores they still get most of a core."""
OOM_SCORE = 500

GROUP_TRIES = 30
"""Tries to lower the session, which others may be doing too."""
GROUP_PAUSE = 0.1
"""Seconds between two of them."""


class Events:
    """The way back to the worker: one JSON object a line, from any thread."""

    def __init__(self, pipe: int) -> None:
        self._pipe = pipe
        self._lock = threading.Lock()

    def send(self, event: JobEvent | IdleEvent) -> None:
        """Write an event, whole."""
        line = memoryview(event.model_dump_json().encode() + b"\n")
        with self._lock:
            while line:
                line = line[os.write(self._pipe, line) :]


class _Logs(logging.Handler):
    """Takes what libraries say through the standard library's logging to the workflow's log."""

    def __init__(self, events: Events) -> None:
        super().__init__()
        self._events = events

    def emit(self, record: logging.LogRecord) -> None:
        self._events.send(LogEvent(level=record.levelname, message=f"{record.name}: {record.getMessage()}"))


class Reporter:
    """Turns the core's progress into events, at most five a second for each stage."""

    def __init__(self, events: Events) -> None:
        self._events = events
        self._stage = ""
        self._next = 0.0

    def __call__(self, progress: Progress) -> None:
        """Tell the worker, if the stage is new or the last time is long enough ago."""
        now = time.monotonic()
        if progress.stage == self._stage and now < self._next:
            return
        self._stage, self._next = progress.stage, now + PROGRESS_INTERVAL
        share = progress.done / progress.total if progress.total > 0 else 0.0
        event = ProgressEvent(
            progress=min(max(share, 0.0), ALMOST), stage=progress.stage, counters=dict(progress.counters)
        )
        self._events.send(event)


def run(request: JobRequest, reporter: Reporter) -> DoneEvent | FailedEvent:
    """Do the step and seal its folder. Whatever goes wrong is told in the event, never raised."""
    try:
        check_source(request)
        report = runner(request.kind)(request, reporter)
        check_source(request)
        reporter(Progress("sealing", 1, 1, report.counters))
        seal(request, report)
        check_source(request)
    except Exception as error:  # noqa: BLE001 - the job's boundary
        return failure_of(_rather(request, error))
    return DoneEvent()


def _rather(request: JobRequest, error: Exception) -> Exception:
    """The error to tell: what goes wrong in a recording that is being written to is not its own fault."""
    try:
        check_source(request)
    except Exception as change:  # noqa: BLE001 - told instead
        return change
    return error


class Requests:
    """What the worker sends. When it is gone, this process's whole group ends."""

    def __init__(self) -> None:
        self._lines = Lines()

    def next(self) -> JobRequest:
        """Wait for the next request."""
        return JobRequest.model_validate_json(self._lines.next())


def be_modest(threads: int) -> None:
    """Leave the machine usable: low priority, a bounded number of threads, first in line when memory ends."""
    os.nice(NICENESS)
    _lower_session()
    stay_in_bounds(threads, OOM_SCORE)


def _lower_session() -> None:
    """Make the whole session as nice, for Linux may share the processor out among sessions (sched(7)).

    Then each gets an equal part, whatever its processes' own niceness, and a job is alone in its session.
    """
    if os.getsid(0) != os.getpid():
        return  # somebody else's session
    for _ in range(GROUP_TRIES):
        try:
            Path("/proc/self/autogroup").write_text(str(NICENESS), "ascii")
        except BlockingIOError:  # the kernel takes ten changes a second
            time.sleep(GROUP_PAUSE)
        except OSError:  # there are no such groups
            return
        else:
            return


def is_clean(threads: int) -> bool:
    """Whether the job has left nothing behind: no thread beyond so many, and no child process."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)
        return False
    return threading.active_count() <= threads


def main() -> int:
    """Run the jobs that come on stdin, as long as they leave nothing behind; 0 if the last one is done."""
    faulthandler.enable()
    start_light()
    events = Events(int(sys.argv[1]))
    requests = Requests()
    logging.basicConfig(handlers=[_Logs(events)], level=logging.WARNING, force=True)
    request = requests.next()
    be_modest(request.resources.threads)
    threads = threading.active_count()
    while True:
        last = run(request, Reporter(events))
        events.send(last)
        if not is_clean(threads):
            return 0 if isinstance(last, DoneEvent) else 1
        give_memory_back()
        events.send(IdleEvent())
        request = requests.next()


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    # Nothing is left to do: exit handlers of libraries could only delay, or crash, a job that is done.
    os._exit(code)
