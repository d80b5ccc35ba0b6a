"""Starting a job: from a lease on the queue to a request for the executor."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bagmill.errors import OutputExists
from models.job import JobRequest, Resources, Reuse
from models.queue import Job
from models.workflow import Status, StepState, WorkflowState
from services import advance, disk, durable, reuse
from services.advance import CHILDREN
from services.edit import Edit
from services.problems import problem_of
from services.templates import step_params
from services.worker.collecting import Made, children_of
from services.worker.context import Context
from services.worker.places import committed_folder, partial_folder, partials, resumable
from services.worker.running import Running


def start(ctx: Context, job: Job) -> tuple[Running | None, list[Job]]:
    """Make a leased job this worker's own: its fence raised and on disk, its folder fresh.

    Returns None for a job that has nothing to do any more: cancelled, done, or taken by another. The jobs
    returned are to be enqueued.

    Raises:
        WorkflowNotFound, StateUnreadable: there is nothing to run.
        StorageFailed, LockTimeout, OSError: nothing has changed; try again.
    """
    folder = ctx.states.folder(job.workflow)
    children = children_of(ctx.states, job)  # before the lock is taken: there may be thousands
    with ctx.states.edit(job.workflow) as edit:
        step = _queued_step(edit.state, job.step)
        if step is None:
            return None, []
        edit.move_step(
            step.name, Status.RUNNING, attempt=step.attempt + 1, fence=step.fence + 1, worker=ctx.life.id
        )
        if os.path.lexists(committed_folder(folder, step.name)):
            return None, _fail_standing(edit, step, folder)
        request = _request(ctx, edit.state, step, folder, children)
        _make_room(folder, step)
    return Running(request, step.max_attempts), []


def _queued_step(state: WorkflowState, name: str) -> StepState | None:
    if state.cancel_requested:
        return None
    return next((step for step in state.steps if step.name == name and step.status is Status.QUEUED), None)


def refuse(ctx: Context, job: Job, error: Exception) -> list[Job]:
    """Fail a step whose job can't even be put together. Returns the jobs to enqueue; raises as `start`."""
    with ctx.states.edit(job.workflow) as edit:
        step = _queued_step(edit.state, job.step)
        if step is None:
            return []
        edit.move_step(step.name, Status.RUNNING, attempt=step.attempt + 1, fence=step.fence + 1)
        edit.move_step(step.name, Status.FAILED, error=problem_of(error))
        return advance.after_step(edit)


def _fail_standing(edit: Edit, step: StepState, folder: Path) -> list[Job]:
    """Fail a step whose folder is there already: nothing is ever replaced."""
    error = OutputExists(
        f"{step.name}/ is there already, though the step is not completed.",
        where={"path": str(committed_folder(folder, step.name))},
        hint="Somebody changed the files of this run. Move that folder away, then POST .../retry.",
    )
    edit.move_step(step.name, Status.FAILED, error=problem_of(error))
    return advance.after_step(edit)


def _request(
    ctx: Context, state: WorkflowState, step: StepState, folder: Path, children: Sequence[Made]
) -> JobRequest:
    inputs = {need: str(committed_folder(folder, need)) for need in step.needs if need != CHILDREN}
    params = step_params(state, step, ctx.settings.recordings_dir)
    if CHILDREN in step.needs:
        inputs |= {child.result.id: str(child.folder) for child in children if child.folder}
        results = [child.result.model_dump(mode="json") for child in children]
        params |= {"children": results, "allow_failed": state.allow_failed}
    key, earlier = _earlier(ctx, state, step, params, children)
    return JobRequest(
        job=f"{state.id}.{step.name}",
        workflow=state.id,
        step=step.name,
        kind=step.kind,
        attempt=step.attempt,
        fence=step.fence,
        params=params,
        source=state.source,
        inputs=inputs,
        output=str(partial_folder(folder, step.name, step.fence)),
        reuse_key=key,
        reuse=earlier,
        resources=Resources(threads=ctx.threads, memory=ctx.memory),
        timeout=step.timeout or ctx.settings.task_timeout or None,
        log_level=ctx.settings.log_level.value,
    )


def _earlier(
    ctx: Context, state: WorkflowState, step: StepState, params: Mapping[str, Any], children: Sequence[Made]
) -> tuple[str | None, Reuse | None]:
    """The key of what a step makes, and who has made it before; none where that is not asked for."""
    if step.kind not in reuse.KINDS:
        return None, None
    facts: dict[str, Any] = {"spec": params["spec"]}
    if children:  # their ids are new each time
        facts["children"] = [[child.result.recording, child.result.reason] for child in children]
    key = reuse.key_of(step.kind, facts, [state.source, *(child.source for child in children)])
    wanted = not state.params.get("force", False)
    return key, reuse.find(ctx.states, key, step.name) if wanted else None


def _make_room(folder: Path, step: StepState) -> None:
    """Make the attempt's folder, of an earlier one's if that left a checkpoint; remove the others."""
    target = partial_folder(folder, step.name, step.fence)
    earlier = [partial for partial, name, _ in partials(folder) if name == step.name]
    taken_up = resumable(folder, step.name)
    for partial in earlier:
        if partial != taken_up:
            durable.remove_tree(partial)
    if taken_up is None:
        disk.mkdir(target)
    elif taken_up != target:  # or a crash came after the renaming
        # What may still run of that attempt finds no folder any more; the job removes what it does not know.
        durable.rename_folder(taken_up, target)
