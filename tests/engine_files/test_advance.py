"""What happens next: dependants, ends, cancels, retries, batches."""

import pytest

from models.problem import Problem
from models.workflow import EventType, Status
from services import advance
from services.edit import Edit
from services.errors import IllegalOperation
from tests.engine_files.making import begun, run, state_of, statuses

C, F, X, Q, P, R, S = (
    Status.COMPLETED,
    Status.FAILED,
    Status.CANCELLED,
    Status.QUEUED,
    Status.PENDING,
    Status.RUNNING,
    Status.SKIPPED,
)
PROBLEM = Problem(type="/problems/not_mcap", title="No", detail="no", code="not_mcap", hint="Look.")
EXPAND = (("expand", ()),)
MERGE = (("expand", ()), ("merge", ("expand", "children")))


def start(edit: Edit, *steps: str) -> None:
    for name in steps:
        step = edit.state.step(name)
        edit.move_step(name, R, attempt=step.attempt + 1, fence=step.fence + 1)


def batch(steps: tuple[tuple[str, tuple[str, ...]], ...] = EXPAND, **fields: object) -> Edit:
    """A batch whose `expand` is done."""
    edit = begun(steps, children={}, **fields)
    run(edit, "expand")
    return edit


def test_a_new_workflow_queues_what_needs_nothing() -> None:
    edit = Edit(state_of(priority=7))
    jobs = advance.queue_ready(edit)

    assert statuses(edit) == {"index": "queued", "convert": "pending", "visualize": "pending"}
    assert edit.state.status is Q
    assert [(job.id, job.step, job.priority, job.attempt, job.fence) for job in jobs] == [
        (f"{edit.state.id}.index", "index", 7, 1, 1)
    ]


def test_steps_go_side_by_side_when_what_they_need_is_done() -> None:
    edit = begun()
    jobs = run(edit, "index")

    assert [job.step for job in jobs] == ["convert", "visualize"]
    assert edit.state.status is R
    assert edit.state.progress == pytest.approx(1 / 3)
    assert run(edit, "convert") == []
    assert edit.state.status is R
    run(edit, "visualize")
    assert edit.state.status is C
    assert edit.state.progress == 1.0


def test_what_needs_a_failed_step_is_skipped_all_the_way() -> None:
    edit = begun((("report", ("convert",)), ("convert", ("index",)), ("index", ())))
    jobs = run(edit, "index", F, error=PROBLEM)

    assert jobs == []
    assert statuses(edit) == {"report": "skipped", "convert": "skipped", "index": "failed"}
    assert edit.state.status is F
    assert edit.state.error == PROBLEM


def test_a_workflow_ends_only_when_all_that_runs_has_ended() -> None:
    edit = begun()
    run(edit, "index")
    start(edit, "convert", "visualize")
    edit.move_step("convert", F, error=PROBLEM)
    advance.after_step(edit)

    assert edit.state.status is R
    edit.move_step("visualize", C)
    advance.after_step(edit)
    assert edit.state.status is F
    assert edit.state.error == PROBLEM
    assert edit.state.progress == pytest.approx(2 / 3)


def test_what_was_lost_goes_back_to_the_queue() -> None:
    edit = begun()
    start(edit, "index")
    edit.move_step("index", Q)
    advance.after_step(edit)

    assert edit.state.status is Q
    assert [job.attempt for job in advance.queued_jobs(edit.state)] == [2]

    run(edit, "index")
    start(edit, "convert")
    edit.move_step("convert", Q)
    advance.after_step(edit)
    assert edit.state.status is R, "it has begun, and something of it is done"


def test_steps_that_need_each_other_are_refused() -> None:
    edit = begun((("a", ()), ("b", ("c",)), ("c", ("b",))))

    with pytest.raises(ValueError, match="need each other"):
        run(edit, "a")


def test_cancelling_what_waits_ends_it_at_once() -> None:
    edit = begun()

    assert advance.request_cancel(edit)
    assert set(statuses(edit).values()) == {"cancelled"}
    assert edit.state.status is X
    assert not advance.request_cancel(edit), "a second time there is nothing to cancel"
    assert [event.type for event in edit.events].count(EventType.CANCEL_REQUESTED) == 1


def test_cancelling_what_runs_waits_for_its_end() -> None:
    edit = begun()
    run(edit, "index")
    start(edit, "convert")

    advance.request_cancel(edit)

    assert statuses(edit) == {"index": "completed", "convert": "cancelling", "visualize": "cancelled"}
    assert edit.state.status is Status.CANCELLING
    edit.move_step("convert", X)
    advance.after_step(edit)
    assert edit.state.status is X


def test_a_commit_that_was_faster_than_the_cancel_counts() -> None:
    edit = begun((("index", ()),))
    start(edit, "index")
    advance.request_cancel(edit)
    edit.move_step("index", C)
    advance.after_step(edit)

    assert edit.state.status is C


def test_a_commit_during_a_cancel_starts_nothing_new() -> None:
    edit = begun()
    start(edit, "index")
    advance.request_cancel(edit)
    edit.move_step("index", C)

    assert advance.after_step(edit) == []
    assert edit.state.status is X


def test_cancelling_between_two_steps_ends_it() -> None:
    edit = begun()
    run(edit, "index")
    advance.request_cancel(edit)

    assert edit.state.status is X
    assert statuses(edit) == {"index": "completed", "convert": "cancelled", "visualize": "cancelled"}


def test_a_failure_during_a_cancel_is_a_cancelled_run() -> None:
    edit = begun()
    run(edit, "index")
    start(edit, "convert", "visualize")
    edit.move_step("convert", F, error=PROBLEM)
    advance.after_step(edit)
    advance.request_cancel(edit)
    edit.move_step("visualize", X)
    advance.after_step(edit)

    assert edit.state.status is X
    assert edit.state.step("convert").error == PROBLEM


def test_a_retry_runs_what_failed_and_keeps_what_is_done() -> None:
    edit = begun()
    run(edit, "index")
    run(edit, "convert", F, error=PROBLEM)
    run(edit, "visualize")
    jobs = advance.retry(edit)

    assert statuses(edit) == {"index": "completed", "convert": "queued", "visualize": "completed"}
    assert [(job.step, job.attempt, job.fence) for job in jobs] == [("convert", 1, 2)]
    assert edit.state.status is Q
    assert edit.state.error is None
    assert edit.state.progress == pytest.approx(2 / 3)
    run(edit, "convert")
    assert edit.state.status is C


@pytest.mark.parametrize("how", ["failed", "cancelled"])
def test_after_a_retry_dependants_wait_for_their_needs(how: str) -> None:
    edit = begun()
    if how == "failed":
        run(edit, "index", F, error=PROBLEM)
    else:
        advance.request_cancel(edit)
    jobs = advance.retry(edit)

    assert [job.step for job in jobs] == ["index"]
    assert statuses(edit) == {"index": "queued", "convert": "pending", "visualize": "pending"}
    assert not edit.state.cancel_requested
    assert [job.step for job in run(edit, "index")] == ["convert", "visualize"]


@pytest.mark.parametrize("ended", [True, False])
def test_nothing_else_can_be_retried(ended: bool) -> None:
    edit = begun((("index", ()),))
    if ended:
        run(edit, "index")
    before = edit.state.model_copy(deep=True)

    with pytest.raises(IllegalOperation) as caught:
        advance.retry(edit)

    assert str(edit.state.status.value) in caught.value.message
    assert edit.state == before


def test_a_batch_runs_until_its_children_have_ended() -> None:
    edit = batch()
    assert edit.state.status is R, "no children are known yet: it can't be done"

    advance.settle_batch(edit, {Q: 2, R: 1, C: 1, F: 0})
    assert edit.state.status is R
    assert edit.state.children == {Q: 2, R: 1, C: 1}
    assert edit.state.progress == pytest.approx(2 / 5)

    advance.settle_batch(edit, {C: 4})
    assert edit.state.status is C
    assert edit.state.progress == 1.0


def test_a_batch_of_nothing_is_complete() -> None:
    edit = batch()
    advance.settle_batch(edit, {})

    assert edit.state.status is C


def test_a_batch_with_a_failed_child_fails_with_counts() -> None:
    edit = batch()
    advance.settle_batch(edit, {C: 3, F: 1, X: 1})

    assert edit.state.status is F
    assert edit.state.error
    assert edit.state.error.code == "recordings_failed"
    assert edit.state.error.detail == "Of 5 recordings: 1 cancelled, 3 completed, 1 failed"


def test_a_batch_that_may_have_failed_children_completes_with_a_warning() -> None:
    edit = batch(allow_failed=True)
    advance.settle_batch(edit, {C: 3, F: 1})

    assert edit.state.status is C
    assert [warning.code for warning in edit.state.warnings] == ["recordings_failed"]


def test_a_failed_expand_fails_the_batch_once_its_children_have_ended() -> None:
    edit = begun(EXPAND, children={})
    start(edit, "expand")
    edit.move_step("expand", F, error=PROBLEM)
    advance.settle_batch(edit, {R: 1})
    assert edit.state.status is R

    advance.settle_batch(edit, {C: 1})
    assert edit.state.status is F
    assert edit.state.error == PROBLEM


def test_a_step_after_the_children_runs_when_all_are_done() -> None:
    edit = batch(MERGE)
    assert advance.settle_batch(edit, {R: 1, C: 1}) == []
    assert edit.state.step("merge").status is P

    jobs = advance.settle_batch(edit, {C: 2})
    assert [job.step for job in jobs] == ["merge"]
    assert edit.state.status is R
    start(edit, "merge")
    edit.move_step("merge", C)
    advance.settle_batch(edit, {C: 2})
    assert edit.state.status is C


@pytest.mark.parametrize(("allowed", "merge", "end"), [(False, S, F), (True, Q, R)])
def test_a_step_after_failed_children(allowed: bool, merge: Status, end: Status) -> None:
    edit = batch(MERGE, allow_failed=allowed)
    advance.settle_batch(edit, {C: 1, F: 1})

    assert edit.state.step("merge").status is merge
    assert edit.state.status is end


def test_a_cancelled_batch_ends_after_its_children() -> None:
    edit = batch()
    advance.settle_batch(edit, {R: 1, Q: 1})
    advance.request_cancel(edit)
    assert edit.state.status is Status.CANCELLING

    advance.settle_batch(edit, {Status.CANCELLING: 1, X: 1})
    assert edit.state.status is Status.CANCELLING
    advance.settle_batch(edit, {X: 2})
    assert edit.state.status is X


def test_a_batch_is_cancelled_before_it_has_children() -> None:
    edit = begun(EXPAND, children={})
    advance.request_cancel(edit)

    assert edit.state.status is X


def test_a_retried_child_opens_its_batch() -> None:
    edit = batch(MERGE)
    advance.settle_batch(edit, {C: 1, F: 1})

    assert advance.reopen(edit)
    assert statuses(edit) == {"expand": "completed", "merge": "pending"}
    assert advance.settle_batch(edit, {C: 1, Q: 1}) == []
    assert edit.state.status is R
    assert [job.step for job in advance.settle_batch(edit, {C: 2})] == ["merge"]


def test_a_retried_batch_waits_for_the_children_that_run_again() -> None:
    edit = batch(MERGE, allow_failed=True)
    advance.settle_batch(edit, {C: 1, F: 1})
    start(edit, "merge")
    edit.move_step("merge", F, error=PROBLEM)
    advance.settle_batch(edit, {C: 1, F: 1})
    assert edit.state.status is F

    assert advance.retry(edit) == []
    assert edit.state.step("merge").status is P


@pytest.mark.parametrize("counts", [{C: 2}, {R: 2}])
def test_a_batch_that_completed_or_runs_is_not_opened(counts: dict[Status, int]) -> None:
    edit = batch()
    advance.settle_batch(edit, counts)
    before = edit.state.model_copy(deep=True)

    assert not advance.reopen(edit)
    assert edit.state == before


def test_an_ended_batch_still_counts() -> None:
    edit = batch(allow_failed=True)
    advance.settle_batch(edit, {C: 1, F: 1})
    advance.settle_batch(edit, {C: 2})

    assert edit.state.status is C
    assert edit.state.children == {C: 2}
