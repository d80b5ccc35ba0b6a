"""Work in threads: within a lane one after the other, in order; of different lanes side by side."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from threading import Condition, Thread

Work = Callable[[], None]


@dataclass(slots=True, eq=False)
class _Item:
    """Work that waits, and what can be done of it ahead; both are None once they were begun."""

    work: Work | None
    early: Work | None
    size: int
    is_held: bool = False
    """Whether the early part runs now."""


class Lanes:
    """Runs work in up to `threads` threads, which begin when they are needed; with 0, where it is given.

    Work has a size: whoever gives more than `most_bytes` in all waits until some is done. The first failure
    ends everything: nothing that waits is run any more, and the next call raises it.

    Work may have an early part: a thread that has nothing else to do runs it while the lane is still busy
    with what was given before. Nobody may rely on that it is run.
    """

    def __init__(self, threads: int, most_bytes: int) -> None:
        self._most_threads = threads
        self._most_bytes = most_bytes
        self._changed = Condition()
        self._waiting: dict[str, deque[_Item]] = {}
        self._running: set[str] = set()
        self._ahead: deque[tuple[str, _Item]] = deque()
        self._ready: deque[str] = deque()
        self._bytes = 0
        self._threads: list[Thread] = []
        self._idle = 0
        self._failure: BaseException | None = None
        self._is_over = False

    def run(self, lane: str, work: Work, size: int = 0, early: Work | None = None) -> None:
        """Run work after all that was given to its lane before.

        Raises:
            BaseException: what this or earlier work raised.
        """
        if not self._most_threads:
            work()
            return
        with self._changed:
            self._changed.wait_for(lambda: self._failure or not self._bytes or self._fits(size))
            self._raise()
            if lane not in self._waiting:
                self._waiting[lane] = deque()
                self._ready.append(lane)
            item = _Item(work, early, size)
            self._waiting[lane].append(item)
            if early is not None:
                self._ahead.append((lane, item))
            self._bytes += size
            self._begin_thread()
            self._changed.notify_all()

    def finish(self) -> None:
        """Wait until all work is done.

        Raises:
            BaseException: what some work raised.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._failure or not self._waiting)
            self._raise()

    def stop(self) -> None:
        """Drop what waits, and wait for what runs. Never fails."""
        with self._changed:
            self._is_over = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _fits(self, size: int) -> bool:
        return self._bytes + size <= self._most_bytes

    def _raise(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _begin_thread(self) -> None:
        can_begin = len(self._ready) + self._has_early()
        if can_begin > self._idle and len(self._threads) < self._most_threads:
            thread = Thread(target=self._serve, name=f"lanes-{len(self._threads)}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _has_early(self) -> bool:
        """Whether the first of what can be done ahead is still to be done."""
        while self._ahead and self._ahead[0][1].early is None:
            self._ahead.popleft()
        return bool(self._ahead)

    def _serve(self) -> None:
        while (task := self._next()) is not None:
            lane, item, work = task
            failure = None
            try:
                work()
            except BaseException as error:  # noqa: BLE001 - raised where the work came from
                failure = error
            del task, work  # and with them the rows, before the next wait
            self._done(lane, item, failure)

    def _next(self) -> tuple[str, _Item, Work] | None:
        with self._changed:
            self._idle += 1
            self._changed.wait_for(lambda: self._ready or self._has_early() or self._is_over or self._failure)
            self._idle -= 1
            if self._is_over or self._failure:
                return None
            if self._ready:
                lane = self._ready.popleft()
                self._running.add(lane)
                item = self._waiting[lane].popleft()
                work, item.work, item.early = item.work, None, None
            else:  # all lanes run, or are held by their next item
                lane, item = self._ahead.popleft()
                work, item.early, item.is_held = item.early, None, True
            assert work is not None
            return lane, item, work

    def _done(self, lane: str, item: _Item, failure: BaseException | None) -> None:
        with self._changed:
            self._failure = self._failure or failure
            if item.is_held:
                item.is_held = False
            else:
                self._running.remove(lane)
                self._bytes -= item.size
            waiting = self._waiting[lane]
            if lane not in self._running:
                if not waiting:
                    del self._waiting[lane]
                elif not waiting[0].is_held and lane not in self._ready:
                    self._ready.append(lane)
            self._changed.notify_all()
