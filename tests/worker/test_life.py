"""Who lives and who is dead."""

import json
import os
from pathlib import Path

from config import Settings
from services import processes
from services.worker.life import WorkerLife


def test_a_worker_lives_from_begin_to_end(settings: Settings) -> None:
    mine, other = WorkerLife(settings), WorkerLife(settings)
    mine.begin()
    other.begin()

    assert not other.is_dead(mine.id)
    assert other.others() == {mine.id}

    mine.end()

    assert other.is_dead(mine.id)
    assert other.others() == set()
    other.end()
    assert list(settings.workers_dir.iterdir()) == []


def test_a_worker_tells_who_it_is(settings: Settings) -> None:
    life = WorkerLife(settings)
    life.begin()

    told = json.loads((settings.workers_dir / f"{life.id}.json").read_bytes())

    assert (told["id"], told["pid"]) == (life.id, os.getpid())
    assert set(told) == {
        "schema_version",
        "id",
        "host",
        "pid",
        "process_started",
        "boot",
        "started_at",
        "version",
    }
    lease = life.lease()
    assert (lease.worker, lease.host, lease.pid) == (life.id, told["host"], os.getpid())
    assert (lease.process_started, lease.boot) == (told["process_started"], told["boot"])
    assert processes.started(os.getpid()) == told["process_started"]
    life.end()


def test_nobody_is_itself_dead_and_a_nobody_is(settings: Settings) -> None:
    life = WorkerLife(settings)

    assert not life.is_dead(life.id)
    assert life.is_dead(None)
    assert life.is_dead("never lived")


def test_the_living_are_not_buried(settings: Settings) -> None:
    living, digger = WorkerLife(settings), WorkerLife(settings)
    living.begin()
    dead = settings.workers_dir / "dead.lock"
    dead.touch()

    digger.bury(living.id)
    digger.bury("dead")

    assert digger.others() == {living.id}
    assert not digger.is_dead(living.id)
    living.end()


def test_ids_are_fresh(settings: Settings, tmp_path: Path) -> None:
    assert len({WorkerLife(settings).id for _ in range(10)}) == 10
