"""Workflows, jobs and leases for these tests."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from models.base import utc_now
from models.queue import Job, Lease
from models.request import Request, RunOptions
from models.workflow import Event, Status, StepState, WorkflowState
from services import advance
from services.edit import Edit
from services.ids import new_id
from services.state_manager import StateManager

INGEST = (("index", ()), ("convert", ("index",)), ("visualize", ("index",)))
"""Names of steps and what they need."""


def state_of(steps: Sequence[tuple[str, Sequence[str]]] = INGEST, **fields: Any) -> WorkflowState:
    """A workflow that is not on disk yet."""
    now = utc_now()
    made = [StepState(name=name, kind=name, needs=list(needs)) for name, needs in steps]
    values = {"template": "ingest", "params": {}, "created_at": now, "updated_at": now} | fields
    return WorkflowState(id=new_id(), steps=made, **values)


def request_of(state: WorkflowState) -> Request:
    """A request that would have made this workflow."""
    return Request(
        id=state.id,
        template_id=state.template,
        params=state.params,
        options=RunOptions(),
        accepted_at=state.created_at,
    )


def create(states: StateManager, **fields: Any) -> str:
    """A new workflow on disk; its id."""
    state = state_of(**fields)
    states.create(state, request_of(state))
    return state.id


def begun(steps: Sequence[tuple[str, Sequence[str]]] = INGEST, **fields: Any) -> Edit:
    """An edit of a workflow whose first steps are queued."""
    edit = Edit(state_of(steps, **fields))
    advance.queue_ready(edit)
    return edit


def run(edit: Edit, step: str, end: Status = Status.COMPLETED, **fields: Any) -> list[Job]:
    """Run a queued step to an end, and go on."""
    now = edit.state.step(step)
    edit.move_step(step, Status.RUNNING, attempt=now.attempt + 1, fence=now.fence + 1)
    if end is Status.CANCELLED:
        edit.move_step(step, Status.CANCELLING)
    edit.move_step(step, end, **fields)
    return advance.after_step(edit)


def statuses(edit: Edit) -> dict[str, str]:
    """The statuses of the steps, by name."""
    return {step.name: step.status.value for step in edit.state.steps}


def job(name: str = "convert", workflow: str = "W", *, age: float = 0.0, **fields: Any) -> Job:
    """A job that has waited for `age` seconds."""
    values = {
        "id": f"{workflow}.{name}",
        "workflow": workflow,
        "step": name,
        "kind": name,
        "enqueued_at": utc_now() - timedelta(seconds=age),
    }
    return Job(**(values | fields))


def lease(worker: str = "w1") -> Lease:
    """A lease of this worker."""
    return Lease(worker=worker, host="here", pid=1, since=utc_now())


def gapless(events: Sequence[Event]) -> bool:
    """Whether each event is there exactly once, in order."""
    return [event.seq for event in events] == list(range(1, len(events) + 1))


def path_of(events: Sequence[Event], step: str | None = None) -> Iterator[str]:
    """The statuses that the events tell of a step, or of the workflow itself."""
    return (event.to.value for event in events if event.to and event.step == step)


@contextmanager
def left_alone(states: StateManager, workflow: str) -> Iterator[None]:
    """Fail if the block changes a byte of the workflow's folder."""
    folder = states.folder(workflow)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    yield
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def start(states: StateManager, workflow: str, step: str = "index") -> int:
    """Run a queued step; its fencing number."""
    with states.edit(workflow) as edit:
        fence = edit.state.step(step).fence + 1
        edit.move_step(step, Status.RUNNING, attempt=1, fence=fence)
    return fence
