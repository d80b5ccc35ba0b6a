"""children.jsonl: which workflows are the children of a batch, and which recording each of them is for.

Written whole by the worker once the `expand` step has listed the recordings, before the first child is made:
so a child's id is known before its folder is there.
"""

from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from models.batch import Child
from services import durable

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


def _child(line: bytes) -> Child | None:
    try:
        return Child.model_validate_json(line)
    except ValidationError:
        return None
