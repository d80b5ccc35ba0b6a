"""What every queue must do: the same tests for the one in a file and the one in memory."""

import threading
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from models.base import utc_now
from models.queue import Job, JobState, Lease, QueueState
from services.queue_service import FileQueue, MemoryQueue, Queue
from tests.engine_files.making import job, lease
from tests.support.places import settings_in
from tests.support.waiting import wait_for

MAKERS: dict[str, Callable[[Path], Queue]] = {
    "file": lambda folder: FileQueue(settings_in(folder)),
    "memory": lambda _: MemoryQueue(),
}


@pytest.fixture(params=MAKERS)
def queue(request: pytest.FixtureRequest, tmp_path: Path) -> Queue:
    return MAKERS[request.param](tmp_path)


def ids(jobs: list[Job]) -> list[str]:
    return [job.id for job in jobs]


def states(queue: Queue) -> dict[str, str]:
    return {job.id: job.state.value for job in queue.snapshot().jobs}


def test_a_new_queue_is_empty(queue: Queue) -> None:
    state = queue.snapshot()

    assert (state.seq, state.jobs, state.paused) == (0, [], False)
    assert queue.claim(lease(), 10) == []


def test_each_change_is_one_number(queue: Queue) -> None:
    queue.enqueue([job("a"), job("b")])
    queue.claim(lease(), 2)
    queue.complete("W.a", "w1")

    assert queue.snapshot().seq == 3


def test_what_changes_nothing_has_no_number(queue: Queue) -> None:
    queue.enqueue([job("a")])
    before = queue.version()
    queue.enqueue([])
    queue.enqueue([job("a")])
    queue.claim(lease(), 0)
    queue.complete("W.a", "w1")
    queue.release(["W.a", "W.z"], "w1")
    queue.remove("V")
    queue.reprioritize("W", 0)
    queue.resume()
    queue.dead_leases(lambda _: True)

    assert queue.snapshot().seq == 1
    assert queue.version() == before


def test_a_job_is_handed_out_once(queue: Queue) -> None:
    queue.enqueue([job("a")])
    claimed = queue.claim(lease("w1"), 10)

    assert ids(claimed) == ["W.a"]
    assert claimed[0].state is JobState.LEASED
    assert claimed[0].lease
    assert claimed[0].lease.worker == "w1"
    assert queue.claim(lease("w2"), 10) == []
    assert queue.snapshot().jobs == claimed


def test_high_priority_goes_first_then_age(queue: Queue) -> None:
    queue.enqueue([job("young", age=1), job("old", age=9), job("low", age=99, priority=-1)])
    queue.enqueue([job("high", priority=5)])

    assert ids(queue.claim(lease(), 2)) == ["W.high", "W.old"]
    assert ids(queue.claim(lease(), 9)) == ["W.young", "W.low"]


def test_equals_go_in_the_order_of_their_coming(queue: Queue) -> None:
    now = utc_now()
    queue.enqueue([job(f"j{number}", enqueued_at=now) for number in range(5)])

    assert ids(queue.claim(lease(), 5)) == [f"W.j{number}" for number in range(5)]


def test_a_delayed_job_waits_for_its_time(queue: Queue) -> None:
    later = utc_now() + timedelta(hours=1)
    soon = utc_now() + timedelta(milliseconds=80)
    queue.enqueue([job("later", not_before=later), job("soon", not_before=soon)])

    assert states(queue)["W.later"] == "delayed"
    claimed = wait_for(lambda: queue.claim(lease(), 9), "the delayed job")

    assert ids(claimed) == ["W.soon"]
    assert utc_now() >= soon
    assert queue.snapshot().counts == {JobState.READY: 0, JobState.DELAYED: 1, JobState.LEASED: 1}


def test_a_completed_job_is_gone(queue: Queue) -> None:
    queue.enqueue([job("a"), job("b")])
    queue.claim(lease(), 9)

    assert queue.complete("W.a", "w1")
    assert not queue.complete("W.a", "w1")
    assert states(queue) == {"W.b": "leased"}


def test_nobody_completes_or_releases_what_another_has(queue: Queue) -> None:
    queue.enqueue([job("a"), job("b")])
    queue.claim(lease("w1"), 1)

    assert not queue.complete("W.a", "w2")
    assert not queue.complete("W.b", "w1")
    assert queue.release(["W.a", "W.b"], "w2") == []
    assert states(queue) == {"W.a": "leased", "W.b": "ready"}


def test_a_released_job_can_be_had_again(queue: Queue) -> None:
    queue.enqueue([job("a", age=9), job("b")])
    queue.claim(lease("w1"), 2)

    assert ids(queue.release(["W.a"], "w1")) == ["W.a"]
    again = queue.claim(lease("w2"), 9)

    assert ids(again) == ["W.a"]
    assert again[0].lease
    assert again[0].lease.worker == "w2"


def test_the_leases_of_dead_workers_are_given_back(queue: Queue) -> None:
    queue.enqueue([job("a", age=3), job("b", age=2), job("c", age=1)])
    queue.claim(lease("dead"), 2)
    queue.claim(lease("alive"), 1)
    asked: list[str] = []

    def is_dead(held: Lease) -> bool:
        asked.append(held.worker)
        return held.worker == "dead"

    given = queue.dead_leases(is_dead)

    assert ids(given) == ["W.a", "W.b"]
    assert [job.lease.worker for job in given if job.lease] == ["dead", "dead"], "as they were"
    assert states(queue) == {"W.a": "ready", "W.b": "ready", "W.c": "leased"}
    assert sorted(asked) == ["alive", "dead"], "each worker is asked about once"


def test_enqueueing_again_changes_nothing(queue: Queue) -> None:
    queue.enqueue([job("a", age=5), job("b")])
    queue.claim(lease(), 1)
    before = queue.snapshot()

    queue.enqueue([job("a", priority=9), job("b", priority=9)])

    assert queue.snapshot() == before


def test_a_higher_fence_makes_a_new_job_of_it(queue: Queue) -> None:
    """A retry while the worker has not yet said that the cancelled one is done."""
    queue.enqueue([job("a", fence=1)])
    queue.claim(lease("w1"), 1)
    queue.enqueue([job("a", fence=2)])

    assert states(queue) == {"W.a": "ready"}
    assert not queue.complete("W.a", "w1"), "late news of the old one"
    assert [job.fence for job in queue.claim(lease("w1"), 1)] == [2]


def test_only_waiting_jobs_of_one_workflow_are_removed(queue: Queue) -> None:
    late = utc_now() + timedelta(hours=1)
    queue.enqueue([job("a", "V", age=9), job("b", "V"), job("c", "V", not_before=late), job("a", "W")])
    queue.claim(lease(), 1)

    assert ids(queue.remove("V")) == ["V.b", "V.c"]
    assert states(queue) == {"V.a": "leased", "W.a": "ready"}


def test_a_new_priority_changes_the_order(queue: Queue) -> None:
    queue.enqueue([job("a", "V", age=9), job("a", "W")])
    queue.reprioritize("W", 3)

    assert ids(queue.claim(lease(), 1)) == ["W.a"]
    assert [job.priority for job in queue.snapshot().jobs if job.workflow == "W"] == [3]


def test_a_paused_queue_hands_out_nothing(queue: Queue) -> None:
    queue.enqueue([job("a"), job("b")])
    queue.claim(lease(), 1)
    queue.pause()

    assert queue.snapshot().paused
    assert queue.claim(lease(), 9) == []
    assert queue.complete("W.a", "w1"), "what runs goes on"
    queue.enqueue([job("c")])
    queue.resume()
    assert ids(queue.claim(lease(), 9)) == ["W.b", "W.c"]


def test_the_mark_of_a_rebuild_is_taken_back(queue: Queue) -> None:
    queue.enqueue([job("a")])
    queue.rebuilt()

    assert not queue.snapshot().rebuild
    assert states(queue) == {"W.a": "ready"}


def test_a_rebuild_of_an_earlier_history_does_not_count(queue: Queue) -> None:
    queue.enqueue([job("a")])
    before = queue.snapshot()
    queue.rebuilt("another")

    assert queue.snapshot() == before
    queue.rebuilt(before.history)
    assert not queue.snapshot().rebuild


def test_what_was_new_is_told(queue: Queue) -> None:
    assert ids(queue.enqueue([job("a"), job("b")])) == ["W.a", "W.b"]
    assert ids(queue.enqueue([job("b"), job("c"), job("a", fence=2), job("c", fence=7), job("c")])) == [
        "W.c",
        "W.a",
    ]
    assert {one.id: one.fence for one in queue.snapshot().jobs} == {"W.a": 2, "W.b": 1, "W.c": 7}


def test_a_renewal_is_counted_on_all_leases_of_a_worker(queue: Queue) -> None:
    queue.enqueue([job("a", age=3), job("b", age=2), job("c", age=1)])
    queue.claim(lease("w1"), 2)
    queue.claim(lease("w2"), 1)

    assert queue.renew("w1")
    assert queue.renew("w1")
    assert not queue.renew("w3")
    leases = [one.lease for one in queue.snapshot().jobs]
    assert [one.renewals for one in leases if one] == [2, 2, 0]
    assert {one.worker: one.renewals for one in queue.leases()} == {"w1": 2, "w2": 0}
    queue.release(["W.a", "W.b"], "w1")
    assert not queue.renew("w1")
    assert [one.worker for one in queue.leases()] == ["w2"]


def test_a_lease_has_the_fence_of_its_job(queue: Queue) -> None:
    queue.enqueue([job("a", fence=4)])
    held = queue.claim(lease().model_copy(update={"boot": "b", "process_started": "17"}), 1)[0].lease

    assert held
    assert (held.fence, held.boot, held.process_started, held.renewals) == (4, "b", "17", 0)


def test_a_job_that_failed_is_gone(queue: Queue) -> None:
    queue.enqueue([job("a")])
    assert not queue.fail("W.a", "w1", "it was not begun")
    queue.claim(lease("w1"), 1)
    assert not queue.fail("W.a", "w2", "not its own")

    assert queue.fail("W.a", "w1", "no more attempts")
    assert queue.snapshot().jobs == []


def test_a_waiting_job_can_be_delayed_and_let_go(queue: Queue) -> None:
    queue.enqueue([job("a", age=9), job("b", age=5), job("c")])
    queue.claim(lease(), 1)
    later = utc_now() + timedelta(hours=1)

    delayed = queue.delay(["W.a", "W.b", "W.z"], later, "Its disk is full.")

    assert [(one.id, one.state.value, one.reason) for one in delayed] == [
        ("W.b", "delayed", "Its disk is full.")
    ]
    assert states(queue) == {"W.a": "leased", "W.b": "delayed", "W.c": "ready"}
    assert ids(queue.claim(lease(), 9)) == ["W.c"]
    assert states(queue)["W.b"] == "delayed"
    assert ids(queue.delay(["W.b"], None)) == ["W.b"]
    assert ids(queue.claim(lease(), 9)) == ["W.b"]


def test_a_job_says_why_it_waits(queue: Queue) -> None:
    later = utc_now() + timedelta(hours=1)
    queue.enqueue(
        [job("a", age=5), job("b"), job("c", not_before=later), job("d", reason="The disk is full.")]
    )
    queue.claim(lease(), 1)

    def reasons() -> dict[str, str | None]:
        return {one.step: one.reason for one in queue.snapshot().jobs}

    assert reasons()["a"] is None
    assert reasons()["b"] == "Waits for a free worker."
    assert str(reasons()["c"]).startswith("Not before 20")
    assert reasons()["d"] == "The disk is full."
    queue.pause()
    assert reasons()["b"] == "The queue is paused."


def test_a_held_queue_hands_out_nothing_and_says_why(queue: Queue) -> None:
    queue.enqueue([job("a", priority=1), job("b"), job("c")])
    queue.hold("The disk is full.")
    queue.hold("The disk is full.")

    assert queue.claim(lease(), 9) == []
    assert ids(queue.next(2)) == ["W.a", "W.b"]
    assert queue.next(0) == []
    assert queue.snapshot().held == queue.status().held == "The disk is full."
    assert {one.reason for one in queue.snapshot().jobs} == {"The disk is full."}
    assert queue.snapshot().seq == 2

    queue.hold(None)

    assert ids(queue.claim(lease(), 9)) == ["W.a", "W.b", "W.c"]
    assert queue.status().held is None


def test_what_a_worker_holds_is_told(queue: Queue) -> None:
    queue.enqueue([job("a", age=3), job("b", age=2), job("c", age=1)])
    queue.claim(lease("w1"), 2)

    assert ids(queue.held("w1")) == ["W.a", "W.b"]
    assert queue.held("w2") == []


def test_the_numbers_are_those_of_the_snapshot(queue: Queue) -> None:
    queue.enqueue([job("a"), job("b"), job("c", not_before=utc_now() + timedelta(hours=1))])
    queue.claim(lease(), 1)
    queue.pause()
    status, state = queue.status(), queue.snapshot()

    assert (status.seq, status.paused, status.rebuild) == (state.seq, state.paused, state.rebuild)
    assert status.counts == state.counts == dict.fromkeys(JobState, 1)


def test_a_workflow_is_open_from_its_intention_to_its_close(queue: Queue) -> None:
    queue.intend(["V", "W"])
    queue.intend(["V"])
    queue.intend([])
    assert (queue.open_workflows(), queue.snapshot().seq) == ({"V", "W"}, 1)
    queue.enqueue([job("a", "W"), job("a", "X")])
    queue.close(["V", "W", "Z"])
    assert queue.open_workflows() == {"W", "X"}, "what has jobs stays open"
    queue.claim(lease(), 1)
    queue.complete("W.a", "w1")
    queue.remove("X")
    assert queue.open_workflows() == {"W", "X"}, "until it is closed"
    queue.close(["W", "X"])
    assert queue.open_workflows() == set()
    queue.close(["W"])
    queue.intend(["W"])
    assert queue.open_workflows() == {"W"}


def test_what_is_given_out_is_a_copy(queue: Queue) -> None:
    mine = job("a")
    queue.enqueue([mine])
    mine.priority = 9
    queue.snapshot().jobs.clear()
    claimed = queue.claim(lease(), 1)
    claimed[0].priority = 9

    assert [job.priority for job in queue.snapshot().jobs] == [0]


def test_a_waiting_worker_is_woken(queue: Queue) -> None:
    before = queue.version()
    assert queue.wait(before, 0.01) == before
    bell = threading.Thread(target=lambda: queue.enqueue([job("a")]))
    bell.start()

    assert queue.wait(before, 30) != before
    bell.join()
    assert ids(queue.claim(lease(), 1)) == ["W.a"]


def test_contending_threads_get_each_job_once(queue: Queue) -> None:
    queue.enqueue([job(f"j{number}") for number in range(40)])
    had: list[str] = []

    def work(name: str) -> None:
        while claimed := queue.claim(lease(name), 3):
            had.extend(ids(claimed))
            for one in claimed:
                assert queue.complete(one.id, name)

    workers = [threading.Thread(target=work, args=(f"w{number}",)) for number in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert len(had) == 40
    assert set(Counter(had).values()) == {1}
    assert queue.snapshot().jobs == []


def test_a_snapshot_counts(queue: Queue) -> None:
    queue.enqueue([job("a"), job("b"), job("c", not_before=utc_now() + timedelta(hours=1))])
    queue.claim(lease(), 1)
    state = queue.snapshot()

    assert state.counts == {JobState.READY: 1, JobState.DELAYED: 1, JobState.LEASED: 1}
    assert QueueState.model_validate_json(state.model_dump_json()) == state
