"""The worker's one loop: record what happened, fill free room, and now and then put things right."""

import time
from collections.abc import Callable

from loguru import logger

from bagmill.errors import BagmillError
from config import LogLevel
from models.queue import JobState
from services.errors import LockTimeout, SyncFailed
from services.executors.base import Executor
from services.logs import Action, say
from services.queue_service import Token
from services.worker.batches import Batches
from services.worker.context import Context
from services.worker.jobs import Jobs
from services.worker.pulse import Pulse
from services.worker.reconcile import Reconciler
from services.worker.retention import Retention
from services.worker.space import Space
from services.worker.timing import Every

TICK = 0.025
"""Seconds between two looks at the queue's version (one stat), and two slices of a batch."""
REST_TICK = 0.2
"""The same with a bell that tells of new jobs, and without children to make."""
WATCH = 0.2
"""Seconds between two looks at the workflows of running jobs: one stat each."""
POLL = 1.0
"""Seconds between two claims when nothing seems to have changed: a delayed job may be due."""
PATROL = 10.0
"""Seconds between two looks at all that has changed."""
PATROL_SHARE = 50
FIRST_LEASES = 3
"""Leases after which a lock that never comes free keeps a worker from beginning."""
HOLD = 1.0
"""Seconds of rest after the disk or a lock failed."""


class Stop:
    """How urgently the worker shall stop: signals raise it, and so may the loop itself."""

    def __init__(self) -> None:
        self.asked = 0

    def ask(self) -> None:
        """Once: finish what runs, within the grace. Twice: at once."""
        self.asked += 1


class Worker:
    """Runs jobs until it is told to stop, or with `once` until there are none.

    `wanted` is asked each second; False makes it stop as a first signal does.
    """

    def __init__(
        self,
        ctx: Context,
        executor: Executor,
        stop: Stop,
        *,
        once: bool = False,
        wanted: Callable[[], bool] = lambda: True,
    ) -> None:
        self._ctx = ctx
        self._executor = executor
        self._stop = stop
        self._once = once
        self._wanted = wanted
        self._batches = Batches(ctx)
        self._jobs = Jobs(ctx, executor, self._batches.notice)
        self._reconciler = Reconciler(ctx)
        self._version: Token | None = None
        self._pulse = Pulse(ctx)
        self._space = Space(ctx)
        self._retention = Retention(ctx)
        self._others: set[str] = set()
        self._silent: set[str] = set()
        self._held_until = 0.0
        self._tick = TICK
        self._watch, self._second, self._poll, self._patrol = map(Every, (WATCH, 1.0, POLL, PATROL))

    def run(self) -> None:
        """Look through everything first, then work; at the end give back what is not finished.

        Raises QueueUnreadable, StorageFailed, LockTimeout if the first look fails; SyncFailed at any time.
        """
        bell = self._ctx.queue.bell()
        if bell is not None:
            self._executor.listen(bell)
            self._tick = REST_TICK
        self._pulse.begin()
        try:
            self._work()
        finally:
            self._retention.end()
            self._pulse.end()

    def _work(self) -> None:
        self._first_look()
        self._retention.begin()
        while not (self._stop.asked or self._finished()):
            self._turn()
            self._guarded(self._claim)
        self._drain()

    def _first_look(self) -> None:
        """Look at everything; a lock that somebody was stopped with comes free after a while."""
        deadline = time.monotonic() + FIRST_LEASES * self._ctx.settings.lease_seconds
        while True:
            try:
                self._look_at_everything()
                return self._space.look()
            except LockTimeout:
                if self._stop.asked or time.monotonic() > deadline:
                    raise

    def _finished(self) -> bool:
        """With `once`: nothing runs and nothing waits that could."""
        if not self._once or not self._jobs.idle or self._batches.open:
            return False
        queue = self._ctx.queue.status()
        return queue.paused or not (queue.counts[JobState.READY] or queue.counts[JobState.DELAYED])

    def _turn(self) -> None:
        """Wait a tick for news, record it, and do what is due."""
        self._pulse.turn()
        self._jobs.take(self._executor.events(TICK if self._batches.busy else self._tick))
        if self._watch.due():
            self._jobs.watch()
        self._guarded(self._batches.tick)
        if self._second.due():
            self._guarded(self._each_second)

    def _each_second(self) -> None:
        self._jobs.retry_recording()
        self._space.look()
        self._ctx.queue.tend()
        if not (self._stop.asked or self._wanted()):
            self._stop.ask()
        others = self._ctx.life.others()
        dead = any(self._ctx.life.is_dead(worker) for worker in others)
        silent = set(self._ctx.life.silent)
        if new := silent - self._silent:
            message = "gave no sign of life for so long that their jobs go to others"
            say(Action.WORKER_SILENT, f"{', '.join(sorted(new))} {message}", level=LogLevel.WARNING)
        if self._others - others or dead or new or self._ctx.queue.status().rebuild:
            self._look_at_everything()
        elif self._patrol.due():
            self._look_at_changes()
        self._others, self._silent = self._ctx.life.others(), silent

    def _claim(self) -> None:
        version = self._ctx.queue.version()
        if version == self._version and not self._poll.due():
            return
        if not version:  # the queue was deleted
            self._look_at_everything()
        self._version = version
        self._jobs.claim()

    def _look_at_everything(self) -> None:
        self._add(self._reconciler.everything(self._jobs.ids()))

    def _look_at_changes(self) -> None:
        begun = time.monotonic()
        self._add(self._reconciler.changes(self._jobs.ids()))
        self._patrol.took(time.monotonic() - begun, PATROL_SHARE)

    def _add(self, batches: list[str]) -> None:
        for workflow in batches:
            self._batches.add(workflow)

    def _guarded(self, do: Callable[[], None]) -> None:
        """Do something that the disk or a lock may spoil: then it is done again after a rest."""
        if time.monotonic() < self._held_until:
            return
        try:
            do()
        except SyncFailed:
            raise
        except (BagmillError, OSError) as error:
            logger.warning("resting for {:g} s: {}", HOLD, error)
            self._held_until = time.monotonic() + HOLD

    def _drain(self) -> None:
        """Let running jobs finish within the grace, or until a second signal; then give the rest back."""
        grace = self._ctx.settings.drain_seconds
        if self._jobs.running:
            say(Action.WORKER_DRAINING, f"waiting up to {grace:g} s for {self._jobs.running} running jobs")
        deadline = time.monotonic() + grace
        while self._jobs.running and self._stop.asked < 2 and time.monotonic() < deadline:
            self._turn()
        try:
            self._jobs.give_back()
        except (BagmillError, OSError) as error:
            logger.warning("not all could be given back; the next worker will find it: {}", error)
