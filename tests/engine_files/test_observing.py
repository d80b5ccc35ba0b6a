"""A worker is silent when its leases stand still, by the observer's own clock."""

from models.queue import Lease
from services.queue.observing import Observer
from services.queue_service import MemoryQueue
from tests.engine_files.making import job, lease


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def workers(leases: list[Lease]) -> list[str]:
    return [one.worker for one in leases]


def test_only_who_does_not_renew_is_silent() -> None:
    clock, queue = Clock(), MemoryQueue()
    observer = Observer(30.0, clock)
    queue.enqueue([job("a"), job("b")])
    queue.claim(lease("well"), 1)
    queue.claim(lease("silent"), 1)
    for _ in range(4):
        assert observer.silent(queue.leases()) == []
        clock.now += 9.0
        queue.renew("well")

    assert workers(observer.silent(queue.leases())) == ["silent"]
    queue.renew("silent")
    assert observer.silent(queue.leases()) == [], "it was only slow"


def test_a_new_lease_is_a_sign_of_life() -> None:
    clock, queue = Clock(), MemoryQueue()
    observer = Observer(30.0, clock)
    queue.enqueue([job("a"), job("b")])
    queue.claim(lease("w1"), 1)
    assert observer.silent(queue.leases()) == []
    clock.now += 29.0
    queue.claim(lease("w1"), 1)
    clock.now += 29.0

    assert observer.silent(queue.leases()) == []


def test_who_looks_for_the_first_time_can_say_nothing() -> None:
    clock, queue = Clock(), MemoryQueue()
    queue.enqueue([job("a")])
    queue.claim(lease("w1"), 1)
    clock.now += 1e6

    assert Observer(30.0, clock).silent(queue.leases()) == []


def test_who_has_come_back_is_looked_at_anew() -> None:
    clock, queue = Clock(), MemoryQueue()
    observer = Observer(30.0, clock)
    queue.enqueue([job("a")])
    queue.claim(lease("w1"), 1)
    observer.silent(queue.leases())
    queue.release(["W.a"], "w1")
    observer.silent(queue.leases())
    clock.now += 99.0
    queue.claim(lease("w1"), 1)

    assert observer.silent(queue.leases()) == []
