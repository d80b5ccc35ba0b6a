"""Runs a command as a process of its own and says what it cost.

Nothing big may be imported here: a process that is started inherits the peak of the memory of its parent.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent
RESULTS = Path(os.environ.get("BENCH_RESULTS") or ROOT / "benchmarks" / "results")
RSS_UNIT = 1 if sys.platform == "darwin" else 1024
"""What `ru_maxrss` counts in."""


@dataclass(frozen=True)
class Cost:
    """Seconds on the clock, seconds of CPU (threads and children included), peak resident bytes."""

    wall: float
    cpu: float
    rss: int

    @classmethod
    def median(cls, costs: Sequence["Cost"]) -> "Cost":
        """Each median by itself."""
        return cls(
            median(cost.wall for cost in costs),
            median(cost.cpu for cost in costs),
            round(median(cost.rss for cost in costs)),
        )


@dataclass(frozen=True)
class Outcome:
    """How a process ended: its cost, its exit code, what it printed."""

    cost: Cost
    code: int
    said: str
    complained: str


def run(command: Sequence[str]) -> Outcome:
    """Run a command in the checkout to its end."""
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as complained:
        begin = time.perf_counter()
        process = subprocess.Popen(command, cwd=ROOT, stdout=said, stderr=complained)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        cost = Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * RSS_UNIT)
        said.seek(0)
        complained.seek(0)
        texts = [file.read().decode(errors="replace") for file in (said, complained)]
    return Outcome(cost, process.returncode, *texts)


def warm(path: Path) -> None:
    """Bring a file into the page cache."""
    memory = bytearray(1 << 20)
    with path.open("rb", buffering=0) as file:
        while file.readinto(memory):
            pass
