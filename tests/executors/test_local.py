"""The local executor against children that behave, and against those that don't."""

import os
import signal
import sys
from pathlib import Path

import psutil
import pytest

from models.job import DoneEvent, FailedEvent, LogEvent, ProgressEvent
from models.problem import Problem
from services.executors.base import Exited
from services.executors.child import TAIL_BYTES
from services.executors.local import NOT_STARTED, LocalExecutor
from tests.executors.children import of, request, until_exited
from tests.executors.conftest import Make
from tests.support.waiting import wait_for

JOB = "01J.convert"
SLEEP = "say(type='log', level='INFO', message=str(os.getpid())); time.sleep(600)"


def started(executor: LocalExecutor, job: str = JOB) -> psutil.Process:
    """The process of a job that tells its pid first."""
    executor.start(request(job))
    happened = wait_for(lambda: executor.events(0.05), "the job's first words")
    told = happened[0][1]
    assert isinstance(told, LogEvent)
    return psutil.Process(int(told.message))


def test_what_happens_comes_in_order_and_the_exit_last(executor_of: Make) -> None:
    executor = executor_of("""
        say(type="log", level="INFO", message=REQUEST["params"]["hello"])
        say(type="progress", progress=0.5, stage="half", counters={"messages": 3})
        say(type="done")
        """)
    executor.start(request(hello="wörld"))

    happened = of(JOB, until_exited(executor))

    assert happened == [
        LogEvent(level="INFO", message="wörld"),
        ProgressEvent(progress=0.5, stage="half", counters={"messages": 3}),
        DoneEvent(),
        Exited(0, ""),
    ]
    assert executor.events(0.0) == []


def test_a_failure_arrives_with_its_problem(executor_of: Make) -> None:
    problem = Problem(type="/problems/x", title="X", detail="é", code="x", hint="y")
    executor = executor_of(f"""
        say(type="failed", problem=json.loads({problem.model_dump_json()!r}), traceback="t" * 300_000)
        sys.exit(1)
        """)
    executor.start(request())

    failed, exited = of(JOB, until_exited(executor))

    assert failed == FailedEvent(problem=problem, traceback="t" * 300_000)
    assert exited == Exited(1, "")


def test_a_request_longer_than_a_pipe_arrives_whole(executor_of: Make) -> None:
    executor = executor_of("""
        say(type="log", level="INFO", message=str(sum(map(len, REQUEST["params"]["topics"]))))
        """)
    executor.start(request(topics=["t" * 1000] * 3000))

    assert of(JOB, until_exited(executor))[0] == LogEvent(level="INFO", message="3000000")


def test_a_child_that_never_reads_its_request_blocks_nobody(tmp_path: Path) -> None:
    path = tmp_path / "deaf.py"
    path.write_text("import time; time.sleep(600)", "utf-8")
    executor = LocalExecutor(1, command=[sys.executable, str(path)], cancel_grace=0.3)
    executor.start(request(topics=["t" * 1000] * 3000))

    executor.cancel(JOB)

    assert of(JOB, until_exited(executor)) == [Exited(-signal.SIGTERM, "")]


def test_a_flood_of_output_is_read_and_only_its_end_is_kept(executor_of: Make) -> None:
    executor = executor_of("""
        line = b"x" * 65535 + b"\\n"
        for _ in range(4096):
            os.write(1, line)
        os.write(2, "the end \\u2713".encode())
        say(type="done")
        """)
    executor.start(request())

    done, exited = of(JOB, until_exited(executor))

    assert isinstance(done, DoneEvent)
    assert isinstance(exited, Exited)
    assert exited.tail.endswith("xxx\nthe end ✓")
    assert len(exited.tail.encode()) <= TAIL_BYTES


def test_a_flood_of_one_job_does_not_hold_up_the_others(executor_of: Make) -> None:
    executor = executor_of("""
        os.write(1, b"x" * 65536)
        say(type="log", level="INFO", message="flooding")
        while True:
            os.write(1, b"x" * 65536)
        """)
    for job in ("01J.flood", "01K.flood"):
        executor.start(request(job))
    flooding: list[str] = []

    def both() -> bool:
        flooding.extend(job for job, _ in executor.events(0.05))
        return len(flooding) == 2

    wait_for(both, "both floods")

    executor.cancel("01K.flood")

    assert of("01K.flood", until_exited(executor)) == [Exited(-signal.SIGTERM, "x" * TAIL_BYTES)]


@pytest.mark.parametrize("line", ['b"no json"', 'b"[1, 2]"', 'b\'{"type": "dance"}\'', 'b"\\xff\\xfe"'])
def test_what_is_no_event_is_told_and_passed_over(executor_of: Make, line: str) -> None:
    executor = executor_of(f"""
        os.write(EVENTS, {line} + b"\\n")
        say(type="done")
        """)
    executor.start(request())

    garbled, done, _ = of(JOB, until_exited(executor))

    assert isinstance(garbled, LogEvent)
    assert garbled.level == "WARNING"
    assert "no event" in garbled.message
    assert isinstance(done, DoneEvent)


def test_an_endless_event_does_not_fill_the_memory(executor_of: Make) -> None:
    executor = executor_of("""
        for _ in range(100):
            os.write(EVENTS, b"x" * 65536)
        """)
    executor.start(request())

    happened = of(JOB, until_exited(executor))

    assert isinstance(happened[0], LogEvent)
    assert "4 MiB" in happened[0].message
    assert isinstance(happened[-1], Exited)


def test_a_half_event_at_the_end_counts_for_nothing(executor_of: Make) -> None:
    executor = executor_of("""os.write(EVENTS, b'{"type": "done"}')""")
    executor.start(request())

    assert of(JOB, until_exited(executor)) == [Exited(0, "")]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT])
def test_a_crash_is_told_with_its_signal_and_its_last_words(executor_of: Make, number: int) -> None:
    executor = executor_of(f"""
        print("about to fall", file=sys.stderr, flush=True)
        os.kill(os.getpid(), {int(number)})
        """)
    executor.start(request())

    assert of(JOB, until_exited(executor)) == [Exited(-number, "about to fall\n")]


def test_a_child_that_closes_its_pipes_is_waited_for(executor_of: Make) -> None:
    executor = executor_of("""
        say(type="done")
        for pipe in (EVENTS, 1, 2):
            os.close(pipe)
        time.sleep(0.3)
        os._exit(7)
        """)
    executor.start(request())

    assert of(JOB, until_exited(executor)) == [DoneEvent(), Exited(7, "")]


def test_a_process_that_cannot_be_made_has_exited(tmp_path: Path) -> None:
    executor = LocalExecutor(1, command=[str(tmp_path / "not there")])
    executor.start(request())

    (exited,) = of(JOB, until_exited(executor))

    assert isinstance(exited, Exited)
    assert exited.code == NOT_STARTED
    assert "could not be made" in exited.tail
    assert executor.capacity() == 1


def test_cancel_ends_a_job(executor_of: Make) -> None:
    executor = executor_of(SLEEP)
    process = started(executor)

    executor.cancel(JOB)

    assert of(JOB, until_exited(executor)) == [Exited(-signal.SIGTERM, "")]
    assert not process.is_running()


def test_cancel_ends_a_job_that_ignores_it(executor_of: Make) -> None:
    executor = executor_of("signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + SLEEP)
    process = started(executor)

    executor.cancel(JOB)
    executor.cancel(JOB)

    assert of(JOB, until_exited(executor)) == [Exited(-signal.SIGKILL, "")]
    assert not process.is_running()


GRANDCHILD = """
grandchild = subprocess.Popen(["sleep", "600"])
say(type="log", level="INFO", message=str(grandchild.pid))
"""


@pytest.mark.parametrize("end", ["", "time.sleep(600)"])
def test_nothing_that_a_job_has_started_outlives_it(executor_of: Make, end: str) -> None:
    executor = executor_of(GRANDCHILD + end)
    executor.start(request())
    happened = list(wait_for(lambda: executor.events(0.05), "the job's first words"))
    told = happened[0][1]
    assert isinstance(told, LogEvent)

    executor.cancel(JOB)
    if not isinstance(happened[-1][1], Exited):
        until_exited(executor)

    wait_for(lambda: ended(int(told.message)), "the grandchild's end")


def ended(pid: int) -> bool:
    """Whether a process does nothing more."""
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def test_cancelling_what_does_not_run_does_nothing(executor_of: Make) -> None:
    executor_of("").cancel("01J.nothing")


def test_capacity_is_what_is_left(executor_of: Make) -> None:
    executor = executor_of(SLEEP, slots=2)

    started(executor)

    assert executor.capacity() == 1
    executor.cancel(JOB)
    until_exited(executor)
    assert executor.capacity() == 2


def test_a_job_can_run_again_after_its_exit_and_not_before(executor_of: Make) -> None:
    executor = executor_of("say(type='done')")
    executor.start(request())
    with pytest.raises(ValueError, match="running already"):
        executor.start(request())
    until_exited(executor)

    executor.start(request())

    assert of(JOB, until_exited(executor))[0] == DoneEvent()


def test_jobs_run_side_by_side(executor_of: Make, tmp_path: Path) -> None:
    executor = executor_of("""
        mine, other = REQUEST["params"]["mine"], REQUEST["params"]["other"]
        open(mine, "w").close()
        while not os.path.exists(other):
            time.sleep(0.01)
        say(type="done")
        """)
    one, two = str(tmp_path / "one"), str(tmp_path / "two")
    executor.start(request("01J.one", mine=one, other=two))
    executor.start(request("01J.two", mine=two, other=one))

    happened = until_exited(executor, jobs=2)

    assert of("01J.one", happened)[0] == of("01J.two", happened)[0] == DoneEvent()


def test_drain_waits_for_jobs_and_takes_no_more(executor_of: Make) -> None:
    executor = executor_of("time.sleep(0.2); say(type='done')")
    executor.start(request())

    happened = executor.drain(60.0)

    assert of(JOB, happened) == [DoneEvent(), Exited(0, "")]
    assert executor.capacity() == 0


def test_drain_ends_what_is_not_done_in_time(executor_of: Make) -> None:
    executor = executor_of("signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + SLEEP)
    process = started(executor)

    assert of(JOB, executor.drain(0.0)) == [Exited(-signal.SIGKILL, "")]
    assert not process.is_running()


def test_jobs_are_never_reattached(executor_of: Make) -> None:
    assert executor_of("").reattach(request()) is False


def test_children_inherit_no_descriptors(executor_of: Make, tmp_path: Path) -> None:
    executor = executor_of("""
        mine = {0, 1, 2, EVENTS}
        fds = {int(fd) for fd in os.listdir("/dev/fd")}
        others = [fd for fd in fds - mine if os.path.exists(f"/dev/fd/{fd}")]
        say(type="log", level="INFO", message=str(others))
        """)
    with (tmp_path / "secret").open("w") as file:
        os.set_inheritable(file.fileno(), True)
        executor.start(request())
        told, _ = of(JOB, until_exited(executor))

    assert told == LogEvent(level="INFO", message="[]")
