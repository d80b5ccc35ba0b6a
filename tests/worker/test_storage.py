"""A disk that takes no more: what can't be recorded now is recorded when it can."""

import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from models.workflow import EventType, Status
from tests.support.processes import Process
from tests.support.waiting import wait_for
from tests.worker.making import House

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux changes another process's limits")

WAITS_FOR_GO = """
(output / "working").touch()
while not (output.parent / "go").exists():
    time.sleep(0.01)
(output / "working").unlink()
finish()
"""


@contextmanager
def full_disk(worker: Process) -> Iterator[None]:
    """The worker's files may have no more bytes: each write fails, as on a full disk. Its jobs' may."""
    process = psutil.Process(worker.popen.pid)
    soft, hard = process.rlimit(resource.RLIMIT_FSIZE)
    process.rlimit(resource.RLIMIT_FSIZE, (0, hard))
    yield
    with suppress(psutil.NoSuchProcess):
        process.rlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_the_end_of_a_job_is_recorded_when_the_disk_takes_it_again(house: House, recording: Path) -> None:
    workflow = house.submit("index", recording)
    with house.worker(WAITS_FOR_GO) as worker:
        house.wait_running(workflow)
        with full_disk(worker):
            (house.folder(workflow) / "go").touch()
            wait_for((house.folder(workflow) / "index").exists, "the rename")
            wait_for(lambda: len(worker.family()) == 1, "the end of the job's process")

        state = house.wait(workflow)

        assert worker.stop() == 0
    assert state.status is Status.COMPLETED
    assert state.step("index").attempt == 1
    assert len(house.events(workflow, EventType.COMMITTED)) == 1
    assert house.jobs() == []


def test_a_worker_outlives_a_full_disk(house: House, recording: Path) -> None:
    with house.worker("finish()") as worker:
        house.wait(house.submit("index", recording))  # the worker has looked through everything
        with full_disk(worker):
            workflows = [house.submit("index", recording) for _ in range(3)]
            time.sleep(0.5)  # for the worker to try

        assert {house.wait(workflow).status for workflow in workflows} == {Status.COMPLETED}

        assert worker.stop() == 0


def test_what_was_renamed_and_not_told_is_told_by_the_next_worker(house: House, recording: Path) -> None:
    workflow = house.submit("index", recording)
    with house.worker(WAITS_FOR_GO) as worker:
        house.wait_running(workflow)
        with full_disk(worker):
            (house.folder(workflow) / "go").touch()
            wait_for((house.folder(workflow) / "index").exists, "the rename")
            assert worker.stop() == 0

    assert house.state(workflow).step("index").status is Status.RUNNING
    house.work("sys.exit('must not run')")
    assert house.status(workflow) is Status.COMPLETED
    assert len(house.events(workflow, EventType.COMMITTED)) == 1
