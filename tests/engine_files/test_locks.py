"""Locks hold between processes and threads, end with their holder, and say why they do not come."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from config import ROOT, Settings
from services.errors import LockTimeout, StorageFailed
from services.ids import new_id
from services.locks import STRIPES, Locks, is_locked, lock, try_lock

HOLD = """
import subprocess, sys
from pathlib import Path
from services.locks import try_lock
held = try_lock(Path(sys.argv[1]))
null = subprocess.DEVNULL
child = subprocess.Popen(["sleep", "60"], close_fds=False, stdin=null, stdout=null)
print(child.pid if held else "taken", flush=True)
sys.stdin.read()
"""


@contextmanager
def holder(path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Another process that holds the lock and has a child of its own; and what it said."""
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout
        said = process.stdout.readline().strip()
        try:
            yield process, said
        finally:
            process.kill()
            if said.isdigit():
                subprocess.run(["kill", "-9", said], check=False)


def test_a_lock_is_held_between_processes_and_ends_with_its_holder(tmp_path: Path) -> None:
    path = tmp_path / "worker.lock"
    with holder(path) as (process, _):
        assert is_locked(path)
        assert try_lock(path) is None
        with pytest.raises(LockTimeout) as caught, lock(path, timeout=0.05):
            raise AssertionError("held by another process")
        process.kill()
        process.wait()

        # Its child lives on, and has not inherited the lock.
        assert not is_locked(path)
        mine = try_lock(path)

    assert mine is not None
    mine.release()
    assert caught.value.where == {"path": str(path)}
    assert "holds it" in caught.value.hint


def test_a_second_process_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "autostart.lock"
    mine = try_lock(path)
    assert mine is not None
    with holder(path) as (_, said):
        assert said == "taken"
    mine.release()
    with holder(path) as (_, said):
        assert said.isdigit()


def test_probing_tells_of_holders_in_the_own_process_too(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"

    assert not is_locked(path)
    assert not path.exists(), "a probe makes no file"
    with lock(path):
        assert is_locked(path)
        assert is_locked(path)
    assert not is_locked(path)
    assert path.exists(), "a lock file is never removed"


def test_probes_do_not_keep_a_lock_from_being_taken(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    path.touch()
    done = threading.Event()

    def probe() -> None:
        while not done.is_set():
            is_locked(path)

    prober = threading.Thread(target=probe)
    prober.start()
    try:
        for _ in range(100):
            held = try_lock(path)
            assert held is not None
            held.release()
    finally:
        done.set()
        prober.join()


def test_a_lock_file_that_was_replaced_while_waiting_is_taken_anew(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    taken = threading.Event()
    old, new = try_lock(path), try_lock(tmp_path / "new.lock")
    assert old
    assert new

    def wait() -> None:
        with lock(path):
            taken.set()

    waiter = threading.Thread(target=wait)
    waiter.start()
    new.path.replace(path)
    old.release()

    assert not taken.wait(0.2), "whoever holds the old file may not believe that it holds the path"
    new.release()
    waiter.join()
    assert taken.is_set()


def test_a_lock_in_a_place_that_is_no_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(StorageFailed) as caught, lock(tmp_path / "file" / "x.lock"):
        raise AssertionError("there can be no such lock")

    assert str(tmp_path / "file") in str(caught.value.where["path"])


def test_workflows_share_64_stripes(settings: Settings) -> None:
    locks = Locks(settings)

    paths = {locks.stripe(new_id()) for _ in range(2000)}

    assert len(paths) == STRIPES
    assert {path.parent for path in paths} == {settings.locks_dir}
    assert locks.stripe("01ARZ3NDEKTSV4RRFFQ69G5FAV").name == "13.lock", (
        "other processes must compute the same"
    )


def test_locks_of_workflows_do_not_nest(settings: Settings) -> None:
    locks = Locks(settings)

    with (
        locks.workflow("a"),
        pytest.raises(RuntimeError, match="already holds the lock of a"),
        locks.workflow("b"),
    ):
        raise AssertionError("two workflows may share a stripe")
    with locks.workflow("b"):
        pass


def test_the_queue_may_be_locked_within_a_workflow(settings: Settings) -> None:
    locks = Locks(settings)

    with locks.workflow("a"), locks.queue():
        assert is_locked(settings.queue_lock)
        assert is_locked(locks.stripe("a"))


COUNT = """
import sys
from pathlib import Path
from services.locks import lock
counter = Path(sys.argv[2])
for _ in range(150):
    with lock(Path(sys.argv[1])):
        counter.write_text(str(int(counter.read_text()) + 1))
"""


def test_contending_processes_exclude_each_other(tmp_path: Path) -> None:
    counter = tmp_path / "counter"
    counter.write_text("0")
    command = [sys.executable, "-c", COUNT, str(tmp_path / "x.lock"), str(counter)]

    processes = [subprocess.Popen(command, cwd=ROOT) for _ in range(3)]

    assert [process.wait(60) for process in processes] == [0, 0, 0]
    assert counter.read_text() == "450"
