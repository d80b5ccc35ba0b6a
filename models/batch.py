"""`children.jsonl` of a batch."""

from models.base import FileModel


class Child(FileModel):
    """One line: the child's workflow id, and its `recording` as its params name it."""

    id: str
    recording: str
