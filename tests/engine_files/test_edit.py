"""Moves obey the table, stamp times and make events; lists are capped; nothing changes a status by hand."""

import pytest

from models.job import ProgressEvent
from models.problem import Problem
from models.workflow import ENDED, TRANSITIONS, EventType, Output, Status, StepState, WarningNote
from services.edit import CAP, Edit
from services.errors import IllegalTransition
from tests.engine_files.making import gapless, path_of, state_of

PROBLEM = Problem(type="/problems/not_mcap", title="No", detail="no", code="not_mcap", hint="Look.")
ALL = [(before, to) for before in Status for to in Status]


def at(status: Status) -> Edit:
    """An edit of a workflow with one step, both in this status."""
    state = state_of([("index", ())])
    state.status = state.steps[0].status = status
    return Edit(state)


@pytest.mark.parametrize(("before", "to"), ALL)
def test_every_move_of_a_step_obeys_the_table(before: Status, to: Status) -> None:
    edit = at(before)
    if to in TRANSITIONS[before]:
        assert edit.move_step("index", to).status is to
        assert edit.events[0].from_ is before
        assert edit.events[0].to is to
    else:
        with pytest.raises(IllegalTransition) as caught:
            edit.move_step("index", to)
        assert caught.value.where == {"workflow": edit.state.id}
        assert not edit.changed


@pytest.mark.parametrize(("before", "to"), ALL)
def test_every_move_of_a_workflow_obeys_the_table(before: Status, to: Status) -> None:
    edit = at(before)
    if to in TRANSITIONS[before]:
        edit.move(to)
        assert edit.state.status is to
    else:
        with pytest.raises(IllegalTransition):
            edit.move(to)
        assert not edit.changed


def test_completed_is_final() -> None:
    assert not TRANSITIONS[Status.COMPLETED]
    assert {status for status in Status if Status.RUNNING in TRANSITIONS[status]} == {Status.QUEUED}
    assert set(TRANSITIONS) == set(Status)
    assert all(status.ended for status in ENDED)


def test_a_status_changed_by_hand_is_refused() -> None:
    edit = at(Status.PENDING)
    edit.state.steps[0].status = Status.COMPLETED

    with pytest.raises(IllegalTransition):
        edit.seal()


def test_a_run_is_stamped_and_told() -> None:
    edit = at(Status.QUEUED)
    edit.move_step("index", Status.RUNNING, attempt=1, fence=4, worker="w")
    step = edit.state.steps[0]

    assert edit.state.status is Status.RUNNING
    assert step.started_at
    assert edit.state.started_at
    assert (step.worker, edit.events[0].attempt, edit.events[0].fence) == ("w", 1, 4)

    outputs = [Output(path="index/index.json", size=2, sha256="0")]
    edit.move_step("index", Status.COMPLETED, outputs=outputs, detail="committed")

    assert (step.progress, step.outputs) == (1.0, outputs)
    assert step.finished_at
    assert step.finished_at >= step.started_at
    assert edit.events[-1].detail == "committed"
    assert gapless(edit.events)
    assert list(path_of(edit.events, "index")) == ["running", "completed"]
    assert list(path_of(edit.events)) == ["running"]


def test_back_in_the_queue_nothing_of_the_attempt_is_left_but_its_numbers() -> None:
    edit = at(Status.RUNNING)
    step = edit.state.steps[0]
    step.attempt, step.fence, step.worker, step.progress, step.stage = 1, 3, "w", 0.5, "decoding"
    step.counters, step.warnings = {"messages": 5}, [WarningNote(code="x", message="x")]

    edit.move_step("index", Status.QUEUED)

    fresh = StepState(name="index", kind="index", status=Status.QUEUED, attempt=1, fence=3)
    assert step == fresh


def test_a_failure_keeps_its_reason_until_it_is_retried() -> None:
    edit = at(Status.RUNNING)
    edit.move_step("index", Status.FAILED, error=PROBLEM)
    edit.move(Status.FAILED, error=PROBLEM)

    assert (edit.state.error, edit.state.steps[0].error) == (PROBLEM, PROBLEM)
    edit.move_step("index", Status.QUEUED)
    edit.move(Status.QUEUED)
    assert (edit.state.error, edit.state.steps[0].error) == (None, None)
    assert edit.state.finished_at is None


@pytest.mark.parametrize("wrong", [{"atempt": 1}, {"colour": "red"}])
def test_a_field_that_there_is_not_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="no field"):
        at(Status.QUEUED).move_step("index", Status.RUNNING, detail=None, **wrong)


def test_a_step_that_there_is_not_is_refused() -> None:
    with pytest.raises(KeyError):
        at(Status.QUEUED).move_step("convert", Status.RUNNING)


def test_an_edit_without_a_change_says_so() -> None:
    edit = at(Status.RUNNING)
    assert not edit.changed

    edit.state.steps[0].counters["messages"] = 1

    assert edit.changed


def test_notes_are_events() -> None:
    edit = at(Status.RUNNING)
    edit.note(EventType.COMMITTED, step="index", detail="index")
    edit.note(EventType.CHANGED, detail="priority 5")

    assert [(event.type, event.step) for event in edit.events] == [
        (EventType.COMMITTED, "index"),
        (EventType.CHANGED, None),
    ]
    assert edit.seal().last_events == edit.events


def test_numbers_go_on_after_the_newest_event() -> None:
    edit = at(Status.RUNNING)
    edit.state.events_seq = 41
    edit.note(EventType.RECOVERED)

    assert edit.seal().last_events[0].seq == 42


def test_a_revision_without_events_keeps_the_newest_ones() -> None:
    first = at(Status.QUEUED)
    first.note(EventType.CHANGED)
    state = first.seal()
    second = Edit(state)
    second.state.priority = 5

    assert second.seal().last_events == first.events
    assert state.revision == 2


def test_lists_are_capped_and_counted() -> None:
    edit = at(Status.RUNNING)
    for number in range(CAP + 20):
        edit.warn(WarningNote(code="x", message=str(number)))
        edit.warn(WarningNote(code="x", message=str(number)), step="index")
    outputs = [Output(path=str(number), size=1, sha256="0") for number in range(CAP * 3)]
    edit.state.steps[0].outputs = outputs
    state = edit.seal()
    step = state.steps[0]

    assert (len(state.warnings), state.warnings_total) == (CAP, CAP + 20)
    assert (len(step.warnings), step.warnings_total) == (CAP, CAP + 20)
    assert (step.outputs, step.outputs_total) == (outputs[:CAP], CAP * 3)

    more = Edit(state)
    more.warn(WarningNote(code="x", message="one more"))
    more.seal()
    assert (len(state.warnings), state.warnings_total) == (CAP, CAP + 21)
    assert (len(step.outputs), step.outputs_total) == (CAP, CAP * 3)


def test_a_short_list_counts_itself() -> None:
    edit = at(Status.RUNNING)
    edit.warn(WarningNote(code="x", message="x"))

    assert edit.seal().warnings_total == 1


def test_progress_events_are_bounded() -> None:
    with pytest.raises(ValueError, match="less than or equal to 1"):
        ProgressEvent(progress=1.5, stage="x")
