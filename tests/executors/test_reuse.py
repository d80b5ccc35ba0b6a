"""Processes that do one job after the other, and when they don't."""

import os
import signal
from pathlib import Path
from typing import Any

import psutil
import pytest

from models.job import DoneEvent, JobRequest, LogEvent, Resources
from services.executors.base import Exited
from services.executors.local import GROWN, JOBS_PER_PROCESS, LocalExecutor
from tests.executors.children import of, request, until_exited
from tests.executors.conftest import Make
from tests.executors.test_entry import request as real_request
from tests.support.waiting import wait_for

LOOP = """
while True:
    {each}
    say(type="log", level="INFO", message=str(os.getpid()))
    say(type="done")
    say(type="idle")
    REQUEST = json.loads(sys.stdin.buffer.readline())
"""


def pid_of(executor: LocalExecutor, job: str = "01J.convert", **params: Any) -> int:
    """Run a job to its end; the process that it ran in."""
    executor.start(request(job, **params))
    told, done, exited = of(job, until_exited(executor))
    assert isinstance(told, LogEvent)
    assert (done, exited) == (DoneEvent(), Exited(0, ""))
    return int(told.message)


def gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_a_process_that_is_idle_gets_the_next_job(executor_of: Make) -> None:
    executor = executor_of(LOOP.format(each="pass"))

    first, second = pid_of(executor, "01J.one"), pid_of(executor, "01J.two")

    assert first == second
    assert executor.capacity() == 4


def test_two_jobs_at_a_time_have_two_processes(executor_of: Make) -> None:
    executor = executor_of(LOOP.format(each="time.sleep(0.2)"))
    for job in ("01J.one", "01J.two"):
        executor.start(request(job))

    told = [what.message for _, what in until_exited(executor, 2) if isinstance(what, LogEvent)]

    assert len(set(told)) == 2


def test_a_process_that_was_killed_is_replaced(executor_of: Make) -> None:
    executor = executor_of(LOOP.format(each="time.sleep(REQUEST['params']['seconds'])"))
    first = pid_of(executor, seconds=0)
    executor.start(request("01J.long", seconds=600))
    executor.cancel("01J.long")
    assert of("01J.long", until_exited(executor)) == [Exited(-signal.SIGTERM, "")]

    assert pid_of(executor, seconds=0) != first


def test_an_idle_process_that_died_is_replaced(executor_of: Make) -> None:
    executor = executor_of(LOOP.format(each="pass"))
    first = pid_of(executor)
    os.kill(first, signal.SIGKILL)
    wait_for(lambda: gone(first), "its end")

    assert pid_of(executor) != first


def test_a_process_that_has_grown_is_replaced(executor_of: Make) -> None:
    executor = executor_of(LOOP.format(each=f"kept = bytearray(os.urandom(1 << 20)) * {GROWN >> 20}"))
    first = pid_of(executor)
    wait_for(lambda: executor.events(0.01) or gone(first), "its end")

    assert pid_of(executor) != first


def test_a_process_is_replaced_when_it_has_done_enough(executor_of: Make) -> None:
    executor = executor_of(LOOP.format(each="pass"))

    pids = [pid_of(executor, f"01J.n{number}") for number in range(JOBS_PER_PROCESS + 1)]

    assert len(set(pids[:-1])) == 1
    assert pids[-1] != pids[0]


def test_drain_ends_idle_processes(executor_of: Make) -> None:
    executor = executor_of(LOOP.format(each="pass"))
    pid = pid_of(executor)

    executor.drain(0.0)

    assert gone(pid)


def test_the_last_words_of_one_job_are_not_the_next_one_s(executor_of: Make) -> None:
    executor = executor_of(LOOP.format(each="os.write(2, REQUEST['job'].encode()); time.sleep(0.05)"))
    executor.start(request("01J.one"))
    until_exited(executor)
    executor.start(request("01J.two"))

    exited = until_exited(executor)[-1][1]

    assert isinstance(exited, Exited)
    assert exited.tail == "01J.two"


def test_memory_of_grandchildren_counts(executor_of: Make) -> None:
    executor = executor_of("""
        hoard = "import os, time; kept = [os.urandom(1 << 20) for _ in range(300)]; time.sleep(600)"
        subprocess.run([sys.executable, "-c", hoard])
        """)
    executor.start(request().model_copy(update={"resources": Resources(threads=1, memory=200 << 20)}))

    (exited,) = of("01J.convert", until_exited(executor))

    assert isinstance(exited, Exited)
    assert exited.code == -signal.SIGKILL
    assert exited.memory is not None
    assert exited.memory > 200 << 20


@pytest.fixture
def jobs(tmp_path: Path) -> list[JobRequest]:
    """Two jobs of a real step."""
    made = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        made.append(real_request(tmp_path / name, recordings=["not there.mcap"], base=str(tmp_path)))
    return made


def test_the_real_entry_point_is_reused(jobs: list[JobRequest]) -> None:
    executor = LocalExecutor(1)
    processes = []
    for job in jobs:
        executor.start(job)
        processes.append({child.pid for child in psutil.Process().children()})
        assert of(job.job, until_exited(executor))[-1] == Exited(0, "")
    executor.drain(0.0)

    assert processes[0] == processes[1]
