"""Which workers have fallen silent, as one observer sees it.

A worker gives signs of life: its leases' renewals, and the time of its file, which it renews too. One whose
signs did not change for so long, by the observer's own clock, is silent. No two clocks are compared, so
neither a clock that is set nor a night's sleep of the machine makes a healthy one look dead: the observer's
clock stands still as long as the machine does. An observer that could not look for a while begins anew.
"""

import time
from collections.abc import Callable, Mapping


class Observer:
    """Looks at the signs from time to time. `clock` counts seconds, and only while the machine is awake."""

    def __init__(self, patience: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._patience = patience
        self._clock = clock
        self._looked = clock()
        self._seen: dict[str, tuple[object, float]] = {}

    def silent(self, signs: Mapping[str, object]) -> set[str]:
        """The workers whose sign has not changed for `patience` seconds; `signs` has the present ones.

        To be called at least twice in that time. After a longer pause nobody is silent: the observer was
        stopped, or waited, and so the others may have had no chance.
        """
        now = self._clock()
        before = self._seen if now - self._looked <= self._patience / 2 else {}
        self._looked = now
        self._seen = {}
        for worker, sign in signs.items():
            known = before.get(worker)
            self._seen[worker] = known if known and known[0] == sign else (sign, now)
        return {worker for worker, (_, since) in self._seen.items() if now - since >= self._patience}
