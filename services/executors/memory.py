"""How much memory a job takes: its process and all below it, without what they only map of files.

Address-space limits don't do: Arrow and Rerun map far more than they use. So what is resident is looked at
from outside, often enough that an allocation storm gets no further than a machine can bear.
"""

import contextlib
import time

import psutil

from services.processes import descendants

LOOK = 0.1
"""Seconds between two looks."""
FAMILY_LOOKS = 10
"""Every so many looks, new descendants are looked for: that costs a look at all processes of the machine."""


class MemoryGuard:
    """Watches a process and its descendants. `over`: the bytes they had when they first had too many."""

    def __init__(self, pid: int) -> None:
        self.over: int | None = None
        self._root = psutil.Process(pid)
        self._family: list[psutil.Process] = []
        self._limit: int | None = None
        self._looks = 0
        self._next = 0.0

    def watch(self, limit: int | None) -> None:
        """Begin to hold them to a limit in bytes; None: to none."""
        self._limit, self.over = limit, None

    def exceeded(self) -> bool:
        """Whether they have just been found to take more than the limit; looks only if it is time."""
        now = time.monotonic()
        if self._limit is None or self.over is not None or now < self._next:
            return False
        self._next = now + LOOK
        if self._looks % FAMILY_LOOKS == 0:
            self._find_family()
        self._looks += 1
        used = self.bytes()
        if used > self._limit:
            self.over = used
        return self.over is not None

    def bytes(self) -> int:
        """What they take now; nothing for those that are gone."""
        return sum(_own_bytes(process) for process in (self._root, *self._family))

    def _find_family(self) -> None:
        with contextlib.suppress(psutil.Error):
            known = {process.pid: process for process in self._family}
            self._family = [known.get(pid) or psutil.Process(pid) for pid in descendants(self._root.pid)]


def _own_bytes(process: psutil.Process) -> int:
    """Resident bytes that are no pages of files: these are in nobody's way, the kernel can drop them."""
    with contextlib.suppress(psutil.Error):
        use = process.memory_info()
        return int(use.rss - getattr(use, "shared", 0))
    return 0
