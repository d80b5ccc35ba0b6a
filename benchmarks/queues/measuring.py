"""Enqueue, claim and complete, one after the other, so that the number of live jobs stays what it is."""

import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.queues.base import Acknowledging, Entrant, job

OPERATIONS = ("enqueue", "claim", "complete")
MOST = 5000
"""Rounds of operations in one turn; there is one at least, however slow a queue is."""
LEAST_TURNS, PATIENCE = 3, 10.0
"""A queue that has taken so many times its share of the time in so many turns gets no more of them."""


class Measured:
    """One queue with so many live jobs, measured in turns."""

    def __init__(self, entrant: Entrant, live: int, place: Path) -> None:
        self.entrant = entrant
        self.live = live
        self._folder = Path(tempfile.mkdtemp(prefix="queue-", dir=place))
        self._numbers = count(live)
        self._queue = entrant.make(self._folder)
        self._queue.fill([job(number) for number in range(live)])
        self._operations = OPERATIONS if isinstance(self._queue, Acknowledging) else OPERATIONS[:2]
        self._turns: list[dict[str, list[float]]] = []
        self._spent = 0.0

    def turn(self, seconds: float) -> None:
        """Work for about so many seconds."""
        if len(self._turns) >= LEAST_TURNS and self._spent > PATIENCE * seconds * len(self._turns):
            return
        taken: dict[str, list[float]] = {name: [] for name in self._operations}
        end = time.perf_counter() + seconds
        for _ in range(MOST):
            self._round(taken)
            if time.perf_counter() > end:
                break
        self._turns.append(taken)
        self._spent += sum(map(sum, taken.values()))

    def _round(self, taken: dict[str, list[float]]) -> None:
        new = job(next(self._numbers))
        timed(taken["enqueue"], lambda: self._queue.enqueue(new))
        claimed = timed(taken["claim"], self._queue.claim)
        if isinstance(self._queue, Acknowledging):
            timed(taken["complete"], partial(self._queue.complete, claimed))

    def close(self) -> None:
        """Let go of the files, and remove them."""
        self._queue.close()
        shutil.rmtree(self._folder)

    def as_json(self) -> dict[str, Any]:
        """Operations a second (the median of the turns), and percentiles in milliseconds."""
        names = list(self._turns[0])
        facts: dict[str, Any] = {name: _facts([turn[name] for turn in self._turns]) for name in names}
        whole = [len(names) * len(turn["claim"]) / sum(map(sum, turn.values())) for turn in self._turns]
        return {"rate": median(whole), **facts}


def timed(into: list[float], do: Callable[[], Any]) -> Any:
    """Do something, and note the seconds it took."""
    begin = time.perf_counter()
    result = do()
    into.append(time.perf_counter() - begin)
    return result


def _facts(turns: Sequence[Sequence[float]]) -> dict[str, float]:
    everything = sorted(second for turn in turns for second in turn)
    return {
        "rate": median(len(turn) / sum(turn) for turn in turns),
        "p50": percentile(everything, 0.5) * 1000,
        "p99": percentile(everything, 0.99) * 1000,
        "count": len(everything),
    }


def percentile(ordered: Sequence[float], share: float) -> float:
    """The value below which that share of ordered values is."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
