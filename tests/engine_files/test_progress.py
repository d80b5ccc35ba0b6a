"""Progress: often said, seldom written, and never by an attempt that does not run."""

import pytest

from models.job import ProgressEvent
from models.workflow import Status
from services import advance
from services.state_manager import StateManager
from tests.engine_files.making import create, left_alone, start
from tests.support.waiting import wait_for


def half(progress: float = 0.5, stage: str = "reading") -> ProgressEvent:
    return ProgressEvent(progress=progress, stage=stage, counters={"messages": 7})


def test_progress_is_written_but_is_no_event(states: StateManager) -> None:
    workflow = create(states)
    fence = start(states, workflow)
    before = states.read(workflow)

    assert states.progress(workflow, "index", fence, half())

    state = states.read(workflow)
    step = state.steps[0]
    assert (step.progress, step.stage, step.counters) == (0.5, "reading", {"messages": 7})
    assert state.progress == pytest.approx(0.5 / 3)
    assert state.revision == before.revision + 1
    assert state.last_events == before.last_events
    assert states.events(workflow)[-1].seq == before.events_seq


def test_progress_in_between_is_kept_for_the_next_write(states: StateManager) -> None:
    workflow = create(states)
    fence = start(states, workflow)
    with states.edit(workflow) as edit:
        edit.move_step("index", Status.COMPLETED)
        advance.after_step(edit)
    fences = {name: start(states, workflow, name) for name in ("convert", "visualize")}
    assert fence == fences["convert"] == 1

    assert states.progress(workflow, "convert", 1, half(0.1))
    states.progress(workflow, "visualize", 1, half(0.7))
    states.progress(workflow, "convert", 1, half(0.2))
    wait_for(lambda: states.progress(workflow, "convert", 1, half(0.3)), "the next write")

    state = states.read(workflow)
    assert [step.progress for step in state.steps] == [1.0, 0.3, 0.7]


def test_progress_is_written_seldom(states: StateManager) -> None:
    workflow = create(states)
    fence = start(states, workflow)
    before = states.read(workflow).revision

    written = [states.progress(workflow, "index", fence, half(step / 100)) for step in range(100)]

    assert 0 < sum(written) < 100
    assert states.read(workflow).revision == before + sum(written)


def test_progress_stays_below_the_commit(states: StateManager) -> None:
    workflow = create(states)
    states.progress(workflow, "index", start(states, workflow), half(1.0))

    assert states.read(workflow).steps[0].progress < 1


@pytest.mark.parametrize("fence", [0, 2])
def test_progress_of_another_attempt_is_of_no_effect(states: StateManager, fence: int) -> None:
    workflow = create(states)
    start(states, workflow)
    with left_alone(states, workflow):
        assert not states.progress(workflow, "index", fence, half())


def test_progress_of_what_does_not_run_is_of_no_effect(states: StateManager) -> None:
    workflow = create(states)
    with left_alone(states, workflow):
        assert not states.progress(workflow, "index", 0, half())
        assert not states.progress(workflow, "nothing", 0, half())
