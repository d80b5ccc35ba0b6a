"""Jobs wait while there is too little space on the disk, say so, and go on by themselves."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from config import Settings
from models.queue import JobState
from models.workflow import Status
from services.health import check_health
from tests.support.places import settings_in
from tests.support.waiting import wait_for
from tests.worker.making import House

GIB = 1 << 30
REASON = "Waits for space on the disk: less than "


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    free = shutil.disk_usage(tmp_path).free
    if free < 4 * GIB or not hasattr(os, "posix_fallocate"):
        pytest.skip("there is no space to take away")
    return settings_in(tmp_path, min_free_disk=free - GIB)


@pytest.fixture
def full(settings: Settings, tmp_path: Path) -> Iterator[Path]:
    """A file that takes the space that jobs need."""
    path = tmp_path / "big"
    with path.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, 2 * GIB)
    yield path
    path.unlink(missing_ok=True)


def test_jobs_wait_for_space_and_go_on_when_it_is_there(house: House, recording: Path, full: Path) -> None:
    workflow = house.submit("index", recording)
    with house.worker("finish()") as worker:
        wait_for(lambda: house.state(workflow).step("index").reason, "the reason in the step's state")
        told = house.state(workflow).step("index").reason
        health = check_health(house.settings, house.queue)
        job = house.jobs()[0]

        full.unlink()

        state = house.wait(workflow)
        assert worker.stop() == 0
    assert told
    assert told.startswith(REASON)
    assert health.status == "healthy"
    assert health.queue
    assert health.queue.held == told
    assert health.disk
    assert health.disk.free < health.disk.needed == house.settings.min_free_disk
    assert (job.state, job.reason) == (JobState.READY, told)
    assert state.status is Status.COMPLETED
    assert state.step("index").reason is None
    assert house.queue.status().held is None


def test_a_job_that_was_begun_goes_on(house: House, recording: Path, tmp_path: Path) -> None:
    first = house.submit("index", recording)
    waits = "(output / 'working').touch(); wait_for_go(); (output / 'working').unlink(); finish()"
    go = f"""
def wait_for_go():
    while not Path({str(tmp_path / "go")!r}).exists():
        time.sleep(0.02)
"""
    with house.worker(go + waits) as worker:
        house.wait_running(first)
        with (tmp_path / "big").open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, 2 * GIB)
        wait_for(lambda: house.queue.status().held, "the hold")
        second = house.submit("index", recording)
        (tmp_path / "go").touch()
        assert house.wait(first).status is Status.COMPLETED
        assert house.status(second) is Status.QUEUED
        (tmp_path / "big").unlink()
        assert house.wait(second).status is Status.COMPLETED
        assert worker.stop() == 0
