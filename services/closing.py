"""When the queue may forget a workflow: it has ended, and nothing of it is left to be looked after.

A start-up reads the folders of open workflows only. So whoever opens one says so before its state is
written, and whoever closes one does it under its lock, so that no retry comes between.
"""

from contextlib import suppress

from loguru import logger

from models.workflow import WorkflowState
from services.children import is_open_batch
from services.errors import LockTimeout, QueueUnreadable, StateUnreadable, StorageFailed, WorkflowNotFound
from services.queue_service import Queue
from services.state_manager import StateManager
from services.worker.places import partials


def close_ended(states: StateManager, queue: Queue, workflow: str) -> WorkflowState | None:
    """Close a workflow in the queue, if it has ended or is gone. What can't be told now is found later.

    Returns its state, if that can be read; one that can't be may be mended some day, and stays open.
    """
    state = None
    try:
        with states.locks.workflow(workflow):
            with suppress(WorkflowNotFound):
                state = states.read(workflow)
            if state is None or _is_over(states, state):
                queue.close([workflow])
    except StateUnreadable:
        pass
    except (StorageFailed, LockTimeout, QueueUnreadable) as error:
        logger.debug("{} is not closed yet: {}", workflow, error)
    return state


def _is_over(states: StateManager, state: WorkflowState) -> bool:
    """Whether there is nothing left to do."""
    return state.status.ended and not is_open_batch(state) and not partials(states.folder(state.id))
