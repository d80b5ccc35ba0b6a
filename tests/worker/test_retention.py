"""Old runs are deleted, and only these; whatever comes between, nothing half-deleted stays."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from ulid import ULID

from config import Settings
from models.base import utc_now
from models.batch import Child
from models.workflow import Status
from services import advance, durable
from services.children import write_children
from services.ids import made_at
from services.worker.reconcile import Reconciler
from services.worker.retention import Retention
from tests.support.places import settings_in
from tests.support.waiting import wait_for
from tests.worker.making import House


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_in(tmp_path, retention_days=10)


def run(house: House, recording: Path, days: float, **fields: Any) -> str:
    """A workflow that ended so many days ago."""
    made = house.submit("index", recording, enqueue=False)
    then = utc_now() - timedelta(days=days)
    workflow = str(ULID.from_datetime(then))
    with house.states.edit(made) as edit:
        advance.request_cancel(edit)
    house.queue.close([made])
    house.rewrite(made, **({"id": workflow, "finished_at": then} | fields))
    house.folder(made).rename(house.settings.workflows_dir / workflow)
    return workflow


def look(house: House) -> list[str]:
    return Retention(house.context()).look()


def test_what_is_older_goes_and_what_is_pinned_stays(house: House, recording: Path) -> None:
    old, older = run(house, recording, 10.1), run(house, recording, 99)
    kept = [
        run(house, recording, 9.9),
        run(house, recording, 99, pinned=True),
        run(house, recording, 99, finished_at=utc_now()),
        run(house, recording, 99, status=Status.RUNNING),
        house.submit("index", recording),
    ]
    spoilt = run(house, recording, 99)
    (house.folder(spoilt) / "state.json").write_bytes(b"{")

    assert look(house) == [older, old]

    assert set(house.states.ids()) == {*kept, spoilt}
    assert list(house.settings.trash_dir.iterdir()) == []
    assert look(house) == []


def batch(house: House, recording: Path, **fields: Any) -> tuple[str, list[str]]:
    """An old batch with two children."""
    parent = run(house, recording, 20)
    children = [run(house, recording, 19, parent=parent), run(house, recording, 18, parent=parent, **fields)]
    write_children(house.folder(parent), [Child(id=child, recording=recording.name) for child in children])
    return parent, children


def test_a_batch_goes_with_its_children(house: House, recording: Path) -> None:
    parent, _ = batch(house, recording)

    assert look(house) == [parent]

    assert house.states.ids() == []


@pytest.mark.parametrize("fields", [{"pinned": True}, {"status": Status.QUEUED}, {"finished_at": utc_now()}])
def test_a_batch_stays_as_long_as_one_of_its_children(
    house: House, recording: Path, fields: dict[str, Any]
) -> None:
    parent, children = batch(house, recording, **fields)

    assert look(house) == []

    assert set(house.states.ids()) == {parent, *children}


def test_an_interrupted_deletion_is_finished(house: House, recording: Path) -> None:
    parent, children = batch(house, recording)
    trash = house.settings.trash_dir / children[0]
    house.folder(children[0]).rename(trash)  # and killed before it was removed
    (trash / "state.json").unlink()

    ctx = house.context()
    Reconciler(ctx).everything(frozenset())
    assert Retention(ctx).look() == [parent]

    assert house.states.ids() == []
    assert list(house.settings.trash_dir.iterdir()) == []


def test_its_idempotency_key_is_free_again(house: House, recording: Path) -> None:
    workflow = run(house, recording, 20)
    request = house.states.request(workflow).model_copy(update={"idempotency_key": "k"})
    durable.write_json(house.folder(workflow) / "request.json", request)
    folder = house.settings.idempotency_dir
    folder.mkdir()
    path = folder / "8254c329a92850f6d539dd376f4816ee2764517da5e0235514af433164480d7a.json"
    path.touch()

    look(house)

    assert not path.exists()


def test_a_worker_does_it_unless_all_is_kept_for_ever(house: House, recording: Path, tmp_path: Path) -> None:
    old = run(house, recording, 20)
    forever = House(settings_in(tmp_path, retention_days=0), tmp_path)
    with forever.worker() as worker:
        wait_for(lambda: "started" in worker.output, "the worker")
        new = house.submit("index", recording)
        forever.wait(new)
        worker.stop()
    assert house.states.exists(old)

    with house.worker() as worker:
        wait_for(lambda: not house.states.exists(old), "the deletion")
        worker.stop()

    assert house.states.ids() == [new]
    assert "ended more than 10 days ago" in worker.output


def test_two_who_remove_the_same_folder_are_not_in_each_other_s_way(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    for number in range(500):
        (folder / f"{number}").mkdir(parents=True)
        (folder / f"{number}" / "file").touch()

    def remove(_: int) -> bool:
        durable.remove_tree(folder)
        return folder.exists()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(remove, range(4))) == [False] * 4


def test_an_id_says_when_it_was_made() -> None:
    now = utc_now()

    assert abs(made_at(str(ULID.from_datetime(now))) - now.timestamp()) <= 0.001
    assert made_at("7ZZZZZZZZZZZZZZZZZZZZZZZZZ") > now.timestamp(), "later than any datetime"
