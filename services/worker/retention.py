"""Old runs are deleted: those that ended more than RETENTION_DAYS ago, unless they are pinned.

In a thread of its own, since removing files may take long; it can be interrupted anywhere.
"""

import threading
from datetime import datetime, timedelta

from loguru import logger

from bagmill.errors import BagmillError
from models.base import utc_now
from models.workflow import WorkflowState
from services.deletion import Deletion, must_have_ended
from services.errors import IllegalOperation, StateUnreadable, WorkflowNotFound
from services.idempotency import Keys
from services.ids import made_at
from services.logs import Action, say
from services.worker.context import Context

INTERVAL = 3600.0
"""Seconds between two looks at what has become too old."""
END_PATIENCE = 1.0


class Retention:
    """Deletes what is too old from time to time, between `begin` and `end`."""

    def __init__(self, ctx: Context) -> None:
        self._states = ctx.states
        self._days = ctx.settings.retention_days
        keys = Keys(ctx.settings, lambda _: None)  # they are only freed here, never looked for
        self._deletion = Deletion(ctx.states, ctx.queue, keys)
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="retention", daemon=True)

    def begin(self) -> None:
        """Begin, unless everything is kept for ever."""
        if self._days:
            self._thread.start()

    def end(self) -> None:
        """Delete nothing more; what is being removed right now is finished by the next worker."""
        self._end.set()
        if self._thread.ident is not None:
            self._thread.join(END_PATIENCE)

    def _run(self) -> None:
        while not self._end.is_set():
            try:
                self.look()
            except (BagmillError, OSError) as error:
                logger.warning("old runs are not looked for now: {}", error)
            self._end.wait(INTERVAL)

    def look(self) -> list[str]:
        """Delete all that is too old; returns their ids, without children.

        Only folders whose id is old enough are read. Raises OSError.
        """
        before = utc_now() - timedelta(days=self._days)
        deleted = []
        for workflow in self._states.ids(newest_first=False):
            if self._end.is_set() or made_at(workflow) >= before.timestamp():
                break
            if self._delete(workflow, before):
                deleted.append(workflow)
        return deleted

    def _delete(self, workflow: str, before: datetime) -> bool:
        """Delete a workflow, if it is too old; what can't be read is kept, for it may be mended some day."""

        def check(state: WorkflowState) -> None:
            must_have_ended(state)
            if state.pinned or state.finished_at is None or state.finished_at >= before:
                raise IllegalOperation("It is to be kept.", where={"workflow": state.id})

        try:
            state = self._states.read(workflow)
            if state.parent and self._states.exists(state.parent):
                return False
            check(state)
            self._deletion.delete(workflow, check)
        except (IllegalOperation, WorkflowNotFound, StateUnreadable):
            return False
        message = f"{workflow} ended more than {self._days} days ago, and was deleted"
        say(Action.WORKFLOW_DELETED, message, workflow=workflow)
        return True
