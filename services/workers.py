"""Which workers live.

Each holds the lock of `workers/<id>.lock` as long as it lives, and tells of itself in `<id>.json`. It
renews the time of the lock's file as long as it is well.
"""

from contextlib import suppress

from pydantic import ValidationError

from config import Settings
from models.worker import WorkerRecord
from services.locks import is_locked


def living_workers(settings: Settings) -> list[str]:
    """The ids of the workers that run now, whoever started them. Raises OSError."""
    return [lock.stem for lock in sorted(settings.workers_dir.glob("*.lock")) if is_locked(lock)]


def last_signs(settings: Settings) -> dict[str, int]:
    """The last sign of life of each living worker: what changes as long as it is well. Raises OSError."""
    signs = {}
    for worker in living_workers(settings):
        with suppress(FileNotFoundError):
            signs[worker] = (settings.workers_dir / f"{worker}.lock").stat().st_mtime_ns
    return signs


def worker_records(settings: Settings) -> list[WorkerRecord]:
    """What the living workers tell of themselves; one that has only just begun to live has not yet."""
    records = []
    for worker in living_workers(settings):
        with suppress(OSError, ValidationError):
            record = (settings.workers_dir / f"{worker}.json").read_bytes()
            records.append(WorkerRecord.model_validate_json(record))
    return records
