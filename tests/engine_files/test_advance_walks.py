"""Whatever happens to the steps of whatever workflow, in whatever order: what must hold, holds."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from models.queue import Job
from models.workflow import Status, StepState
from services import advance
from services.edit import Edit
from tests.engine_files.making import gapless, state_of

NEEDS = st.lists(st.sets(st.integers(0, 4)), min_size=1, max_size=5)
"""For each step the numbers of those before it that it needs; higher ones than its own are left out."""

PICK = st.integers(0, 4)


class Walk(RuleBasedStateMachine):
    """A workflow, and the queue that its jobs would be in."""

    @initialize(needs=NEEDS)
    def begin(self, needs: list[set[int]]) -> None:
        steps = [
            (f"s{number}", [f"s{need}" for need in sorted(some) if need < number])
            for number, some in enumerate(needs)
        ]
        self.edit = Edit(state_of(steps))
        self.queue: set[str] = set()
        self.put(advance.queue_ready(self.edit))

    def put(self, jobs: list[Job]) -> None:
        steps = [job.step for job in jobs]
        assert not self.queue.intersection(steps), "each job is handed out once"
        self.queue.update(steps)

    def having(self, *statuses: Status) -> list[StepState]:
        return [step for step in self.edit.state.steps if step.status in statuses]

    @rule(pick=PICK)
    def start(self, pick: int) -> None:
        if queued := self.having(Status.QUEUED):
            step = queued[pick % len(queued)]
            self.queue.remove(step.name)
            self.edit.move_step(step.name, Status.RUNNING, attempt=step.attempt + 1, fence=step.fence + 1)

    @rule(pick=PICK, how=st.sampled_from([Status.COMPLETED, Status.FAILED, Status.QUEUED]))
    def stop(self, pick: int, how: Status) -> None:
        if active := self.having(Status.RUNNING, Status.CANCELLING):
            step = active[pick % len(active)]
            if step.status is Status.CANCELLING and how is not Status.COMPLETED:
                how = Status.CANCELLED
            self.edit.move_step(step.name, how)
            self.put(advance.after_step(self.edit))
            if how is Status.QUEUED:
                self.put([advance.job_of(self.edit.state, step)])

    @rule()
    def cancel(self) -> None:
        if advance.request_cancel(self.edit):
            self.queue.clear()

    @precondition(lambda self: self.edit.state.status in {Status.FAILED, Status.CANCELLED})
    @rule()
    def retry(self) -> None:
        kept = {step.name for step in self.having(Status.COMPLETED)}
        self.put(advance.retry(self.edit))
        assert kept == {step.name for step in self.having(Status.COMPLETED)}
        assert self.queue

    @invariant()
    def the_workflow_is_where_its_steps_are(self) -> None:
        state = self.edit.state
        statuses = {step.status for step in state.steps}
        active = statuses & {Status.RUNNING, Status.CANCELLING}
        assert state.status.ended == all(status.ended for status in statuses)
        assert (state.status is Status.COMPLETED) == (statuses == {Status.COMPLETED})
        if active:
            assert state.status is (Status.CANCELLING if state.cancel_requested else Status.RUNNING)
        if not state.status.ended:
            assert active or self.queue, "nobody would ever end it"

    @invariant()
    def the_queue_has_what_is_queued(self) -> None:
        assert self.queue == {step.name for step in self.having(Status.QUEUED)}
        assert {job.step for job in advance.queued_jobs(self.edit.state)} == self.queue

    @invariant()
    def nothing_begins_before_what_it_needs(self) -> None:
        done = {step.name for step in self.having(Status.COMPLETED)}
        begun = self.having(Status.QUEUED, Status.RUNNING, Status.CANCELLING, Status.COMPLETED)
        assert all(done.issuperset(step.needs) for step in begun)

    @invariant()
    def the_history_is_whole(self) -> None:
        assert gapless(self.edit.events)
        assert 0 <= self.edit.state.progress <= 1


def test_any_walk() -> None:
    run_state_machine_as_test(Walk, settings=settings(max_examples=50, stateful_step_count=40, deadline=None))
