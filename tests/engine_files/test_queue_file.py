"""queue-state.json: what it looks like, what happens when it is missing, bad, or of a newer program."""

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from config import ROOT, Settings
from models.base import utc_now
from models.queue import JobState
from services.errors import QueueUnreadable, StorageFailed
from services.queue_service import FileQueue
from tests.engine_files.making import job, lease
from tests.support.places import environment, settings_in


@pytest.fixture
def queue(settings: Settings) -> FileQueue:
    return FileQueue(settings)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_the_file_reads_well(queue: FileQueue) -> None:
    queue.enqueue([job("a", age=5), job("b", not_before=utc_now() + timedelta(hours=1))])
    queue.claim(lease(), 1)
    text = queue.path.read_text("utf-8")
    lines = text.splitlines()

    content = json.loads(text)
    assert list(content)[:2] == ["schema_version", "seq"]
    assert content["counts"] == {"ready": 0, "delayed": 1, "leased": 1}
    assert text.index('"counts"') < text.index('"jobs"')
    of_jobs = [json.loads(line.rstrip(",")) for line in lines if line.startswith('    {"id"')]
    assert [one["id"] for one in of_jobs] == ["W.a", "W.b"], "each job stands on a line of its own"
    assert of_jobs == content["jobs"]


def test_an_empty_queue_is_valid_json(queue: FileQueue) -> None:
    queue.rebuilt()

    assert json.loads(queue.path.read_text())["jobs"] == []


def test_looking_makes_no_file(queue: FileQueue) -> None:
    assert queue.snapshot().seq == 0
    assert queue.version() == ()
    assert not queue.path.exists()


def test_a_missing_file_is_marked_until_it_is_rebuilt(queue: FileQueue) -> None:
    assert queue.snapshot().rebuild
    queue.enqueue([job("a")])
    assert queue.snapshot().rebuild, "whoever came first must not hide that jobs may be missing"
    queue.rebuilt()
    assert not queue.snapshot().rebuild

    queue.path.unlink()
    assert queue.snapshot().rebuild
    assert queue.claim(lease(), 1) == []


BAD = {
    "empty": b"",
    "torn": b'{"schema_version": 1, "jobs": [{"id": "W.a"',
    "zeros": b"\0" * 4096,
    "another thing": b'["jobs"]',
    "a bad job": b'{"schema_version": 1, "updated_at": "2026-01-01T00:00:00Z", "jobs": [{"id": 5}]}',
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_file_is_set_aside_and_never_taken_for_an_empty_queue(queue: FileQueue, kind: str) -> None:
    queue.path.write_bytes(BAD[kind])
    queue.enqueue([job("a")])

    state = queue.snapshot()
    assert state.rebuild
    assert [one.id for one in state.jobs] == ["W.a"]
    assert queue.path.with_name("queue-state.json.unreadable-1").read_bytes() == BAD[kind]


def test_a_reader_of_a_bad_file_gets_a_queue_to_be_rebuilt(queue: FileQueue) -> None:
    queue.path.write_bytes(b"{")

    assert queue.snapshot().rebuild
    assert queue.snapshot().jobs == []
    assert queue.path.with_name("queue-state.json.unreadable-1").read_bytes() == b"{"
    queue.path.write_bytes(b"}")
    queue.snapshot()
    assert queue.path.with_name("queue-state.json.unreadable-2").read_bytes() == b"}"


def test_a_newer_file_is_not_touched(queue: FileQueue) -> None:
    queue.rebuilt()
    newer = queue.path.read_bytes().replace(b'"schema_version": 1', b'"schema_version": 2')
    queue.path.write_bytes(newer)

    for call in (queue.snapshot, lambda: queue.enqueue([job("a")])):
        with pytest.raises(QueueUnreadable) as caught:
            call()
        assert "newer" in caught.value.hint
    assert queue.path.read_bytes() == newer


def test_unknown_fields_are_ignored(queue: FileQueue) -> None:
    queue.enqueue([job("a")])
    queue.path.write_text(queue.path.read_text().replace('"seq"', '"colour": "red", "seq"'))

    assert [one.id for one in queue.snapshot().jobs] == ["W.a"]


def test_a_folder_in_its_place_is_told_and_stays(queue: FileQueue) -> None:
    queue.path.mkdir()

    with pytest.raises(QueueUnreadable) as caught:
        queue.enqueue([job("a")])
    assert caught.value.where == {"path": str(queue.path)}
    assert queue.path.is_dir()


def test_a_missing_folder_is_made_or_told(queue: FileQueue, settings: Settings) -> None:
    settings.run_dir.rmdir()
    queue.enqueue([job("a")])
    assert queue.path.is_file()

    blocked = FileQueue(settings_in(queue.path.parent, queue_state_file=queue.path / "queue-state.json"))
    with pytest.raises(StorageFailed):
        blocked.enqueue([job("a")])


def test_an_operation_that_fails_changes_nothing(queue: FileQueue) -> None:
    queue.enqueue([job("a")])
    before = queue.path.read_bytes()
    with pytest.raises(AttributeError):
        queue.enqueue([job("b"), None])  # type: ignore[list-item]

    assert queue.path.read_bytes() == before
    queue.enqueue([job("c")])
    assert [one.id for one in queue.snapshot().jobs] == ["W.a", "W.c"]


def test_what_killed_writers_left_is_removed(queue: FileQueue) -> None:
    queue.rebuilt()
    queue.path.with_name(".queue-state.json.0123abcd.tmp").touch()
    queue.rebuilt()

    assert names(queue.path.parent) == {"queue-state.json", "queue.lock"}


CLAIM = """
from config import Settings
from services.queue_service import FileQueue
from tests.engine_files.making import lease
import os
queue = FileQueue(Settings())
while jobs := queue.claim(lease(str(os.getpid())), 2):
    print(*[job.id for job in jobs], sep="\\n")
    for job in jobs:
        assert queue.complete(job.id, str(os.getpid()))
"""


def test_contending_processes_get_each_job_once(queue: FileQueue, settings: Settings) -> None:
    queue.enqueue([job(f"j{number}") for number in range(60)])
    command = [sys.executable, "-c", CLAIM]
    processes = [
        subprocess.Popen(command, cwd=ROOT, env=environment(settings), stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    had = [name for process in processes for name in process.communicate(timeout=60)[0].split()]

    assert [process.returncode for process in processes] == [0, 0, 0]
    assert sorted(had) == sorted(f"W.j{number}" for number in range(60))
    assert queue.snapshot().counts == dict.fromkeys(JobState, 0)
