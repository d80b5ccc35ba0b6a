"""A queue in memory: for one process, and for tests of what uses a queue."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

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

    def _change(
        self,
        *,
        certain: bool = False,  # noqa: ARG002 - there is no disk
        vital: bool = False,  # noqa: ARG002
        lazy: bool = False,  # noqa: ARG002
    ) -> Change:
        return _Change(self._board, self._changed)

    @contextmanager
    def _look(self) -> Iterator[Board]:
        with self._changed:
            yield self._board


class _Change(Change):
    """One operation, done at once."""

    def __init__(self, board: Board, changed: threading.Condition) -> None:
        self.board = board
        self._changed = changed

    def __enter__(self) -> Self:
        self._changed.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._changed.notify_all()
        self._changed.release()

    def carry_out(self, record: Record) -> None:
        """Apply it."""
        self.board.apply(record, self.board.seq + 1, self.board.now())
