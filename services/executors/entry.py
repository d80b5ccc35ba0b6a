"""The entry point of every job: `python -m services.executors.entry <number of the events pipe>`.

It reads one `JobRequest` from stdin, does the step, writes `manifest.json` and says so. At stdin's other
end is the worker: when stdin ends, the worker is gone, and so is this process, with its whole group.
"""

import contextlib
import faulthandler
import logging
import os
import signal
import sys
import threading
import time
from pathlib import Path

from bagmill.report import Progress
from models.job import DoneEvent, FailedEvent, JobEvent, JobRequest, LogEvent, ProgressEvent
from services.executors.failures import failure_of
from services.executors.sealing import check_source, seal
from services.steps import runner

PROGRESS_INTERVAL = 0.2
"""Least seconds between two progress events of one stage."""

ALMOST = 0.99
"""Progress stays below 1 until the commit."""

NICENESS = 5
OOM_SCORE = 500
_STDIN = 0
_READ_SIZE = 64 * 1024


class Events:
    """The way back to the worker: one JSON object a line, from any thread."""

    def __init__(self, pipe: int) -> None:
        self._pipe = pipe
        self._lock = threading.Lock()

    def send(self, event: JobEvent) -> None:
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


def read_request() -> JobRequest | None:
    """The request: one line on stdin. None if stdin ends before it is whole: there is no worker any more."""
    line = b""
    while not line.endswith(b"\n"):
        data = os.read(_STDIN, _READ_SIZE)
        if not data:
            return None
        line += data
    return JobRequest.model_validate_json(line)


def die_with_the_worker() -> None:
    """Wait for the end of stdin, then end this process's whole group."""
    while os.read(_STDIN, _READ_SIZE):
        pass
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


def be_modest(threads: int) -> None:
    """Leave the machine usable: low priority, a bounded number of threads, first in line when memory ends.

    The numbers of threads are read by Arrow, BLAS and Rerun when they are loaded, which is later.
    """
    os.nice(NICENESS)
    with contextlib.suppress(OSError):  # Linux only
        Path("/proc/self/oom_score_adj").write_text(str(OOM_SCORE), "ascii")
    for name in ("OMP_NUM_THREADS", "ARROW_IO_THREADS", "RAYON_NUM_THREADS"):
        os.environ[name] = str(threads)
    os.environ["OPENBLAS_NUM_THREADS"] = "1"


def main() -> int:
    """Run the job that stands on stdin; 0 if its folder is complete."""
    faulthandler.enable()
    events = Events(int(sys.argv[1]))
    request = read_request()
    if request is None:
        return 1
    threading.Thread(target=die_with_the_worker, name="death-pipe", daemon=True).start()
    logging.basicConfig(handlers=[_Logs(events)], level=logging.WARNING, force=True)
    be_modest(request.resources.threads)
    last = run(request, Reporter(events))
    events.send(last)
    return 0 if isinstance(last, DoneEvent) else 1


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    # Nothing is left to do: exit handlers of libraries could only delay, or crash, a job that is done.
    os._exit(code)
