"""Where the output of a step stands, before and after its commit."""

import os
import re
from pathlib import Path

from bagmill.report import CHECKPOINT
from services.executors.sealing import MANIFEST

_PARTIAL = re.compile(r"(?P<step>.+)\.(?P<fence>\d+)\.partial")


def partial_folder(folder: Path, step: str, fence: int) -> Path:
    """The folder of the attempt with this fencing number, in flight."""
    return folder / f"{step}.{fence}.partial"


def committed_folder(folder: Path, step: str) -> Path:
    """The folder of the step's finished output."""
    return folder / step


def manifest_path(step: str) -> str:
    """The step's manifest, relative to the workflow's folder."""
    return f"{step}/{MANIFEST}"


def resumable(folder: Path, step: str) -> Path | None:
    """The newest folder in flight of a step that can be taken up: its job has left a checkpoint."""
    found = [
        (fence, partial)
        for partial, name, fence in partials(folder)
        if name == step and (partial / CHECKPOINT).is_file()
    ]
    return max(found)[1] if found else None


def partials(folder: Path) -> list[tuple[Path, str, int]]:
    """All folders in flight, or left by a crash: (folder, step, fencing number)."""
    try:
        names = os.listdir(folder)  # noqa: PTH208 - faster
    except (FileNotFoundError, NotADirectoryError):
        return []
    found = [match for name in names if (match := _PARTIAL.fullmatch(name))]
    return [(folder / match[0], match["step"], int(match["fence"])) for match in found]
