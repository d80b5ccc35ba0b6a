"""Ends processes that were stopped while they hold a lock: whoever needs it would wait for ever.

Locks are held for milliseconds, so it takes bad luck. But the one it hits would freeze all the others.
"""

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress

from config import LogLevel, Settings
from services.locks import Locks, is_locked
from services.logs import Action, say
from services.processes import Identity, stopped_holders


class Frozen:
    """Looks from time to time. One that is stopped with a lock for `patience` seconds is ended."""

    def __init__(
        self, settings: Settings, patience: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._locks = Locks(settings)
        self._patience = patience
        self._clock = clock
        self._since: dict[Identity, float] = {}

    def look(self) -> None:
        """Look at all locks; end whoever was found stopped with one at each look for so long.

        Raises StorageFailed.
        """
        now = self._clock()
        taken = [path for path in self._locks.files() if is_locked(path)]
        holders = stopped_holders(taken) if taken else set()
        self._since = {holder: self._since.get(holder, now) for holder in holders}
        for holder, since in self._since.items():
            if now - since >= self._patience:
                self._end(holder)

    def _end(self, holder: Identity) -> None:
        message = f"process {holder.pid} was stopped with a lock that others wait for, and is ended"
        say(Action.PROCESS_ENDED, message, level=LogLevel.WARNING, pid=holder.pid)
        with suppress(ProcessLookupError, PermissionError):
            os.kill(holder.pid, signal.SIGKILL)
