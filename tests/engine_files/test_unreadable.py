"""A bad state.json: told to readers, set aside by writers, fatal to nobody else."""

import json
import shutil

import pytest

from models.workflow import EventType, Status
from services.errors import (
    StateUnreadable,
)
from services.ids import new_id
from services.state_files import EVENTS, STATE
from services.state_manager import StateManager
from tests.engine_files.making import create, gapless, left_alone, start

BAD = {
    "empty": b"",
    "torn": b'{"schema_version": 1, "id": "01',
    "zeros": b"\0" * 4096,
    "no UTF-8": b'{"id": "\xff"}',
    "no object": b"[]",
    "no status": b'{"schema_version": 1}',
}
STEPS_ELSEWHERE = ["../x", "/x", "..", "", "index/x", "index.1.partial", "index\n"]


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_file_is_told_to_readers_and_left_to_writers(states: StateManager, kind: str) -> None:
    workflow, other = create(states), create(states)
    path = states.folder(workflow) / STATE
    path.write_bytes(BAD[kind])
    with left_alone(states, workflow), pytest.raises(StateUnreadable) as caught:
        states.read(workflow)
    assert caught.value.where["path"] == str(path)

    with pytest.raises(StateUnreadable), states.edit(workflow):
        raise AssertionError("there is nothing to edit")

    aside = states.folder(workflow) / f"{STATE}.unreadable-1"
    assert aside.read_bytes() == BAD[kind]
    assert not path.exists()
    told = (states.folder(workflow) / EVENTS).read_text().splitlines()[-1]
    assert json.loads(told)["type"] == "set_aside"
    assert states.read(other).status is Status.QUEUED
    with left_alone(states, workflow), pytest.raises(StateUnreadable):
        states.repair(workflow)


@pytest.mark.parametrize("name", STEPS_ELSEWHERE)
def test_no_step_leads_out_of_the_folder(states: StateManager, name: str) -> None:
    workflow = create(states)
    path = states.folder(workflow) / STATE
    state = json.loads(path.read_bytes())
    state["steps"][0]["name"] = name
    path.write_text(json.dumps(state))

    with pytest.raises(StateUnreadable):
        states.read(workflow)


def test_a_file_that_was_put_back_goes_on(states: StateManager) -> None:
    workflow = create(states)
    path = states.folder(workflow) / STATE
    good = path.read_bytes()
    path.write_bytes(b"")
    with pytest.raises(StateUnreadable):
        states.repair(workflow)
    path.write_bytes(good)

    start(states, workflow)

    events = states.events(workflow)
    assert gapless(events)
    assert EventType.SET_ASIDE in {event.type for event in events}


def test_a_newer_version_is_not_touched(states: StateManager) -> None:
    workflow = create(states)
    path = states.folder(workflow) / STATE
    path.write_text(path.read_text().replace('"schema_version": 1', '"schema_version": 2'))

    with left_alone(states, workflow), pytest.raises(StateUnreadable) as caught:
        states.repair(workflow)
    assert "newer" in caught.value.hint


def test_unknown_fields_of_the_same_version_are_ignored(states: StateManager) -> None:
    workflow = create(states)
    path = states.folder(workflow) / STATE
    path.write_text(path.read_text().replace('"revision": 1', '"revision": 1, "colour": "red"'))

    assert states.read(workflow).revision == 1


def test_a_copied_folder_is_not_taken_for_another_run(states: StateManager) -> None:
    workflow, copy = create(states), new_id()
    shutil.copytree(states.folder(workflow), states.folder(copy))

    with left_alone(states, copy), pytest.raises(StateUnreadable) as caught:
        states.repair(copy)
    assert workflow in caught.value.message


def test_a_folder_in_the_place_of_the_file_is_told(states: StateManager) -> None:
    workflow = create(states)
    path = states.folder(workflow) / STATE
    path.unlink()
    path.mkdir()

    with pytest.raises(StateUnreadable):
        states.read(workflow)
    with pytest.raises(StateUnreadable):
        states.repair(workflow)
