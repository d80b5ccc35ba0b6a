"""Which workers live.

Each holds the lock of `workers/<id>.lock` as long as it lives, and tells of itself in `<id>.json`.
"""

import json
from pathlib import Path

from config import Settings
from models.api import WorkerInfo
from services.locks import is_locked


def living_workers(settings: Settings) -> list[WorkerInfo]:
    """The workers that are running now, on any terminal. Raises OSError if the folder can't be read."""
    try:
        locks = sorted(settings.workers_dir.glob("*.lock"))
    except FileNotFoundError:
        return []
    return [_info(lock.with_suffix(".json")) for lock in locks if is_locked(lock)]


def _info(path: Path) -> WorkerInfo:
    try:
        told = json.loads(path.read_bytes())
    except (OSError, ValueError):  # it has just begun to live, or just died
        told = {}
    return WorkerInfo.model_validate((told if isinstance(told, dict) else {}) | {"id": path.stem})
