"""The files of a workflow's folder: where they are, and state.json and request.json as bytes.

These are written only if they can be read again, and read with a reason if not.
"""

from functools import lru_cache
from pathlib import Path
from typing import NamedTuple, TypeVar

from pydantic import ValidationError

from models.base import SCHEMA_VERSION
from models.request import Request
from models.workflow import WorkflowState
from services import durable
from services.errors import StateUnreadable, WorkflowNotFound
from services.ids import is_id

STATE = "state.json"
REQUEST = "request.json"
EVENTS = "events.jsonl"

_Model = TypeVar("_Model", WorkflowState, Request)


class Files(NamedTuple):
    """A workflow's folder, and what stands there in any case."""

    folder: Path
    state: Path
    request: Path
    events: Path


@lru_cache(maxsize=1024)
def files_of(workflows: Path, workflow: str) -> Files:
    """The files of a workflow, there or not; they are asked for dozens of times in a job's life.

    Raises WorkflowNotFound for what is no id.
    """
    if not is_id(workflow):
        raise WorkflowNotFound(where={"workflow": workflow})
    folder = workflows / workflow
    return Files(folder, folder / STATE, folder / REQUEST, folder / EVENTS)


def dump(state: WorkflowState) -> bytes:
    """The content of state.json. Raises ValueError for what could not be read again."""
    data = durable.json_bytes(state)
    WorkflowState.model_validate_json(data)
    return data


def load(path: Path, model: type[_Model]) -> _Model:
    """Read a file of a workflow's folder.

    Raises WorkflowNotFound if there is no such folder; StateUnreadable, whose cause is a ValidationError if
    it is the content that is bad, and not a lack of permission or a version of a newer program.
    """
    try:
        found = model.model_validate_json(path.read_bytes())
    except OSError as error:
        raise not_readable(path, error) from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = "".join(f"/{part}" for part in first["loc"])
        raise StateUnreadable(
            f"{path.name} can't be read: {first['msg']}.", where={"path": str(path), "pointer": place}
        ) from error
    if found.schema_version > SCHEMA_VERSION:
        raise StateUnreadable(
            f"{path.name} has version {found.schema_version}; this program knows {SCHEMA_VERSION}.",
            where={"path": str(path)},
            hint="It was written by a newer Bagmill: update this one.",
        )
    return found


def not_readable(path: Path, error: OSError) -> WorkflowNotFound | StateUnreadable:
    """What it means that a file of a workflow's folder can't be opened."""
    if isinstance(error, FileNotFoundError | NotADirectoryError) and not path.parent.is_dir():
        return WorkflowNotFound(where={"workflow": path.parent.name})
    return StateUnreadable(
        f"{path.name} can't be read: {error.strerror}.",
        where={"path": str(path)},
        hint="Check its permissions; restore it (from *.unreadable-1, if there is one) or DELETE the run.",
    )
