"""What happens next in a workflow: pure planning on an Edit. The caller enqueues the jobs returned, after
the state is written: folder first, queue second.
"""

from collections.abc import Mapping

from models.base import utc_now
from models.queue import Job, JobState
from models.workflow import TRANSITIONS, EventType, Status, StepState, WarningNote, WorkflowState
from services.edit import Edit
from services.errors import IllegalOperation
from services.problems import problem_of
from services.process_errors import RecordingsFailed

CHILDREN = "children"
"""In a step's `needs`: the children of a batch, all ended, and completed unless `allow_failed`."""

_HOPELESS = frozenset({Status.FAILED, Status.CANCELLED, Status.SKIPPED})
_ACTIVE = frozenset({Status.RUNNING, Status.CANCELLING})
_WAITING = frozenset({Status.PENDING, Status.QUEUED})


def job_of(state: WorkflowState, step: StepState) -> Job:
    """The job that runs a queued step."""
    return Job(
        id=f"{state.id}.{step.name}",
        workflow=state.id,
        step=step.name,
        kind=step.kind,
        priority=state.priority,
        attempt=step.attempt + 1,
        fence=step.fence + 1,
        enqueued_at=utc_now(),
        not_before=step.not_before,
        state=JobState.DELAYED if step.not_before and step.not_before > utc_now() else JobState.READY,
    )


def queued_jobs(state: WorkflowState) -> list[Job]:
    """The jobs of all queued steps: what the queue must hold of this workflow, or have leased."""
    return [job_of(state, step) for step in state.steps if step.status is Status.QUEUED]


def progress(state: WorkflowState) -> float:
    """How far the workflow is, 0..1: the mean over its steps, each child of a batch counting as one."""
    children = state.children or {}
    done = sum(count for status, count in children.items() if status.ended)
    parts = len(state.steps) + sum(children.values())
    return min((sum(step.progress for step in state.steps) + done) / parts, 1.0) if parts else 0.0


def queue_ready(edit: Edit) -> list[Job]:
    """Queue the pending steps whose needs are met, and a pending workflow with them."""
    return _queue_ready(edit, _done(edit.state))


def after_step(edit: Edit) -> list[Job]:
    """After a step was moved (ended, or given back to the queue): go on, or end the workflow.

    For a batch call `settle_batch` instead, with fresh counts: here it only ends by failing steps of its own.
    """
    return _go_on(edit, counted=edit.state.children is None)


def settle_batch(edit: Edit, counts: Mapping[Status, int]) -> list[Job]:
    """Take in how many children have which status; go on with the batch, or end it."""
    edit.state.children = {status: count for status, count in counts.items() if count}
    return [] if edit.state.status.ended else _go_on(edit, counted=True)


def request_cancel(edit: Edit) -> bool:
    """Cancel what has not begun, mark what runs, and end the workflow if nothing does.

    False if there is nothing to cancel: it has ended, or is being cancelled. The caller takes the jobs out
    of the queue, and cancels the children of a batch.
    """
    state = edit.state
    if state.status.ended or state.cancel_requested:
        return False
    state.cancel_requested = True
    edit.note(EventType.CANCEL_REQUESTED)
    for step in state.steps:
        if step.status in _WAITING:
            edit.move_step(step.name, Status.CANCELLED)
        elif step.status is Status.RUNNING:
            edit.move_step(step.name, Status.CANCELLING)
    after_step(edit)
    return True


def retry(edit: Edit) -> list[Job]:
    """Run the failed, cancelled and skipped steps again, with all their attempts; finished ones are kept.

    Raises IllegalOperation unless the workflow has failed or was cancelled. The children of a batch and the
    parent of a child are the caller's, see `reopen`.
    """
    state = edit.state
    if not _reopen(edit):
        raise IllegalOperation(
            f"The workflow is {state.status}: only what failed or was cancelled runs again.",
            where={"workflow": state.id},
        )
    again = [step for step in state.steps if step.status in _HOPELESS]
    done = _done(state)
    if set(state.children or {}) <= {Status.COMPLETED}:  # otherwise they run again first
        done.add(CHILDREN)
    for step in again:
        edit.move_step(
            step.name,
            Status.QUEUED if done >= set(step.needs) else Status.PENDING,
            attempt=0,
            interruptions=0,
        )
    state.progress = progress(state)
    return [job_of(state, step) for step in again if step.status is Status.QUEUED]


def reopen(edit: Edit) -> bool:
    """Open a batch that has failed or was cancelled because one of its children is retried.

    What was skipped for the children's sake waits again. False, and nothing changes, in any other status.
    """
    if not _reopen(edit):
        return False
    for step in edit.state.steps:
        if step.status is Status.SKIPPED:
            edit.move_step(step.name, Status.PENDING)
    return True


def _reopen(edit: Edit) -> bool:
    state = edit.state
    if not state.status.ended or Status.QUEUED not in TRANSITIONS[state.status]:
        return False
    state.cancel_requested = False
    edit.move(Status.QUEUED)
    return True


def _done(state: WorkflowState) -> set[str]:
    return {step.name for step in state.steps if step.status is Status.COMPLETED}


def _queue_ready(edit: Edit, done: set[str]) -> list[Job]:
    state = edit.state
    if state.cancel_requested:
        return []
    ready = [step for step in state.steps if step.status is Status.PENDING and done >= set(step.needs)]
    jobs = [job_of(state, edit.move_step(step.name, Status.QUEUED)) for step in ready]
    if jobs and state.status is Status.PENDING:
        edit.move(Status.QUEUED)
    return jobs


def _children_ended(state: WorkflowState) -> bool:
    return all(status.ended for status in state.children or {})


def _children_fine(state: WorkflowState) -> bool:
    """Whether a step that needs the children may run; where there are none, no step needs them."""
    return _children_ended(state) and (state.allow_failed or set(state.children or {}) <= {Status.COMPLETED})


def _go_on(edit: Edit, *, counted: bool) -> list[Job]:
    state = edit.state
    _give_up_hopeless(edit, counted=counted)
    done = _done(state)
    if counted and _children_fine(state):
        done.add(CHILDREN)
    jobs = _queue_ready(edit, done)
    state.progress = progress(state)
    statuses = {step.status for step in state.steps}
    if statuses & _ACTIVE or not _children_ended(state):
        _walk(edit, Status.CANCELLING if state.cancel_requested else Status.RUNNING)
    elif not statuses & _WAITING:
        _end(edit, counted=counted)
    elif state.status is Status.RUNNING and statuses <= _WAITING:
        edit.move(Status.QUEUED)
    return jobs


def _give_up_hopeless(edit: Edit, *, counted: bool) -> None:
    """Skip pending steps that will never be ready; cancel them if that is what was asked for."""
    state = edit.state
    gone = {step.name for step in state.steps if step.status in _HOPELESS}
    if counted and _children_ended(state) and not _children_fine(state):
        gone.add(CHILDREN)
    for step in _in_order(state):
        if step.status is not Status.PENDING:
            continue
        if state.cancel_requested:
            edit.move_step(step.name, Status.CANCELLED)
        elif gone.intersection(step.needs):
            edit.move_step(step.name, Status.SKIPPED)
            gone.add(step.name)


def _in_order(state: WorkflowState) -> list[StepState]:
    """The steps, each after those it needs."""
    order: list[StepState] = []
    rest = list(state.steps)
    names = {step.name for step in rest}
    while rest:
        placed = {step.name for step in order}
        free = [step for step in rest if placed.issuperset(names.intersection(step.needs))]
        if not free:
            raise ValueError(f"{state.id}: steps need each other: {[step.name for step in rest]}")
        order += free
        rest = [step for step in rest if step not in free]
    return order


def _end(edit: Edit, *, counted: bool) -> None:
    """All steps have ended, and all children that are known: end the workflow."""
    state = edit.state
    if state.status.ended:
        return
    statuses = {step.status for step in state.steps}
    if state.cancel_requested and not _all_completed(state):
        _walk(edit, Status.CANCELLED)
    elif Status.FAILED in statuses:
        _walk(edit, Status.FAILED)
        state.error = next(step.error for step in state.steps if step.status is Status.FAILED)
    elif Status.CANCELLED in statuses:
        _walk(edit, Status.CANCELLED)
    elif _all_completed(state) and counted:
        _walk(edit, Status.COMPLETED)
    elif counted:
        _end_batch(edit)


def _all_completed(state: WorkflowState) -> bool:
    return {step.status for step in state.steps} | set(state.children or {}) <= {Status.COMPLETED}


def _end_batch(edit: Edit) -> None:
    """All children ended and not all of them completed: failed with counts, or a warning where allowed."""
    state = edit.state
    counts = state.children or {}
    told = ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))
    error = RecordingsFailed(f"Of {sum(counts.values())} recordings: {told}")
    if state.allow_failed:
        edit.warn(WarningNote(code=error.code, message=error.message))
        _walk(edit, Status.COMPLETED)
    else:
        _walk(edit, Status.FAILED)
        state.error = problem_of(error)


def _walk(edit: Edit, to: Status) -> None:
    """Move the workflow to a status, through the one between if there is no direct way."""
    now = edit.state.status
    if now is to:
        return
    if to not in TRANSITIONS[now]:
        between = [way for way in (Status.RUNNING, Status.CANCELLING) if way in TRANSITIONS[now]]
        edit.move(next((way for way in between if to in TRANSITIONS[way]), to))
    edit.move(to)
