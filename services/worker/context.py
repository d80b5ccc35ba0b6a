"""What all parts of a worker share."""

import os
from dataclasses import dataclass
from functools import cache

import psutil

from config import LogLevel, Settings
from services.logs import Action, WorkflowLog, say
from services.queue_service import Queue
from services.state_manager import StateManager
from services.worker.life import WorkerLife

LEAST_MEMORY = 2 << 30
"""Bytes that a job may take on any machine, if nobody says otherwise: a chunk or a message may be big."""


@dataclass(frozen=True, slots=True)
class Context:
    """The folders, the queue, and the life that leases are taken in."""

    settings: Settings
    states: StateManager
    queue: Queue
    life: WorkerLife

    @property
    def threads(self) -> int:
        """Threads that one job may use: the cores are shared among the jobs that may run at a time."""
        return self.settings.task_threads or max(1, (os.cpu_count() or 1) // self.settings.max_parallel_nodes)

    @property
    def memory(self) -> int:
        """Bytes of memory that one job may take."""
        share = _machine_memory() * 3 // 4 // self.settings.max_parallel_nodes
        return int(self.settings.job_memory_limit) or max(LEAST_MEMORY, share)

    def tell(
        self,
        action: Action,
        workflow: str,
        name: str,
        message: str,
        *,
        level: LogLevel = LogLevel.INFO,
        detail: str | None = None,
    ) -> None:
        """Log a line in the worker's log and in the workflow's own, where `detail` stands below it.

        `name` is the canonical name of the job that it is about.
        """
        say(action, f"{name} {message}", level=level, workflow=workflow, job=name)
        WorkflowLog(self.states.folder(workflow)).line(f"{name} {message}", level=level, detail=detail)


@cache
def _machine_memory() -> int:
    return int(psutil.virtual_memory().total)
