"""The files of a workflow that others may read: what is committed, and nothing outside the folder."""

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG

from services.children import CHILDREN_FILE
from services.state_files import EVENTS, REQUEST, STATE

LIVE = frozenset({STATE, REQUEST, EVENTS, CHILDREN_FILE, "worker.log"})
"""Files beside the steps' folders; they may grow or be replaced while they are read."""


@dataclass(frozen=True, slots=True)
class CommittedFile:
    """A file to read. `live`: it may change; the others never do."""

    path: Path
    stat: os.stat_result
    live: bool


def committed_file(folder: Path, steps: Collection[str], parts: Sequence[str]) -> CommittedFile | None:
    """The file at `parts` (a name for each level) of a workflow's folder, None if none is committed there.

    A step's folder has the step's name from its commit on. Links that lead out of it are not followed.
    """
    live = len(parts) == 1 and parts[0] in LIVE
    in_a_step = len(parts) > 1 and parts[0] in steps
    if not (live or in_a_step) or any(_forbidden(part) for part in parts):
        return None
    try:
        real = folder.joinpath(*parts).resolve(strict=True)
        stat = real.stat()
    except OSError:
        return None
    inside = real.is_relative_to(folder.resolve() / parts[0])
    return CommittedFile(real, stat, live) if inside and S_ISREG(stat.st_mode) else None


def _forbidden(part: str) -> bool:
    return not part or part.startswith(".") or "/" in part or "\0" in part
