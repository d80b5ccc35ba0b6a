"""How the processes start, end and look after each other."""

import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from config import Settings
from tests.support.places import settings_in
from tests.support.processes import kill, start_api, start_worker
from tests.support.server import Server
from tests.support.waiting import wait_for


def workers(settings: Settings) -> list[psutil.Process]:
    """Running worker processes that have these settings."""
    found = []
    for process in psutil.process_iter():
        try:
            mine = process.environ().get("QUEUE_STATE_FILE") == str(settings.queue_state_file)
            if mine and any(Path(part).name == "worker.py" for part in process.cmdline()):
                found.append(process)
        except psutil.Error:
            continue
    return found


@pytest.fixture
def autostart(tmp_path: Path) -> Iterator[Settings]:
    """Settings for an API that starts its worker; what it started is gone after the test."""
    settings = settings_in(tmp_path)
    yield settings
    kill(workers(settings))


@pytest.mark.slow
@pytest.mark.parametrize("processes", ["1", "2"])
def test_uvicorn_alone_has_exactly_one_worker(autostart: Settings, processes: str) -> None:
    with start_api(autostart, "--workers", processes, WORKER_AUTOSTART="true"), Server(autostart) as server:
        state = server.wait(server.submit("data_processing")["id"])

        assert state["status"] == "completed"
        assert len(workers(autostart)) == 1


@pytest.mark.slow
def test_a_worker_that_died_is_started_again(autostart: Settings) -> None:
    with start_api(autostart, WORKER_AUTOSTART="true"), Server(autostart) as server:
        (first,) = wait_for(lambda: workers(autostart), "the worker")
        first.kill()

        state = server.wait(server.submit("data_processing")["id"])

        assert state["status"] == "completed"


def test_an_open_stream_does_not_hold_up_the_stop(settings: Settings) -> None:
    with Server(settings) as server:
        server.start(worker=False)
        assert server.api
        workflow = server.submit("test")["id"]
        with server.http.stream("GET", f"/api/workflows/{workflow}/events") as stream:
            lines = stream.iter_lines()
            assert next(lines)
            assert server.api.stop() in {0, -signal.SIGTERM}
            list(lines)


def test_a_worker_ends_on_sigterm(settings: Settings) -> None:
    with start_worker(settings) as worker:
        wait_for(lambda: list(settings.workers_dir.glob("*.json")), "the worker's file")

        assert worker.stop() == 0
