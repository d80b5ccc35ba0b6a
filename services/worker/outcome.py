"""What becomes of a step when its job has ended: one decision, one change of the state.

A job that knows why it failed has failed: bad input does not pass by trying again. A process that died, and
what the machine lacked for a moment, gets another attempt after a pause, as long as there are any left.
"""

import random
import signal
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from loguru import logger
from pydantic import ByteSize

from bagmill.errors import BagmillError, OutputExists
from bagmill.report import CHECKPOINT
from config import LogLevel
from models.base import utc_now
from models.problem import Problem
from models.queue import Job
from models.workflow import Status, StepState
from services import advance, durable
from services.errors import InternalError, StorageFailed
from services.logs import Action
from services.problems import problem_of
from services.process_errors import (
    JobCrashed,
    JobError,
    JobLost,
    JobStalled,
    JobTimedOut,
    OutOfMemory,
    OutputRejected,
)
from services.worker.commit import commit
from services.worker.context import Context
from services.worker.running import Running, Why

FIRST_PAUSE = 1.0
"""Seconds before the second attempt; doubled for each one after it."""
LONGEST_PAUSE = 60.0
JITTER = 0.25
"""Share of a pause that chance adds: what failed together shall not come again together."""
MOST_INTERRUPTIONS = 10
"""Deaths of workers that a job survives: three reboots fail nothing, but what kills workers ends."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Where a step goes, and what is said about it; `detail` stands below the message in worker.log.

    A move to `queued` waits `pause` seconds, and gives the attempt back if it is `free` or was `interrupted`;
    interruptions are counted.
    """

    to: Status
    action: Action
    message: str
    level: LogLevel = LogLevel.INFO
    problem: Problem | None = None
    pause: float = 0.0
    free: bool = False
    interrupted: bool = False
    detail: str | None = None

    def fields(self, step: StepState) -> dict[str, Any]:
        """The step's fields that change with the move."""
        if self.to is Status.FAILED:
            return {"error": self.problem}
        if self.to is not Status.QUEUED:
            return {}
        return {
            "attempt": step.attempt - 1 if self.free or self.interrupted else step.attempt,
            "interruptions": step.interruptions + self.interrupted,
            "not_before": utc_now() + timedelta(seconds=self.pause) if self.pause else None,
        }


def pause_after(attempt: int) -> float:
    """Seconds between attempt number `attempt` and the next."""
    return min(FIRST_PAUSE * 2.0 ** (attempt - 1), LONGEST_PAUSE) * (1 + JITTER * random.random())  # noqa: S311


def conclude(ctx: Context, running: Running) -> list[Job]:
    """Record the end of a job, and return the jobs to enqueue. Can be repeated if it raises.

    Raises:
        StaleFence, WorkflowNotFound, StateUnreadable: there is nothing to record it in.
        StorageFailed, LockTimeout: it is not recorded yet.
    """
    rejected: BagmillError | None = None
    if running.done and running.exited and running.exited.code == 0:
        try:
            return _committed(ctx, running)
        except (OutputRejected, OutputExists) as error:
            rejected = error
    with ctx.states.edit(running.request.workflow) as edit:
        step = running.step_in(edit.state)
        verdict = _verdict(running, step, rejected)
        edit.move_step(step.name, verdict.to, detail=verdict.message, **verdict.fields(step))
        jobs = advance.after_step(edit)
        if verdict.to is Status.QUEUED:
            jobs.append(advance.job_of(edit.state, step))
    _tell(ctx, running, verdict)
    if not (verdict.to is Status.QUEUED and (running.partial / CHECKPOINT).is_file()):
        clear(running)
    return jobs


def fail(ctx: Context, running: Running) -> list[Job]:
    """The plainest end of a job, and of its workflow: for when `conclude` met a bug. Raises as that does."""
    with ctx.states.edit(running.request.workflow) as edit:
        step = running.step_in(edit.state)
        to = Status.CANCELLED if step.status is Status.CANCELLING else Status.FAILED
        problem = problem_of(InternalError("The end of this job could not be recorded."))
        edit.move_step(step.name, to, error=problem)
        edit.move(to, error=problem)
    return []


def clear(running: Running) -> None:
    """Remove what an attempt has made that does not count. What can't be removed now is found later."""
    try:
        durable.remove_tree(running.partial, sync=True)  # nobody may look here any more
    except StorageFailed as error:
        logger.warning("{} can't be removed: {}", running.partial, error)


def _committed(ctx: Context, running: Running) -> list[Job]:
    status, jobs = commit(ctx, running)
    if status is Status.COMPLETED:
        message = f"completed in {running.seconds:.1f} s"
        _tell(ctx, running, Verdict(status, Action.JOB_COMPLETED, message))
    else:
        _tell(ctx, running, _cancelled())
        clear(running)
    return jobs


def _tell(ctx: Context, running: Running, verdict: Verdict) -> None:
    ctx.tell(
        verdict.action,
        running.request.workflow,
        running.name,
        verdict.message,
        level=verdict.level,
        detail=verdict.detail,
    )


def _verdict(running: Running, step: StepState, rejected: BagmillError | None) -> Verdict:
    if step.status is Status.CANCELLING:
        return _cancelled()
    if running.failure and not running.failure.retryable:
        problem = running.failure.problem
        return _failed(problem, f"failed: {problem.detail}", running.failure.traceback)
    if running.why is Why.RELEASED:
        return Verdict(
            Status.QUEUED, Action.JOB_RELEASED, "given back to the queue: the worker stops", free=True
        )
    if running.why is Why.TIMED_OUT:
        limit = f"It took longer than the {running.request.timeout:g} s that it may take."
        return _failed(problem_of(JobTimedOut(limit)), f"failed: {limit}")
    if running.why is Why.STALLED:
        silence = f"It said nothing of its progress for {running.silent_for:.0f} s."
        return _again_or_failed(step, problem_of(JobStalled(silence)), _tail(running))
    if running.failure:
        return _again_or_failed(step, running.failure.problem, running.failure.traceback)
    return _again_or_failed(step, problem_of(rejected or _crash(running)), _tail(running))


def _tail(running: Running) -> str | None:
    return running.exited.tail if running.exited else None


def _cancelled() -> Verdict:
    return Verdict(Status.CANCELLED, Action.JOB_CANCELLED, "cancelled")


def _failed(problem: Problem, message: str, detail: str | None = None) -> Verdict:
    return Verdict(Status.FAILED, Action.JOB_FAILED, message, LogLevel.ERROR, problem, detail=detail)


def _again_or_failed(step: StepState, problem: Problem, detail: str | None) -> Verdict:
    """Another attempt, or the end if there is none left."""
    attempts = f"attempt {step.attempt} of {step.max_attempts}"
    if step.attempt >= step.max_attempts:
        return _failed(problem, f"failed in {attempts}: {problem.detail}", detail)
    pause = pause_after(step.attempt)
    message = f"failed in {attempts}, next in {pause:.1f} s: {problem.detail}"
    return Verdict(Status.QUEUED, Action.JOB_RETRIED, message, LogLevel.WARNING, pause=pause, detail=detail)


def lost(step: StepState) -> Verdict:
    """What becomes of a running step whose worker is dead.

    It is no attempt, for it is not known to be the job's fault; but it is counted, or it might never end.
    """
    if step.interruptions < MOST_INTERRUPTIONS:
        message = f"interrupted with its worker ({step.interruptions + 1}); queued again"
        return Verdict(Status.QUEUED, Action.JOB_RECOVERED, message, LogLevel.WARNING, interrupted=True)
    error = JobLost(f"The worker died during this job {step.interruptions + 1} times.")
    return _failed(problem_of(error), f"failed: {error.message}")


def _crash(running: Running) -> JobError:
    code = running.exited.code if running.exited else 0
    if running.exited and running.exited.memory:
        used, limit = ByteSize(running.exited.memory), ByteSize(running.request.resources.memory or 0)
        return OutOfMemory(
            f"The job took {used.human_readable()} of memory, more than its {limit.human_readable()}."
        )
    if code >= 0:
        return JobCrashed(f"The job's process ended with exit code {code} and no result.")
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return JobCrashed(f"The job's process was ended by {name}.")
