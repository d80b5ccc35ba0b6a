"""When the queue may forget a workflow: it has ended, and nothing of it is left to be looked after.

A start-up reads the folders of open workflows only. So whoever opens one says so before its state is
written, and whoever closes one does it under its lock, so that no retry comes between.
"""

from loguru import logger

from services.children import is_open_batch
from services.errors import LockTimeout, QueueUnreadable, StateUnreadable, StorageFailed, WorkflowNotFound
from services.queue_service import Queue
from services.state_manager import StateManager
from services.worker.places import partials


def close_ended(states: StateManager, queue: Queue, workflow: str) -> None:
    """Close a workflow in the queue, if it has ended or is gone. What can't be told now is found later."""
    try:
        with states.locks.workflow(workflow):
            if _has_ended(states, workflow):
                queue.close([workflow])
    except (StorageFailed, LockTimeout, QueueUnreadable) as error:
        logger.debug("{} is not closed yet: {}", workflow, error)


def _has_ended(states: StateManager, workflow: str) -> bool:
    """Whether there is nothing to do; a state that can't be read may be mended some day."""
    try:
        state = states.read(workflow)
    except WorkflowNotFound:
        return True
    except StateUnreadable:
        return False
    return state.status.ended and not is_open_batch(state) and not partials(states.folder(workflow))
