"""`make bench-queue`: the queue beside others, at several numbers of live jobs. See benchmarks/README.md."""

import json
import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.measure import RESULTS
from benchmarks.queues import report, waking
from benchmarks.queues.entrants import chosen
from benchmarks.queues.measuring import Measured

TURNS = int(os.environ.get("RUNS") or 20)
SECONDS = float(os.environ.get("BENCH_SECONDS") or 0.25)
WAKES = int(os.environ.get("BENCH_WAKES") or 200)
IDLE_SECONDS = float(os.environ.get("BENCH_IDLE") or 20.0)


def sizes() -> tuple[int, ...]:
    """The numbers of live jobs to measure with."""
    asked = os.environ.get("BENCH_SIZES")
    return tuple(map(int, asked.split(","))) if asked else report.SIZES


def measured(place: Path) -> dict[str, dict[str, Any]]:
    """Everybody at every size, by name and size.

    All take turns, with all sizes: what else keeps the machine busy for a while meets everybody.
    """
    found: dict[str, dict[str, Any]] = {}
    queues = [Measured(entrant, size, place) for entrant in chosen() for size in sizes()]
    for number in range(TURNS):
        for queue in queues:
            queue.turn(SECONDS)
        print(f"turn {number + 1} of {TURNS}", flush=True)
    for queue in queues:
        found.setdefault(queue.entrant.name, {})[str(queue.live)] = queue.as_json()
        queue.close()
    return found


def main() -> None:
    """Measure, print, write down."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    results: dict[str, Any] = {"machine": machine.facts(), "turns": TURNS, "seconds": SECONDS}
    # On the disk of the checkout: in a file system in memory no sync takes any time.
    with tempfile.TemporaryDirectory(prefix="queue-", dir=RESULTS) as place:
        results["queues"] = measured(Path(place))
        if WAKES:
            results["waking"] = waking.measure(Path(place), WAKES, IDLE_SECONDS)
    print(report.terminal(results))
    target = RESULTS / f"queue-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json"
    target.write_text(json.dumps(results, indent=1))
    print(f"written: {target}")
    report.refresh(results)


if __name__ == "__main__":
    main()
