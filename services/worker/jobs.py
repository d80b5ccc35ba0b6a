"""The jobs in a worker's hands: claimed, started, watched, and recorded when they end."""

import time
from collections.abc import Callable, Iterable

from loguru import logger

from bagmill.errors import BagmillError
from config import LogLevel
from models.job import DoneEvent, FailedEvent, LogEvent, ProgressEvent
from models.queue import Job
from models.workflow import Status, WorkflowState
from services.closing import close_ended
from services.errors import LockTimeout, QueueUnreadable, StateUnreadable, StorageFailed, WorkflowNotFound
from services.executors.base import Executor, Exited, Happening
from services.logs import Action, say
from services.process_errors import StaleFence
from services.progress import PROGRESS_SECONDS
from services.worker.context import Context
from services.worker.outcome import clear, conclude, fail
from services.worker.running import Running, Why
from services.worker.start import refuse, start

NOWHERE = (StaleFence, WorkflowNotFound, StateUnreadable)
"""There is nothing to record a job in: it was taken over, deleted, or its state can't be read."""
NOT_NOW = (StorageFailed, LockTimeout, QueueUnreadable, OSError)
"""The disk or a lock: to be tried again."""

_ENDING = {
    Why.CANCELLED: "cancelling",
    Why.TIMED_OUT: "timed out",
    Why.STALLED: "stalled",
    Why.TAKEN_OVER: "taken over",
}


class Jobs:
    """What one executor runs for one worker. `notice` is told of each workflow that a job of has ended."""

    def __init__(self, ctx: Context, executor: Executor, notice: Callable[[WorkflowState], None]) -> None:
        self._ctx = ctx
        self._executor = executor
        self._notice = notice
        self._running: dict[str, Running] = {}
        self._unrecorded: dict[str, Running] = {}
        self._unreleased: set[str] = set()

    @property
    def running(self) -> int:
        """How many processes there are."""
        return len(self._running)

    @property
    def idle(self) -> bool:
        """Whether nothing is running, nor waiting to be recorded."""
        return not (self._running or self._unrecorded or self._unreleased)

    def ids(self) -> set[str]:
        """The ids of all jobs in hand."""
        return self._running.keys() | self._unrecorded.keys() | self._unreleased

    def claim(self) -> None:
        """Take as many jobs from the queue as there is room for, and start them.

        Raises StorageFailed, LockTimeout, QueueUnreadable.
        """
        room = self._executor.capacity() - len(self._unrecorded) - len(self._unreleased)
        for job in self._ctx.queue.claim(self._ctx.life.lease(), room) if room > 0 else []:
            try:
                self._start(job)
            except NOT_NOW as error:
                logger.warning("{} can't be started now: {}", job.id, error)
                self._unreleased.add(job.id)

    def _start(self, job: Job) -> None:
        """Start a leased job, or take it out of the queue. Raises NOT_NOW."""
        if job.id in self._running or job.id in self._unrecorded:  # taken over, and not ended yet
            self._unreleased.add(job.id)
            return
        running, jobs = self._prepared(job)
        self._ctx.queue.enqueue(jobs)
        if running is None:
            self._ctx.queue.complete(job.id, self._ctx.life.id)
            close_ended(self._ctx.states, self._ctx.queue, job.workflow)
            return
        self._running[job.id] = running
        message = f"started: attempt {running.request.attempt} of {running.max_attempts}"
        self._ctx.tell(Action.JOB_STARTED, job.workflow, running.name, message)
        self._executor.start(running.request)

    def _prepared(self, job: Job) -> tuple[Running | None, list[Job]]:
        try:
            return start(self._ctx, job)
        except NOWHERE as error:
            say(Action.JOB_DROPPED, f"{job.id} dropped: {error}", job=job.id, workflow=job.workflow)
        except NOT_NOW:
            raise
        except Exception as error:  # noqa: BLE001 - a bug must not be met again and again
            logger.exception("{}: can't be started", job.id)
            return None, refuse(self._ctx, job, error)
        return None, []

    def take(self, happened: Iterable[tuple[str, Happening]]) -> None:
        """Take in what the executor tells."""
        for job, what in happened:
            if running := self._running.get(job):
                self._take(running, what)

    def _take(self, running: Running, what: Happening) -> None:
        running.last_news = time.monotonic()
        match what:
            case ProgressEvent():
                running.progress = what
            case LogEvent():
                level = LogLevel(what.level) if what.level in set(LogLevel) else LogLevel.INFO
                self._ctx.tell(
                    Action.JOB_LOG, running.request.workflow, running.name, what.message, level=level
                )
            case DoneEvent():
                running.done = True
            case FailedEvent():
                running.failure = what
            case Exited():
                running.exited = what
                self._unrecorded[running.request.job] = self._running.pop(running.request.job)
                self._record(running)

    def _record(self, running: Running) -> None:
        """Record the end of a job, now or later."""
        request = running.request
        try:
            if running.next_jobs is None:
                running.next_jobs = self._conclude(running)
            self._ctx.queue.enqueue(running.next_jobs)
            self._ctx.queue.complete(request.job, self._ctx.life.id)
        except NOT_NOW as error:
            logger.warning("{} can't be recorded now: {}", running.name, error)
            return
        del self._unrecorded[request.job]
        self._look_at_workflow(request.workflow)

    def _conclude(self, running: Running) -> list[Job]:
        """Record the end of a job in its workflow; the jobs to enqueue. Raises NOT_NOW."""
        for record in (conclude, fail):
            try:
                return record(self._ctx, running)
            except NOT_NOW:
                raise
            except NOWHERE as error:
                message = f"{running.name}: its result does not count: {error}"
                say(Action.JOB_DROPPED, message, level=LogLevel.WARNING, job=running.name)
                break
            except Exception:  # noqa: BLE001 - a bug must not keep a step running for ever
                logger.exception("{}: recording its end failed", running.name)
        clear(running)
        return []

    def _look_at_workflow(self, workflow: str) -> None:
        state = close_ended(self._ctx.states, self._ctx.queue, workflow)
        if state is None:
            return
        if state.status.ended:
            message = f"workflow {workflow} ({state.template}) {state.status}"
            say(Action.WORKFLOW_ENDED, message, workflow=workflow, status=state.status.value)
        self._notice(state)

    def retry_recording(self) -> None:
        """Try again what could not be written before. Raises StorageFailed, LockTimeout."""
        for running in list(self._unrecorded.values()):
            self._record(running)
        if self._unreleased:
            self._ctx.queue.release(self._unreleased, self._ctx.life.id)
            self._unreleased.clear()

    def watch(self) -> None:
        """End the jobs that were cancelled, taken over, or run for too long; write the others' progress."""
        for job, running in self._running.items():
            self._write_progress(running)
            if running.why is None and (why := self._why_end(running)):
                running.why = why
                self._ctx.tell(Action.JOB_CANCELLING, running.request.workflow, running.name, _ENDING[why])
                self._executor.cancel(job)

    def _write_progress(self, running: Running) -> None:
        """Write what the job has last said of its progress; most jobs end before that is worth a write."""
        request, event = running.request, running.progress
        if event is None or running.seconds < PROGRESS_SECONDS:
            return
        try:
            if self._ctx.states.progress(request.workflow, request.step, request.fence, event):
                running.progress = None
        except BagmillError as error:  # it may be written later; the job goes on
            logger.debug("{}: progress not written: {}", running.name, error)

    def _why_end(self, running: Running) -> Why | None:
        if running.overdue:
            return Why.TIMED_OUT
        if 0 < self._ctx.settings.stall_timeout < running.silent_for:
            return Why.STALLED
        try:
            version = self._ctx.states.version(running.request.workflow)
            if version == running.version:
                return None
            running.version = version
            step = running.step_in(self._ctx.states.read(running.request.workflow))
        except (StaleFence, WorkflowNotFound):
            return Why.TAKEN_OVER
        except BagmillError as error:  # recording its end will say more
            logger.debug("{}: {}", running.name, error)
            return None
        return Why.CANCELLED if step.status is Status.CANCELLING else None

    def give_back(self) -> None:
        """End all jobs at once; those that were not done go back to the queue."""
        for running in self._running.values():
            running.why = running.why or Why.RELEASED
        self.take(self._executor.drain(0.0))
        self.retry_recording()
