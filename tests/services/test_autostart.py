"""The API looks after the worker: exactly one of any number of API processes, through deaths and restarts."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from config import Settings
from services.workers import living_workers, worker_records
from tests.support.places import settings_in
from tests.support.processes import Process, listening, start_api, start_worker
from tests.support.waiting import wait_for

AUTOSTART = {"WORKER_AUTOSTART": "true"}


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    settings = settings_in(tmp_path)
    yield settings
    for worker in worker_records(settings):
        os.kill(worker.pid, signal.SIGKILL)


def the_worker(settings: Settings) -> int:
    """The process id of the one living worker, once there is one that has told of itself."""

    def found() -> int | None:
        records = worker_records(settings)  # a dead one is there as long as the next one buries it
        return records[0].pid if len(records) == 1 else None

    return wait_for(found, "a worker")


def gone(pid: int) -> bool:
    """Whether the process has ended; one that nobody has waited for yet has."""
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def test_an_api_alone_has_a_worker_that_it_leaves_alone(settings: Settings) -> None:
    with start_api(settings, **AUTOSTART) as api:
        worker = the_worker(settings)
        assert os.getsid(worker) == worker
        assert api.stop() is not None
        assert not gone(worker)

    wait_for(lambda: gone(worker), "the end of a worker without an API")
    assert living_workers(settings) == []


def test_a_worker_that_dies_is_started_again(settings: Settings) -> None:
    with start_api(settings, **AUTOSTART) as api:
        for _ in range(2):
            worker = the_worker(settings)
            os.kill(worker, signal.SIGKILL)
            wait_for(lambda pid=worker: not psutil.pid_exists(pid), "the zombie to be reaped")  # type: ignore[misc]
        assert the_worker(settings) != worker
        assert "the next one starts in 1 s" in api.output
        assert "the next one starts in 2 s" in api.output


def test_a_worker_that_was_stopped_is_replaced(tmp_path: Path) -> None:
    settings = settings_in(tmp_path, lease_seconds=2.0)
    with start_api(settings, **AUTOSTART):
        worker = the_worker(settings)
        os.kill(worker, signal.SIGSTOP)
        wait_for(lambda: gone(worker), "the end of the stopped one")

        # Its last threads may hold its lock for a moment longer.
        wait_for(lambda: [one for one in worker_records(settings) if one.pid != worker], "another one")


@pytest.mark.slow
def test_of_many_apis_one_starts_one(settings: Settings) -> None:
    with start_api(settings, "--workers", "3", **AUTOSTART) as api:
        wait_for(lambda: api.output.count("Application startup complete") == 3, "all processes")
        worker = the_worker(settings)
        commands = [" ".join(process.cmdline()) for process in api.family() if not gone(process.pid)]

        assert len([command for command in commands if "worker.py --autostarted" in command]) == 1
        assert the_worker(settings) == worker


@pytest.mark.slow
def test_another_api_takes_over(settings: Settings, tmp_path: Path) -> None:
    """Two servers on the same folders: when the one that started the worker dies, the other takes care."""
    beside = settings_in(tmp_path)
    with start_api(settings, **AUTOSTART) as first, start_api(beside, **AUTOSTART) as second:
        worker = the_worker(settings)
        first.signal(signal.SIGKILL)
        wait_for(lambda: not first.running, "the end of the first")
        os.kill(worker, signal.SIGKILL)

        assert wait_for(lambda: the_worker(settings) != worker, "a new worker")
        assert second.running


@pytest.mark.slow
def test_a_restart_finds_its_worker(settings: Settings) -> None:
    with start_api(settings, **AUTOSTART) as api:
        worker = the_worker(settings)
        api.signal(signal.SIGKILL)
        api.wait()
    with start_api(settings, **AUTOSTART) as api:
        assert the_worker(settings) == worker
        assert "started a worker" not in api.output.rpartition("Started server process")[2]


@pytest.mark.slow
def test_a_reload_keeps_the_worker(settings: Settings, tmp_path: Path) -> None:
    watched = tmp_path / "watched"
    watched.mkdir()
    with start_api(settings, "--reload", "--reload-dir", str(watched), **AUTOSTART) as api:
        worker = the_worker(settings)
        (watched / "state.json").write_text("{}")
        (watched / "module.py").write_text("changed = True")
        wait_for(lambda: api.output.count("Application startup complete") == 2, "the reload")
        wait_for(lambda: listening(settings.port), "the port")

        assert the_worker(settings) == worker
        assert "state.json" not in api.output


def test_a_worker_of_the_user_is_enough(settings: Settings) -> None:
    with start_worker(settings) as own:
        worker = the_worker(settings)
        with start_api(settings, **AUTOSTART) as api:
            assert own.popen.pid == worker
            api.stop()
            assert "started a worker" not in api.output
        assert own.running


def test_nothing_is_started_unless_it_is_wanted(settings: Settings) -> None:
    with start_api(settings) as api:
        api.stop()
        assert "started a worker" not in api.output

    assert not settings.autostart_lock.exists()
    assert living_workers(settings) == []


@pytest.mark.slow
def test_what_cannot_start_is_told_and_tried_again(settings: Settings, tmp_path: Path) -> None:
    """A worker that ends at once: its folders are on a place that can't be written."""
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where a folder should be")
    with Process(
        [sys.executable, "-c", AUTOSTART_ONLY], settings, "autostart", TRASH_DIR=str(blocked / "trash")
    ) as process:
        wait_for(lambda: process.output.count("the worker ended with code 1") >= 2, "two attempts")


AUTOSTART_ONLY = """
import time
from config import Settings
from services.autostart import Autostart
with Autostart(Settings()):
    time.sleep(600)
"""
