"""A worker's signs of life, and its look at those of the others.

A thread of its own renews the leases, so that a long piece of work in the worker's loop does not look like
its end. But it stops doing so when that loop has hung for long: then the worker is of no use to its jobs.
"""

import threading
import time

from loguru import logger

from bagmill.errors import BagmillError
from services.queue.observing import Observer
from services.worker.context import Context
from services.worker.frozen import Frozen

BEATS = 4
"""Signs of life in the time of a lease."""
HUNG = 10
"""Leases after which a loop that does not turn is taken for hung."""


class Pulse:
    """Beats from `begin` to `end`, and keeps `life.silent` up to date: the workers that do not."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._lease = ctx.settings.lease_seconds
        self._observer = Observer(self._lease)
        self._frozen = Frozen(ctx.settings, self._lease)
        self._turned = time.monotonic()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pulse", daemon=True)

    def begin(self) -> None:
        """Begin to beat."""
        self._thread.start()

    def end(self) -> None:
        """Beat no more."""
        self._end.set()
        self._thread.join()

    def turn(self) -> None:
        """Note that the worker's loop gets on."""
        self._turned = time.monotonic()

    def _run(self) -> None:
        while not self._end.wait(self._lease / BEATS):
            if time.monotonic() - self._turned < HUNG * self._lease:
                self._beat()

    def _beat(self) -> None:
        for act in (self._ctx.life.touch, self._frozen.look, self._renew, self._observe):
            try:
                act()
            except (BagmillError, OSError) as error:
                logger.debug("a worker's sign of life: {}", error)

    def _renew(self) -> None:
        self._ctx.queue.renew(self._ctx.life.id)

    def _observe(self) -> None:
        renewals = {lease.worker: lease.renewals for lease in self._ctx.queue.leases()}
        signs = self._ctx.life.signs()
        silent = self._observer.silent({one: (sign, renewals.get(one)) for one, sign in signs.items()})
        self._ctx.life.silent = {one: signs[one] for one in silent}
