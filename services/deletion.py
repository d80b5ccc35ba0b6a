"""Deleting workflows, for whoever asks and for the retention: moved to TRASH_DIR by a rename, removed there.

It can be interrupted anywhere: what is in TRASH_DIR is removed by the next worker, and of a batch the
children go first, so that the same deletion can be done again.
"""

from collections.abc import Callable
from contextlib import suppress

from models.workflow import WorkflowState
from services.children import read_children
from services.closing import close_ended
from services.errors import IllegalOperation, StateUnreadable
from services.idempotency import Keys
from services.queue_service import Queue
from services.state_manager import StateManager

Check = Callable[[WorkflowState], None]
"""Raises IllegalOperation to keep a workflow."""


def must_have_ended(state: WorkflowState) -> None:
    """Raise IllegalOperation if there is still something to do."""
    if not state.status.ended:
        raise IllegalOperation(
            f"The workflow is {state.status}.",
            where={"workflow": state.id},
            hint="Cancel it first, and delete it when it has ended.",
        )


class Deletion:
    """Deletes the workflows of one set of folders, with their idempotency keys."""

    def __init__(self, states: StateManager, queue: Queue, keys: Keys) -> None:
        self._states = states
        self._queue = queue
        self._keys = keys

    def delete(self, workflow: str, check: Check = must_have_ended) -> None:
        """Remove a workflow and, of a batch, its children, if `check` likes each of them.

        Raises:
            WorkflowNotFound.
            IllegalOperation: it has not ended, or is part of a batch that is still there.
        """
        listed = read_children(self._states.folder(workflow))
        children = [child.id for child in listed if self._states.exists(child.id)]

        def check_all(state: WorkflowState) -> None:
            self._must_be_whole(state)
            check(state)

        self._ask(workflow, check_all)  # before anything is gone
        for child in children:
            self._ask(child, check)
        for child in children:
            self._trash(child, check)
        self._trash(workflow, check_all)

    def _trash(self, workflow: str, check: Check) -> None:
        key = self._key_of(workflow)
        self._states.trash(workflow, check)
        close_ended(self._states, self._queue, workflow)
        if key:
            self._keys.forget(key, lambda: not self._states.exists(workflow))

    def _ask(self, workflow: str, check: Check) -> None:
        """Have `check` raise if it does not like the state; one that can't be read keeps nothing."""
        with suppress(StateUnreadable):
            check(self._states.read(workflow))

    def _must_be_whole(self, state: WorkflowState) -> None:
        if state.parent and self._states.exists(state.parent):
            raise IllegalOperation(
                "This is a part of a batch.",
                where={"workflow": state.id, "parent": state.parent},
                hint="Delete the batch; its children go with it.",
            )

    def _key_of(self, workflow: str) -> str | None:
        try:
            return self._states.request(workflow).idempotency_key
        except StateUnreadable:
            return None
