"""The queues of others, as durable as their own settings make them."""

import pickle
import sqlite3
from pathlib import Path
from typing import Any

from benchmarks.queues.base import text
from models.queue import Job


class _Huey:
    """One of huey's storages; it removes a task when it hands it out."""

    def __init__(self, storage: Any) -> None:
        self._storage = storage

    def fill(self, jobs: list[Job]) -> None:
        for one in jobs:
            self.enqueue(one)

    def enqueue(self, one: Job) -> None:
        self._storage.enqueue(text(one).encode())

    def claim(self) -> bytes:
        data: bytes = self._storage.dequeue()
        assert data
        return data

    def close(self) -> None:
        self._storage.close()


def huey_files(folder: Path) -> _Huey:
    """A file for each task."""
    from huey.storage import FileStorage

    return _Huey(FileStorage("bench", str(folder / "huey")))


class HueySqlite(_Huey):
    """A row for each task; `fsync=True` is SQLite's FULL."""

    def __init__(self, folder: Path) -> None:
        from huey.storage import SqliteStorage

        super().__init__(SqliteStorage("bench", str(folder / "huey.db"), fsync=True))

    def fill(self, jobs: list[Job]) -> None:
        rows = [("bench", text(one).encode(), 0) for one in jobs]
        with self._storage.db(commit=True) as cursor:
            cursor.executemany("insert into task (queue, data, priority) values (?, ?, ?)", rows)


class PersistQueue:
    """A row for each item, with a status that `ack` sets; `synchronous` is SQLite's default, FULL."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._queue = self._open()

    def _open(self) -> Any:
        from persistqueue import SQLiteAckQueue

        return SQLiteAckQueue(str(self._folder))

    def fill(self, jobs: list[Job]) -> None:
        self._queue.close()
        with sqlite3.connect(self._folder / "data.db") as connection:
            connection.executemany(
                "INSERT INTO ack_queue_default (data, timestamp, status) VALUES (?, ?, 0)",
                [(pickle.dumps(text(one)), one.enqueued_at.timestamp()) for one in jobs],
            )
        connection.close()
        self._queue = self._open()

    def enqueue(self, one: Job) -> None:
        self._queue.put(text(one))

    def claim(self) -> int:
        return int(self._queue.get(block=False, raw=True)["pqid"])

    def complete(self, claimed: int) -> None:
        self._queue.ack(id=claimed)

    def close(self) -> None:
        self._queue.close()


class LiteQueue:
    """A row for each message; what is done stays, marked."""

    def __init__(self, folder: Path) -> None:
        from litequeue import LiteQueue as Queue

        self._queue = Queue(folder / "litequeue.db")

    def fill(self, jobs: list[Job]) -> None:
        with self._queue.transaction():
            for one in jobs:
                self._queue.put(text(one))

    def enqueue(self, one: Job) -> None:
        self._queue.put(text(one))

    def claim(self) -> str:
        return str(self._queue.pop().message_id)

    def complete(self, claimed: str) -> None:
        self._queue.done(claimed)

    def close(self) -> None:
        self._queue.conn.close()
