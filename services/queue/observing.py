"""Which workers have fallen silent, as one observer sees it.

A lease that was not renewed for so long, by the observer's own clock, is a silent worker's. No two clocks are
compared, so neither a clock that is set nor a night's sleep of the machine makes a healthy one look dead:
the observer's clock stands still as long as the machine does.
"""

import time
from collections.abc import Callable, Iterable

from models.queue import Lease


class Observer:
    """Looks at the leases from time to time. `clock` counts seconds, and only while the machine is awake."""

    def __init__(self, patience: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._patience = patience
        self._clock = clock
        self._seen: dict[str, tuple[Lease, float]] = {}

    def silent(self, leases: Iterable[Lease]) -> list[Lease]:
        """Those of the leases, one for each worker, that have not changed for `patience` seconds."""
        now = self._clock()
        before, self._seen = self._seen, {}
        for lease in leases:
            known = before.get(lease.worker)
            self._seen[lease.worker] = known if known and known[0] == lease else (lease, now)
        return [lease for lease, since in self._seen.values() if now - since >= self._patience]
