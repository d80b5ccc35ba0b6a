"""`children.jsonl` of a batch, and what has become of its children."""

from models.base import FileModel


class Child(FileModel):
    """One line: the child's workflow id, and its `recording` as its params name it."""

    id: str
    recording: str


class ChildResult(Child):
    """What a child has made for its parent; `reason` says why it has made nothing."""

    reason: str | None = None
