"""Work in threads: order, bounds, failures and ends."""

import threading
from collections.abc import Callable
from functools import partial
from itertools import chain

import pytest

from bagmill.writers.lanes import Lanes

THREADS = [0, 1, 3]


@pytest.mark.parametrize("threads", THREADS)
def test_the_work_of_a_lane_is_done_in_order(threads: int) -> None:
    done: dict[str, list[int]] = {"a": [], "b": [], "c": []}
    lanes = Lanes(threads, 10)
    for number in range(300):
        lane = "abc"[number * number % 3]
        lanes.run(lane, partial(done[lane].append, number), 1)

    lanes.finish()
    lanes.stop()

    assert sorted(chain(*done.values())) == list(range(300))
    assert all(numbers == sorted(numbers) for numbers in done.values())


def test_without_threads_work_is_done_at_once() -> None:
    seen = []
    lanes = Lanes(0, 1)

    lanes.run("a", lambda: seen.append(threading.current_thread()), 100)

    assert seen == [threading.current_thread()]


def test_different_lanes_run_side_by_side() -> None:
    meeting = threading.Barrier(3)
    lanes = Lanes(3, 0)

    def meet() -> None:
        meeting.wait(60)

    for lane in "abc":
        lanes.run(lane, meet)

    lanes.finish()
    lanes.stop()
    assert not meeting.broken


def test_no_more_threads_than_allowed_and_none_for_nothing() -> None:
    before = threading.active_count()
    lanes = Lanes(2, 0)
    assert threading.active_count() == before
    for number in range(50):
        lanes.run(str(number), lambda: None)
        assert threading.active_count() <= before + 2

    lanes.finish()
    lanes.stop()
    assert threading.active_count() == before


def test_who_gives_too_much_waits() -> None:
    go, running, most = threading.Event(), [0], [0]
    lock = threading.Lock()

    def work(size: int) -> None:
        go.wait(60)
        with lock:
            running[0] -= size

    def give(lanes: Lanes) -> None:
        for number in range(20):
            lanes.run(str(number % 4), partial(work, 3), 3)
            with lock:
                running[0] += 3
                most[0] = max(most[0], running[0])

    lanes = Lanes(2, 10)
    giver = threading.Thread(target=give, args=(lanes,))
    giver.start()
    giver.join(0.2)
    assert giver.is_alive()
    assert most[0] == 9
    go.set()
    giver.join(60)
    lanes.finish()
    lanes.stop()
    assert not giver.is_alive()


def test_one_that_is_bigger_than_the_bound_runs_alone() -> None:
    lanes = Lanes(2, 10)
    done: list[int] = []
    for size in (5, 100, 5):
        lanes.run("a", partial(done.append, size), size)

    lanes.finish()
    lanes.stop()

    assert done == [5, 100, 5]


def fail() -> None:
    raise KeyError("broken")


@pytest.mark.parametrize("threads", THREADS)
def test_a_failure_is_raised_and_ends_the_rest(threads: int) -> None:
    done: list[int] = []
    lanes = Lanes(threads, 100)

    def give() -> None:
        lanes.run("a", fail)
        lanes.run("a", partial(done.append, 1))
        lanes.finish()

    with pytest.raises(KeyError, match="broken"):
        give()
    lanes.stop()
    assert done == []


def test_a_failure_wakes_who_waits() -> None:
    lanes, go = Lanes(1, 1), threading.Event()

    def work() -> None:
        go.wait(60)
        fail()

    lanes.run("a", work, 1)
    threading.Timer(0.1, go.set).start()
    with pytest.raises(KeyError):
        lanes.run("b", lambda: None, 1)
    lanes.stop()


@pytest.mark.parametrize("end", [Lanes.stop, lambda lanes: (lanes.stop(), lanes.stop())])
def test_a_stop_drops_what_waits_and_waits_for_what_runs(end: Callable[[Lanes], object]) -> None:
    started, done = threading.Event(), []

    def work() -> None:
        started.set()
        threading.Event().wait(0.1)
        done.append(1)

    lanes = Lanes(1, 100)
    lanes.run("a", work)
    lanes.run("a", partial(done.append, 2))
    started.wait(60)
    end(lanes)

    assert done == [1]
