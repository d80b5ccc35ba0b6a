"""A worker is silent when its signs of life stand still, by the observer's own clock."""

from models.queue import Lease
from services.queue.observing import Observer
from services.queue_service import MemoryQueue
from tests.engine_files.making import job, lease


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def signs(queue: MemoryQueue) -> dict[str, Lease]:
    return {lease.worker: lease for lease in queue.leases()}


def test_only_who_does_not_renew_is_silent() -> None:
    clock, queue = Clock(), MemoryQueue()
    observer = Observer(30.0, clock)
    queue.enqueue([job("a"), job("b")])
    queue.claim(lease("well"), 1)
    queue.claim(lease("silent"), 1)
    for _ in range(4):
        assert observer.silent(signs(queue)) == set()
        clock.now += 9.0
        queue.renew("well")

    assert observer.silent(signs(queue)) == {"silent"}
    queue.renew("silent")
    assert observer.silent(signs(queue)) == set(), "it was only slow"


def test_a_new_lease_is_a_sign_of_life() -> None:
    clock, queue = Clock(), MemoryQueue()
    observer = Observer(30.0, clock)
    queue.enqueue([job("a"), job("b")])
    queue.claim(lease("w1"), 1)
    assert observer.silent(signs(queue)) == set()
    clock.now += 29.0
    queue.claim(lease("w1"), 1)
    clock.now += 29.0

    assert observer.silent(signs(queue)) == set()


def test_who_looks_for_the_first_time_can_say_nothing() -> None:
    clock, queue = Clock(), MemoryQueue()
    queue.enqueue([job("a")])
    queue.claim(lease("w1"), 1)
    clock.now += 1e6

    assert Observer(30.0, clock).silent(signs(queue)) == set()


def test_who_has_come_back_is_looked_at_anew() -> None:
    clock, queue = Clock(), MemoryQueue()
    observer = Observer(30.0, clock)
    queue.enqueue([job("a")])
    queue.claim(lease("w1"), 1)
    observer.silent(signs(queue))
    queue.release(["W.a"], "w1")
    observer.silent(signs(queue))
    clock.now += 99.0
    queue.claim(lease("w1"), 1)

    assert observer.silent(signs(queue)) == set()


def test_who_could_not_look_for_a_while_says_nothing_of_that_time() -> None:
    clock = Clock()
    observer = Observer(30.0, clock)
    for seconds in (0.0, 14.0, 14.0, 16.0, 14.0, 14.0):
        clock.now += seconds
        assert observer.silent({"w1": 7}) == set()
    clock.now += 14.0

    assert observer.silent({"w1": 7}) == {"w1"}
