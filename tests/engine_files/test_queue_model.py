"""Any sequence of operations on a queue has the effect that a few lines of Python say it has."""

import tempfile
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from models.base import utc_now
from models.queue import Lease
from services.queue_service import FileQueue, MemoryQueue, Queue
from tests.engine_files.making import job, lease
from tests.support.places import settings_in

WORKFLOWS = st.sampled_from(["V", "W"])
STEPS = st.sampled_from(["index", "convert", "visualize"])
WORKERS = st.sampled_from(["w1", "w2"])
PRIORITIES = st.integers(-1, 1)


@dataclass
class Record:
    """A job as the model sees it."""

    priority: int
    age: int
    fence: int
    late: bool
    worker: str | None = None


class QueueMachine(RuleBasedStateMachine):
    """A queue beside a dict that says what it should hold."""

    def __init__(self) -> None:
        super().__init__()
        self.queue = self.make()
        self.jobs: dict[str, Record] = {}
        self.paused = False
        self.clock = 0
        self.begun = utc_now()

    def make(self) -> Queue:
        return MemoryQueue()

    @rule(workflow=WORKFLOWS, step=STEPS, priority=PRIORITIES, fence=st.integers(1, 3), late=st.booleans())
    def enqueue(self, workflow: str, step: str, priority: int, fence: int, late: bool) -> None:
        self.clock += 1
        name = f"{workflow}.{step}"
        not_before = self.begun + timedelta(days=1) if late else None
        at = self.begun + timedelta(milliseconds=self.clock)
        new = job(step, workflow, priority=priority, fence=fence, not_before=not_before, enqueued_at=at)
        self.queue.enqueue([new])
        if name not in self.jobs or self.jobs[name].fence < fence:
            self.jobs[name] = Record(priority, self.clock, fence, late)

    @rule(worker=WORKERS, limit=st.integers(0, 3))
    def claim(self, worker: str, limit: int) -> None:
        ready = [name for name, one in self.jobs.items() if not one.late and one.worker is None]
        ready.sort(key=lambda name: (-self.jobs[name].priority, self.jobs[name].age))
        expected = [] if self.paused else ready[:limit]
        assert [one.id for one in self.queue.claim(lease(worker), limit)] == expected
        for name in expected:
            self.jobs[name].worker = worker

    @rule(workflow=WORKFLOWS, step=STEPS, worker=WORKERS)
    def complete(self, workflow: str, step: str, worker: str) -> None:
        name = f"{workflow}.{step}"
        held = name in self.jobs and self.jobs[name].worker == worker
        assert self.queue.complete(name, worker) == held
        if held:
            del self.jobs[name]

    @rule(names=st.sets(st.builds("{}.{}".format, WORKFLOWS, STEPS)), worker=WORKERS)
    def release(self, names: set[str], worker: str) -> None:
        held = {name for name in names if name in self.jobs and self.jobs[name].worker == worker}
        assert {one.id for one in self.queue.release(names, worker)} == held
        for name in held:
            self.jobs[name].worker = None

    @rule(workflow=WORKFLOWS)
    def remove(self, workflow: str) -> None:
        mine = [name for name in self.jobs if name.startswith(workflow)]
        gone = {name for name in mine if self.jobs[name].worker is None}
        assert {one.id for one in self.queue.remove(workflow)} == gone
        for name in gone:
            del self.jobs[name]

    @rule(workflow=WORKFLOWS, priority=PRIORITIES)
    def reprioritize(self, workflow: str, priority: int) -> None:
        self.queue.reprioritize(workflow, priority)
        for name in self.jobs:
            if name.startswith(workflow):
                self.jobs[name].priority = priority

    @rule(paused=st.booleans())
    def pause(self, paused: bool) -> None:
        (self.queue.pause if paused else self.queue.resume)()
        self.paused = paused

    @rule(dead=WORKERS)
    def bury(self, dead: str) -> None:
        def is_dead(held: Lease) -> bool:
            return held.worker == dead

        held = {name for name, one in self.jobs.items() if one.worker == dead}
        assert {one.id for one in self.queue.dead_leases(is_dead)} == held
        for name in held:
            self.jobs[name].worker = None

    @invariant()
    def holds_what_the_model_says(self) -> None:
        state = self.queue.snapshot()
        found = {
            one.id: Record(
                one.priority,
                self.jobs[one.id].age if one.id in self.jobs else -1,
                one.fence,
                one.not_before is not None,
                one.lease.worker if one.lease else None,
            )
            for one in state.jobs
        }
        assert found == self.jobs
        assert len(state.jobs) == len(found) == sum(state.counts.values())
        assert state.paused == self.paused
        for one in state.jobs:
            word = "leased" if one.lease else "delayed" if one.not_before else "ready"
            assert one.state == word


class FileQueueMachine(QueueMachine):
    """The same on a file, which a second FileQueue object reads."""

    def make(self) -> Queue:
        self.folder = tempfile.TemporaryDirectory()
        return FileQueue(settings_in(Path(self.folder.name)))

    def teardown(self) -> None:
        self.folder.cleanup()


def test_the_queue_in_memory() -> None:
    run_state_machine_as_test(
        QueueMachine, settings=settings(max_examples=60, stateful_step_count=40, deadline=None)
    )


def test_the_queue_in_a_file() -> None:
    run_state_machine_as_test(
        FileQueueMachine,
        settings=settings(
            max_examples=12,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
