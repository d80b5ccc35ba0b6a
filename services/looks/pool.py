"""The processes that look at recordings for the API: as many at a time as there are cores, one kept warm."""

import asyncio
import os
import sys
from collections.abc import Sequence

from config import Settings
from models.look import LookRequest
from services.looks.child import LookChild
from services.process_errors import LooksBusy

ENTRY = (sys.executable, "-m", "services.looks.entry")
LOOKS_PER_PROCESS = 200
"""After so many looks a process has done enough: what leaks, leaks slowly."""
GROWN = 512 << 20
"""Bytes of memory that a process may keep while it waits."""
IDLE_SECONDS = 120.0
"""How long a process waits for another look."""


class Looks:
    """Does looks. All calls are from the server's event loop."""

    def __init__(
        self, settings: Settings, *, command: Sequence[str] = ENTRY, slots: int | None = None
    ) -> None:
        self._seconds = settings.look_timeout
        self._memory = int(settings.look_memory_limit) or None
        self._command = command
        self._slots = slots or os.cpu_count() or 1
        self._running = 0
        self._warm: LookChild | None = None
        self._leaving: set[asyncio.Task[None]] = set()
        self._dismissal: asyncio.TimerHandle | None = None

    async def look(self, request: LookRequest) -> bytes:
        """The result of a look as a line of JSON; cancelling this ends it at once.

        Raises:
            LooksBusy: each core has one to do.
            BagmillError: as `LookChild.look`.
        """
        if self._running >= self._slots:
            raise LooksBusy(f"{self._running} are being done, one for each core.")
        self._running += 1
        try:
            child = self._take() or await LookChild.start(self._command)
            try:
                return await child.look(request, self._seconds, self._memory)
            finally:
                self._keep(child)
        finally:
            self._running -= 1

    async def close(self) -> None:
        """End all processes that wait."""
        if child := self._take():
            self._let_go(child)
        while self._leaving:
            await asyncio.wait(self._leaving)

    def _take(self) -> LookChild | None:
        """The process that waits, if it lives."""
        if self._dismissal:
            self._dismissal.cancel()
            self._dismissal = None
        child, self._warm = self._warm, None
        if child is None or child.fit:
            return child
        self._let_go(child)
        return None

    def _keep(self, child: LookChild) -> None:
        """Let a process wait for its next look, if it is fit for one and no other waits."""
        tired = child.looks >= LOOKS_PER_PROCESS or child.memory > GROWN
        if self._warm or tired or not child.fit:
            self._let_go(child)
            return
        self._warm = child
        self._dismissal = asyncio.get_running_loop().call_later(IDLE_SECONDS, self._dismiss)

    def _dismiss(self) -> None:
        if child := self._take():
            self._let_go(child)

    def _let_go(self, child: LookChild) -> None:
        """End a process that has nothing to do: there is nothing in it to lose."""
        task = asyncio.get_running_loop().create_task(child.end())
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)
