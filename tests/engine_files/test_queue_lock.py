"""The queue's lock: fair, given up in time, and never believed when its file is gone."""

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from config import ROOT
from services.errors import LockTimeout
from services.locks import try_lock
from services.queue.lock import QueueLock
from tests.support.waiting import wait_for

HOLD = """
import sys
from pathlib import Path
from services.queue.lock import QueueLock
with QueueLock(Path(sys.argv[1])).held():
    print("held", flush=True)
    sys.stdin.read(1)
print("released", flush=True)
sys.stdin.read(1)
"""


@contextmanager
def holder(path: Path) -> Iterator["subprocess.Popen[str]"]:
    """Another process that holds the lock until it is told to go on."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


def go_on(process: "subprocess.Popen[str]") -> None:
    assert process.stdin
    assert process.stdout
    process.stdin.write("x")
    process.stdin.flush()
    assert process.stdout.readline() == "released\n"


def test_who_waits_gets_it_when_it_is_given_up(tmp_path: Path) -> None:
    path = tmp_path / "queue.lock"
    lock, got = QueueLock(path), threading.Event()

    def take() -> None:
        with lock.held():
            got.set()

    with holder(path) as process:
        waiters = [threading.Thread(target=take) for _ in range(3)]
        for waiter in waiters:
            waiter.start()
        assert not got.wait(0.1)
        go_on(process)
        for waiter in waiters:
            waiter.join()
    assert got.is_set()


def test_a_stopped_holder_does_not_stop_the_others(tmp_path: Path) -> None:
    path = tmp_path / "queue.lock"
    lock, before = QueueLock(path), set(threading.enumerate())
    with holder(path) as process:
        process.send_signal(signal.SIGSTOP)
        for _ in range(3):
            with pytest.raises(LockTimeout) as caught, lock.held(timeout=0.05):
                raise AssertionError("another process has it")
        assert caught.value.where == {"path": str(path)}
        waiting = [one for one in threading.enumerate() if one not in before and one.name == "queue-lock"]
        assert len(waiting) == 1, "one thread waits, however often that was given up"
        process.kill()
        with lock.held():
            pass


def test_a_wait_that_was_given_up_keeps_the_lock_from_nobody(tmp_path: Path) -> None:
    path = tmp_path / "queue.lock"
    lock = QueueLock(path)
    with holder(path) as process:
        with pytest.raises(LockTimeout), lock.held(timeout=0.05):
            raise AssertionError("another process has it")
        go_on(process)
        taken = wait_for(lambda: try_lock(path), "the lock, which the waiting thread gives back")
        taken.release()
        with lock.held():
            assert try_lock(path) is None


def test_a_file_that_was_removed_or_replaced_is_taken_anew(tmp_path: Path) -> None:
    path = tmp_path / "queue.lock"
    lock = QueueLock(path)
    with lock.held():
        pass
    path.unlink()
    with lock.held():
        assert try_lock(path) is None
    (tmp_path / "new").touch()
    (tmp_path / "new").replace(path)
    with lock.held():
        assert try_lock(path) is None


def identity(path: Path) -> tuple[int, int] | None:
    """What file it is; None if it is gone, as other tests' descriptors may be."""
    try:
        facts = path.stat()
    except OSError:
        return None
    return facts.st_dev, facts.st_ino


def test_it_closes_what_it_opened(tmp_path: Path) -> None:
    for number in range(20):
        with QueueLock(tmp_path / f"{number}.lock").held():
            pass

    opened = {identity(file) for file in tmp_path.iterdir()}
    assert len(opened) == 20
    assert not opened & set(map(identity, Path("/dev/fd").iterdir()))
