"""Bells: who waits is woken, the dead are forgotten, and without a bell there is still a way."""

import contextlib
import os
import select
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from config import Settings
from services.queue.bell import Bell, Ringer, hear
from services.queue_service import FileQueue
from tests.engine_files.making import job, lease


@pytest.fixture
def bells(tmp_path: Path) -> Iterator[list[Bell]]:
    """Two who listen, in a folder with a long name."""
    folder = tmp_path / ("x" * 200)
    made = [Bell(folder), Bell(folder)]
    yield made
    for bell in made:
        bell.close()
    assert list(folder.iterdir()) == []


def folder_of(tmp_path: Path) -> Path:
    return tmp_path / ("x" * 200)


def rung(descriptor: int) -> bool:
    return bool(select.select([descriptor], [], [], 0)[0])


def test_a_ring_reaches_all_and_is_heard_once(tmp_path: Path, bells: list[Bell]) -> None:
    assert not any(rung(bell.descriptor) for bell in bells)
    for _ in range(3):
        Ringer(folder_of(tmp_path)).ring()

    assert all(rung(bell.descriptor) for bell in bells)
    for bell in bells:
        bell.wait(60)
        assert not rung(bell.descriptor)


def test_a_full_bell_keeps_nobody(tmp_path: Path, bells: list[Bell]) -> None:
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(bells[0].descriptor, b"!" * 4096)
    Ringer(folder_of(tmp_path)).ring()
    hear(bells[0].descriptor)

    assert not rung(bells[0].descriptor)
    assert rung(bells[1].descriptor)


def test_the_bell_of_a_dead_process_is_removed(tmp_path: Path, bells: list[Bell]) -> None:
    os.mkfifo(folder_of(tmp_path) / "dead.bell")
    (folder_of(tmp_path) / "w.lock").touch()
    Ringer(folder_of(tmp_path)).ring()

    assert not (folder_of(tmp_path) / "dead.bell").exists()
    assert (folder_of(tmp_path) / "w.lock").exists()
    (folder_of(tmp_path) / "w.lock").unlink()
    assert all(rung(bell.descriptor) for bell in bells)


def test_ringing_where_nobody_is_does_nothing(tmp_path: Path) -> None:
    Ringer(tmp_path / "nowhere").ring()
    (tmp_path / "file").touch()
    Ringer(tmp_path / "file").ring()


@pytest.fixture
def queues(settings: Settings) -> Iterator[list[FileQueue]]:
    made = [FileQueue(settings), FileQueue(settings)]
    yield made
    for queue in made:
        queue.finish()


def heard(queue: FileQueue) -> bool:
    """Whether the bell was rung since the last call."""
    bell = queue.bell()
    assert bell is not None
    found = rung(bell)
    hear(bell)
    return found


def test_it_rings_when_there_may_be_more_to_claim(queues: list[FileQueue]) -> None:
    one, other = queues
    one.bell()
    other.enqueue([job("a"), job("b")])
    assert heard(one)
    other.claim(lease(), 1)
    assert not heard(one), "a claim leaves less"
    other.release(["W.a", "W.b"], "w1")
    assert heard(one)
    other.pause()
    assert not heard(one)
    other.resume()
    assert heard(one)
    other.resume()
    assert not heard(one), "nothing has changed"


def test_without_a_bell_who_waits_is_woken_too(queues: list[FileQueue], settings: Settings) -> None:
    settings.workers_dir.write_text("no folder")
    one, other = queues
    before = one.version()
    assert one.bell() is None
    thread = threading.Thread(target=lambda: other.enqueue([job("a")]))
    thread.start()

    assert one.wait(before, 60) != before
    thread.join()
    settings.workers_dir.unlink()
