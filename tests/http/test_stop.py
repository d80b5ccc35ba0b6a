"""Open streams and long polls must not hold up a server that is told to stop, however it is run."""

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest

from config import Settings
from tests.support.places import settings_in
from tests.support.processes import Process, listening
from tests.support.waiting import wait_for

WAYS = {
    "uvicorn": ["-m", "uvicorn", "app:app", "--port", "{port}"],
    "uvicorn with workers": ["-m", "uvicorn", "app:app", "--port", "{port}", "--workers", "2"],
    "uvicorn with reload": ["-m", "uvicorn", "app:app", "--port", "{port}", "--reload"],
    "itself": ["app.py"],
    "gunicorn with uvicorn": [
        *["-W", "ignore", "-m", "gunicorn", "app:app", "--bind", "127.0.0.1:{port}", "--workers", "2"],
        *[
            "--worker-class",
            "uvicorn.workers.UvicornWorker",
            "--graceful-timeout",
            "600",
            "--no-control-socket",
        ],
    ],
    "gunicorn": [
        *["-m", "gunicorn", "app:app", "--bind", "127.0.0.1:{port}", "--worker-class", "asgi"],
        *["--graceful-timeout", "600", "--no-control-socket"],
    ],
}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_in(tmp_path, worker_autostart=False)


@pytest.fixture
def http(settings: Settings) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=f"http://127.0.0.1:{settings.port}", timeout=120, trust_env=False) as client:
        yield client


def in_background(work: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


@pytest.mark.parametrize(
    ("way", "number"),
    [(way, signal.SIGTERM) for way in WAYS]
    # On SIGINT gunicorn sends SIGQUIT to its workers, on which uvicorn's does not stop, whatever the app is.
    + [
        pytest.param(way, signal.SIGINT, marks=pytest.mark.slow)
        for way in WAYS
        if way != "gunicorn with uvicorn"
    ],
)
def test_a_stop_ends_streams_and_polls(
    settings: Settings, http: httpx2.Client, way: str, number: signal.Signals
) -> None:
    command = [argument.format(port=settings.port) for argument in WAYS[way]]
    statuses: list[int] = []
    with Process([sys.executable, *command], settings, "api") as server:
        wait_for(lambda: listening(settings.port) or not server.running, "the port")
        assert server.running, server.output
        workflow = http.post("/api/workflows/from-template?template_id=test").json()["id"]
        first_bytes = threading.Barrier(3, timeout=60)

        def stream() -> None:
            with http.stream("GET", f"/api/workflows/{workflow}/events") as answer:
                chunks = answer.iter_bytes()
                next(chunks)
                first_bytes.wait()
                for _ in chunks:
                    pass
            statuses.append(answer.status_code)

        def poll() -> None:
            statuses.append(http.get(f"/api/workflows/{workflow}?wait=60").status_code)

        threads = [in_background(stream), in_background(stream), in_background(poll)]
        first_bytes.wait()
        server.signal(number)
        server.wait()
        for thread in threads:
            thread.join(60)

        assert statuses.count(200) == 3, server.output
        assert "Traceback" not in server.output
        assert "ERROR" not in server.output
