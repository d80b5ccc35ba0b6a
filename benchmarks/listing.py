"""`make bench-listing`: lists, polls and starts with many ended workflows. See benchmarks/README.md."""

import json
import os
import random
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ulid import ULID

from bagmill.sample import write_sample
from benchmarks import machine
from benchmarks.measure import RESULTS
from benchmarks.pages import BENCHMARKS, RELIABILITY, replace
from benchmarks.queues.report import about
from benchmarks.serving import Client, House, percentiles, until

COUNTS = [int(count) for count in (os.environ.get("BENCH_COUNTS") or "100,100000").split(",")]
REQUESTS = int(os.environ.get("BENCH_REQUESTS") or 400)
PHASES = 5
RECORDING_SECONDS = float(os.environ.get("BENCH_SECONDS") or 180.0)
FULL = [100, 100_000]
"""What the documents tell of."""
CALLS = {
    "state": "GET /api/workflows/{id}",
    "list": "GET /api/workflows?limit=50",
    "failed": "GET /api/workflows?limit=50&status=failed",
    "search": "GET /api/workflows?limit=50&q=day-7",
}
KEPT = ["state.json", "request.json", "events.jsonl", "worker.log", "index/manifest.json"]
"""What a copy of a run has; the rest makes no difference to lists."""
ONE_FAILED_IN = 500


def multiply(house: House, model: str, count: int) -> None:
    """Make the folder of one ended run that many, made one second after the other up to now."""
    source = house.workflows / model
    contents = {name: (source / name).read_text() for name in KEPT}
    now = time.time()
    for number in range(count - 1):
        workflow = str(ULID.from_timestamp(now - count + number))
        folder = house.workflows / workflow
        (folder / "index").mkdir(parents=True)
        for name, content in contents.items():
            text = content.replace(model, workflow).replace("model.mcap", f"day-{number % 1000}.mcap")
            if number % ONE_FAILED_IN == 0:
                text = text.replace('"status": "completed"', '"status": "failed"')
            (folder / name).write_text(text)


def paths(client: Client) -> dict[str, str]:
    """The addresses of the calls; the state is that of a workflow of the newest 50."""
    items = client.get("/api/workflows?limit=50")["items"]
    workflow = random.choice(items)["id"]
    return {name: call.removeprefix("GET ").replace("{id}", workflow) for name, call in CALLS.items()}


def starts(house: House, recording: Path) -> dict[str, Any]:
    """Two starts of the API with the first calls, and one of a worker with its first job."""
    found: dict[str, Any] = {}
    for which in ("first", "again"):
        with house.api() as client:
            found["api_start"] = client.started
            found[which] = {name: client.seconds(path) * 1e3 for name, path in paths(client).items()}
            workflow = client.submit("index", recording=str(recording))
            begun = time.perf_counter()
            with house.running("worker.py"):
                until(lambda client=client, workflow=workflow: client.ended(workflow), "the first job")  # type: ignore[misc]
                found["worker_start"] = time.perf_counter() - begun
    return found


Times = dict[str, list[float]]


def ask(client: Client, names: Sequence[str], count: int, times: Times) -> None:
    """Each call so many times, one after the other."""
    addresses = paths(client)
    for _ in range(count):
        for name in names:
            times.setdefault(name, []).append(client.seconds(addresses[name]))


def alone(houses: dict[int, House]) -> dict[str, dict[str, Any]]:
    """The API alone with each number of workflows, by turns, since the machine is not always the same."""
    times: dict[int, Times] = {count: {} for count in houses}
    with ExitStack() as stack:
        clients = {count: stack.enter_context(house.api()) for count, house in houses.items()}
        for _ in range(REQUESTS):
            for count, client in clients.items():
                ask(client, list(CALLS), 1, times[count])
    return {str(count): in_ms(found) for count, found in times.items()}


def busy(house: House, recording: Path) -> dict[str, Any]:
    """The API beside an idle worker, and beside four jobs that run, by turns."""
    idle: Times = {}
    working: Times = {}
    with house.api() as client, house.running("worker.py"):
        for _ in range(PHASES):
            ask(client, ("state", "list"), REQUESTS // PHASES, idle)
            jobs = [client.submit("convert", recording=str(recording)) for _ in range(16)]
            until(lambda: client.get("/api/queue")["counts"]["leased"] == 4, "four jobs")
            ask(client, ("state", "list"), REQUESTS // PHASES, working)
            if client.get("/api/queue")["counts"]["leased"] < 4:
                print("The jobs were done before the requests: set BENCH_SECONDS higher.")
            for job in jobs:
                client.cancel(job)
            until(lambda jobs=jobs: all(client.ended(job) for job in jobs), "the end of the jobs")  # type: ignore[misc]
    return {"idle": in_ms(idle), "busy": in_ms(working)}


def in_ms(times: Times) -> dict[str, dict[str, float]]:
    """Median and 99th percentile of each call."""
    return {name: percentiles(seconds) for name, seconds in times.items()}


def table(results: dict[str, Any]) -> str:
    """The results as Markdown."""
    return "\n".join(_lines(results)) + "\n"


def _lines(results: dict[str, Any]) -> Iterator[str]:
    counts = list(results["alone"])
    few, many = (results["alone"][count] for count in (counts[0], counts[-1]))
    yield f"| ms, p50 (p99) | {' | '.join(f'{int(count):,} ended' for count in counts)} | ratio of p50 |"
    yield f"| --- | {'---: | ' * len(counts)}---: |"
    for name, call in CALLS.items():
        cells = [_cell(results["alone"][count][name]) for count in counts]
        yield f"| `{call}` | {' | '.join(cells)} | {many[name]['p50'] / few[name]['p50']:.2f} |"
    yield ""
    yield f"| with {int(counts[-1]):,} ended | idle | four jobs run | ratio of p99 |"
    yield "| --- | ---: | ---: | ---: |"
    for name in ("state", "list"):
        idle, working = results["busy"]["idle"][name], results["busy"]["busy"][name]
        yield f"| `{CALLS[name]}` | {_cell(idle)} | {_cell(working)} | {working['p99'] / idle['p99']:.2f} |"
    yield ""
    first, last = (results["starts"][count] for count in (counts[0], counts[-1]))
    yield (
        f"With {int(counts[-1]):,} ended workflows the API answers {last['api_start']:.1f} s after its "
        f"start, and a worker has done a first small job {last['worker_start']:.1f} s after its own "
        f"({first['worker_start']:.1f} s with {int(counts[0]):,}). The very first list by status takes "
        f"{last['first']['failed'] / 1e3:.1f} s, after a restart {last['again']['failed'] / 1e3:.2f} s."
    )


def _cell(found: dict[str, float]) -> str:
    return f"{found['p50']:.1f} ({found['p99']:.1f})"


def fill(house: House, recording: Path, count: int) -> None:
    """Have one run done, and make it many."""
    with house.api() as client, house.running("worker.py"):
        model = client.submit("index", recording=str(recording))
        until(lambda: client.ended(model), "the model")
    multiply(house, model, count)


def main() -> None:
    """Measure with each number of workflows, print, write down."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    results: dict[str, Any] = {"machine": machine.facts(), "requests": REQUESTS, "starts": {}}
    with tempfile.TemporaryDirectory(prefix="listing-", dir=RESULTS) as place:
        recording = Path(place) / "model.mcap"
        write_sample(recording, seconds=RECORDING_SECONDS)
        houses = {count: House(Path(place) / str(count)) for count in COUNTS}
        for count, house in houses.items():
            fill(house, recording, count)
            results["starts"][str(count)] = starts(house, recording)
        results["alone"] = alone(houses)
        results["busy"] = busy(houses[COUNTS[-1]], recording)
    print(table(results))
    target = RESULTS / f"listing-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json"
    target.write_text(json.dumps(results, indent=1))
    print(f"written: {target}")
    if COUNTS == FULL:
        for page in (BENCHMARKS, RELIABILITY):
            replace(page, f"\n{about(results)} {REQUESTS} requests of each.\n\n{table(results)}", "listing")


if __name__ == "__main__":
    main()
