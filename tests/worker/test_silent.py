"""Workers that were stopped: what they had goes to others, and what they do afterwards does not count."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from config import Settings
from models.workflow import EventType, Status
from services import processes
from services.locks import Locks, lock
from services.worker.frozen import Frozen
from services.worker.life import WorkerLife
from tests.support.places import settings_in
from tests.support.waiting import wait_for
from tests.worker.making import House
from tests.worker.test_batches import LISTING, children

SHORT = 1.5
"""Seconds of a lease."""

ONCE_FREE = """
(output / "working").touch()
while REQUEST["fence"] == 1 and not Path(REQUEST["output"]).with_name("free").exists():
    time.sleep(0.02)
(output / "working").unlink(missing_ok=True)
finish({"result.txt": b"fence %d" % REQUEST["fence"]})
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_in(tmp_path, lease_seconds=SHORT, max_parallel_nodes=1)


def stop(pid: int) -> None:
    os.kill(pid, signal.SIGSTOP)
    wait_for(lambda: psutil.Process(pid).status() == psutil.STATUS_STOPPED, "the stop")


def test_a_stopped_worker_loses_its_job_and_what_it_does_later_does_not_count(
    house: House, recording: Path
) -> None:
    workflow = house.submit("index", recording)
    with house.worker(ONCE_FREE) as first:
        house.wait_running(workflow)
        taken_from = house.state(workflow).step("index").worker
        stop(first.popen.pid)
        with house.worker(ONCE_FREE) as second:
            state = house.wait(workflow)
            (house.folder(workflow) / "free").touch()  # the first one's job is done now, too
            first.signal(signal.SIGCONT)
            wait_for(lambda: "its result does not count" in first.output, "the first one's insight")
            assert second.stop() == 0
        assert first.stop() == 0

    step = state.step("index")
    assert (step.status, step.attempt, step.interruptions, step.fence) == (Status.COMPLETED, 1, 1, 2)
    assert step.worker != taken_from
    assert (house.folder(workflow) / "index" / "result.txt").read_bytes() == b"fence 2"
    assert len(house.events(workflow, EventType.COMMITTED)) == 1
    assert list(house.folder(workflow).glob("*.partial")) == []
    assert house.jobs() == []
    assert "gave no sign of life" in second.output


def test_a_worker_that_is_well_keeps_its_job_past_its_lease(house: House, recording: Path) -> None:
    workflow = house.submit("index", recording)
    with house.worker(ONCE_FREE) as first, house.worker(ONCE_FREE) as second:
        house.wait_running(workflow)
        wait_for(lambda: house.queue.leases()[0].renewals > 5, "a job longer than its lease")
        (house.folder(workflow) / "free").touch()
        state = house.wait(workflow)
        assert (first.stop(), second.stop()) == (0, 0)

    assert (state.step("index").fence, state.step("index").interruptions) == (1, 0)
    assert "gave no sign of life" not in first.output + second.output


@pytest.mark.slow
def test_the_batch_of_a_stopped_worker_goes_on(house: House) -> None:
    house.settings.recordings_dir.mkdir()
    for number in range(3):
        (house.settings.recordings_dir / f"{number}.mcap").write_bytes(b"\x89MCAP0\r\n")
    parent = house.submit("index", recordings="*.mcap")
    body = LISTING + "finish()"
    with house.worker(body) as first:
        wait_for(lambda: children(house, parent), "a child")
        stop(first.popen.pid)
        with house.worker(body) as second:
            state = house.wait(parent)
            first.signal(signal.SIGCONT)
            assert second.stop() == 0
        assert first.stop() in {0, -signal.SIGKILL}  # it may have been stopped with a lock

    assert state.children == {Status.COMPLETED: 3}
    assert len(house.states.ids()) == 4


HOLD = """
import os, signal, sys
from pathlib import Path
from services.locks import lock
with lock(Path(sys.argv[1])):
    print("held", flush=True)
    os.kill(os.getpid(), signal.SIGSTOP)
"""


@pytest.fixture(params=["queue", "workflow"])
def frozen(
    request: pytest.FixtureRequest, house: House, recording: Path
) -> Iterator["subprocess.Popen[str]"]:
    """A process that was stopped with the lock of the queue, or of a workflow, which waits for its end."""
    workflow = house.submit("index", recording)
    locks = {"queue": house.settings.queue_lock, "workflow": house.states.locks.stripe(workflow)}
    command = [sys.executable, "-c", HOLD, str(locks[request.param])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        wait_for(lambda: psutil.Process(process.pid).status() == psutil.STATUS_STOPPED, "the stop")
        yield process
        process.kill()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells who holds a flock")
def test_who_is_stopped_with_a_lock_in_hand_freezes_nobody(
    house: House, frozen: "subprocess.Popen[str]"
) -> None:
    (workflow,) = house.states.ids()
    with house.worker("finish()") as worker:
        state = house.wait(workflow)
        assert worker.stop() == 0

    assert state.status is Status.COMPLETED
    assert frozen.wait(0) == -signal.SIGKILL


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells who holds a flock")
def test_only_who_is_stopped_with_a_lock_for_long_is_ended(settings: Settings, tmp_path: Path) -> None:
    now = [0.0]
    guard = Frozen(settings, 10.0, lambda: now[0])
    locks = Locks(settings)
    with (
        locks.workflow("a"),
        subprocess.Popen(
            [sys.executable, "-c", HOLD, str(tmp_path / "another.lock")], stdout=subprocess.PIPE
        ) as other,
        subprocess.Popen(
            [sys.executable, "-c", HOLD, str(settings.queue_lock)], stdout=subprocess.PIPE
        ) as holder,
    ):
        for process in (other, holder):
            wait_for(lambda pid=process.pid: psutil.Process(pid).status() == psutil.STATUS_STOPPED, "a stop")  # type: ignore[misc]
        assert {one.pid for one in processes.stopped_holders([settings.queue_lock])} == {holder.pid}
        for seconds in (0.0, 9.0):
            now[0] += seconds
            guard.look()
            assert holder.poll() is None
        now[0] += 1.0
        guard.look()

        assert holder.wait() == -signal.SIGKILL
        assert other.poll() is None
        other.kill()
    with lock(settings.queue_lock):
        pass


def test_one_that_gave_a_sign_since_it_was_judged_is_not_gone(settings: Settings) -> None:
    other, observer = WorkerLife(settings), WorkerLife(settings)
    other.begin()
    observer.begin()
    observer.silent = observer.signs()
    assert observer.is_gone(other.id)
    assert not observer.is_dead(other.id)

    time.sleep(0.01)  # a file's time may be coarse
    other.touch()

    assert not observer.is_gone(other.id)
    other.end()
    assert observer.is_gone(other.id)
    observer.end()
