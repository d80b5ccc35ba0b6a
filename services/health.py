"""Whether the API can do its work: read and write its folders. And who runs the jobs."""

import shutil
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

from bagmill import __version__
from bagmill.errors import BagmillError
from config import Settings
from models.api import DiskHealth, Health, QueueHealth, WorkersHealth
from models.problem import Problem
from services.problems import problem_of
from services.queue_service import Queue
from services.workers import living_workers, worker_records

Found = TypeVar("Found")


def check_health(settings: Settings, queue: Queue) -> Health:
    """The facts as they are now; whatever can't be found out makes it unhealthy, and the problem says why."""
    problems: list[Problem] = []

    def tried(probe: Callable[[], Found]) -> Found | None:
        try:
            return probe()
        except (OSError, BagmillError) as error:
            problems.append(problem_of(error))
            return None

    for folder in (settings.workflows_dir, settings.run_dir, settings.trash_dir):
        tried(partial(_write_something, folder))
    disk = tried(lambda: _disk(settings))
    jobs = tried(lambda: _jobs(queue))
    living = tried(lambda: living_workers(settings))
    records = tried(lambda: worker_records(settings)) or []
    return Health(
        status="unhealthy" if problems else "healthy",
        version=__version__,
        worker=WorkersHealth(running=bool(living), autostart=settings.worker_autostart, workers=records),
        queue=jobs,
        disk=disk,
        problems=problems,
    )


def _write_something(folder: Path) -> None:
    with tempfile.TemporaryFile(dir=folder, buffering=0) as probe:
        probe.write(b"\n")


def _disk(settings: Settings) -> DiskHealth:
    usage = shutil.disk_usage(settings.workflows_dir)
    return DiskHealth(free=usage.free, total=usage.total, needed=settings.min_free_disk)


def _jobs(queue: Queue) -> QueueHealth:
    status = queue.status()
    return QueueHealth(paused=status.paused, held=status.held, counts=status.counts)
