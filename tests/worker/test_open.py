"""A start reads the folders of open workflows, and all of them only if the queue was lost."""

from collections.abc import Callable
from pathlib import Path

import pytest

from models.workflow import Status
from services.control import Control
from services.deletion import Deletion
from services.idempotency import Keys
from services.ids import new_id
from services.worker.reconcile import Reconciler
from tests.support.places import lose_queue
from tests.worker.making import House

WORKS = "finish()"


def spoil(house: House, workflow: str) -> Path:
    """Make a state unreadable: whoever reads it sets it aside."""
    path = house.folder(workflow) / "state.json"
    path.write_bytes(b"{")
    return path


def test_what_has_ended_is_closed_and_not_read_again(house: House, recording: Path) -> None:
    ended = [house.submit("ingest", recording) for _ in range(2)]
    house.work(WORKS)
    assert house.queue.open_workflows() == set()
    spoilt = spoil(house, ended[0])
    waiting = house.submit("index", recording, enqueue=False)

    house.work(WORKS)

    assert house.status(waiting) is Status.COMPLETED
    assert spoilt.read_bytes() == b"{"


def test_all_is_read_when_the_queue_was_lost(house: House, recording: Path) -> None:
    ended = [house.submit("ingest", recording) for _ in range(2)]
    house.work(WORKS)
    waiting = [house.submit("index", recording) for _ in range(2)]
    spoilt = spoil(house, ended[0])
    lose_queue(house.settings)

    Reconciler(house.context()).everything(frozenset())

    assert {job.workflow for job in house.jobs()} == set(waiting)
    assert house.queue.open_workflows() == {ended[0], *waiting}, "what can't be read may be mended"
    assert not spoilt.exists()
    assert not house.queue.status().rebuild


def test_a_state_that_was_mended_is_found_at_the_next_start(house: House, recording: Path) -> None:
    workflow = house.submit("index", recording)
    path = house.folder(workflow) / "state.json"
    content = path.read_bytes()
    spoil(house, workflow)
    house.work(WORKS)
    assert house.queue.open_workflows() == {workflow}
    path.write_bytes(content)

    house.work(WORKS)

    assert house.status(workflow) is Status.COMPLETED


def test_an_intention_without_a_folder_is_closed_at_the_next_start(house: House) -> None:
    house.queue.intend([new_id()])
    house.queue.rebuilt()
    reconciler = Reconciler(house.context())

    reconciler.changes(frozenset())
    assert len(house.queue.open_workflows()) == 1, "it may be about to be made"
    reconciler.everything(frozenset())

    assert house.queue.open_workflows() == set()


def test_what_a_killed_writer_left_of_a_workflow_that_is_open_no_more_is_removed(
    house: House, recording: Path
) -> None:
    workflow = house.submit("index", recording)
    house.work("sys.exit(3)")
    house.queue.intend([workflow])  # as before a retry, which was killed while it wrote
    left = house.folder(workflow) / ".state.json.0123abcd.tmp"
    left.write_bytes(b"{")

    Reconciler(house.context()).everything(frozenset())

    assert not left.exists()
    assert house.queue.open_workflows() == set()


def fail_and_retry(house: House, workflow: str) -> None:
    house.work("sys.exit(3)")
    Control(house.states, house.queue).retry(workflow)


def cancel(house: House, workflow: str) -> None:
    Control(house.states, house.queue).cancel(workflow)


def cancel_and_retry(house: House, workflow: str) -> None:
    cancel(house, workflow)
    Control(house.states, house.queue).retry(workflow)


def delete(house: House, workflow: str) -> None:
    cancel(house, workflow)
    house.queue.intend([workflow])
    Deletion(house.states, house.queue, Keys(house.settings, lambda _: None)).delete(workflow)


@pytest.mark.parametrize(
    ("do", "is_open"), [(fail_and_retry, True), (cancel, False), (cancel_and_retry, True), (delete, False)]
)
def test_what_is_done_to_a_workflow_opens_and_closes_it(
    house: House, recording: Path, do: Callable[[House, str], None], is_open: bool
) -> None:
    workflow = house.submit("index", recording, options={"max_attempts": 1})

    do(house, workflow)

    assert (workflow in house.queue.open_workflows()) is is_open


def test_a_batch_is_open_until_all_its_children_have_ended(house: House, recording: Path) -> None:
    (recording.parent / "more").mkdir()
    for name in ("a", "b"):
        (recording.parent / "more" / f"{name}.mcap").write_bytes(recording.read_bytes())
    parent = house.submit("index", recordings=str(recording.parent / "more"))
    house.work("sys.exit(3) if REQUEST['kind'] != 'expand' else None")
    assert house.queue.open_workflows() <= {parent}

    house.work(WORKS)

    assert house.queue.open_workflows() == set()


def test_a_folder_that_somebody_has_put_there_is_found(house: House, recording: Path) -> None:
    ctx = house.context()
    reconciler = Reconciler(ctx)
    workflow = house.submit("index", recording)
    elsewhere = house.tmp_path / "elsewhere"
    house.folder(workflow).rename(elsewhere)
    reconciler.everything(frozenset())
    assert house.queue.open_workflows() == set()
    state = (elsewhere / "state.json").read_text()
    (elsewhere / "state.json").write_text(state.replace('"updated_at": "20', '"updated_at": "19'))
    elsewhere.rename(house.folder(workflow))

    reconciler.changes(frozenset())

    assert [job.workflow for job in house.jobs()] == [workflow]
