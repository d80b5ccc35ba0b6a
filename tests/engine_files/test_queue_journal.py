"""The journal: a crash is told from damage, many wait for one sync, and a full disk loses nothing."""

import errno
import random
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from config import ROOT, Settings
from services import disk
from services.disk import Call, Op
from services.errors import StorageFailed
from services.queue.lines import BadLine, Line, decode, decode_all, encode, is_damage
from services.queue_service import FileQueue
from tests.engine_files.making import job, lease
from tests.support.places import environment
from tests.support.waiting import wait_for

Observe = Callable[[Callable[[Call], None]], None]


@pytest.fixture
def queue(settings: Settings) -> Iterator[FileQueue]:
    queue = FileQueue(settings)
    queue.finish()  # snapshots come when the test says so
    yield queue
    disk.observe(None)


def another(queue: FileQueue, settings: Settings) -> FileQueue:
    """The same queue as another process would have it."""
    found = FileQueue(settings)
    found.finish()
    return found


def ids(queue: FileQueue) -> list[str]:
    return [one.id for one in queue.snapshot().jobs]


def line(seq: int, durable: int) -> bytes:
    return encode(Line(seq, durable, "2026-01-01T00:00:00.000000Z", {"op": "pause", "päth": "a\nb"}))


def test_a_line_reads_as_it_was_written() -> None:
    data = line(7, 5)

    assert decode(data) == Line(7, 5, "2026-01-01T00:00:00.000000Z", {"op": "pause", "päth": "a\nb"})
    assert data.count(b"\n") == 1


def test_every_changed_byte_of_a_line_is_noticed() -> None:
    data = line(7, 5)
    for place in range(len(data)):
        for bit in range(8):
            changed = bytearray(data)
            changed[place] ^= 1 << bit
            # The text of the checksum itself has two spellings of a to f; the line is the same with both.
            if bytes(changed).lower() != data.lower():
                with pytest.raises(BadLine):
                    decode(bytes(changed))
    for length in range(len(data)):
        with pytest.raises(BadLine):
            decode(data[:length])


@pytest.mark.parametrize(
    "data", [b"", b"\n", b"{}\n", b'{"crc": "00000000", ', b"\0" * 100, b"[1]\n", b"\r\r\n"]
)
def test_what_is_no_line_is_none(data: bytes) -> None:
    with pytest.raises(BadLine):
        decode(data)


def test_lines_are_found_again_after_a_bad_one() -> None:
    data = line(1, 0) + b"\0\r\n\0" + line(2, 0) + b"\n" + line(3, 1)[:-5]

    found = [(one.seq if one else None, end) for one, end in decode_all(data)]

    assert [seq for seq, _ in found] == [1, None, None, None, None]
    assert found[-1][1] == len(data)
    assert [one.seq for one, _ in decode_all(b"\0\n" + line(2, 0)) if one] == [2]


def test_a_bad_line_is_damage_if_a_later_one_knows_it() -> None:
    assert not is_damage(b"\0\n", 3)
    assert not is_damage(b"\0\n" + line(4, 2), 3), "the second page came to the disk before the first"
    assert is_damage(b"\0\n" + line(4, 3), 3)
    assert is_damage(b"\0\n" + line(4, 2) + line(5, 4), 3)
    assert is_damage(b"\0" + line(4, 3), 3), "the end of the bad line is spoilt too"
    assert is_damage(line(2, 1), 3), "a whole line with another number"


def lines_of(queue: FileQueue) -> list[bytes]:
    return queue.journal.read_bytes().splitlines(keepends=True)


def test_a_torn_end_is_cut_off_wherever_it_is(queue: FileQueue, settings: Settings) -> None:
    queue.rebuilt()
    queue.enqueue([job("a")])
    whole = queue.journal.read_bytes()
    queue.enqueue([job("b")])
    after = queue.journal.read_bytes()
    for size in range(len(whole), len(after)):
        queue.journal.write_bytes(after[:size])
        found = another(queue, settings)

        assert ids(found) == ["W.a"]
        assert not found.status().rebuild
        assert queue.journal.read_bytes() == whole


def test_the_end_is_cut_off_before_lines_that_came_to_the_disk_without_it(
    queue: FileQueue, settings: Settings
) -> None:
    queue.rebuilt()
    queue.enqueue([job("a")])
    queue.claim(lease(), 1)
    for _ in range(3):
        queue.renew("w1")  # not synced, so none of them knows of another
    lines = lines_of(queue)
    lines[-2] = b"\0" * len(lines[-2])
    queue.journal.write_bytes(b"".join(lines))

    found = another(queue, settings)

    assert [one.renewals for one in found.leases()] == [1]
    assert not found.status().rebuild
    assert len(lines_of(queue)) == len(lines) - 2


def test_damage_sets_the_journal_aside_and_keeps_what_came_before(
    queue: FileQueue, settings: Settings
) -> None:
    queue.rebuilt()
    for name in "abcd":
        queue.enqueue([job(name)])
    lines = lines_of(queue)
    lines[-2] = b"\0" * len(lines[-2])
    damaged = b"".join(lines)
    queue.journal.write_bytes(damaged)

    found = another(queue, settings)

    assert ids(found) == ["W.a", "W.b"]
    assert found.status().rebuild
    assert queue.journal.with_name("queue-journal.jsonl.unreadable-1").read_bytes() == damaged
    assert ids(queue) == ["W.a", "W.b"], "who had it in memory goes on with the new one"
    found.enqueue([job("e")])
    assert ids(queue) == ids(another(queue, settings)) == ["W.a", "W.b", "W.e"]


def test_whoever_lives_cuts_off_what_a_killed_writer_left(queue: FileQueue, settings: Settings) -> None:
    other = another(queue, settings)
    queue.enqueue([job("a")])
    assert ids(other) == ["W.a"]
    with queue.journal.open("ab") as journal:
        journal.write(line(2, 1)[:30])

    other.enqueue([job("b")])

    assert ids(queue) == ids(another(queue, settings)) == ["W.a", "W.b"]
    assert all(one for one, _ in decode_all(queue.journal.read_bytes()))


def test_a_number_that_comes_twice_is_no_order(queue: FileQueue, settings: Settings) -> None:
    """Two writers who did not know of each other: somebody had removed the lock's file under one of them."""
    queue.rebuilt()
    queue.enqueue([job("a")])
    with queue.journal.open("ab") as journal:
        journal.write(line(2, 2) + line(3, 2))

    assert another(queue, settings).status().rebuild


@pytest.mark.parametrize("seed", range(3))
def test_a_flipped_bit_never_goes_unnoticed_but_at_the_end(
    queue: FileQueue, settings: Settings, seed: int
) -> None:
    queue.rebuilt()
    for number in range(12):
        queue.enqueue([job(f"j{number}")])
    names = [f"W.j{number}" for number in range(12)]
    content = queue.journal.read_bytes()
    last = len(content) - len(lines_of(queue)[-1])
    flip = random.Random(seed)
    for _ in range(40):
        changed = bytearray(content)
        place = flip.randrange(len(content))
        changed[place] ^= 1 << flip.randrange(8)
        queue.path.unlink(missing_ok=True)
        queue.journal.write_bytes(changed)
        found = another(queue, settings)
        had = ids(found)

        assert had == names[: len(had)]
        assert found.status().rebuild or len(had) == 12 or (place >= last and len(had) == 11), place


def test_an_operation_returns_when_it_is_on_the_disk(queue: FileQueue) -> None:
    queue.rebuilt()
    done, go = threading.Event(), threading.Event()

    def wait(call: Call) -> None:
        if call.op is Op.SYNC and call.path == str(queue.journal):
            go.wait(60)

    disk.observe(wait)

    def enqueue() -> None:
        queue.enqueue([job("a")])
        done.set()

    thread = threading.Thread(target=enqueue)
    thread.start()
    wait_for(lambda: ids(queue) == ["W.a"], "the line, which others may see already")
    assert not done.wait(0.1)
    go.set()
    assert done.wait(60)
    thread.join()


def test_many_share_one_sync(queue: FileQueue) -> None:
    queue.rebuilt()
    syncs: list[Call] = []
    slow = threading.Event()

    def count(call: Call) -> None:
        if call.op is Op.SYNC and call.path == str(queue.journal):
            syncs.append(call)
            slow.wait(0.02)

    disk.observe(count)
    threads = [
        threading.Thread(target=lambda one=one: [queue.enqueue([job(f"j{one}.{k}")]) for k in range(4)])
        for one in range(32)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(ids(queue)) == 128
    assert len(syncs) < 64


def full(queue: FileQueue, number: int, *, always: bool) -> Callable[[Call], None]:
    """A disk without space for the journal: always, or as long as there is the reserve."""

    def refuse(call: Call) -> None:
        there = queue.journal.with_name("queue-reserve").exists()
        if call.op is Op.WRITE and call.path == str(queue.journal) and (always or there):
            raise OSError(number, "No space left on device")

    return refuse


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_ends_can_be_told_on_a_full_disk(queue: FileQueue, settings: Settings, number: int) -> None:
    queue.enqueue([job("a", age=9), job("b", age=8), job("c")])
    queue.renew_snapshot()
    queue.claim(lease(), 2)
    assert settings.queue_reserve.stat().st_size > 100_000
    disk.observe(full(queue, number, always=False))

    with pytest.raises(StorageFailed, match="No space left"):
        queue.enqueue([job("d")])
    assert settings.queue_reserve.exists(), "it is not for new work"
    assert queue.complete("W.a", "w1")
    assert not settings.queue_reserve.exists()

    disk.observe(None)
    assert ids(queue) == ids(another(queue, settings)) == ["W.b", "W.c"]
    queue.renew_snapshot()
    assert settings.queue_reserve.exists(), "it is kept anew when there is space"


def test_when_nothing_helps_nothing_has_changed(queue: FileQueue, settings: Settings) -> None:
    queue.enqueue([job("a")])
    queue.claim(lease(), 1)
    queue.renew_snapshot()
    before = queue.snapshot()
    disk.observe(full(queue, errno.ENOSPC, always=True))

    for do in (lambda: queue.complete("W.a", "w1"), queue.pause):
        with pytest.raises(StorageFailed, match="No space left"):
            do()

    disk.observe(None)
    assert queue.snapshot() == before == another(queue, settings).snapshot()
    assert queue.complete("W.a", "w1")


LIMITED = """
import os, resource, signal, sys
from config import Settings
from services.errors import StorageFailed
from services.queue_service import FileQueue
from tests.engine_files.making import job
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
settings = Settings()
queue = FileQueue(settings)
queue.finish()
queue.enqueue([job("a")])
size = settings.queue_journal.stat().st_size
for more in range(0, 200, 7):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + more, resource.RLIM_INFINITY))
    try:
        queue.enqueue([job("b", reason="x" * 300)])
    except StorageFailed as error:
        assert settings.queue_journal.stat().st_size == size, more
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
queue.enqueue([job("c")])
print([one.id for one in queue.snapshot().jobs])
"""


def test_a_line_that_fits_by_half_is_taken_back(queue: FileQueue, settings: Settings) -> None:
    told = subprocess.run(
        [sys.executable, "-c", LIMITED],
        cwd=ROOT,
        env=environment(settings),
        capture_output=True,
        text=True,
        check=False,
    )

    assert told.stdout.strip() == "['W.a', 'W.c']", told.stderr
    assert ids(queue) == ["W.a", "W.c"]


def test_all_jobs_of_a_call_come_in_one_line(queue: FileQueue, settings: Settings, tmp_path: Path) -> None:
    queue.enqueue([job("a", f"W{number}") for number in range(10_000)])

    assert len(lines_of(queue)) == 2
    assert len(ids(another(queue, settings))) == 10_000
