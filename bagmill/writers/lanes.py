"""Work in threads: within a lane one after the other, in order; of different lanes side by side."""

from collections import deque
from collections.abc import Callable
from threading import Condition, Thread

Work = Callable[[], None]


class Lanes:
    """Runs work in up to `threads` threads, which begin when they are needed; with 0, where it is given.

    Work has a size: whoever gives more than `most_bytes` in all waits until some is done. The first failure
    ends everything: nothing that waits is run any more, and the next call raises it.
    """

    def __init__(self, threads: int, most_bytes: int) -> None:
        self._most_threads = threads
        self._most_bytes = most_bytes
        self._changed = Condition()
        self._waiting: dict[str, deque[tuple[Work, int]]] = {}
        self._ready: deque[str] = deque()
        self._bytes = 0
        self._threads: list[Thread] = []
        self._idle = 0
        self._failure: BaseException | None = None
        self._is_over = False

    def run(self, lane: str, work: Work, size: int = 0) -> None:
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
            self._waiting[lane].append((work, size))
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
        if len(self._ready) > self._idle and len(self._threads) < self._most_threads:
            thread = Thread(target=self._serve, name=f"lanes-{len(self._threads)}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self) -> None:
        while (item := self._next()) is not None:
            lane, work, size = item
            failure = None
            try:
                work()
            except BaseException as error:  # noqa: BLE001 - raised where the work came from
                failure = error
            del item, work  # and with them the rows, before the next wait
            self._done(lane, size, failure)

    def _next(self) -> tuple[str, Work, int] | None:
        with self._changed:
            self._idle += 1
            self._changed.wait_for(lambda: self._ready or self._is_over or self._failure)
            self._idle -= 1
            if self._is_over or self._failure:
                return None
            lane = self._ready.popleft()
            return lane, *self._waiting[lane].popleft()

    def _done(self, lane: str, size: int, failure: BaseException | None) -> None:
        with self._changed:
            self._bytes -= size
            self._failure = self._failure or failure
            if self._waiting[lane]:
                self._ready.append(lane)
            else:
                del self._waiting[lane]
            self._changed.notify_all()
