"""Workflow folders as files: what is written, what readers see, what a bad file does."""

import json
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from bagmill.errors import OutputExists
from config import Settings
from models.workflow import EventType, Status, WorkflowState
from services import advance
from services.edit import Edit
from services.errors import (
    IllegalTransition,
    NetworkFileSystem,
    StorageFailed,
    WorkflowNotFound,
)
from services.ids import new_id
from services.state_files import EVENTS, REQUEST, STATE
from services.state_manager import StateManager
from tests.engine_files.making import create, gapless, left_alone, path_of, request_of, start, state_of
from tests.support.places import settings_in


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_folder_is_born_with_its_files_and_its_first_step_queued(states: StateManager) -> None:
    state = state_of(priority=3)
    request = request_of(state)
    jobs = states.create(state, request, {"children.jsonl": b""})

    assert names(states.folder(state.id)) == {STATE, REQUEST, EVENTS, "children.jsonl"}
    assert names(states.settings.workflows_dir) == {state.id}
    assert states.read(state.id) == state
    assert states.request(state.id) == request
    assert [job.step for job in jobs] == ["index"]
    assert (state.revision, state.status) == (1, Status.QUEUED)
    events = states.events(state.id)
    assert events[0].type is EventType.CREATED
    assert gapless(events)
    assert list(path_of(events)) == ["queued"]


def test_the_file_says_what_the_contract_says(states: StateManager) -> None:
    workflow = create(states, params={"recording": "drive ü.mcap"})
    text = (states.folder(workflow) / STATE).read_text("utf-8")
    state = json.loads(text)

    published = "schema_version id revision template params status progress parent children steps warnings"
    assert set(f"{published} created_at started_at finished_at updated_at error".split()) <= set(state)
    of_steps = "name kind status needs attempt max_attempts progress stage counters worker warnings error"
    assert set(f"{of_steps} outputs started_at finished_at".split()) <= set(state["steps"][0])
    assert text.startswith('{\n  "schema_version": 1,\n  "id"')
    assert "drive ü.mcap" in text
    assert state["created_at"].endswith("Z")
    line = json.loads((states.folder(workflow) / EVENTS).read_text().splitlines()[1])
    assert {"seq", "at", "type", "step", "attempt", "fence", "from", "to"} <= set(line)
    assert (line["from"], line["to"]) == ("pending", "queued")


def test_no_folder_is_made_twice(states: StateManager) -> None:
    state = state_of()
    states.create(state, request_of(state))

    with left_alone(states, state.id), pytest.raises(OutputExists):
        states.create(state, request_of(state))


def test_an_edit_is_one_revision_and_its_events(states: StateManager) -> None:
    workflow = create(states)
    version = states.version(workflow)
    with states.edit(workflow) as edit:
        edit.move_step("index", Status.RUNNING, attempt=1, fence=1)
        edit.move_step("index", Status.COMPLETED)
        jobs = advance.after_step(edit)
    state = states.read(workflow)

    assert state.revision == 2
    assert states.version(workflow) != version
    assert [job.step for job in jobs] == ["convert", "visualize"]
    events = states.events(workflow)
    assert gapless(events)
    assert events[-1].seq == state.events_seq
    assert states.events(workflow, after_seq=events[-2].seq) == events[-1:]


def test_an_edit_without_a_change_writes_nothing(states: StateManager) -> None:
    workflow = create(states)
    version = states.version(workflow)
    with states.edit(workflow) as edit:
        assert edit.state.status is Status.QUEUED

    assert states.version(workflow) == version


def move_illegally(edit: Edit) -> None:
    edit.state.priority = 9
    edit.move_step("convert", Status.COMPLETED)


def move_by_hand(edit: Edit) -> None:
    edit.state.status = Status.COMPLETED


def put_nan_into_a_param(edit: Edit) -> None:
    edit.state.params["x"] = float("nan")


def put_nan_into_the_progress(edit: Edit) -> None:
    edit.state.steps[0].progress = float("nan")


def go_too_far(edit: Edit) -> None:
    edit.state.steps[0].progress = 1.5


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (move_illegally, IllegalTransition),
        (move_by_hand, IllegalTransition),
        (put_nan_into_a_param, ValueError),
        (put_nan_into_the_progress, ValueError),
        (go_too_far, ValueError),  # could not be read again
    ],
)
def test_an_edit_that_fails_writes_nothing(
    states: StateManager, change: Callable[[Edit], None], error: type[Exception]
) -> None:
    workflow = create(states)
    with left_alone(states, workflow), pytest.raises(error), states.edit(workflow) as edit:
        change(edit)


def test_an_edit_is_free_for_the_next_after_a_failure(states: StateManager) -> None:
    workflow = create(states)
    with pytest.raises(ZeroDivisionError), states.edit(workflow):
        raise ZeroDivisionError
    with states.edit(workflow) as edit:
        edit.state.pinned = True

    assert states.read(workflow).pinned


@pytest.mark.parametrize("name", ["", "..", "README.md", "../x", "01arz3ndektsv4rrffq69g5fav", "x" * 5000])
def test_what_is_no_id_is_not_found(states: StateManager, name: str) -> None:
    assert not states.exists(name)
    with pytest.raises(WorkflowNotFound):
        states.read(name)


def test_a_missing_workflow_is_not_found(states: StateManager) -> None:
    missing = new_id()
    for call in (states.read, states.request, states.version, states.events, states.repair, states.trash):
        with pytest.raises(WorkflowNotFound):
            call(missing)
    with pytest.raises(WorkflowNotFound), states.edit(missing):
        raise AssertionError("there is nothing to edit")


def test_ids_are_the_folders_by_age(states: StateManager) -> None:
    ids = [create(states) for _ in range(5)]
    folder = states.settings.workflows_dir
    (folder / "README.md").touch()
    (folder / f".new-{new_id()}").mkdir()
    (folder / new_id()).touch()  # a file, whatever its name
    (folder / (loop := new_id())).symlink_to(loop)

    assert states.ids() == ids[::-1]
    assert states.ids(newest_first=False) == ids


def test_without_a_folder_there_are_no_ids(settings: Settings) -> None:
    assert StateManager(settings).ids() == []


def test_deleted_is_gone_at_once_and_for_good(states: StateManager) -> None:
    workflow, other = create(states), create(states)
    (states.folder(workflow) / "index").mkdir()
    (states.folder(workflow) / "index" / "index.json").write_text("{}")

    states.trash(workflow)

    assert states.ids() == [other]
    assert names(states.settings.trash_dir) == set()


def test_what_crashes_left_is_swept_and_nothing_else(states: StateManager) -> None:
    workflow, gone, unborn = create(states), new_id(), new_id()
    folder, trash = states.settings.workflows_dir, states.settings.trash_dir
    (folder / f".new-{unborn}").mkdir()
    (folder / f".new-{unborn}" / STATE).write_text("{")
    (folder / ".new-idea").mkdir()
    (trash / gone / "deep").mkdir(parents=True)
    (trash / "my holiday photos").mkdir()

    states.sweep()
    states.sweep()

    assert names(folder) == {workflow, ".new-idea"}
    assert names(trash) == {"my holiday photos"}


def test_a_folder_that_is_being_made_is_not_swept(states: StateManager) -> None:
    unborn = new_id()
    path = states.settings.workflows_dir / f".new-{unborn}"
    sweeper = threading.Thread(target=states.sweep)
    with states.locks.workflow(unborn):
        path.mkdir()
        sweeper.start()
        sweeper.join(0.2)
        path.rename(states.folder(unborn))
    sweeper.join()

    assert states.exists(unborn)


def test_temporary_files_of_killed_writers_are_removed(states: StateManager) -> None:
    workflow = create(states)
    (states.folder(workflow) / f".{STATE}.0011aabb.tmp").write_text("{")

    states.repair(workflow)

    assert names(states.folder(workflow)) == {STATE, REQUEST, EVENTS}


def test_a_repair_without_need_writes_nothing(states: StateManager) -> None:
    workflow = create(states)
    start(states, workflow)
    with left_alone(states, workflow):
        states.repair(workflow)


def test_readers_see_events_that_only_the_state_has_so_far(states: StateManager) -> None:
    workflow = create(states)
    log = states.folder(workflow) / EVENTS
    before = log.read_bytes()
    start(states, workflow)
    whole = states.events(workflow)
    log.write_bytes(before)

    assert states.events(workflow) == whole
    states.repair(workflow)
    assert log.read_bytes() != before
    assert states.events(workflow) == whole


def test_an_event_log_that_can_not_be_written_does_not_undo_the_change(states: StateManager) -> None:
    workflow = create(states)
    log = states.folder(workflow) / EVENTS
    with states.edit(workflow) as edit:
        edit.move_step("index", Status.RUNNING, attempt=1, fence=1)
        kept = log.read_bytes()
        log.unlink()
        log.mkdir()
    assert states.read(workflow).steps[0].status is Status.RUNNING

    log.rmdir()
    log.write_bytes(kept)
    with states.edit(workflow) as edit:
        edit.move_step("index", Status.COMPLETED)

    assert gapless(states.events(workflow))
    assert list(path_of(states.events(workflow), "index")) == ["queued", "running", "completed"]


def change_in_a_folder_that_goes_away(states: StateManager, workflow: str) -> None:
    folder = states.folder(workflow)
    with states.edit(workflow) as edit:
        edit.state.pinned = True
        folder.rename(folder.with_name("elsewhere"))


def test_a_write_that_fails_is_told(states: StateManager) -> None:
    workflow = create(states)
    folder = states.folder(workflow)
    with pytest.raises(StorageFailed) as caught:
        change_in_a_folder_that_goes_away(states, workflow)

    assert str(folder) in str(caught.value.where["path"])
    folder.with_name("elsewhere").rename(folder)
    assert not states.read(workflow).pinned


def test_a_linked_workflows_folder_works(tmp_path: Path) -> None:
    (tmp_path / "big disk").mkdir()
    (tmp_path / "workflows").symlink_to(tmp_path / "big disk")
    states = StateManager(settings_in(tmp_path, trash_dir=tmp_path / "big disk" / "trash"))
    states.prepare()
    workflow = create(states)
    start(states, workflow)

    assert states.ids() == [workflow]
    assert (tmp_path / "big disk" / workflow / STATE).is_file()
    states.trash(workflow)
    assert states.ids() == []


def test_run_time_folders_are_made_when_needed(settings: Settings) -> None:
    StateManager(settings).prepare()

    assert settings.workflows_dir.is_dir()
    assert settings.trash_dir.is_dir()


def test_a_file_in_the_place_of_a_folder_is_told(settings: Settings) -> None:
    settings.workflows_dir.touch()

    with pytest.raises(StorageFailed) as caught:
        StateManager(settings).prepare()
    assert caught.value.where == {"path": str(settings.workflows_dir)}


def test_trash_on_another_file_system_is_refused(settings: Settings) -> None:
    elsewhere = settings.model_copy(update={"trash_dir": Path("/dev")})

    with pytest.raises(StorageFailed, match="TRASH_DIR") as caught:
        StateManager(elsewhere).prepare()

    assert "beside WORKFLOWS_DIR" in caught.value.hint


def test_network_file_systems_are_an_error_that_says_what_to_do() -> None:
    assert "ALLOW_NETWORK_FS" in NetworkFileSystem().hint


def test_edits_of_many_threads_are_all_kept(states: StateManager) -> None:
    workflow = create(states)

    def edit_often() -> None:
        for _ in range(20):
            with states.edit(workflow) as edit:
                edit.state.priority += 1
                edit.note(EventType.CHANGED)

    threads = [threading.Thread(target=edit_often) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    state = states.read(workflow)
    assert (state.priority, state.revision) == (80, 81)
    assert gapless(states.events(workflow))


def test_states_survive_a_round_trip(states: StateManager) -> None:
    state = states.read(create(states))

    assert WorkflowState.model_validate_json(state.model_dump_json(by_alias=True)) == state
