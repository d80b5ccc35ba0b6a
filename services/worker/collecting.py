"""What the children of a batch have made, for a step of their parent."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from models.batch import Child, ChildResult
from models.queue import Job
from models.workflow import SourceStamp, Status, WorkflowState
from services.advance import CHILDREN
from services.children import read_children
from services.errors import StateUnreadable, WorkflowNotFound
from services.state_manager import StateManager
from services.templates import TEMPLATES
from services.worker.places import committed_folder

_KINDS = frozenset(
    step.kind for template in TEMPLATES.values() for step in template.then if CHILDREN in step.needs
)


class Made(NamedTuple):
    """A child: its `folder` is that of its last step, or there is a reason in the result why it has none."""

    result: ChildResult
    folder: Path | None = None
    source: SourceStamp | None = None


def children_of(states: StateManager, job: Job) -> list[Made]:
    """The children of a job's workflow, in order, if its step needs them; else none.

    Raises WorkflowNotFound.
    """
    return list(_made(states, job.workflow)) if job.kind in _KINDS else []


def _made(states: StateManager, parent: str) -> Iterator[Made]:
    for child in read_children(states.folder(parent)):
        try:
            state = states.read(child.id)
        except WorkflowNotFound:
            yield _nothing(child, "Its run was deleted.")
        except StateUnreadable as error:
            yield _nothing(child, f"Its run can't be read: {error.message}")
        else:
            yield _of(child, state, states.folder(child.id))


def _of(child: Child, state: WorkflowState, folder: Path) -> Made:
    if state.status is Status.COMPLETED:
        result = ChildResult(id=child.id, recording=child.recording)
        return Made(result, committed_folder(folder, state.steps[-1].name), state.source)
    reason = state.error.detail if state.error else f"Its run is {state.status}."
    return _nothing(child, reason)._replace(source=state.source)


def _nothing(child: Child, reason: str) -> Made:
    return Made(ChildResult(id=child.id, recording=child.recording, reason=reason))
