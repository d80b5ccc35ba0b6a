"""Jobs wait while the disk is nearly full: begun now, they would fail later, and take others with them."""

import shutil
from collections.abc import Iterable

from config import LogLevel
from models.workflow import Status
from services.errors import StateUnreadable, WorkflowNotFound
from services.logs import Action, say
from services.worker.context import Context
from services.worker.timing import Every

TOLD = 100
"""Jobs, the first in line, whose steps say why they wait; the others wait for these."""
RETELL = 10.0
"""Seconds between two looks at who is first in line."""


class Space:
    """Holds the queue as long as there is less free space than MIN_FREE_DISK."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._retell = Every(RETELL)
        self._told: set[tuple[str, str]] = set()

    def look(self) -> None:
        """Look at the disk, and hold the queue or let it go on.

        Raises OSError, StorageFailed, LockTimeout.
        """
        reason, held = self._reason(), self._ctx.queue.status().held
        if reason != held:
            self._ctx.queue.hold(reason)
            say(Action.QUEUE_HELD, reason or "there is space on the disk: jobs go on", level=LogLevel.WARNING)
        if reason and self._retell.due():
            self._tell(self._first_in_line(), reason)
        elif self._told and not reason:
            self._tell(self._told, None)
            self._told = set()

    def _reason(self) -> str | None:
        needed = self._ctx.settings.min_free_disk
        if shutil.disk_usage(self._ctx.settings.workflows_dir).free >= needed:
            return None
        return f"Waits for space on the disk: less than {needed.human_readable(decimal=True)} is free."

    def _first_in_line(self) -> set[tuple[str, str]]:
        return {(job.workflow, job.step) for job in self._ctx.queue.next(TOLD)}

    def _tell(self, steps: Iterable[tuple[str, str]], reason: str | None) -> None:
        for workflow, name in steps:
            try:
                with self._ctx.states.edit(workflow) as edit:
                    for step in edit.state.steps:
                        if step.name == name and step.status is Status.QUEUED:
                            step.reason = reason
            except (WorkflowNotFound, StateUnreadable):
                continue
            self._told.add((workflow, name))
