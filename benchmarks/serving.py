"""The API and the worker as processes with folders of their own, and requests to them."""

import http.client
import json
import os
import socket
import subprocess
import sys
import time
import urllib.parse
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import quantiles
from typing import Any

from benchmarks.measure import ROOT

PATIENCE = 600.0


class House:
    """Folders below `place`, and the environment that leads processes there."""

    def __init__(self, place: Path, **settings: str) -> None:
        self.workflows = place / "workflows"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self._environment = os.environ | {
            "PORT": str(self.port),
            "WORKFLOWS_DIR": str(self.workflows),
            "RECORDINGS_DIR": str(place / "recordings"),
            "QUEUE_STATE_FILE": str(place / "queue-state.json"),
            "TRASH_DIR": str(place / "trash"),
            "WORKER_AUTOSTART": "false",
            "RETENTION_DAYS": "0",
            "MIN_FREE_DISK": "0",
            "LOG_LEVEL": "WARNING",
            **settings,
        }

    @contextmanager
    def running(self, *command: str) -> Iterator["subprocess.Popen[bytes]"]:
        """A process, asked to end at the end of the block."""
        process = subprocess.Popen([sys.executable, *command], cwd=ROOT, env=self._environment)
        try:
            yield process
        finally:
            process.terminate()
            process.wait(PATIENCE)

    @contextmanager
    def api(self) -> Iterator["Client"]:
        """The API, once it answers; `client.started` says after how many seconds."""
        begun = time.perf_counter()
        command = ["-m", "uvicorn", "app:app", "--port", str(self.port), "--log-level", "warning"]
        with self.running(*command):
            client = Client(self.port)
            until(client.is_there, "the API")
            client.started = time.perf_counter() - begun
            yield client


class Client:
    """One connection that is kept open."""

    def __init__(self, port: int) -> None:
        self.started = 0.0
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)

    def is_there(self) -> bool:
        """Whether the API answers."""
        try:
            return bool(self.get("/api/health")["status"])
        except (OSError, http.client.HTTPException):
            self._connection.close()
            return False

    def get(self, path: str) -> Any:
        """What GET answers."""
        return json.loads(self._read("GET", path))

    def submit(self, template: str, **params: Any) -> str:
        """Have a template run; the id of the workflow."""
        query = urllib.parse.urlencode({"template_id": template, "params": json.dumps(params)})
        answer = json.loads(self._read("POST", f"/api/workflows/from-template?{query}"))
        return str(answer["id"])

    def cancel(self, workflow: str) -> None:
        """Cancel a workflow."""
        self._read("POST", f"/api/workflows/{workflow}/cancel")

    def ended(self, workflow: str) -> bool:
        """Whether a workflow has ended."""
        status = self.get(f"/api/workflows/{workflow}")["status"]
        return status in {"completed", "failed", "cancelled", "skipped"}

    def seconds(self, path: str) -> float:
        """How long GET takes, the answer read whole."""
        begun = time.perf_counter()
        self._read("GET", path)
        return time.perf_counter() - begun

    def _read(self, method: str, path: str) -> bytes:
        self._connection.request(method, path)
        answer = self._connection.getresponse()
        content = answer.read()
        if answer.status >= 400:
            raise RuntimeError(f"{method} {path}: {answer.status} {content[:500]!r}")
        return content


def until(probe: Callable[[], bool], what: str, pause: float = 0.02) -> None:
    """Wait until it is so. Raises RuntimeError after ten minutes."""
    deadline = time.monotonic() + PATIENCE
    while not probe():
        if time.monotonic() > deadline:
            raise RuntimeError(f"waited in vain for {what}")
        time.sleep(pause)


def percentiles(seconds: Sequence[float]) -> dict[str, float]:
    """The median and the 99th percentile, in ms."""
    cuts = quantiles(seconds, n=100, method="inclusive")
    return {"p50": cuts[49] * 1e3, "p99": cuts[98] * 1e3}
