"""A power cut at any call of the queue, whatever the disk has of what was not synced."""

import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from config import Settings
from services import disk
from services.queue_service import FileQueue
from tests.engine_files.making import job, lease
from tests.support.places import settings_in
from tests.support.power import Files, Recorder

Step = tuple[str, Callable[[FileQueue], object], bool]
"""What is done, how, and whether it is on the disk when it returns."""


def enqueue(*names: str) -> Step:
    return f"enqueue {names}", lambda queue: queue.enqueue([job(name, name) for name in names]), True


CLAIM: Step = "claim", lambda queue: queue.claim(lease(), 1), True
RENEW: Step = "renew", lambda queue: queue.renew("w1"), False
SNAPSHOT: Step = "snapshot", lambda queue: queue.renew_snapshot(), False
PAUSE: Step = "pause", lambda queue: queue.pause(), True
COMPLETE: Step = "complete", lambda queue: queue.complete(queue.held("w1")[0].id, "w1"), True
CLOSE: Step = "close", lambda queue: queue.close(["V"]), False
INTEND: Step = "intend", lambda queue: queue.intend(["V", "X"]), True

HISTORIES: dict[str, list[Step]] = {
    "from nothing": [enqueue("a"), enqueue("b", "c")],
    "one job's life": [INTEND, enqueue("a"), CLAIM, COMPLETE, CLOSE, enqueue("b")],
    "heartbeats": [enqueue("a"), CLAIM, RENEW, RENEW, RENEW, enqueue("b"), RENEW, RENEW],
    "snapshots": [enqueue("a", "b"), SNAPSHOT, CLAIM, RENEW, SNAPSHOT, COMPLETE, SNAPSHOT, PAUSE],
    "lazy between snapshots": [enqueue("a"), CLAIM, RENEW, SNAPSHOT, RENEW, RENEW, SNAPSHOT, RENEW, PAUSE],
}


def what_counts(queue: FileQueue) -> object:
    """The queue without what is only for people."""
    state = queue.snapshot()
    jobs = {one.id: one.lease.renewals if one.lease else None for one in state.jobs}
    return state.seq, state.paused, state.rebuild, jobs, queue.open_workflows()


def recorded(settings: Settings, steps: list[Step], *, least_bound: int) -> tuple[Recorder, list[object]]:
    """A history's calls, and what the queue was after each number."""
    settings.run_dir.mkdir(parents=True, exist_ok=True)
    queue = FileQueue(settings, least_bound=least_bound)
    queue.finish()  # snapshots come when the history says so
    recorder = Recorder(settings.run_dir)
    after = [what_counts(queue)]
    disk.observe(recorder.see)
    try:
        for _, do, durable in steps:
            before = queue.status().seq
            do(queue)
            seq = queue.status().seq
            if seq > before:
                after.append(what_counts(queue))
            if durable:
                recorder.mark(str(seq))
    finally:
        disk.observe(None)
    return recorder, after


def put(files: Files, folder: Path) -> Settings:
    """Files in a new folder, as the disk has them after a power cut."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for path, data in files.items():
        (folder / Path(path).name).write_bytes(data)
    return settings_in(folder)


def check(settings: Settings, acknowledged: int, after: list[object], told: str) -> None:
    """What is found is the queue as it was after the last acknowledged operation, or after a later one."""
    queue = FileQueue(settings)
    found = what_counts(queue)
    allowed = after[acknowledged:]
    if acknowledged == 0:  # nothing, or what was begun and never acknowledged
        allowed = [*allowed, (0, False, True, {}, set())]
    assert found in allowed, told
    assert not list(settings.run_dir.glob("*unreadable*")), told
    queue.enqueue([job("after", "after")])
    queue.finish()
    again = FileQueue(settings)
    assert again.snapshot().jobs[-1].id == "after.after", told
    assert again.snapshot() == queue.snapshot(), told


@pytest.fixture
def choose() -> Iterator[random.Random]:
    yield random.Random(7)
    disk.observe(None)


def cuts(recorder: Recorder, limit: int, choose: random.Random) -> Iterator[tuple[int, Files]]:
    """Everything that a power cut may leave, each once: before which call, and the files."""
    for calls in range(len(recorder.calls) + 1):
        seen: set[tuple[tuple[str, bytes], ...]] = set()
        for files in recorder.left(calls, block=128, limit=limit, choose=choose):
            key = tuple(sorted(files.items()))
            if key not in seen:
                seen.add(key)
                yield calls, files


def check_all(folder: Path, history: str, least_bound: int, limit: int, choose: random.Random) -> int:
    """Check every state that a power cut during a history may leave; how many there were."""
    recorder, after = recorded(settings_in(folder / "recorded"), HISTORIES[history], least_bound=least_bound)
    states = 0
    for calls, files in cuts(recorder, limit, choose):
        states += 1
        acknowledged = max(map(int, recorder.marks(calls)), default=0)
        told = f"{history}, before call {calls}: {recorder.calls[calls - 1 :][:1]}"
        check(put(files, folder / "found"), acknowledged, after, told)
    return states


KEPT, SHORTENED = 1 << 20, 1
"""Bounds of the journal with which it is never begun anew, or at each snapshot."""


@pytest.mark.parametrize("history", HISTORIES)
def test_nothing_acknowledged_is_lost(tmp_path: Path, choose: random.Random, history: str) -> None:
    assert check_all(tmp_path, history, SHORTENED, 2, choose) > 10


@pytest.mark.slow
@pytest.mark.parametrize("least_bound", [KEPT, SHORTENED])
@pytest.mark.parametrize("history", HISTORIES)
def test_nothing_acknowledged_is_lost_in_many_more_ways(
    tmp_path: Path, choose: random.Random, history: str, least_bound: int
) -> None:
    assert check_all(tmp_path, history, least_bound, 100, choose) > 30


@pytest.mark.slow
@pytest.mark.parametrize("history", HISTORIES)
def test_a_second_power_cut_during_the_recovery_is_no_worse(
    tmp_path: Path, choose: random.Random, history: str
) -> None:
    recorder, after = recorded(settings_in(tmp_path / "recorded"), HISTORIES[history], least_bound=SHORTENED)
    first = [one for one in cuts(recorder, 3, choose) if choose.random() < 0.2]
    for calls, files in first:
        acknowledged = max(map(int, recorder.marks(calls)), default=0)
        again = put(files, tmp_path / "again")
        recovery, _ = recorded(
            again, [("look", lambda queue: queue.status(), False), SNAPSHOT], least_bound=1
        )
        for more, left in cuts(recovery, 3, choose):
            told = f"{history}, before call {calls}, and in the recovery before call {more}"
            check(put(left, tmp_path / "found"), acknowledged, after, told)
