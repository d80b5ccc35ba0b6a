"""Any sequence of operations on a queue has the effect that a few lines of Python say it has.

In files also with crashes and what they leave, two processes at a time, files that get lost, and a clock that
is set forward and back.
"""

import copy
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from models.base import rfc3339, utc_now
from models.queue import JobState, Lease
from services.queue.lines import Line, encode
from services.queue_service import FileQueue, MemoryQueue, Queue
from tests.engine_files.making import job, lease
from tests.support.places import lose_queue, settings_in

WORKFLOWS = st.sampled_from(["V", "W"])
STEPS = st.sampled_from(["index", "convert", "visualize"])
JOBS = st.builds("{}.{}".format, WORKFLOWS, STEPS)
WORKERS = st.sampled_from(["w1", "w2"])
PRIORITIES = st.integers(-1, 1)
DELAYS = st.none() | st.sampled_from([-50, 5, 40, 1000])
"""Seconds from now."""
PROCESSES = st.integers(0, 1)


@dataclass
class Record:
    """A job as the model sees it."""

    priority: int
    since: datetime
    order: int
    fence: int
    not_before: datetime | None = None
    worker: str | None = None


@dataclass
class Model:
    """What the queue should hold."""

    jobs: dict[str, Record] = field(default_factory=dict)
    open: set[str] = field(default_factory=set)
    paused: bool = False
    on_hold: str | None = None
    rebuild: bool = False
    renewals: dict[str, int] = field(default_factory=dict)

    def held_by(self, worker: str) -> list[str]:
        """The jobs that a worker has."""
        return [name for name, one in self.jobs.items() if one.worker == worker]

    def free(self, name: str) -> None:
        """Nobody has the job any more."""
        worker = self.jobs[name].worker
        self.jobs[name].worker = None
        if worker and not self.held_by(worker):
            del self.renewals[worker]

    def take_out(self, name: str) -> None:
        """The job is gone; its workflow stays open."""
        self.free(name)
        del self.jobs[name]
        workflow = name.split(".", maxsplit=1)[0]
        if not any(other.startswith(f"{workflow}.") for other in self.jobs):
            self.open.add(workflow)


class QueueMachine(RuleBasedStateMachine):
    """A queue beside a model of it. `who` is the process that does something."""

    def __init__(self) -> None:
        super().__init__()
        self.time = utc_now()
        self.model = Model()
        self.orders = 0
        self.queues = self.make()

    def make(self) -> Sequence[Queue]:
        queue = MemoryQueue(self.now)
        return [queue, queue]

    def now(self) -> str:
        return rfc3339(self.time)

    @rule(seconds=st.sampled_from([1, 10, 60, -1, -30]))
    def set_clock(self, seconds: int) -> None:
        self.time += timedelta(seconds=seconds)

    @rule(who=PROCESSES, name=JOBS, priority=PRIORITIES, fence=st.integers(1, 3), delay=DELAYS)
    def enqueue(self, who: int, name: str, priority: int, fence: int, delay: int | None) -> None:
        self.time += timedelta(milliseconds=1)
        workflow, step = name.split(".")
        late = self.time + timedelta(seconds=delay) if delay is not None else None
        new = job(step, workflow, priority=priority, fence=fence, not_before=late, enqueued_at=self.time)
        known = self.model.jobs.get(name)
        is_new = known is None or known.fence < fence
        assert [one.id for one in self.queues[who].enqueue([new])] == [name][:is_new]
        if known and is_new:
            self.model.free(name)
        if is_new:
            self.orders += 1
            order = known.order if known else self.orders
            self.model.jobs[name] = Record(priority, self.time, order, fence, late)
            self.model.open.discard(workflow)

    @rule(who=PROCESSES, worker=WORKERS, limit=st.integers(0, 3))
    def claim(self, who: int, worker: str, limit: int) -> None:
        jobs = self.model.jobs
        ready = [name for name, one in jobs.items() if not one.worker and not self.is_late(one)]
        ready.sort(key=lambda name: (-jobs[name].priority, jobs[name].since, jobs[name].order))
        expected = [] if self.model.paused or self.model.on_hold else ready[:limit]
        assert [one.id for one in self.queues[who].claim(lease(worker), limit)] == expected
        for name in expected:
            jobs[name].worker = worker
            self.model.renewals.setdefault(worker, 0)

    @rule(who=PROCESSES, worker=WORKERS)
    def renew(self, who: int, worker: str) -> None:
        held = bool(self.model.held_by(worker))
        assert self.queues[who].renew(worker) == held
        if held:
            self.model.renewals[worker] += 1

    @rule(who=PROCESSES, name=JOBS, worker=WORKERS, failed=st.booleans())
    def complete(self, who: int, name: str, worker: str, failed: bool) -> None:
        held = name in self.model.held_by(worker)
        queue = self.queues[who]
        assert (queue.fail(name, worker, "So.") if failed else queue.complete(name, worker)) == held
        if held:
            self.model.take_out(name)

    @rule(who=PROCESSES, names=st.sets(JOBS), worker=WORKERS)
    def release(self, who: int, names: set[str], worker: str) -> None:
        held = names.intersection(self.model.held_by(worker))
        assert {one.id for one in self.queues[who].release(names, worker)} == held
        for name in held:
            self.model.free(name)

    @rule(who=PROCESSES, workflow=WORKFLOWS)
    def remove(self, who: int, workflow: str) -> None:
        gone = {name for name, one in self.of(workflow).items() if one.worker is None}
        assert {one.id for one in self.queues[who].remove(workflow)} == gone
        for name in gone:
            self.model.take_out(name)

    @rule(who=PROCESSES, workflow=WORKFLOWS, priority=PRIORITIES)
    def reprioritize(self, who: int, workflow: str, priority: int) -> None:
        self.queues[who].reprioritize(workflow, priority)
        for one in self.of(workflow).values():
            one.priority = priority

    @rule(who=PROCESSES, names=st.sets(JOBS), delay=DELAYS)
    def delay(self, who: int, names: set[str], delay: int | None) -> None:
        waiting = {name for name in names if name in self.model.jobs and not self.model.jobs[name].worker}
        late = self.time + timedelta(seconds=delay) if delay is not None else None
        assert {one.id for one in self.queues[who].delay(names, late)} == waiting
        for name in waiting:
            self.model.jobs[name].not_before = late

    @rule(who=PROCESSES, paused=st.booleans())
    def pause(self, who: int, paused: bool) -> None:
        (self.queues[who].pause if paused else self.queues[who].resume)()
        self.model.paused = paused

    @rule(who=PROCESSES, reason=st.none() | st.just("Full."))
    def hold(self, who: int, reason: str | None) -> None:
        self.queues[who].hold(reason)
        self.model.on_hold = reason

    @rule(who=PROCESSES, dead=WORKERS)
    def bury(self, who: int, dead: str) -> None:
        def is_dead(held: Lease) -> bool:
            return held.worker == dead

        held = self.model.held_by(dead)
        assert {one.id for one in self.queues[who].dead_leases(is_dead)} == set(held)
        for name in held:
            self.model.free(name)

    @rule(who=PROCESSES, workflows=st.sets(WORKFLOWS), closed=st.booleans())
    def open_or_close(self, who: int, workflows: set[str], closed: bool) -> None:
        (self.queues[who].close if closed else self.queues[who].intend)(sorted(workflows))
        without_jobs = {workflow for workflow in workflows if not self.of(workflow)}
        self.model.open = self.model.open - without_jobs if closed else self.model.open | without_jobs

    @rule(who=PROCESSES)
    def rebuilt(self, who: int) -> None:
        self.queues[who].rebuilt()
        self.model.rebuild = False

    def of(self, workflow: str) -> dict[str, Record]:
        return {name: one for name, one in self.model.jobs.items() if name.startswith(f"{workflow}.")}

    def is_late(self, one: Record) -> bool:
        return one.not_before is not None and one.not_before > self.time

    @invariant()
    def holds_what_the_model_says(self) -> None:
        for queue in self.queues:
            self.check(queue)

    def check(self, queue: Queue) -> None:
        state, status = queue.snapshot(), queue.status()
        found = {
            one.id: (one.priority, one.enqueued_at, one.fence, one.not_before, one.state, one.lease)
            for one in state.jobs
        }
        held = {name: one.lease for name, one in zip(found, state.jobs, strict=True)}
        assert {
            name: (one.priority, one.since, one.fence, one.not_before, self.word(one), held[name])
            for name, one in self.model.jobs.items()
        } == found
        told = {name: (one.worker, one.renewals, one.fence) for name, one in held.items() if one}
        assert told == {
            name: (one.worker, self.model.renewals[one.worker], one.fence)
            for name, one in self.model.jobs.items()
            if one.worker
        }
        assert (state.paused, state.held) == (self.model.paused, self.model.on_hold)
        assert state.rebuild == self.model.rebuild
        assert (status.counts, status.seq) == (state.counts, state.seq)
        words = [self.word(one) for one in self.model.jobs.values()]
        assert state.counts == {word: words.count(word) for word in JobState}
        assert set(state.open) == self.model.open
        assert queue.open_workflows() == self.model.open | {name.split(".")[0] for name in self.model.jobs}

    def word(self, one: Record) -> JobState:
        if one.worker:
            return JobState.LEASED
        return JobState.DELAYED if self.is_late(one) else JobState.READY


class FileQueueMachine(QueueMachine):
    """The same with two processes on the files, which crash and lose files."""

    def make(self) -> Sequence[Queue]:
        self.folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self.settings = settings_in(Path(self.folder.name))
        self.model.rebuild = True
        self.saved = Model(rebuild=True)
        self.processes = [self.begin(), self.begin()]
        return self.processes

    def begin(self) -> FileQueue:
        """A process of which snapshots come when the rule says so."""
        queue = FileQueue(self.settings, now=self.now, least_bound=500)
        queue.finish()
        return queue

    @rule(who=PROCESSES)
    def crash(self, who: int) -> None:
        self.processes[who] = self.begin()

    @rule(left=st.binary(max_size=40) | st.just(b"\0" * 200) | st.integers(1, 80), both=st.booleans())
    def be_killed_while_writing(self, left: bytes | int, both: bool) -> None:
        whole = encode(Line(10**6, 10**6, self.now(), {"op": "pause"}))
        if self.settings.queue_journal.exists():
            with self.settings.queue_journal.open("ab") as journal:
                journal.write(left if isinstance(left, bytes) else whole[:left])
        for who in range(1 + both):
            self.crash(who)

    @rule(who=PROCESSES)
    def renew_snapshot(self, who: int) -> None:
        self.processes[who].renew_snapshot()
        if self.settings.queue_state_file.exists():
            self.saved = copy.deepcopy(self.model)

    @rule(snapshot=st.booleans())
    def lose_files(self, snapshot: bool) -> None:
        if snapshot:
            lose_queue(self.settings)
            self.saved = Model()
        elif self.settings.queue_journal.exists():
            self.settings.queue_journal.unlink()
        else:
            return
        self.model = replace(copy.deepcopy(self.saved), rebuild=True)

    def teardown(self) -> None:
        self.folder.cleanup()


def test_the_queue_in_memory() -> None:
    run_state_machine_as_test(
        QueueMachine, settings=settings(max_examples=30, stateful_step_count=40, deadline=None)
    )


def test_the_queue_in_files() -> None:
    run_state_machine_as_test(
        FileQueueMachine,
        settings=settings(
            max_examples=15,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )


@pytest.mark.slow
def test_the_queue_in_files_for_long() -> None:
    run_state_machine_as_test(
        FileQueueMachine,
        settings=settings(
            max_examples=600,
            stateful_step_count=50,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
