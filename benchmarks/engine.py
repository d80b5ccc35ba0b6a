"""`make bench-engine`: what the engine costs beside the conversions themselves. See benchmarks/README.md."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import psutil

from benchmarks import machine
from benchmarks.measure import RESULTS, ROOT
from benchmarks.pages import BENCHMARKS, RELIABILITY, replace
from benchmarks.queues.report import about
from benchmarks.recordings.ros import telemetry
from benchmarks.serving import House, until
from config import Settings

SCALE = float(os.environ.get("BENCH_SCALE") or 1.0)
RUNS = int(os.environ.get("RUNS") or 3)
PROCESSES = int(os.environ.get("BENCH_PROCESSES") or Settings.model_fields["max_parallel_nodes"].default)

CONVERTER = """
import sys
from pathlib import Path
from bagmill.startup import start_light
start_light()
from bagmill.convert import convert
from bagmill.options import ConvertOptions
for file in sys.argv[2:]:
    convert(Path(file), Path(sys.argv[1], Path(file).stem), ConvertOptions(), threads=1)
"""
"""A process that does nothing but convert, one recording after the other."""


COUNTED = "The starts of the processes that convert count on both sides; API and worker are running already."


@dataclass(frozen=True)
class Case:
    """So many recordings of so many seconds."""

    name: str
    count: int
    seconds: int


CASES = [Case("1 MB", 500, 3), Case("10 MB", 100, 30)]


@dataclass(frozen=True)
class Cost:
    """Seconds on the clock, and of the processors."""

    wall: float
    cpu: float


def plain(files: Sequence[Path], place: Path) -> Cost:
    """The conversions by as many processes as the engine has, each of which does its share."""
    begun, before = time.perf_counter(), _children_cpu()
    processes = []
    for number in range(PROCESSES):
        output = place / f"plain-{number}"
        output.mkdir()
        share = [str(file) for file in files[number::PROCESSES]]
        processes.append(subprocess.Popen([sys.executable, "-c", CONVERTER, str(output), *share], cwd=ROOT))
    if any(process.wait() for process in processes):
        raise RuntimeError("a conversion failed")
    return Cost(time.perf_counter() - begun, _children_cpu() - before)


def by_engine(files: Sequence[Path], place: Path) -> Cost:
    """The same as a batch, from the request to the state that says it is completed; the API's work counts."""
    house = House(place / "house", MAX_PARALLEL_NODES=str(PROCESSES), TASK_THREADS="1")
    with house.api() as client, house.running("worker.py"):
        until(lambda: client.get("/api/health")["worker"]["running"], "the worker")
        me = psutil.Process()
        before = _cpu(me)
        begun = time.perf_counter()
        batch = client.submit("convert", recordings=[str(file) for file in files])
        until(lambda: client.ended(batch), "the batch", pause=0.5)
        cost = Cost(time.perf_counter() - begun, _cpu(me) - before)
        state = client.get(f"/api/workflows/{batch}")
        if state["children"] != {"completed": len(files)}:
            raise RuntimeError(f"the batch has {state['children']}: {state['error']}")
    return cost


def _children_cpu() -> float:
    times = os.times()
    return times.children_user + times.children_system


def _cpu(process: psutil.Process) -> float:
    """What all below a process have used so far, those that have ended included."""
    total = 0.0
    for one in process.children(recursive=True):
        times = one.cpu_times()
        total += times.user + times.system + times.children_user + times.children_system
    return total


def measure(case: Case, place: Path) -> dict[str, Any]:
    """Both by turns."""
    count = max(PROCESSES, round(case.count * SCALE))
    files = []
    for number in range(count):
        files.append(place / f"{case.seconds}-{number:03}.mcap")
        telemetry(case.seconds, seed=number + 1).write(files[-1])
    found: dict[str, list[Cost]] = {"plain": [], "engine": []}
    # Nothing is removed before the end: ext4 passes over the inodes of what was removed in the last minutes,
    # one by one, whenever a file is made, and whoever comes next would pay for it.
    for turn in range(RUNS):
        for name, run in (("plain", plain), ("engine", by_engine)):
            folder = place / f"{case.seconds}-{turn}-{name}"
            folder.mkdir()
            found[name].append(run(files, folder))
            print(f"{case.name}, {name}: {found[name][-1]}", flush=True)
    costs = {
        name: {"wall": median(one.wall for one in costs), "cpu": median(one.cpu for one in costs)}
        for name, costs in found.items()
    }
    return {"count": count, **costs}


def table(results: dict[str, Any]) -> str:
    """The results as Markdown."""
    return "\n".join(_lines(results)) + "\n"


def _lines(results: dict[str, Any]) -> Iterator[str]:
    yield "| recordings | bagmill alone, wall s (CPU s) | as a batch, wall s (CPU s) | wall | CPU for each |"
    yield "| --- | ---: | ---: | ---: | ---: |"
    for name, case in results["cases"].items():
        plain, engine = case["plain"], case["engine"]
        more = (engine["cpu"] - plain["cpu"]) / case["count"] * 1e3
        yield (
            f"| {case['count']} of {name} | {plain['wall']:.1f} ({plain['cpu']:.1f}) | {engine['wall']:.1f} "
            f"({engine['cpu']:.1f}) | {engine['wall'] / plain['wall']:.2f}x | {more:+.1f} ms |"
        )


def main() -> None:
    """Measure, print, write down."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    results: dict[str, Any] = {"machine": machine.facts(), "runs": RUNS, "cases": {}}
    # On the disk of the checkout: in a file system in memory no sync takes any time.
    with tempfile.TemporaryDirectory(prefix="engine-", dir=RESULTS) as place:
        for case in CASES:
            results["cases"][case.name] = measure(case, Path(place))
    print(f"{COUNTED}\n\n{table(results)}")
    target = RESULTS / f"engine-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json"
    target.write_text(json.dumps(results, indent=1))
    print(f"written: {target}")
    if SCALE >= 1:
        told = f"\n{about(results)} {PROCESSES} processes, {RUNS} runs. {COUNTED}\n\n{table(results)}"
        for page in (BENCHMARKS, RELIABILITY):
            replace(page, told, "engine")


if __name__ == "__main__":
    main()
