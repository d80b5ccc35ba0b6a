"""What a new worker makes of what it finds: after a kill at any instant of a job's life, and after worse."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from models.workflow import EventType, Status
from services import advance
from services.worker.life import WorkerLife
from services.worker.outcome import MOST_INTERRUPTIONS
from services.worker.reconcile import Reconciler
from tests.support.places import lose_queue
from tests.worker.making import DEAD, House, fill

WORKS = "finish()"


def one_commit(house: House, workflow: str, step: str = "index") -> bool:
    """Whether the step has exactly one commit event."""
    return [event.step for event in house.events(workflow, EventType.COMMITTED)].count(step) == 1


# What a worker had done before it was killed.


def only_claimed(house: House, workflow: str) -> None:
    house.queue.claim(WorkerLife(house.settings).lease(), 1)


def folder_not_made(house: House, workflow: str) -> None:
    house.begin(workflow, DEAD).rmdir()


def half_written(house: House, workflow: str) -> None:
    (house.begin(workflow, DEAD) / "half").write_bytes(b"half a file")


def complete_but_not_renamed(house: House, workflow: str) -> None:
    fill(house.begin(workflow, DEAD), f"{workflow}.index", 1)


def renamed_but_not_told(house: House, workflow: str) -> None:
    partial = house.begin(workflow, DEAD)
    fill(partial, f"{workflow}.index", 1)
    partial.rename(house.folder(workflow) / "index")


def told_but_still_leased(house: House, workflow: str) -> None:
    renamed_but_not_told(house, workflow)
    with house.states.edit(workflow) as edit:
        edit.move_step("index", Status.COMPLETED)
        edit.note(EventType.COMMITTED, step="index")
        advance.after_step(edit)


def events_not_written(house: House, workflow: str) -> None:
    path = house.folder(workflow) / "events.jsonl"
    before = path.read_bytes()
    told_but_still_leased(house, workflow)
    path.write_bytes(before)
    earlier = path.stat().st_mtime_ns - 10**9
    os.utime(path, ns=(earlier, earlier))


MOMENTS = [
    only_claimed,
    folder_not_made,
    half_written,
    complete_but_not_renamed,
    renamed_but_not_told,
    told_but_still_leased,
    events_not_written,
]


@pytest.mark.parametrize("killed", MOMENTS)
@pytest.mark.parametrize("template", ["index", "ingest"])
def test_whenever_a_worker_was_killed_the_next_finishes(
    house: House, recording: Path, killed: Callable[[House, str], None], template: str
) -> None:
    workflow = house.submit(template, recording)
    killed(house, workflow)

    house.work(WORKS)

    state = house.state(workflow)
    assert state.status is Status.COMPLETED, state
    for step in state.steps:
        assert step.status is Status.COMPLETED
        assert one_commit(house, workflow, step.name)
    assert house.jobs() == []
    assert list(house.folder(workflow).glob("*.partial")) == []


@pytest.mark.parametrize("killed", [renamed_but_not_told, told_but_still_leased])
def test_what_was_committed_is_not_done_again(
    house: House, recording: Path, killed: Callable[[House, str], None]
) -> None:
    workflow = house.submit("index", recording)
    killed(house, workflow)
    before = (house.folder(workflow) / "index" / "manifest.json").stat()

    house.work("sys.exit('must not run')")

    assert house.status(workflow) is Status.COMPLETED
    after = (house.folder(workflow) / "index" / "manifest.json").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert house.state(workflow).step("index").attempt == 1


@pytest.mark.parametrize(
    ("killed", "status"),
    [
        (half_written, Status.CANCELLED),
        (complete_but_not_renamed, Status.CANCELLED),
        (renamed_but_not_told, Status.COMPLETED),
    ],
)
def test_a_cancel_that_nobody_could_carry_out_is_carried_out(
    house: House, recording: Path, killed: Callable[[House, str], None], status: Status
) -> None:
    workflow = house.submit("index", recording)
    killed(house, workflow)
    with house.states.edit(workflow) as edit:
        advance.request_cancel(edit)

    house.work("sys.exit('must not run')")

    assert house.state(workflow).step("index").status is status
    assert house.status(workflow) is status
    assert list(house.folder(workflow).glob("*.partial")) == []
    assert house.jobs() == []


def test_a_job_that_kills_its_worker_does_not_go_on_for_ever(house: House, recording: Path) -> None:
    workflow = house.submit("index", recording, options={"max_attempts": 2})
    for _ in range(MOST_INTERRUPTIONS + 1):
        half_written(house, workflow)
        reconciler = Reconciler(house.context())
        reconciler.everything(frozenset())

    step = house.state(workflow).step("index")
    assert step.status is Status.FAILED
    assert step.error is not None
    assert step.error.code == "job_lost"
    assert (step.attempt, step.interruptions) == (1, MOST_INTERRUPTIONS)
    told = [event.detail for event in house.events(workflow, EventType.RECOVERED)]
    assert told[0] == "interrupted with its worker (1); queued again"
    assert told[-1] == f"failed: The worker died during this job {MOST_INTERRUPTIONS + 1} times."
    assert house.jobs() == []


def test_a_committed_folder_that_was_damaged_is_not_adopted(house: House, recording: Path) -> None:
    workflow = house.submit("index", recording)
    renamed_but_not_told(house, workflow)
    (house.folder(workflow) / "index" / "result.txt").write_bytes(b"short")

    house.work("sys.exit('must not run')")

    step = house.state(workflow).step("index")
    assert step.status is Status.FAILED
    assert step.error is not None
    assert step.error.code == "output_rejected"
    assert house.events(workflow, EventType.COMMITTED) == []


def test_what_a_living_worker_does_is_left_alone(house: House, recording: Path) -> None:
    other = house.context()
    workflow = house.submit("index", recording)
    partial = house.begin(workflow, other.life.id)

    Reconciler(house.context()).everything(frozenset())

    assert house.state(workflow).step("index").status is Status.RUNNING
    assert partial.is_dir()
    assert house.jobs()[0].lease is not None
    assert (house.settings.workers_dir / f"{other.life.id}.json").exists()


def test_the_files_of_the_dead_are_removed(house: House) -> None:
    folder = house.settings.workers_dir
    folder.mkdir(parents=True)
    (folder / f"{DEAD}.lock").touch()
    (folder / f"{DEAD}.json").write_text("{}", "utf-8")
    ctx = house.context()

    Reconciler(ctx).everything(frozenset())

    assert {path.name for path in folder.iterdir()} == {f"{ctx.life.id}.lock", f"{ctx.life.id}.json"}


@pytest.mark.parametrize("queue", [None, b"", b"{half", b'{"jobs": 7}'])
def test_a_queue_that_is_gone_or_spoilt_is_made_anew(
    house: House, recording: Path, queue: bytes | None
) -> None:
    workflows = [house.submit("ingest", recording) for _ in range(3)]
    half_written(house, workflows[0])
    if queue is None:
        lose_queue(house.settings)
    else:
        house.settings.queue_state_file.write_bytes(queue)
        house.settings.queue_journal.write_bytes(queue)

    house.work(WORKS)

    assert {house.status(workflow) for workflow in workflows} == {Status.COMPLETED}
    assert all(one_commit(house, workflow, "convert") for workflow in workflows)
    assert not house.queue.snapshot().rebuild


def test_a_workflow_that_never_reached_the_queue_is_enqueued(house: House, recording: Path) -> None:
    house.work(WORKS)
    workflow = house.submit("index", recording, enqueue=False)

    house.work(WORKS)

    assert house.status(workflow) is Status.COMPLETED


def test_jobs_that_nobody_waits_for_are_dropped(house: House, recording: Path) -> None:
    ended, gone = house.submit("index", recording), house.submit("index", recording)
    with house.states.edit(ended) as edit:
        advance.request_cancel(edit)
    house.states.trash(gone)
    waiting = house.submit("index", recording)

    Reconciler(house.context()).everything(frozenset())

    assert [job.workflow for job in house.jobs()] == [waiting]


def test_a_step_that_should_be_queued_is_queued(house: House, recording: Path) -> None:
    workflow = house.submit("ingest", recording)
    with house.states.edit(workflow) as edit:
        edit.move_step("index", Status.RUNNING, worker=DEAD)
        edit.move_step("index", Status.COMPLETED)  # and nothing further

    house.work(WORKS)

    assert house.status(workflow) is Status.COMPLETED


def test_leftovers_are_removed(house: House, recording: Path) -> None:
    workflow = house.submit("index", recording)
    house.work(WORKS)
    (house.folder(workflow) / "index.1.partial").mkdir()
    house.queue.intend([workflow])  # it is not closed as long as there is such a folder
    born = house.settings.workflows_dir / f".new-{workflow}"
    born.mkdir()
    trashed = house.settings.trash_dir / workflow
    trashed.mkdir()
    (trashed / "state.json").touch()

    Reconciler(house.context()).everything(frozenset())

    assert not (house.folder(workflow) / "index.1.partial").exists()
    assert not born.exists()
    assert not trashed.exists()


def test_a_lease_that_this_worker_does_not_know_of_is_given_back(house: House, recording: Path) -> None:
    house.submit("index", recording)
    ctx = house.context()
    reconciler = Reconciler(ctx)
    reconciler.everything(frozenset())
    house.queue.claim(ctx.life.lease(), 1)

    reconciler.changes(frozenset())

    assert [job.lease for job in house.jobs()] == [None]


def test_a_patrol_leaves_alone_what_is_changing_right_now(house: House, recording: Path) -> None:
    reconciler = Reconciler(house.context())
    reconciler.everything(frozenset())
    house.submit("index", recording, enqueue=False)

    reconciler.changes(frozenset())

    assert house.jobs() == []


def test_a_look_changes_nothing_where_nothing_is_wrong(house: House, recording: Path) -> None:
    workflow = house.submit("ingest", recording)
    ctx = house.context()
    Reconciler(ctx).everything(frozenset())
    before = house.state(workflow), house.queue.snapshot().seq

    Reconciler(ctx).everything(frozenset())

    assert (house.state(workflow), house.queue.snapshot().seq) == before


def test_a_state_that_makes_no_sense_holds_up_nobody(house: House, recording: Path) -> None:
    senseless, other = house.submit("ingest", recording), house.submit("index", recording)
    steps = house.state(senseless).steps
    steps[0].needs = ["visualize"]
    house.rewrite(senseless, steps=steps)

    house.work(WORKS)

    assert house.status(other) is Status.COMPLETED
