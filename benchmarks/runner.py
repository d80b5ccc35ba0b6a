"""Measures the cases: in rounds, so that a slow minute of the machine hits everybody."""

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import plan
from benchmarks.measure import ROOT, Cost, Outcome, run, warm
from benchmarks.plan import Case

SCALE = float(os.environ.get("BENCH_SCALE", "1"))
RUNS = int(os.environ.get("RUNS", "5"))
PATIENCE = float(os.environ.get("BENCH_PATIENCE", "90"))
"""Seconds that a peer may take in all on one recording; it runs once in any case."""


@dataclass
class Result:
    """One who was measured on a recording: its costs, and what the check of its outputs found."""

    costs: list[Cost] = field(default_factory=list)
    failure: str = ""
    wrong: set[str] = field(default_factory=set)
    missing: set[str] = field(default_factory=set)
    size: int = 0

    @property
    def cost(self) -> Cost:
        return Cost.median(self.costs)

    def as_json(self) -> dict[str, Any]:
        """For the file of results."""
        found = {"wrong": sorted(self.wrong), "missing": sorted(self.missing), "size": self.size}
        if self.failure:
            return {"failure": self.failure}
        cost = self.cost
        return {"wall": cost.wall, "cpu": cost.cpu, "rss": cost.rss, "runs": len(self.costs), **found}


class Stage:
    """A recording with everybody who is measured on it, and a folder in memory for what they write."""

    def __init__(self, case: Case, folder: Path) -> None:
        self.case = case
        self.recordings = make(case.recording)
        self._folder = folder
        self.results = {who: Result() for who in (plan.OURS, *case.others, *plan.peers(case))}
        self.limits: list[dict[str, Any]] = []

    def round(self) -> None:
        """Run everybody once more who has not failed and not used up the patience."""
        for who, result in self.results.items():
            patient = who == plan.OURS or sum(cost.wall for cost in result.costs) < PATIENCE
            if patient and not result.failure:
                self._run(who, result)

    def _run(self, who: str, result: Result) -> None:
        output = self._folder / "output"
        outcome = run(plan.command(who, [str(path) for path in self.recordings], str(output)))
        if outcome.code:
            result.failure = last_line(outcome)
        else:
            result.costs.append(outcome.cost)
            if who != plan.INDEX:
                self._check(output, result)
            if who == plan.OURS and self.case.with_limit:
                self.limits.append(child("benchmarks.limit", self.recordings[0], output, self._folder))
        shutil.rmtree(output, ignore_errors=True)

    def _check(self, output: Path, result: Result) -> None:
        found = child("benchmarks.check", output, *self.recordings)
        result.wrong |= set(found["wrong"])
        result.missing |= set(found["missing"])
        result.size = found["size"]

    def as_json(self) -> dict[str, Any]:
        """For the file of results: medians of everything."""
        sizes = [path.stat().st_size for path in self.recordings]
        facts = child("benchmarks.recordings.facts", *self.recordings)
        return {
            "about": self.case.about,
            "recordings": len(sizes),
            "size": sum(sizes),
            **facts,
            "limit": limit(self.limits),
            "results": {who: result.as_json() for who, result in self.results.items()},
        }


def compile_sources() -> None:
    """Compile this project and the peers' scripts, as pip does with what it installs.

    Else each process would compile them anew where PYTHONDONTWRITEBYTECODE is set.
    """
    outcome = run([sys.executable, "-m", "compileall", "-q", str(ROOT / "bagmill"), str(ROOT / "benchmarks")])
    if outcome.code:
        raise SystemExit(outcome.said)


def make(name: str) -> list[Path]:
    """Make a recording if it is not there yet, and bring it into memory."""
    outcome = run([sys.executable, "-m", "benchmarks.recordings", name])
    if outcome.code:
        raise SystemExit(outcome.complained)
    paths = [Path(line) for line in outcome.said.splitlines()]
    for path in paths:
        warm(path)
    return paths


def child(module: str, *args: Path) -> dict[str, Any]:
    """Run a module that prints JSON."""
    outcome = run([sys.executable, "-m", module, *map(str, args)])
    if outcome.code:
        raise SystemExit(outcome.complained)
    result: dict[str, Any] = json.loads(outcome.said)
    return result


def limit(runs: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """Median of each part, their sum, and the sizes."""
    if not runs:
        return None
    parts = {part: median(run["parts"][part] for run in runs) for part in runs[0]["parts"]}
    sizes = {name: runs[0][name] for name in ("size", "own_size", "default_size")}
    return {"cpu": sum(parts.values()), "parts": parts, **sizes}


def last_line(outcome: Outcome) -> str:
    """Why a process failed, as far as it said so."""
    lines = [line for line in outcome.complained.splitlines() if line.strip()]
    return lines[-1].strip()[:300] if lines else f"exit code {outcome.code}"


def start_costs() -> dict[str, Any]:
    """What it costs to start Python and to import pyarrow, which everybody pays."""
    codes = {"python": "pass", "pyarrow": "import pyarrow.parquet"}
    return {
        name: asdict(Cost.median([run([sys.executable, "-c", code]).cost for _ in range(RUNS)]))
        for name, code in codes.items()
    }


@contextmanager
def folder_in_memory() -> Iterator[Path]:
    """A new folder on a file system in memory if there is one, so that no disk takes part."""
    memory = Path("/dev/shm")
    parent = os.environ.get("BENCH_OUTPUT") or (memory if memory.is_dir() else None)
    with tempfile.TemporaryDirectory(prefix="bagmill-bench-", dir=parent) as name:
        yield Path(name)
