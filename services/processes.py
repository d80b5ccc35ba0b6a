"""Processes of this machine: which one a number stands for, and which were stopped with a lock in hand.

A process is stopped by SIGSTOP or Ctrl-Z: it does nothing any more, but keeps what it holds.
"""

import os
from collections.abc import Collection, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import NamedTuple

import psutil

_PROC = Path("/proc")
_STARTTIME = 19
"""Place of the start time in /proc/<pid>/stat after the name: field 22 in proc_pid_stat(5)."""


class Identity(NamedTuple):
    """One process for good: its number may be used again, but not with the same start."""

    pid: int
    started: str


@cache
def boot() -> str:
    """What tells this boot of the machine from all others."""
    try:
        return (_PROC / "sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return f"{psutil.boot_time():.0f}"


def started(pid: int) -> str | None:
    """When a process began, as the system tells it; None if there is none.

    Linux: in ticks since the boot, which no clock that is set can change.
    """
    if fields := _stat(pid):
        return fields[_STARTTIME]
    with suppress(psutil.Error):
        return f"{psutil.Process(pid).create_time():.2f}"
    return None


def stopped_holders(locks: Collection[Path]) -> set[Identity]:
    """The stopped processes that hold the flock of one of these files. On Linux; elsewhere none is."""
    places = {(stat.st_dev, stat.st_ino) for path in locks if (stat := _place(path))}
    return {one for one in _stopped() if places and _holds_any(one.pid, places)}


def descendants(pid: int) -> list[int]:
    """The processes below a process; some that have just begun may be missing. Raises psutil.Error."""
    found: list[int] = []
    places = [pid]
    while places:
        children = _children(places.pop())
        if children is None:  # it is gone, or the system keeps no such list
            return [process.pid for process in psutil.Process(pid).children(recursive=True)]
        found += children
        places += children
    return found


def _children(pid: int) -> list[int] | None:
    """The children of all threads of a process: proc_tid_children(5). psutil would read all of /proc."""
    tasks = _PROC / str(pid) / "task"
    try:
        lists = [(tasks / task / "children").read_text("ascii") for task in os.listdir(tasks)]  # noqa: PTH208
    except OSError:
        return None
    return [int(child) for text in lists for child in text.split()]


def _stopped() -> Iterator[Identity]:
    with suppress(OSError):
        for name in os.listdir(_PROC):  # noqa: PTH208 - names are all that is wanted
            if name.isdigit() and (fields := _stat(int(name))) and fields[0] == "T":
                yield Identity(int(name), fields[_STARTTIME])


def _stat(pid: int) -> list[str] | None:
    """The fields of /proc/<pid>/stat that follow the name, which may hold blanks and brackets."""
    try:
        text = (_PROC / str(pid) / "stat").read_text("utf-8", "replace")
    except OSError:
        return None
    return text[text.rindex(")") + 2 :].split()


def _holds_any(pid: int, places: set[tuple[int, int]]) -> bool:
    folder = _PROC / str(pid)
    with suppress(OSError):
        for name in os.listdir(folder / "fd"):  # noqa: PTH208
            stat = _place(folder / "fd" / name)
            if stat and (stat.st_dev, stat.st_ino) in places and _is_locked_by(folder / "fdinfo" / name):
                return True
    return False


def _is_locked_by(info: Path) -> bool:
    """Whether a descriptor holds a flock for writing: proc_pid_fdinfo(5) has a line for each lock."""
    with suppress(OSError):
        lines = info.read_text("utf-8", "replace").splitlines()
        return any(line.startswith("lock:") and "FLOCK" in line and "WRITE" in line for line in lines)
    return False


def _place(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except OSError:
        return None
