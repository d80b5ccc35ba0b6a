"""Which workers live.

Each holds the lock of `workers/<id>.lock` as long as it lives, and tells of itself in `<id>.json`.
"""

from contextlib import suppress

from pydantic import ValidationError

from config import Settings
from models.worker import WorkerRecord
from services.locks import is_locked


def living_workers(settings: Settings) -> list[str]:
    """The ids of the workers that run now, whoever started them. Raises OSError."""
    return [lock.stem for lock in sorted(settings.workers_dir.glob("*.lock")) if is_locked(lock)]


def worker_records(settings: Settings) -> list[WorkerRecord]:
    """What the living workers tell of themselves; one that has only just begun to live has not yet."""
    records = []
    for worker in living_workers(settings):
        with suppress(OSError, ValidationError):
            record = (settings.workers_dir / f"{worker}.json").read_bytes()
            records.append(WorkerRecord.model_validate_json(record))
    return records
