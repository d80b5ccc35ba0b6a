"""`expand/recordings.jsonl` of a batch: what its children will work on."""

from models.base import FileModel
from models.problem import Problem
from models.workflow import SourceStamp

LIST_FILE = "recordings.jsonl"


class Listed(FileModel):
    """One line: a recording as params name it, and what it is on the disk or why it can't be used."""

    recording: str
    source: SourceStamp | None = None
    problem: Problem | None = None
