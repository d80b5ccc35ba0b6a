"""Outputs that were made before: which workflows have what was asked for again.

What an output depends on is hashed to a key: the step's kind, its params, the recordings as they were when
they were submitted, and the versions of all that writes. A file for each key names the workflows that have
such an output. It is a hint and no more: the manifest found there must have the key itself.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from loguru import logger
from pydantic import ValidationError

from bagmill import __version__
from bagmill.dataset.spec import make_spec
from models.job import Manifest, Reuse
from models.workflow import SourceStamp
from services import disk, durable
from services.errors import StorageFailed, WorkflowNotFound
from services.executors.sealing import MANIFEST
from services.state_manager import StateManager

KINDS = frozenset({"extract", "collect", "dataset"})
"""The kinds of steps whose outputs are used again."""

MOST = 8
"""Workflows kept for a key."""

MOST_KEYS = 20_000
"""Keys that are remembered, about."""

_WRITERS = ("numpy", "pyarrow", "opencv-python-headless")


def key_of(kind: str, params: Mapping[str, Any], sources: Sequence[SourceStamp | None]) -> str:
    """The key of what a step makes; `params` have its spec."""
    facts = {
        "kind": kind,
        "params": {**params, "spec": make_spec(params["spec"]).model_dump(mode="json")},
        "sources": [source and source.model_dump(mode="json") for source in sources],
        "versions": _versions(),
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True, allow_nan=False).encode()).hexdigest()


@cache
def _versions() -> dict[str, str]:
    found = {"bagmill": __version__}
    for name in _WRITERS:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = ""
    return found


def find(states: StateManager, key: str, step: str) -> Reuse | None:
    """The oldest workflow that still has the output of this key, in a step of this name."""
    for workflow in _read(states.settings.reuse_dir / key):
        try:
            folder = states.folder(workflow) / step
            manifest = Manifest.model_validate_json((folder / MANIFEST).read_bytes())
        except (WorkflowNotFound, OSError, ValidationError):
            continue
        if (manifest.model_extra or {}).get("reuse_key") == key:
            return Reuse(workflow=workflow, folder=str(folder))
    return None


def remember(folder: Path, key: str, workflow: str, *, most_keys: int = MOST_KEYS) -> None:
    """Note that a workflow has the output of a key. What can't be written is made anew one day, no more.

    Now and then, keys are forgotten that were noted first, where there are more than `most_keys`.
    """
    known = _read(folder / key)
    if workflow in known:
        return
    try:
        disk.mkdir(folder, parents=True, exist_ok=True)
        if key.startswith("00"):
            _prune(folder, most_keys)
        durable.write_bytes(folder / key, durable.json_bytes([*known, workflow][-MOST:]), sync=False)
    except (OSError, StorageFailed) as error:
        logger.warning("{} can't be noted as an output to use again: {}", workflow, error)


def _prune(folder: Path, most: int) -> None:
    files = sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime_ns)
    for path in files[: max(0, len(files) - most)]:
        disk.unlink(path)


def _read(path: Path) -> list[str]:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return []
    return [one for one in found if isinstance(one, str)] if isinstance(found, list) else []
