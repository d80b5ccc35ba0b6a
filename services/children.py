"""Batches and their children. children.jsonl says which workflows are the children of a batch, and
which recording each of them is for.

Written whole by the worker once the `expand` step has listed the recordings, before the first child is made:
so a child's id is known before its folder is there.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

from pydantic import ValidationError

from models.batch import Child
from models.workflow import Status, StepState, WorkflowState
from services import durable
from services.templates import EXPAND

CHILDREN_FILE = "children.jsonl"


def read_children(folder: Path) -> list[Child]:
    """The children of the batch in this folder, in order; none if it has no list (yet)."""
    try:
        lines = (folder / CHILDREN_FILE).read_bytes().splitlines()
    except FileNotFoundError:
        return []
    return [child for child in map(_child, lines) if child]


def write_children(folder: Path, children: Sequence[Child]) -> None:
    """Write the list, whole and durable, unless there is one. Raises StorageFailed."""
    durable.create_exclusive(folder / CHILDREN_FILE, b"".join(map(durable.json_line, children)))


def is_open_batch(state: WorkflowState) -> bool:
    """Whether there are children to make, or to wait for: a completed batch may have one that was retried."""
    step = expand_step(state)
    waits = not state.status.ended or any_open(state.children or ())
    return waits and step is not None and step.status is Status.COMPLETED


def any_open(counts: Iterable[Status]) -> bool:
    """Whether any of the children that were made has not ended."""
    return any(not status.ended for status in counts if status is not Status.PENDING)


def expand_step(state: WorkflowState) -> StepState | None:
    """The step that makes the children of a batch; None in any other workflow."""
    return next((step for step in state.steps if step.kind == EXPAND), None)


def _child(line: bytes) -> Child | None:
    try:
        return Child.model_validate_json(line)
    except ValidationError:
        return None
