"""The queue's two files: what they look like, and what happens when one is missing, bad, or too new."""

import json
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from config import ROOT, Settings
from models.base import utc_now
from models.queue import JobState, QueueState
from services import disk, durable
from services.disk import Call, Op
from services.errors import QueueUnreadable, StorageFailed, SyncFailed
from services.queue_service import FileQueue
from tests.engine_files.making import job, lease
from tests.support.places import environment, settings_in
from tests.support.waiting import wait_for


@pytest.fixture
def make(settings: Settings) -> Iterator[Callable[[], FileQueue]]:
    """Makes queues on the same files, each as a process of its own would."""
    made: list[FileQueue] = []

    def make() -> FileQueue:
        made.append(FileQueue(settings))
        return made[-1]

    yield make
    for queue in made:
        queue.finish()


@pytest.fixture
def queue(make: Callable[[], FileQueue]) -> FileQueue:
    return make()


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def ids(queue: FileQueue) -> list[str]:
    return [one.id for one in queue.snapshot().jobs]


def content(queue: FileQueue) -> dict[str, object]:
    """The snapshot as it is on the disk."""
    found = json.loads(queue.path.read_bytes())
    assert isinstance(found, dict)
    return found


def lines(queue: FileQueue) -> list[dict[str, object]]:
    """The journal as it is on the disk."""
    return [json.loads(line) for line in queue.journal.read_bytes().splitlines()]


def with_checksum(text: str) -> bytes:
    """A snapshot whose text was changed, with the checksum of what it says now."""
    opening, _, rest = text.split("\n", 2)
    return f'{opening}\n  "checksum": "crc32:{zlib.crc32(rest.encode()):08x}",\n{rest}'.encode()


def test_the_snapshot_reads_well(queue: FileQueue) -> None:
    late = utc_now() + timedelta(hours=1)
    queue.enqueue([job("a", age=5), job("b", not_before=late), job("c", reason="Its disk is full.")])
    queue.enqueue([job("d", "V")])
    queue.claim(lease(), 1)
    queue.intend(["X"])
    queue.renew_snapshot()
    text = queue.path.read_text("utf-8")

    found = json.loads(text)
    assert list(found)[:4] == ["checksum", "schema_version", "history", "seq"]
    assert found["counts"] == {"ready": 2, "delayed": 1, "leased": 1}
    assert found["open"] == ["X"]
    of_jobs = [json.loads(line.rstrip(",")) for line in text.splitlines() if line.startswith('    {"id"')]
    assert [one["id"] for one in of_jobs] == ["W.a", "W.b", "W.c", "V.d"], "each job stands on its own line"
    assert of_jobs == found["jobs"]
    told = [one["reason"] for one in of_jobs]
    assert told[0] is None
    assert told[1].startswith("Not before 20")
    assert told[2:] == ["Its disk is full.", "Waits for a free worker."]
    assert QueueState.model_validate(found) == queue.snapshot()


def test_an_empty_queue_is_valid_json(queue: FileQueue) -> None:
    queue.rebuilt()
    queue.renew_snapshot()

    assert content(queue)["jobs"] == []


def test_the_journal_reads_well(queue: FileQueue) -> None:
    queue.enqueue([job("a"), job("b")])
    queue.claim(lease(), 1)
    queue.complete("W.a", "w1")

    assert [line["op"] for line in lines(queue)] == ["begin", "enqueue", "claim", "complete"]
    assert [line["seq"] for line in lines(queue)] == [0, 1, 2, 3]
    assert [line["d"] for line in lines(queue)] == [0, 0, 1, 2], "what was on the disk when it was written"
    assert lines(queue)[3]["jobs"] == ["W.a"]


@pytest.mark.parametrize("remove", [[], ["journal"], ["snapshot"]])
def test_another_process_finds_it_as_it_was(
    make: Callable[[], FileQueue], queue: FileQueue, remove: list[str]
) -> None:
    late = utc_now() + timedelta(hours=1)
    queue.rebuilt()
    queue.enqueue([job("a", age=5), job("b", not_before=late), job("c", priority=2, reason="So."), job("d")])
    queue.enqueue([job("c", fence=3, reason="So.")])
    queue.claim(lease(), 1)
    queue.renew("w1")
    queue.pause()
    queue.intend(["X", "Y"])
    if "journal" not in remove:
        queue.renew_snapshot()
    if "snapshot" in remove:
        queue.path.unlink()

    found = make()

    assert found.snapshot() == queue.snapshot()
    assert found.leases() == queue.leases()
    assert found.open_workflows() == {"W", "X", "Y"}
    found.resume()
    assert [one.id for one in found.claim(lease("w2"), 9)] == ["W.d", "W.c"]


def test_the_snapshot_follows_by_itself(queue: FileQueue) -> None:
    queue.enqueue([job("a")])
    wait_for(queue.path.exists, "the first snapshot")
    queue.claim(lease(), 1)
    wait_for(lambda: content(queue)["seq"] == 2, "the next one")
    queue.complete("W.a", "w1")
    wait_for(lambda: content(queue)["jobs"] == [], "the one of the empty queue")


def test_the_last_snapshot_is_written_at_the_end(queue: FileQueue) -> None:
    queue.enqueue([job("a")])
    queue.finish()

    assert content(queue)["seq"] == 1


def test_a_snapshot_that_is_behind_is_renewed_by_others(
    make: Callable[[], FileQueue], queue: FileQueue, settings: Settings
) -> None:
    code = "from config import Settings; from services.queue_service import FileQueue; import os, sys\n"
    code += "FileQueue(Settings()).pause(); os._exit(0)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment(settings), check=True)
    assert not queue.path.exists()

    wait_for(lambda: queue.tend() or queue.path.exists(), "the snapshot")  # type: ignore[func-returns-value]
    assert content(queue)["paused"] is True

    queue.path.unlink()
    wait_for(lambda: queue.tend() or queue.path.exists(), "the snapshot")  # type: ignore[func-returns-value]


def test_a_journal_that_has_grown_is_shortened(make: Callable[[], FileQueue], queue: FileQueue) -> None:
    other, idle = make(), make()
    assert (other.snapshot().seq, idle.snapshot().seq) == (0, 0)
    for each in (queue, other):
        each.finish()  # the snapshot is renewed by this test alone
    for number in range(4):
        queue.enqueue([job(f"j{number}.{index}" + "x" * 300, f"W{index}") for index in range(1000)])
        assert other.status().seq == number + 1
    before = queue.journal.stat().st_size

    queue.renew_snapshot()

    assert queue.journal.stat().st_size < before
    assert lines(queue)[0]["seq"] == 4
    queue.pause()
    for each in (queue, other, idle, make()):
        assert (each.status().seq, each.status().paused) == (5, True)
        assert each.status().counts[JobState.READY] == 4000


def test_looking_makes_no_file(queue: FileQueue, settings: Settings) -> None:
    assert queue.snapshot().seq == 0
    assert queue.version() == ()
    assert names(settings.run_dir) == {"queue.lock"}


def test_missing_files_are_marked_until_it_is_rebuilt(
    make: Callable[[], FileQueue], queue: FileQueue
) -> None:
    assert queue.snapshot().rebuild
    queue.enqueue([job("a")])
    assert queue.snapshot().rebuild, "whoever came first must not hide that jobs may be missing"
    queue.rebuilt()
    assert not make().snapshot().rebuild

    queue.renew_snapshot()
    queue.path.unlink()
    queue.journal.unlink()
    for each in (queue, make()):
        assert each.snapshot().rebuild
        assert each.claim(lease(), 1) == []


def test_without_its_journal_a_snapshot_is_not_believed(
    make: Callable[[], FileQueue], queue: FileQueue
) -> None:
    queue.rebuilt()
    queue.enqueue([job("a"), job("b")])
    queue.pause()
    queue.renew_snapshot()
    queue.journal.unlink()

    for each in (make(), queue, make()):
        assert ids(each) == ["W.a", "W.b"]
        assert each.status().rebuild
        assert each.status().paused
    queue.enqueue([job("c")])
    assert ids(make()) == ["W.a", "W.b", "W.c"]


def test_a_journal_that_needs_a_missing_snapshot_is_set_aside(
    make: Callable[[], FileQueue], queue: FileQueue
) -> None:
    queue.enqueue([job(f"j{index}" + "x" * 1000, f"W{index}") for index in range(1000)])
    queue.renew_snapshot()
    assert lines(queue)[0]["seq"] == 1
    queue.path.unlink()

    found = make()

    assert (found.snapshot().jobs, found.snapshot().rebuild) == ([], True)
    assert queue.journal.with_name("queue-journal.jsonl.unreadable-1").exists()


BAD = {
    "empty": b"",
    "torn": b'{"schema_version": 1, "jobs": [{"id": "W.a"',
    "zeros": b"\0" * 4096,
    "another thing": b'["jobs"]',
    "a bad job": b'{"schema_version": 1, "updated_at": "2026-01-01T00:00:00Z", "jobs": [{"id": 5}]}',
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_snapshot_is_set_aside_and_never_taken_for_an_empty_queue(queue: FileQueue, kind: str) -> None:
    queue.path.write_bytes(BAD[kind])
    queue.enqueue([job("a")])

    assert queue.snapshot().rebuild
    assert ids(queue) == ["W.a"]
    assert queue.path.with_name("queue-state.json.unreadable-1").read_bytes() == BAD[kind]


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_snapshot_is_of_no_matter_to_who_has_the_whole_journal(
    make: Callable[[], FileQueue], queue: FileQueue, kind: str
) -> None:
    queue.rebuilt()
    queue.enqueue([job("a")])
    queue.path.write_bytes(BAD[kind])

    assert ids(make()) == ["W.a"]
    assert not make().status().rebuild
    assert queue.path.with_name("queue-state.json.unreadable-1").read_bytes() == BAD[kind]


def test_a_bad_snapshot_is_never_overwritten(queue: FileQueue) -> None:
    queue.enqueue([job("a")])
    queue.renew_snapshot()
    queue.path.write_bytes(b"{")
    queue.pause()
    queue.renew_snapshot()

    assert queue.path.with_name("queue-state.json.unreadable-1").read_bytes() == b"{"
    assert content(queue)["paused"] is True


def test_a_flipped_bit_of_the_snapshot_is_noticed(make: Callable[[], FileQueue], queue: FileQueue) -> None:
    queue.finish()  # the snapshot is renewed by this test alone
    queue.rebuilt()
    queue.enqueue([job("x" * 4000, f"W{index}") for index in range(400)])
    queue.renew_snapshot()
    queue.journal.unlink()
    queue.path.write_bytes(queue.path.read_bytes().replace(b'"W7"', b'"W8"'))

    assert make().snapshot().jobs == []
    assert make().status().rebuild


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_journal_is_set_aside(make: Callable[[], FileQueue], queue: FileQueue, kind: str) -> None:
    queue.rebuilt()
    queue.enqueue([job("a")])
    queue.renew_snapshot()
    queue.journal.write_bytes(BAD[kind])

    found = make()

    assert ids(found) == ["W.a"], "from the snapshot"
    assert found.status().rebuild
    assert ids(queue) == ["W.a"]
    assert queue.journal.with_name("queue-journal.jsonl.unreadable-1").read_bytes() == BAD[kind]


def test_a_newer_file_is_not_touched(make: Callable[[], FileQueue], queue: FileQueue) -> None:
    queue.rebuilt()
    queue.renew_snapshot()
    text = queue.path.read_text().replace('"schema_version": 1', '"schema_version": 2')
    newer = with_checksum(text)
    queue.path.write_bytes(newer)
    found = make()

    for call in (found.snapshot, lambda: found.enqueue([job("a")])):
        with pytest.raises(QueueUnreadable) as caught:
            call()
        assert "newer" in caught.value.hint
    assert queue.path.read_bytes() == newer


def test_unknown_fields_are_ignored(make: Callable[[], FileQueue], queue: FileQueue) -> None:
    queue.enqueue([job("a")])
    queue.renew_snapshot()
    text = queue.path.read_text().replace('"paused"', '"colour": "red",\n  "paused"')
    queue.path.write_bytes(with_checksum(text.replace('"kind"', '"smell": "none", "kind"')))

    assert ids(make()) == ["W.a"]


def test_a_queue_of_the_first_version_is_taken_over(queue: FileQueue) -> None:
    old = QueueState(seq=7, paused=True, updated_at=utc_now(), jobs=[job("a"), job("b", lease=lease())])
    durable.write_json(queue.path, old.model_dump(mode="json", exclude={"open"}))

    assert ids(queue) == ["W.a", "W.b"]
    assert queue.status().rebuild, "nobody has told it yet which workflows are open"
    assert queue.status().paused
    assert queue.status().counts == {JobState.READY: 1, JobState.DELAYED: 0, JobState.LEASED: 1}
    assert queue.complete("W.b", "w1")


@pytest.mark.parametrize("name", ["path", "journal"])
def test_a_folder_in_a_file_s_place_is_told_and_stays(queue: FileQueue, name: str) -> None:
    place: Path = getattr(queue, name)
    place.mkdir()

    with pytest.raises(QueueUnreadable) as caught:
        queue.enqueue([job("a")])
    assert caught.value.where == {"path": str(place)}
    assert place.is_dir()


def test_a_missing_folder_is_made_or_told(queue: FileQueue, settings: Settings) -> None:
    settings.run_dir.rmdir()
    queue.enqueue([job("a")])
    assert queue.journal.is_file()

    blocked = FileQueue(settings_in(queue.path.parent, queue_state_file=queue.journal / "queue-state.json"))
    with pytest.raises(StorageFailed):
        blocked.enqueue([job("a")])


def test_an_operation_that_fails_changes_nothing(queue: FileQueue) -> None:
    queue.enqueue([job("a")])
    before = queue.journal.read_bytes()
    with pytest.raises(AttributeError):
        queue.enqueue([job("b"), None])  # type: ignore[list-item]

    assert queue.journal.read_bytes() == before
    queue.enqueue([job("c")])
    assert ids(queue) == ["W.a", "W.c"]


def test_what_killed_writers_left_is_removed(queue: FileQueue) -> None:
    queue.rebuilt()
    for name in (".queue-state.json.0123abcd.tmp", ".queue-journal.jsonl.0123abcd.tmp"):
        queue.path.with_name(name).touch()
    queue.rebuilt()

    assert not [name for name in names(queue.path.parent) if name.endswith(".tmp")]


@pytest.mark.parametrize("name", ["queue.lock", "queue-journal.jsonl"])
def test_a_file_that_was_replaced_is_noticed(
    make: Callable[[], FileQueue], queue: FileQueue, name: str
) -> None:
    other = make()
    queue.rebuilt()
    queue.enqueue([job("a")])
    assert ids(other) == ["W.a"]
    path = queue.path.with_name(name)
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content)

    other.enqueue([job("b")])
    queue.enqueue([job("c")])

    assert ids(other) == ids(queue) == ids(make()) == ["W.a", "W.b", "W.c"]
    assert not queue.status().rebuild


@pytest.fixture
def observe() -> Iterator[Callable[[Callable[[Call], None]], None]]:
    yield disk.observe
    disk.observe(None)


def test_a_failed_sync_is_the_end_of_this_queue(
    make: Callable[[], FileQueue], queue: FileQueue, observe: Callable[[Callable[[Call], None]], None]
) -> None:
    queue.enqueue([job("a")])
    syncs: list[Call] = []

    def fail(call: Call) -> None:
        if call.op is Op.SYNC and call.path == str(queue.journal):
            syncs.append(call)
            raise OSError(5, "Input/output error")

    observe(fail)
    with pytest.raises(SyncFailed, match="Input/output error"):
        queue.enqueue([job("b")])
    with pytest.raises(SyncFailed):
        queue.enqueue([job("c")])
    with pytest.raises(SyncFailed):
        queue.snapshot()

    assert len(syncs) == 1, "a failed sync is never tried again"
    disk.observe(None)
    assert ids(make())[0] == "W.a"


def test_a_forked_process_may_not_use_it(queue: FileQueue, settings: Settings) -> None:
    code = """
import os, sys
from config import Settings
from services.queue_service import FileQueue
queue = FileQueue(Settings())
queue.status()
if os.fork():
    sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))
try:
    queue.pause()
except RuntimeError:
    os._exit(7)
"""
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment(settings), check=False)

    assert found.returncode == 7
    assert not queue.status().paused


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
