"""A queue in memory: for one process, and for tests of what uses a queue."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from models.queue import QueueState
from services.queue_ops import BaseQueue, QueueOps, count, empty, seal
from services.queue_service import Token


class MemoryQueue(BaseQueue):
    """Passes the same conformance tests as FileQueue; it is gone with its process."""

    def __init__(self) -> None:
        self._state = empty(rebuild=False)
        self._changed = threading.Condition()

    def snapshot(self) -> QueueState:
        """A copy of the queue as it is now."""
        with self._changed:
            state = self._state.model_copy(deep=True)
        count(state)
        return state

    def version(self) -> Token:
        """The number of operations so far."""
        return (self._state.seq,)

    def wait(self, version: Token, timeout: float) -> Token:
        """Wait until there was an operation, at most `timeout` seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self.version() != version, timeout)
            return self.version()

    @contextmanager
    def _change(self) -> Iterator[QueueOps]:
        with self._changed:
            ops = QueueOps(self._state.model_copy(deep=True))
            yield ops
            if ops.changed:
                seal(ops.state)
                self._state = ops.state
                self._changed.notify_all()
