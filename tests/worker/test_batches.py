"""Batches: children made, counted, cancelled and finished, also when the worker dies in between."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from models.workflow import EventType, Status, WorkflowState
from services import advance
from services.children import read_children
from services.control import Control
from services.worker.batches import Batches
from tests.conftest import Sample
from tests.support.places import lose_queue
from tests.support.processes import kill
from tests.support.waiting import wait_for
from tests.worker.making import House

MAGIC = b"\x89MCAP0\r\n"


@pytest.fixture
def recordings(house: House) -> Path:
    """A recordings folder with five files that pass for recordings."""
    folder = house.settings.recordings_dir
    folder.mkdir()
    for number in range(5):
        (folder / f"{number}.mcap").write_bytes(MAGIC)
    return folder


LISTING = """
if REQUEST["kind"] == "expand":
    sys.path.insert(0, os.getcwd())
    from models.job import JobRequest
    from services.executors.sealing import seal
    from services.steps.expand import run
    request = JobRequest.model_validate(REQUEST)
    seal(request, run(request, lambda progress: None))
    say(type="done")
    sys.exit()
"""
"""Jobs that expand as they should, and then do what a test says."""


def children(house: House, parent: str) -> list[WorkflowState]:
    """The states of the children that were made."""
    listed = read_children(house.folder(parent))
    return [house.state(child.id) for child in listed if house.states.exists(child.id)]


def statuses(house: House, parent: str) -> Counter[Status]:
    return Counter(child.status for child in children(house, parent))


def test_a_batch_runs_its_template_on_each_recording(house: House, recordings: Path) -> None:
    parent = house.submit("ingest", recordings="*.mcap", options={"priority": 3})

    house.work(LISTING + "finish()")

    state = house.state(parent)
    assert state.status is Status.COMPLETED
    assert state.children == {Status.COMPLETED: 5}
    assert state.progress == 1.0
    made = children(house, parent)
    assert [child.params for child in made] == [{"recording": f"{number}.mcap"} for number in range(5)]
    assert [child.id for child in made] == sorted(child.id for child in made)
    for child in made:
        assert (child.template, child.parent, child.priority) == ("ingest", parent, 3)
        assert child.source is not None
        assert Path(child.source.path) == recordings / child.params["recording"]
        assert len(house.events(child.id, EventType.COMMITTED)) == 3


@pytest.mark.slow
def test_the_recordings_folder_is_processed_as_it_is(house: House, sample: Sample) -> None:
    folder = house.settings.recordings_dir / "day 1"
    folder.mkdir(parents=True)
    (folder / "ü.mcap").write_bytes(sample.path.read_bytes())
    parent = house.submit("data_processing", topics=["/status"])

    house.work()

    (child,) = children(house, parent)
    assert house.state(parent).children == {Status.COMPLETED: 1}
    assert (child.template, child.status) == ("ingest", Status.COMPLETED)
    assert child.params == {"topics": ["/status"], "recording": "day 1/ü.mcap"}


def test_an_empty_folder_is_a_warning(house: House) -> None:
    house.settings.recordings_dir.mkdir()
    parent = house.submit("data_processing")

    house.work()

    state = house.state(parent)
    assert state.status is Status.COMPLETED
    assert state.children == {}
    assert [warning.code for warning in state.warnings] == ["no_recordings"]


def test_no_folder_at_all_is_a_warning_too(house: House) -> None:
    parent = house.submit("data_processing")

    house.work()

    assert house.status(parent) is Status.COMPLETED, house.state(parent).error


def test_a_recording_that_cannot_be_used_fails_alone(house: House, recordings: Path) -> None:
    (recordings / "1.mcap").write_bytes(b"")
    parent = house.submit("index", recordings=["0.mcap", "1.mcap", "none.mcap"])

    house.work(LISTING + "finish()")

    state = house.state(parent)
    assert state.status is Status.FAILED
    assert state.error is not None
    assert state.error.code == "recordings_failed"
    assert state.children == {Status.COMPLETED: 1, Status.FAILED: 2}
    codes = [child.error.code if child.error else None for child in children(house, parent)]
    assert codes == [None, "empty_recording", "recording_not_found"]


def test_with_allow_failed_it_is_a_warning(house: House, recordings: Path) -> None:
    (recordings / "1.mcap").write_bytes(b"")
    parent = house.submit("index", recordings=["0.mcap", "1.mcap"], options={"allow_failed": True})

    house.work(LISTING + "finish()")

    state = house.state(parent)
    assert state.status is Status.COMPLETED
    assert state.children == {Status.COMPLETED: 1, Status.FAILED: 1}
    assert len(state.warnings) == 1


def test_more_children_than_a_slice_of_time_allows_are_all_made(house: House) -> None:
    folder = house.settings.recordings_dir
    folder.mkdir()
    for number in range(150):
        (folder / f"{number:03}.mcap").write_bytes(b"")
    parent = house.submit("index", recordings=".")

    house.work(LISTING)

    assert house.state(parent).children == {Status.FAILED: 150}


# A worker that dies while it makes children.


def no_list(house: House, parent: str) -> None:
    """Died after the commit of `expand`."""
    for child in read_children(house.folder(parent)):
        house.states.trash(child.id)
    (house.folder(parent) / "children.jsonl").unlink()


def no_child(house: House, parent: str) -> None:
    """Died after the list was written."""
    for child in read_children(house.folder(parent)):
        house.states.trash(child.id)


def half_of_them(house: House, parent: str) -> None:
    """Died in the middle."""
    for child in read_children(house.folder(parent))[2:]:
        house.states.trash(child.id)


def all_but_told(house: House, parent: str) -> None:
    """Died when all were made and nothing was counted."""


@pytest.mark.parametrize("died", [no_list, no_child, half_of_them, all_but_told])
def test_the_next_worker_makes_the_children_that_are_missing(
    house: House, recordings: Path, died: Callable[[House, str], None]
) -> None:
    parent = house.submit("index", recordings=".")
    with house.worker(LISTING + "time.sleep(600)") as worker:
        wait_for(lambda: len(children(house, parent)) == 5, "the children")
        kill(worker.family())
        worker.popen.wait()
    before = [child.id for child in read_children(house.folder(parent))]
    died(house, parent)
    lose_queue(house.settings)

    house.work(LISTING + "finish()")

    after = [child.id for child in read_children(house.folder(parent))]
    assert house.state(parent).children == {Status.COMPLETED: 5}
    assert (after == before) is (died is not no_list)
    assert {child.id for child in children(house, parent)} == set(house.states.ids()) - {parent}
    assert house.state(parent).step("expand").attempt == 1


def test_a_living_worker_goes_on_with_the_batch_of_a_dead_one(house: House, recordings: Path) -> None:
    parent = house.submit("index", recordings=".")
    slow_at_first = LISTING + "time.sleep(600 if REQUEST['fence'] == 1 else 0); finish()"
    with house.worker(slow_at_first) as first:
        wait_for(lambda: statuses(house, parent)[Status.RUNNING] >= 4, "the children")
        with house.worker(slow_at_first) as second:
            wait_for(lambda: statuses(house, parent)[Status.RUNNING] == 5, "the second worker")
            kill(first.family())
            wait_for(lambda: statuses(house, parent)[Status.COMPLETED] >= 4, "most of the children")
            kill(second.family()[1:])

            state = house.wait(parent)

            assert second.stop() == 0
    assert state.children == {Status.COMPLETED: 5}


def test_cancelling_a_batch_cancels_its_children(house: House, recordings: Path) -> None:
    parent = house.submit("index", recordings=".")
    with house.worker(LISTING + "time.sleep(600)") as worker:
        wait_for(lambda: statuses(house, parent) == {Status.RUNNING: 4, Status.QUEUED: 1}, "all children")

        Control(house.states, house.queue).cancel(parent)

        state = house.wait(parent)
        assert worker.stop() == 0
    assert state.status is Status.CANCELLED
    assert state.children == {Status.CANCELLED: 5}
    assert statuses(house, parent) == {Status.CANCELLED: 5}


@pytest.mark.slow
def test_a_cancel_of_the_parent_alone_reaches_the_children(house: House, recordings: Path) -> None:
    parent = house.submit("index", recordings=".")
    with house.worker(LISTING + "time.sleep(600)") as worker:
        wait_for(lambda: statuses(house, parent) == {Status.RUNNING: 4, Status.QUEUED: 1}, "all children")

        with house.states.edit(parent) as edit:
            advance.request_cancel(edit)  # whoever asked for it died at once

        state = house.wait(parent)
        assert worker.stop() == 0
    assert state.status is Status.CANCELLED
    assert statuses(house, parent) == {Status.CANCELLED: 5}


def test_a_cancel_that_the_next_worker_meets_reaches_the_children(house: House, recordings: Path) -> None:
    parent = house.submit("index", recordings=".")
    body = LISTING + "finish() if REQUEST['source']['path'].endswith('0.mcap') else time.sleep(600)"
    with house.worker(body) as worker:
        wait_for(lambda: statuses(house, parent) == {Status.COMPLETED: 1, Status.RUNNING: 4}, "the children")
        kill(worker.family())
        worker.popen.wait()
    with house.states.edit(parent) as edit:
        advance.request_cancel(edit)

    house.work(LISTING + "finish()")

    state = house.state(parent)
    assert state.status is Status.CANCELLED
    assert state.children is not None
    assert state.children.keys() == {Status.COMPLETED, Status.CANCELLED}  # some may have been faster
    assert sum(state.children.values()) == 5
    assert statuses(house, parent) == state.children


def test_a_retry_of_the_batch_runs_what_failed_and_nothing_else(house: House, recordings: Path) -> None:
    parent = house.submit("index", recordings=".", options={"max_attempts": 1})
    house.work(LISTING + "finish() if REQUEST['source']['path'].endswith('0.mcap') else sys.exit(1)")
    assert house.state(parent).children == {Status.COMPLETED: 1, Status.FAILED: 4}

    Control(house.states, house.queue).retry(parent)
    house.work(LISTING + "finish()")

    state = house.state(parent)
    assert state.status is Status.COMPLETED
    assert state.children == {Status.COMPLETED: 5}
    for child in children(house, parent):
        assert len(house.events(child.id, EventType.COMMITTED)) == 1


@pytest.mark.slow
def test_a_retry_of_one_child_reopens_the_batch(house: House, recordings: Path) -> None:
    parent = house.submit("index", recordings=".", options={"max_attempts": 1})
    house.work(LISTING + "sys.exit(1) if REQUEST['source']['path'].endswith('3.mcap') else finish()")
    (failed,) = [child.id for child in children(house, parent) if child.status is Status.FAILED]

    Control(house.states, house.queue).retry(failed)
    assert not house.status(parent).ended
    house.work(LISTING + "finish()")

    assert house.status(parent) is Status.COMPLETED


def test_a_retry_of_one_child_of_a_completed_batch_is_counted(house: House, recordings: Path) -> None:
    options = {"max_attempts": 1, "allow_failed": True}
    parent = house.submit("index", recordings=".", options=options)
    house.work(
        LISTING + "sys.exit(1) if REQUEST['source']['path'].endswith(('2.mcap', '3.mcap')) else finish()"
    )
    failed = [child.id for child in children(house, parent) if child.status is Status.FAILED]
    for child in failed:
        Control(house.states, house.queue).retry(child)
    assert house.state(parent).children == {Status.COMPLETED: 3, Status.QUEUED: 2}

    house.work(LISTING + "finish()")

    assert house.status(parent) is Status.COMPLETED
    assert house.state(parent).children == {Status.COMPLETED: 5}


@pytest.mark.slow
def test_children_that_were_never_made_are_made_by_a_retry(house: House, recordings: Path) -> None:
    parent = house.submit("index", recordings=".")
    house.work(LISTING + "finish()")
    for child in read_children(house.folder(parent))[3:]:
        house.states.trash(child.id)
    house.rewrite(parent, status=Status.CANCELLED)  # as if it had been cancelled after the third

    Control(house.states, house.queue).retry(parent)
    house.work(LISTING + "finish()")

    assert house.status(parent) is Status.COMPLETED
    assert house.state(parent).children == {Status.COMPLETED: 5}


def test_a_batch_whose_list_was_spoilt_is_reported_and_holds_up_nobody(
    house: House, recordings: Path
) -> None:
    parent = house.submit("index", recordings=".")
    house.work(LISTING + "finish()")
    ctx = house.context()
    house.rewrite(parent, status=Status.RUNNING)
    (house.folder(parent) / "expand" / "recordings.jsonl").write_text("no list", "utf-8")
    batches = Batches(ctx)

    batches.add(parent)
    batches.tick()

    assert not batches.open
