"""What becomes of jobs that end well, badly, or not by themselves."""

import json
import re
import threading
from pathlib import Path

import pytest
from pydantic import ByteSize

from models.workflow import EventType, Status, WorkflowState
from services import advance
from services.worker.loop import Stop
from services.worker.outcome import JITTER, LONGEST_PAUSE, pause_after
from tests.conftest import Sample
from tests.worker.making import House

AGAIN_ONCE = {"max_attempts": 2}


def partials(house: House, workflow: str) -> list[str]:
    return [path.name for path in house.folder(workflow).glob("*.partial")]


def history(house: House, workflow: str) -> list[str]:
    """What events.jsonl tells of the attempts that did not end well."""
    return [event.detail for event in house.events(workflow) if event.detail]


def test_a_real_recording_is_ingested(house: House, sample: Sample) -> None:
    workflow = house.submit("ingest", sample.path)

    house.work()

    state = house.state(workflow)
    assert state.status is Status.COMPLETED, state.error
    assert next(event.step for event in house.events(workflow, EventType.COMMITTED)) == "index"
    manifest = json.loads((house.folder(workflow) / "convert" / "manifest.json").read_bytes())
    rows = {topic: facts["rows"] for topic, facts in manifest["topics"].items()}
    assert rows == sample.messages
    assert house.jobs() == []
    assert partials(house, workflow) == []


@pytest.mark.slow  # through the API it is looked at each time, in tests/e2e/
def test_the_self_check_needs_nothing(house: House) -> None:
    workflow = house.submit("test")

    house.work()

    assert house.status(workflow) is Status.COMPLETED, house.log(workflow)
    assert sorted(house.folder(workflow).glob("*/manifest.json")) == [
        house.folder(workflow) / step / "manifest.json"
        for step in ("convert", "index", "sample", "visualize")
    ]


def test_steps_of_one_workflow_run_side_by_side(house: House, recording: Path) -> None:
    workflow = house.submit("ingest", recording)

    house.work("""
        mine = REQUEST["step"]
        if mine != "index":
            other = {"convert": "visualize", "visualize": "convert"}[mine]
            (output.parent / f"{mine}.met").touch()
            while not (output.parent / f"{other}.met").exists():
                time.sleep(0.01)
        finish()
        """)

    assert house.status(workflow) is Status.COMPLETED


def test_bad_input_fails_at_once_and_names_itself(house: House, tmp_path: Path) -> None:
    notes = tmp_path / "notes.mcap"
    notes.write_bytes(b"\x89MCAP0\r\n")
    workflow = house.submit("ingest", notes)
    notes.write_text("no recording any more", "utf-8")

    house.work()

    state = house.state(workflow)
    index, convert, visualize = state.steps
    assert (index.status, index.attempt) == (Status.FAILED, 1)
    assert (convert.status, visualize.status) == (Status.SKIPPED, Status.SKIPPED)
    assert state.status is Status.FAILED
    assert state.error == index.error
    assert state.error is not None
    assert state.error.code == "recording_changed"
    assert state.error.hint
    assert "failed: The recording changed" in house.log(workflow)
    assert partials(house, workflow) == []


def test_a_bug_is_told_once_with_its_traceback(house: House, recording: Path) -> None:
    workflow = house.submit("index", recording)

    house.work("""
        problem = {"type": "/problems/x", "title": "X", "detail": "d", "code": "internal_error", "hint": "h"}
        say(type="failed", problem=problem, traceback="Traceback: line 1\\n  line 2")
        sys.exit(1)
        """)

    assert house.status(workflow) is Status.FAILED
    assert house.log(workflow).count("Traceback: line 1") == 1
    assert house.state(workflow).step("index").attempt == 1


def test_a_crash_is_tried_again_and_then_fails_with_its_history(house: House, recording: Path) -> None:
    workflow = house.submit("index", recording, options=AGAIN_ONCE)

    house.work("""
        print("last words", flush=True)
        os.kill(os.getpid(), signal.SIGSEGV)
        """)

    step = house.state(workflow).step("index")
    assert (step.status, step.attempt, step.fence) == (Status.FAILED, 2, 2)
    assert step.error is not None
    assert step.error.code == "job_crashed"
    assert "SIGSEGV" in step.error.detail
    first, second = (text.split(":")[0] for text in history(house, workflow))
    assert re.fullmatch(r"failed in attempt 1 of 2, next in 1\.\d s", first)
    assert second == "failed in attempt 2 of 2"
    assert house.log(workflow).count("last words") == 2
    assert house.jobs() == []
    assert partials(house, workflow) == []


def test_what_works_the_second_time_is_committed_once(house: House, recording: Path) -> None:
    workflow = house.submit("index", recording, options=AGAIN_ONCE)

    house.work("""
        if REQUEST["attempt"] == 1:
            (output / "half").write_bytes(b"half a file")
            sys.exit(3)
        assert os.listdir(output) == []
        finish()
        """)

    step = house.state(workflow).step("index")
    assert (step.status, step.attempt) == (Status.COMPLETED, 2)
    assert [event.attempt for event in house.events(workflow, EventType.COMMITTED)] == [2]
    assert "exit code 3" in house.log(workflow)


@pytest.mark.parametrize("end", ["sys.exit(0)", "say(type='done'); sys.exit(4)"])
def test_an_end_without_both_done_and_exit_code_0_is_a_crash(house: House, recording: Path, end: str) -> None:
    workflow = house.submit("index", recording, options={"max_attempts": 1})

    house.work(end)

    error = house.state(workflow).error
    assert error is not None
    assert error.code == "job_crashed"


def test_a_folder_that_is_not_what_it_says_is_never_committed(house: House, recording: Path) -> None:
    workflow = house.submit("index", recording, options={"max_attempts": 1})

    house.work("""
        (output / "unlisted").touch()
        finish()
        """)

    error = house.state(workflow).error
    assert error is not None
    assert error.code == "output_rejected"
    assert "unlisted" in error.detail
    assert not (house.folder(workflow) / "index").exists()
    assert partials(house, workflow) == []


def test_a_job_that_takes_too_long_fails(house: House, recording: Path) -> None:
    workflow = house.submit("index", recording, options={"timeout": 0.5})

    house.work("signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)")

    step = house.state(workflow).step("index")
    assert (step.status, step.attempt) == (Status.FAILED, 1)
    assert step.error is not None
    assert step.error.code == "job_timed_out"
    assert "0.5 s" in step.error.detail


def test_a_folder_that_stands_in_the_way_fails_the_step_and_stays(house: House, recording: Path) -> None:
    workflow = house.submit("index", recording)
    standing = house.folder(workflow) / "index"
    standing.mkdir()
    (standing / "precious.txt").touch()

    house.work("finish()")

    error = house.state(workflow).error
    assert error is not None
    assert error.code == "output_exists"
    assert (standing / "precious.txt").exists()


def test_warnings_counters_and_many_outputs_are_told(house: House, recording: Path) -> None:
    workflow = house.submit("index", recording)

    house.work("""
        warnings = [{"code": "truncated", "message": "The end is missing.", "where": {"offset": 7}}]
        finish({f"{n:03}.txt": b"x" for n in range(150)}, warnings=warnings, counters={"messages": 3})
        """)

    step = house.state(workflow).step("index")
    assert step.counters == {"messages": 3}
    assert [warning.code for warning in step.warnings] == ["truncated"]
    assert (len(step.outputs), step.outputs_total) == (100, 150)


def test_progress_and_log_lines_arrive(house: House, recording: Path) -> None:
    workflow = house.submit("index", recording, options={"max_attempts": 1})

    house.work("""
        say(type="progress", progress=0.25, stage="reading", counters={"messages": 5})
        say(type="log", level="WARNING", message="something odd")
        state = {"steps": [{"stage": ""}]}
        while not state["steps"][0]["stage"]:
            time.sleep(0.1)
            state = json.loads((output.parent / "state.json").read_bytes())
        say(type="log", level="INFO", message=f"seen: {state['steps'][0]['stage']} {state['progress']}")
        finish()
        """)

    assert "something odd" in house.log(workflow)
    assert "seen: reading 0.25" in house.log(workflow)


def cancel_when_running(house: House, workflow: str) -> threading.Thread:
    """Cancel from another thread, as the API does from another process."""

    def cancel() -> None:
        house.wait_running(workflow)
        with house.states.edit(workflow) as edit:
            advance.request_cancel(edit)

    thread = threading.Thread(target=cancel)
    thread.start()
    return thread


@pytest.mark.parametrize(
    "body",
    [
        "(output / 'working').touch(); time.sleep(600)",
        "signal.signal(signal.SIGTERM, signal.SIG_IGN); (output / 'working').touch(); time.sleep(600)",
    ],
)
def test_a_running_job_can_be_cancelled(house: House, recording: Path, body: str) -> None:
    workflow = house.submit("ingest", recording)
    thread = cancel_when_running(house, workflow)

    house.work(body)

    thread.join()
    state = house.state(workflow)
    assert {step.status for step in state.steps} == {Status.CANCELLED}
    assert state.status is Status.CANCELLED
    assert partials(house, workflow) == []
    assert house.jobs() == []


def test_a_job_that_was_cancelled_while_it_waited_never_starts(house: House, recording: Path) -> None:
    workflow = house.submit("index", recording)
    with house.states.edit(workflow) as edit:
        advance.request_cancel(edit)

    house.work("finish()")

    assert house.status(workflow) is Status.CANCELLED
    assert not (house.folder(workflow) / "worker.log").exists()
    assert house.jobs() == []


def test_a_deleted_workflow_does_not_disturb(house: House, recording: Path) -> None:
    deleted, other = house.submit("index", recording), house.submit("index", recording)
    house.states.trash(deleted)

    house.work("finish()")

    assert house.status(other) is Status.COMPLETED
    assert house.jobs() == []


def test_a_state_that_cannot_be_read_does_not_disturb(house: House, recording: Path) -> None:
    broken, other = house.submit("index", recording), house.submit("index", recording)
    (house.folder(broken) / "state.json").write_text('{"half": ', "utf-8")

    house.work("finish()")

    assert house.status(other) is Status.COMPLETED
    assert list(house.folder(broken).glob("state.json.unreadable-1"))
    assert house.jobs() == []


def test_a_step_that_cannot_even_be_put_together_fails(house: House, recording: Path) -> None:
    workflow = house.submit("index", recording)
    with house.states.edit(workflow) as edit:
        edit.state.template = "of a later version"
        edit.state.step("index").kind = "expand"

    house.work("finish()")

    error = house.state(workflow).error
    assert error is not None
    assert error.code == "internal_error"
    assert house.jobs() == []


def test_priority_goes_before_age(house: House, recording: Path) -> None:
    house.settings = house.settings.model_copy(update={"max_parallel_nodes": 1})
    low = house.submit("index", recording)
    high = house.submit("index", recording, options={"priority": 5})

    house.work("finish()")

    assert started(house.state(high)) < started(house.state(low))


def started(state: WorkflowState) -> str:
    assert state.started_at
    return state.started_at.isoformat()


def test_a_paused_queue_hands_out_nothing(house: House, recording: Path) -> None:
    workflow = house.submit("index", recording)
    house.queue.pause()

    house.work("finish()")

    assert house.status(workflow) is Status.QUEUED
    house.queue.resume()
    house.work("finish()")
    assert house.status(workflow) is Status.COMPLETED


def test_a_worker_that_is_told_to_stop_takes_nothing(house: House, recording: Path) -> None:
    workflow = house.submit("index", recording)
    stop = Stop()
    stop.ask()

    house.work("finish()", stop)

    assert house.status(workflow) is Status.QUEUED
    assert [job.lease for job in house.jobs()] == [None]


def test_a_job_that_takes_too_much_memory_fails_alone_and_says_so(house: House, recording: Path) -> None:
    house.settings = house.settings.model_copy(update={"job_memory_limit": ByteSize(200 << 20)})
    greedy = house.submit("index", recording, options={"max_attempts": 1})
    modest = house.submit("index", recording)

    house.work(f"""
        if REQUEST["workflow"] == {greedy!r}:
            hoard = []
            while True:
                hoard.append(bytearray(os.urandom(1 << 20)))
        time.sleep(1)
        finish()
        """)

    step = house.state(greedy).step("index")
    assert step.error is not None
    assert step.error.code == "out_of_memory"
    assert "more than its 200.0MiB" in step.error.detail
    assert house.status(modest) is Status.COMPLETED


def test_a_job_that_says_nothing_is_tried_again(house: House, recording: Path) -> None:
    house.settings = house.settings.model_copy(update={"stall_timeout": 0.5})
    workflow = house.submit("index", recording, options=AGAIN_ONCE)

    house.work("""
        while REQUEST["attempt"] == 1:
            time.sleep(600)
        for _ in range(10):
            say(type="progress", progress=0.5, stage="slow but alive")
            time.sleep(0.1)
        finish()
        """)

    assert house.status(workflow) is Status.COMPLETED
    (told,) = history(house, workflow)
    assert "It said nothing of its progress" in told


def test_an_attempt_has_no_more_time_than_the_setting_says(house: House, recording: Path) -> None:
    house.settings = house.settings.model_copy(update={"task_timeout": 0.5})
    workflow = house.submit("index", recording)

    house.work("time.sleep(600)")

    error = house.state(workflow).step("index").error
    assert error is not None
    assert error.code == "job_timed_out"


def test_pauses_grow_and_end() -> None:
    for attempt, least in ((1, 1.0), (2, 2.0), (3, 4.0), (50, LONGEST_PAUSE)):
        pauses = {pause_after(attempt) for _ in range(100)}
        assert all(least <= pause <= least * (1 + JITTER) for pause in pauses)
        assert len(pauses) > 1
