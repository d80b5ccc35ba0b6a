"""The queue of this project, the naive one that it replaced, plain SQLite, and what the disk allows."""

import json
import os
import sqlite3
from pathlib import Path
from typing import Any

from config import Settings
from models.base import utc_now
from models.queue import Job, Lease
from services.queue_service import FileQueue

WORKER = "11111111-1111-4111-8111-111111111111"


class Ours:
    """`services/queue_service.py`, as the API and the worker use it."""

    def __init__(self, folder: Path) -> None:
        self._queue = FileQueue(Settings(_env_file=None, queue_state_file=folder / "queue-state.json"))
        # What is handed over is made beforehand, as the jobs are.
        self._lease = Lease(worker=WORKER, host="here", pid=os.getpid(), since=utc_now())

    def fill(self, jobs: list[Job]) -> None:
        self._queue.enqueue(jobs)
        self._queue.renew_snapshot()

    def enqueue(self, one: Job) -> None:
        self._queue.enqueue([one])

    def claim(self) -> Job:
        return self._queue.claim(self._lease, 1)[0]

    def complete(self, claimed: Job) -> None:
        assert self._queue.complete(claimed.id, WORKER)

    def close(self) -> None:
        self._queue.finish()


class PlainSqlite:
    """One table in WAL mode, each operation a transaction that is synced."""

    def __init__(self, folder: Path) -> None:
        self._now = utc_now().isoformat()
        self._db = sqlite3.connect(folder / "jobs.db", isolation_level=None, timeout=30)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.execute(
            "CREATE TABLE jobs (id TEXT PRIMARY KEY, workflow TEXT NOT NULL, step TEXT NOT NULL, "
            "kind TEXT NOT NULL, priority INT NOT NULL, attempt INT NOT NULL, fence INT NOT NULL, "
            "enqueued_at TEXT NOT NULL, not_before TEXT, worker TEXT, leased_at TEXT)"
        )
        self._db.execute("CREATE INDEX waiting ON jobs (priority DESC, enqueued_at) WHERE worker IS NULL")
        self._db.execute("CREATE INDEX of_workflow ON jobs (workflow)")

    def fill(self, jobs: list[Job]) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        for one in jobs:
            self._insert(one)
        self._db.execute("COMMIT")

    def enqueue(self, one: Job) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        self._insert(one)
        self._db.execute("COMMIT")

    def claim(self) -> str:
        self._db.execute("BEGIN IMMEDIATE")
        (row,) = self._db.execute(
            "UPDATE jobs SET worker = ?, leased_at = ? WHERE id = (SELECT id FROM jobs WHERE worker IS NULL "
            "AND (not_before IS NULL OR not_before <= ?) ORDER BY priority DESC, enqueued_at LIMIT 1) "
            "RETURNING id, workflow, step, kind, priority, attempt, fence",
            (WORKER, self._now, self._now),
        ).fetchall()
        self._db.execute("COMMIT")
        return str(row[0])

    def complete(self, claimed: str) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        self._db.execute("DELETE FROM jobs WHERE id = ? AND worker = ?", (claimed, WORKER))
        self._db.execute("COMMIT")

    def close(self) -> None:
        self._db.close()

    def _insert(self, one: Job) -> None:
        self._db.execute(
            "INSERT INTO jobs VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL, NULL)",
            (
                *(one.id, one.workflow, one.step, one.kind, one.priority, one.attempt, one.fence),
                one.enqueued_at.isoformat(),
            ),
        )


class Naive:
    """One JSON file, read and rewritten by each operation under a lock: written aside, synced, renamed."""

    def __init__(self, folder: Path) -> None:
        from filelock import FileLock

        self._path = folder / "queue.json"
        self._lock = FileLock(folder / "queue.lock")
        self._write([])

    def fill(self, jobs: list[Job]) -> None:
        self._write([_fields(one) for one in jobs])

    def enqueue(self, one: Job) -> None:
        with self._lock:
            jobs = self._read()
            jobs.append(_fields(one))
            self._write(jobs)

    def claim(self) -> str:
        with self._lock:
            jobs = self._read()
            first = min((one for one in jobs if one["worker"] is None), key=_place)
            first["worker"] = WORKER
            self._write(jobs)
            return str(first["id"])

    def complete(self, claimed: str) -> None:
        with self._lock:
            self._write([one for one in self._read() if one["id"] != claimed])

    def close(self) -> None:
        pass

    def _read(self) -> list[dict[str, Any]]:
        jobs: list[dict[str, Any]] = json.loads(self._path.read_bytes())
        return jobs

    def _write(self, jobs: list[dict[str, Any]]) -> None:
        temporary = self._path.with_suffix(".tmp")
        with temporary.open("wb") as file:
            file.write(json.dumps(jobs).encode())
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self._path)
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _fields(one: Job) -> dict[str, Any]:
    return one.model_dump(mode="json", exclude={"state", "lease"}) | {"worker": None}


def _place(one: dict[str, Any]) -> tuple[int, str]:
    return -one["priority"], one["enqueued_at"]


class Disk:
    """No queue: 200 bytes added to a file and synced. Nothing that is durable can be faster."""

    def __init__(self, folder: Path) -> None:
        self._file = os.open(folder / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def fill(self, jobs: list[Job]) -> None:
        pass

    def enqueue(self, one: Job) -> None:  # noqa: ARG002
        self._add()

    def claim(self) -> None:
        self._add()

    def complete(self, claimed: None) -> None:  # noqa: ARG002
        self._add()

    def close(self) -> None:
        os.close(self._file)

    def _add(self) -> None:
        os.write(self._file, b"x" * 200)
        getattr(os, "fdatasync", os.fsync)(self._file)
