"""Workers as processes: killed, stopped politely, stopped impolitely, several at a time."""

import json
import os
import signal
from pathlib import Path

import psutil
import pytest

from config import LogFormat
from models.workflow import EventType, Status
from services import locks
from services.worker.process import Employer
from tests.conftest import Sample
from tests.support.places import lose_queue
from tests.support.processes import kill
from tests.support.waiting import wait_for
from tests.worker.making import House

SLOW_AT_FIRST = """
if REQUEST["fence"] == 1:
    sys.path.insert(0, os.getcwd())
    from services.executors.entry import Requests

    requests = Requests()
    subprocess.Popen(["sleep", "600"])
    (output / "working").touch()
    time.sleep(600)
finish()
"""


def test_a_killed_worker_s_job_ends_with_it_and_is_done_by_the_next(house: House, recording: Path) -> None:
    workflow = house.submit("index", recording)
    with house.worker(SLOW_AT_FIRST) as worker:
        house.wait_running(workflow)
        family = worker.family()

        os.kill(worker.popen.pid, signal.SIGKILL)

        worker.popen.wait()
        for member in family:
            wait_for(
                lambda member=member: not member.is_running() or member.status() == "zombie",  # type: ignore[misc]
                "the end of the whole family",
            )
    assert len(family) == 3
    with house.worker(SLOW_AT_FIRST) as worker:
        state = house.wait(workflow)
        assert worker.stop() == 0

    step = state.step("index")
    assert (step.status, step.attempt, step.fence) == (Status.COMPLETED, 1, 2)
    assert len(house.events(workflow, EventType.COMMITTED)) == 1
    assert list(house.folder(workflow).glob("*.partial")) == []


def test_a_living_worker_takes_over_what_a_dead_one_had(house: House, recording: Path) -> None:
    workflow = house.submit("index", recording)
    with house.worker(SLOW_AT_FIRST) as first:
        house.wait_running(workflow)
        with house.worker(SLOW_AT_FIRST) as second:
            wait_for(lambda: len(list(house.settings.workers_dir.glob("*.json"))) == 2, "the second worker")
            kill(first.family())

            state = house.wait(workflow)

            assert second.stop() == 0
    assert (state.step("index").attempt, state.step("index").interruptions) == (1, 1)
    assert list(house.settings.workers_dir.iterdir()) == []


@pytest.mark.slow
def test_twenty_workflows_survive_kills_of_everything(house: House, sample: Sample) -> None:
    workflows = [house.submit("convert", sample.path, topics=["/odom"]) for _ in range(20)]

    def completed() -> int:
        return sum(house.status(workflow) is Status.COMPLETED for workflow in workflows)

    for done in (2, 8):
        with house.worker() as worker:
            wait_for(lambda done=done: completed() >= done, "some progress")  # type: ignore[misc]
            kill(worker.family())
            worker.popen.wait()
    lose_queue(house.settings)

    with house.worker() as worker:
        states = [house.wait(workflow) for workflow in workflows]
        assert worker.stop() == 0

    assert {state.status for state in states} == {Status.COMPLETED}
    for workflow in workflows:
        assert [event.step for event in house.events(workflow, EventType.COMMITTED)] == ["convert"]
        manifest = json.loads((house.folder(workflow) / "convert" / "manifest.json").read_bytes())
        assert manifest["topics"]["/odom"]["rows"] == sample.messages["/odom"]


def test_an_idle_worker_stops_at_once_and_leaves_nothing(house: House) -> None:
    with house.worker() as worker:
        wait_for(lambda: list(house.settings.workers_dir.glob("*.json")), "the worker")

        assert worker.stop() == 0

    assert "Traceback" not in worker.output
    assert "stopped" in worker.output
    assert list(house.settings.workers_dir.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_job_that_finishes_within_the_grace_is_committed(
    house: House, recording: Path, number: signal.Signals
) -> None:
    workflow = house.submit("ingest", recording)
    with house.worker(
        "(output / 'working').touch(); time.sleep(1); (output / 'working').unlink(); finish()"
    ) as worker:
        house.wait_running(workflow)

        worker.signal(number)

        assert worker.wait() == 0
    index, convert, visualize = house.state(workflow).steps
    assert (index.status, convert.status, visualize.status) == (
        Status.COMPLETED,
        Status.QUEUED,
        Status.QUEUED,
    )
    assert "Traceback" not in worker.output


def test_a_job_that_does_not_finish_is_given_back_without_costing_an_attempt(
    house: House, recording: Path
) -> None:
    house.settings = house.settings.model_copy(update={"drain_seconds": 0.2})
    workflow = house.submit("index", recording, options={"max_attempts": 1})
    with house.worker(SLOW_AT_FIRST) as worker:
        house.wait_running(workflow)
        assert worker.stop() == 0

    step = house.state(workflow).step("index")
    assert (step.status, step.attempt, step.fence) == (Status.QUEUED, 0, 1)
    assert house.status(workflow) is Status.QUEUED
    assert [job.lease for job in house.jobs()] == [None]
    assert list(house.folder(workflow).glob("*.partial")) == []
    with house.worker(SLOW_AT_FIRST) as worker:
        assert house.wait(workflow).status is Status.COMPLETED
        worker.stop()


@pytest.mark.slow
def test_a_second_signal_does_not_wait(house: House, recording: Path) -> None:
    house.settings = house.settings.model_copy(update={"drain_seconds": 3600.0})
    workflow = house.submit("index", recording)
    with house.worker("signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + SLOW_AT_FIRST) as worker:
        house.wait_running(workflow)
        worker.signal(signal.SIGTERM)
        wait_for(lambda: "waiting up to" in worker.output, "the drain")

        worker.signal(signal.SIGTERM)

        assert worker.wait() == 0
    assert house.state(workflow).step("index").status is Status.QUEUED
    assert "Traceback" not in worker.output


def test_two_workers_do_each_job_once(house: House, recording: Path) -> None:
    workflows = [house.submit("ingest", recording) for _ in range(10)]
    with house.worker("time.sleep(0.05); finish()") as one, house.worker("time.sleep(0.05); finish()") as two:
        states = [house.wait(workflow) for workflow in workflows]
        assert (one.stop(), two.stop()) == (0, 0)

    assert {state.status for state in states} == {Status.COMPLETED}
    assert {step.attempt for state in states for step in state.steps} == {1}
    for workflow in workflows:
        assert len(house.events(workflow, EventType.COMMITTED)) == 3


def test_work_that_comes_later_is_found(house: House, recording: Path) -> None:
    with house.worker("finish()") as worker:
        wait_for(lambda: list(house.settings.workers_dir.glob("*.json")), "the worker")
        for _ in range(3):
            assert house.wait(house.submit("index", recording)).status is Status.COMPLETED
        worker.stop()


def test_once_ends_with_the_queue(house: House, sample: Sample) -> None:
    workflow = house.submit("index", sample.path)

    with house.worker(None, "--once") as worker:
        assert worker.wait() == 0

    assert house.status(workflow) is Status.COMPLETED


def test_a_worker_that_cannot_work_says_why(house: House) -> None:
    house.settings.queue_state_file.write_text(
        '{"schema_version": 99, "updated_at": "2030-01-01T00:00:00Z"}', "utf-8"
    )

    with house.worker() as worker:
        assert worker.wait() == 1

    assert "newer Bagmill" in worker.output
    assert "Traceback" not in worker.output


def test_the_machine_format_of_the_log_has_one_object_a_line(house: House, recording: Path) -> None:
    house.settings = house.settings.model_copy(update={"log_format": LogFormat.JSON})
    workflow = house.submit("index", recording)
    with house.worker("finish()") as worker:
        house.wait(workflow)
        worker.stop()

    lines = [json.loads(line) for line in worker.output.splitlines()]
    told = [line["action"] for line in lines if line.get("workflow") == workflow]
    assert told == ["job_started", "job_completed", "workflow_ended"]
    assert lines[0]["action"] == "worker_started"
    assert lines[-1]["action"] == "worker_stopped"
    assert all(line["at"].endswith("Z") for line in lines)


def test_jobs_have_low_priority(house: House, recording: Path) -> None:
    workflow = house.submit("convert", recording)

    house.work("""
        sys.path.insert(0, os.getcwd())
        from services.executors.entry import be_modest
        be_modest(REQUEST["resources"]["threads"])
        group = Path("/proc/self/autogroup")
        words = group.read_text().split() if group.exists() else []
        finish(counters={"nice": os.nice(0), "group": int(words[-1]) if words else 5})
        """)

    counters = house.state(workflow).step("convert").counters
    assert counters["nice"] >= psutil.Process().nice() + 5
    assert counters["group"] >= 5


def test_an_autostarted_worker_is_wanted_as_long_as_an_api_lives(house: House) -> None:
    held = locks.try_lock(house.settings.autostart_lock)
    assert held
    employer = Employer(house.settings, patience=0.0)
    assert not Employer(
        house.settings.model_copy(update={"queue_state_file": house.tmp_path / "x" / "q"}), 0.0
    )()
    patient = Employer(house.settings, patience=3600.0)

    held.release()

    assert not employer()
    assert patient()
