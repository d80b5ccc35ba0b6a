"""How long a worker that waits takes to claim a job, and what its waiting costs.

The real `worker.py` in a process of its own. The times are those that the journal's lines carry: from an
`enqueue` line to the `claim` line of the same job, so syncing the first is in it.
"""

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil

from bagmill.sample import write_sample
from benchmarks.measure import ROOT
from benchmarks.queues.measuring import percentile
from config import Settings
from models.request import FromTemplate
from services.workflow_service import WorkflowService

PATIENCE = 60.0
PAUSE = (0.3, 0.6)
"""Seconds from the end of a job to the next one: by chance, or it might meet each tick at the same moment."""


def measure(place: Path, wakes: int, idle_seconds: float) -> dict[str, Any]:
    """Latencies in milliseconds, and the share of a core that an idle worker takes."""
    with tempfile.TemporaryDirectory(prefix="queue-", dir=place) as folder:
        settings = _settings(Path(folder))
        recording = Path(folder) / "sample.mcap"
        write_sample(recording, seconds=0.2)
        service = WorkflowService(settings)
        service.prepare()
        with _worker(settings) as worker:
            _run_one(service, recording)  # from here on there is a process for jobs
            for _ in range(wakes):
                time.sleep(random.uniform(*PAUSE))
                _run_one(service, recording)
            latencies = sorted(_latencies(settings.queue_journal))[: wakes + 1]
            idle = _idle_share(worker, idle_seconds)
        service.finish()
    return {
        "p50": percentile(latencies, 0.5) * 1000,
        "p99": percentile(latencies, 0.99) * 1000,
        "count": len(latencies),
        "idle_cpu": idle,
    }


def _settings(folder: Path) -> Settings:
    return Settings(
        _env_file=None,
        queue_state_file=folder / "queue-state.json",
        workflows_dir=folder / "workflows",
        recordings_dir=folder / "recordings",
        trash_dir=folder / "trash",
    )


@contextmanager
def _worker(settings: Settings) -> Iterator[psutil.Process]:
    names = ("workflows_dir", "recordings_dir", "trash_dir", "queue_state_file")
    places = {name.upper(): str(getattr(settings, name)) for name in names}
    process = subprocess.Popen(
        [sys.executable, "worker.py"],
        cwd=ROOT,
        env=os.environ | places | {"LOG_LEVEL": "ERROR"},
        stdin=subprocess.DEVNULL,
    )
    try:
        _wait(lambda: any(settings.workers_dir.glob("*.json")), "the worker")
        yield psutil.Process(process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def _run_one(service: WorkflowService, recording: Path) -> None:
    asked = FromTemplate(template_id="index", params={"recording": str(recording)})
    workflow = service.submit(asked).state.id
    _wait(lambda: service.get(workflow).status.ended, "the end of a job")


def _wait(probe: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not probe():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited in vain for {what}")
        time.sleep(0.02)


def _latencies(journal: Path) -> Iterator[float]:
    """Seconds from the line that enqueues a job to the one that claims it."""
    enqueued: dict[str, datetime] = {}
    for line in journal.read_bytes().splitlines():
        record = json.loads(line)
        if record["op"] == "enqueue":
            enqueued |= {job["id"]: datetime.fromisoformat(record["at"]) for job in record["jobs"]}
        elif record["op"] == "claim":
            at = datetime.fromisoformat(record["at"])
            yield from ((at - enqueued[job]).total_seconds() for job in record["jobs"])


def _idle_share(worker: psutil.Process, seconds: float) -> float:
    before = _cpu(worker)
    time.sleep(seconds)
    return (_cpu(worker) - before) / seconds


def _cpu(worker: psutil.Process) -> float:
    family = [worker, *worker.children(recursive=True)]
    return float(sum(use.user + use.system for use in (member.cpu_times() for member in family)))
