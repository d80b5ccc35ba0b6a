"""PATCH, cancel, retry, DELETE: on single runs and on batches, without a worker about."""

from pathlib import Path
from typing import Any

import httpx2
import pytest

from config import Settings
from models.batch import Child
from models.workflow import Status, WorkflowState
from services import advance
from services.children import write_children
from services.ids import new_id
from services.queue_service import FileQueue
from services.sources import stamp
from services.state_manager import StateManager
from services.templates import build_state, child_request
from tests.support.server import Server


@pytest.fixture
def states(settings: Settings) -> StateManager:
    return StateManager(settings)


def run(states: StateManager, workflow: str, step: str, *ends: Status) -> None:
    """Take a step through its statuses as a worker would."""
    for status in (Status.RUNNING, *ends):
        with states.edit(workflow) as edit:
            edit.move_step(step, status)
            if step == "expand":
                edit.state.children = {Status.PENDING: 3}
            advance.after_step(edit)


@pytest.fixture
def batch(api: Server, states: StateManager, settings: Settings, drive: Path) -> tuple[str, list[str]]:
    """A batch whose three children are made: its id and theirs."""
    queue = FileQueue(settings)
    parent = api.submit("convert", {"recordings": [drive.name]})["id"]
    run(states, parent, "expand", Status.COMPLETED)
    children = [Child(id=new_id(), recording=drive.name) for _ in range(3)]
    write_children(states.folder(parent), children)
    for child in children:
        request = child_request(
            states.read(parent), states.request(parent).options, child.id, child.recording
        )
        state = build_state(request, stamp(child.recording, settings.recordings_dir))
        queue.enqueue(states.create(state, request))
    with states.edit(parent) as edit:
        advance.settle_batch(edit, {Status.QUEUED: 3})
    queue.remove(parent)
    return parent, [child.id for child in children]


def jobs(http: httpx2.Client, workflow: str) -> list[dict[str, Any]]:
    return [job for job in http.get("/api/queue").json()["jobs"] if job["workflow"] == workflow]


def problem(answer: httpx2.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    return answer.status_code, answer.json()["code"]


def test_cancel_takes_the_jobs_out_of_the_queue(api: Server, http: httpx2.Client) -> None:
    workflow = api.submit("test")["id"]

    answer = http.post(f"/api/workflows/{workflow}/cancel")

    assert answer.status_code == 200
    assert answer.json()["status"] == "cancelled"
    assert {step["status"] for step in answer.json()["steps"]} == {"cancelled"}
    assert jobs(http, workflow) == []


def test_cancel_of_an_ended_run_changes_nothing(api: Server, http: httpx2.Client) -> None:
    workflow = api.submit("test")["id"]
    first = http.post(f"/api/workflows/{workflow}/cancel")

    again = http.post(f"/api/workflows/{workflow}/cancel")

    assert again.status_code == 200
    assert again.json() == first.json()


def test_cancel_of_a_running_step_waits_for_its_worker(
    api: Server, http: httpx2.Client, states: StateManager
) -> None:
    workflow = api.submit("test")["id"]
    run(states, workflow, "sample")

    state = http.post(f"/api/workflows/{workflow}/cancel").json()

    assert state["status"] == "cancelling"
    assert state["cancel_requested"] is True
    assert [step["status"] for step in state["steps"]] == ["cancelling", *["cancelled"] * 3]


def test_retry_runs_what_failed_and_keeps_the_rest(
    api: Server, http: httpx2.Client, states: StateManager, drive: Path
) -> None:
    workflow = api.submit("ingest", {"recording": drive.name})["id"]
    run(states, workflow, "index", Status.COMPLETED)
    run(states, workflow, "convert", Status.FAILED)
    run(states, workflow, "visualize", Status.COMPLETED)
    assert states.read(workflow).status is Status.FAILED

    answer = http.post(f"/api/workflows/{workflow}/retry")

    statuses = {step["name"]: step["status"] for step in answer.json()["steps"]}
    assert answer.status_code == 200
    assert answer.json()["status"] == "queued"
    assert statuses == {"index": "completed", "convert": "queued", "visualize": "completed"}
    assert [job["step"] for job in jobs(http, workflow) if job["state"] == "ready"] == ["index", "convert"]


@pytest.mark.parametrize("ended", [False, True])
def test_retry_of_what_runs_or_is_finished_is_refused(
    api: Server, http: httpx2.Client, states: StateManager, drive: Path, ended: bool
) -> None:
    workflow = api.submit("index", {"recording": drive.name})["id"]
    if ended:
        run(states, workflow, "index", Status.COMPLETED)

    assert problem(http.post(f"/api/workflows/{workflow}/retry")) == (409, "illegal_operation")


def test_retry_takes_a_recording_that_was_mended(
    api: Server, http: httpx2.Client, states: StateManager, drive: Path
) -> None:
    first = api.submit("index", {"recording": drive.name})
    run(states, first["id"], "index", Status.FAILED)
    drive.write_bytes(drive.read_bytes() + bytes(50))

    again = http.post(f"/api/workflows/{first['id']}/retry").json()

    assert again["source"]["size"] == first["source"]["size"] + 50


def test_retry_keeps_the_stamp_that_a_finished_step_has_read(
    api: Server, http: httpx2.Client, states: StateManager, drive: Path
) -> None:
    first = api.submit("ingest", {"recording": drive.name})
    run(states, first["id"], "index", Status.COMPLETED)
    run(states, first["id"], "convert", Status.FAILED)
    run(states, first["id"], "visualize", Status.FAILED)
    drive.write_bytes(drive.read_bytes() + bytes(50))

    again = http.post(f"/api/workflows/{first['id']}/retry").json()

    assert again["source"] == first["source"]


def test_retry_without_the_recording_is_refused(
    api: Server, http: httpx2.Client, states: StateManager, drive: Path
) -> None:
    workflow = api.submit("index", {"recording": drive.name})["id"]
    run(states, workflow, "index", Status.FAILED)
    drive.unlink()

    assert problem(http.post(f"/api/workflows/{workflow}/retry")) == (422, "recording_not_found")
    assert states.read(workflow).status is Status.FAILED


def test_patch_sets_what_it_names(api: Server, http: httpx2.Client) -> None:
    workflow = api.submit("test", {}, priority=1)["id"]
    address = f"/api/workflows/{workflow}"

    first = http.patch(address, json={"priority": 9}).json()
    second = http.patch(address, json={"pinned": True}).json()
    third = http.patch(address, json={"pinned": True}).json()

    assert (first["priority"], first["pinned"]) == (9, False)
    assert (second["priority"], second["pinned"]) == (9, True)
    assert third["revision"] == second["revision"]
    assert [job["priority"] for job in jobs(http, workflow)] == [9]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, None),
        ({"priority": None}, "/priority"),
        ({"priority": "1"}, "/priority"),
        ({"priority": 101}, "/priority"),
        ({"pinned": 1}, "/pinned"),
        ({"pined": True}, "/pined"),
    ],
)
def test_patches_that_do_not_fit_are_refused(
    api: Server, http: httpx2.Client, body: dict[str, Any], pointer: str | None
) -> None:
    workflow = api.submit("test")["id"]

    answer = http.patch(f"/api/workflows/{workflow}", json=body)

    assert problem(answer) == (422, "invalid_request")
    assert [error["pointer"] for error in answer.json()["errors"]] == ([pointer] if pointer else [])


def test_delete_removes_the_folder(api: Server, http: httpx2.Client) -> None:
    workflow = api.submit("test")["id"]
    http.post(f"/api/workflows/{workflow}/cancel")

    answer = http.delete(f"/api/workflows/{workflow}")

    assert (answer.status_code, answer.content) == (204, b"")
    assert not api.folder(workflow).exists()
    assert not (api.settings.trash_dir / workflow).exists()
    assert problem(http.delete(f"/api/workflows/{workflow}")) == (404, "workflow_not_found")


def test_delete_of_what_has_not_ended_is_refused(api: Server, http: httpx2.Client) -> None:
    workflow = api.submit("test")["id"]

    assert problem(http.delete(f"/api/workflows/{workflow}")) == (409, "illegal_operation")
    assert api.folder(workflow).is_dir()


def test_lists_show_children_only_with_their_parent(
    http: httpx2.Client, batch: tuple[str, list[str]]
) -> None:
    parent, children = batch

    everything = [item["id"] for item in http.get("/api/workflows?limit=500").json()["items"]]
    of_parent = [item["id"] for item in http.get(f"/api/workflows?parent={parent}").json()["items"]]

    assert parent in everything
    assert not set(children) & set(everything)
    assert of_parent == sorted(children, reverse=True)


def test_cancel_of_a_batch_cancels_its_children(
    http: httpx2.Client, batch: tuple[str, list[str]], states: StateManager
) -> None:
    parent, children = batch
    run(states, children[0], "convert", Status.COMPLETED)

    answer = http.post(f"/api/workflows/{parent}/cancel").json()

    assert answer["status"] == "cancelled"
    assert answer["children"] == {"completed": 1, "cancelled": 2}
    assert [states.read(child).status.value for child in children] == ["completed", "cancelled", "cancelled"]
    assert not [job for child in children[1:] for job in jobs(http, child)]


def test_cancel_of_a_batch_waits_for_children_that_run(
    http: httpx2.Client, batch: tuple[str, list[str]], states: StateManager
) -> None:
    parent, children = batch
    run(states, children[0], "convert")

    answer = http.post(f"/api/workflows/{parent}/cancel").json()

    assert answer["status"] == "cancelling"
    assert answer["children"] == {"cancelling": 1, "cancelled": 2}


def failed(states: StateManager, parent: str, children: list[str]) -> WorkflowState:
    """The batch after its first child completed and the others failed."""
    for child, end in zip(children, (Status.COMPLETED, Status.FAILED, Status.FAILED), strict=True):
        run(states, child, "convert", end)
    with states.edit(parent) as edit:
        advance.settle_batch(edit, {Status.COMPLETED: 1, Status.FAILED: 2})
    return states.read(parent)


def test_retry_of_a_batch_retries_its_failed_children(
    http: httpx2.Client, batch: tuple[str, list[str]], states: StateManager
) -> None:
    parent, children = batch
    assert failed(states, parent, children).status is Status.FAILED

    answer = http.post(f"/api/workflows/{parent}/retry")

    assert answer.status_code == 200
    assert answer.json()["status"] == "running"
    assert answer.json()["error"] is None
    assert answer.json()["children"] == {"completed": 1, "queued": 2}
    assert [states.read(child).status.value for child in children] == ["completed", "queued", "queued"]


def test_retry_of_a_child_opens_its_batch_again(
    http: httpx2.Client, batch: tuple[str, list[str]], states: StateManager
) -> None:
    parent, children = batch
    failed(states, parent, children)

    assert http.post(f"/api/workflows/{children[1]}/retry").json()["status"] == "queued"

    state = states.read(parent)
    assert state.status is Status.RUNNING
    assert state.children == {Status.COMPLETED: 1, Status.QUEUED: 1, Status.FAILED: 1}


def test_a_bad_child_does_not_hold_up_the_others(
    http: httpx2.Client, batch: tuple[str, list[str]], states: StateManager
) -> None:
    parent, children = batch
    (states.folder(children[0]) / "state.json").write_bytes(b"{")

    assert http.patch(f"/api/workflows/{parent}", json={"priority": 4}).status_code == 200
    assert http.post(f"/api/workflows/{parent}/cancel").status_code == 200

    assert [states.read(child).status.value for child in children[1:]] == ["cancelled", "cancelled"]
    assert [states.read(child).priority for child in children[1:]] == [4, 4]


def test_patch_of_a_batch_reaches_its_children(
    http: httpx2.Client, batch: tuple[str, list[str]], states: StateManager
) -> None:
    parent, children = batch

    http.patch(f"/api/workflows/{parent}", json={"priority": 8, "pinned": True})

    assert {(states.read(child).priority, states.read(child).pinned) for child in children} == {(8, True)}
    assert {job["priority"] for child in children for job in jobs(http, child)} == {8}


def test_a_part_of_a_batch_is_not_deleted_alone(
    http: httpx2.Client, batch: tuple[str, list[str]], states: StateManager
) -> None:
    parent, children = batch
    http.post(f"/api/workflows/{parent}/cancel")

    alone = http.delete(f"/api/workflows/{children[0]}")
    whole = http.delete(f"/api/workflows/{parent}")

    assert problem(alone) == (409, "illegal_operation")
    assert parent in alone.json()["where"]["parent"]
    assert whole.status_code == 204
    assert not [one for one in (parent, *children) if states.exists(one)]


def test_a_batch_that_runs_is_not_deleted(http: httpx2.Client, batch: tuple[str, list[str]]) -> None:
    parent, children = batch

    assert problem(http.delete(f"/api/workflows/{parent}")) == (409, "illegal_operation")
    assert problem(http.delete(f"/api/workflows/{children[0]}")) == (409, "illegal_operation")


def test_a_refused_delete_of_a_batch_removes_nothing(
    http: httpx2.Client, batch: tuple[str, list[str]], states: StateManager
) -> None:
    parent, children = batch
    run(states, children[0], "convert", Status.COMPLETED)

    assert problem(http.delete(f"/api/workflows/{parent}")) == (409, "illegal_operation")

    assert [states.exists(one) for one in (parent, *children)] == [True] * 4


def test_a_batch_is_deleted_with_children_that_can_not_be_read(
    http: httpx2.Client, batch: tuple[str, list[str]], states: StateManager
) -> None:
    parent, children = batch
    http.post(f"/api/workflows/{parent}/cancel")
    (states.folder(children[0]) / "state.json").write_bytes(b"{")

    assert http.delete(f"/api/workflows/{parent}").status_code == 204
    assert not [one for one in (parent, *children) if states.exists(one)]
