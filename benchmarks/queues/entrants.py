"""Everybody who is measured, with what each promises."""

import os
from collections.abc import Iterator
from importlib.util import find_spec

from benchmarks.queues.base import Entrant
from benchmarks.queues.others import HueySqlite, LiteQueue, PersistQueue, huey_files
from benchmarks.queues.own import Disk, Naive, Ours, PlainSqlite

OURS, SQLITE, NAIVE = "bagmill", "SQLite FULL", "naive JSON"

_SYNCED = "each operation is on the disk when it returns"
_GONE = "a task is gone when it is claimed"
ENTRANTS = (
    Entrant("the disk", "no queue: for each operation, 200 bytes are added to a file and synced", Disk),
    Entrant(OURS, _SYNCED, Ours),
    Entrant(SQLITE, _SYNCED, PlainSqlite),
    Entrant("huey SqliteHuey", f"{_SYNCED} (`fsync=True`); {_GONE}", HueySqlite, "huey"),
    Entrant("persist-queue", f"{_SYNCED} (`SQLiteAckQueue`)", PersistQueue, "persistqueue"),
    Entrant("litequeue", "a power cut takes back the last operations (`NORMAL`)", LiteQueue, "litequeue"),
    Entrant("huey FileHuey", f"nothing is synced; {_GONE}", huey_files, "huey"),
    Entrant(NAIVE, f"{_SYNCED}: the whole file is written and synced", Naive, "filelock"),
)


def chosen() -> Iterator[Entrant]:
    """Those that are asked for (BENCH_QUEUES) and installed; who is missing is named."""
    asked = os.environ.get("BENCH_QUEUES")
    for entrant in ENTRANTS:
        if asked is not None and entrant.name not in asked.split(","):
            continue
        if entrant.module is None or find_spec(entrant.module):
            yield entrant
        else:
            print(f"{entrant.name} is left out: {entrant.module} is not installed")
