"""A queue in memory: for one process, and for tests of what uses a queue."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from models.base import now_text
from services.queue.board import Board, Clock, Record
from services.queue.operations import BaseQueue, Change


class MemoryQueue(BaseQueue):
    """Passes the same conformance tests as FileQueue; it is gone with its process."""

    def __init__(self, now: Clock = now_text) -> None:
        self._board = Board(now=now)
        self._changed = threading.Condition()

    def version(self) -> tuple[int, ...]:
        """The number of operations so far."""
        return (self._board.seq,)

    def wait(self, version: tuple[int, ...], timeout: float) -> tuple[int, ...]:
        """Wait until there was an operation, at most `timeout` seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self.version() != version, timeout)
            return self.version()

    def bell(self) -> None:
        """There is none: whoever waits is in this process."""

    def tend(self) -> None:
        """Nothing to do."""

    def finish(self) -> None:
        """Nothing to do."""

    @contextmanager
    def _change(
        self,
        *,
        certain: bool = False,  # noqa: ARG002 - there is no disk
        vital: bool = False,  # noqa: ARG002
        lazy: bool = False,  # noqa: ARG002
    ) -> Iterator[Change]:
        with self._changed:
            yield Change(self._board, self._make)
            self._changed.notify_all()

    @contextmanager
    def _look(self) -> Iterator[Board]:
        with self._changed:
            yield self._board

    def _make(self, record: Record) -> None:
        self._board.apply(record, self._board.seq + 1, self._board.now())
