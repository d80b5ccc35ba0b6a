"""The calls that change the disk: all that the engine writes, syncs, renames, removes and locks goes through
here, one call each, and each call of a process has its number.

An observer may be told of each call before it happens. That is the one hook for tests: they end the process
at each number in turn, or record what a power cut could leave. Writes only ever add to the end of a file.

All calls raise OSError; `durable.py` makes recipes of them that raise what the user can understand.
"""

import errno
import fcntl
import itertools
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

_FULL_FSYNC: int | None = getattr(fcntl, "F_FULLFSYNC", None)
_NO_FULL_FSYNC = frozenset({errno.ENOTSUP, errno.EINVAL, errno.ENOTTY})
"""Not every file system of macOS knows it."""


class Op(StrEnum):
    """What a call does."""

    CREATE = "create"
    WRITE = "write"
    TRUNCATE = "truncate"
    SYNC = "sync"
    RENAME = "rename"
    LINK = "link"
    UNLINK = "unlink"
    MKDIR = "mkdir"
    REMOVE_TREE = "remove_tree"
    LOCK = "lock"
    UNLOCK = "unlock"


@dataclass(frozen=True, slots=True)
class Call:
    """A call about to happen; `data` is of a write, `size` of a truncate, `target` of a rename or link."""

    number: int
    op: Op
    path: str
    target: str = ""
    data: bytes = b""
    size: int = 0


Observer = Callable[[Call], None]

_observer: Observer | None = None
_numbers = itertools.count(1)


def observe(observer: Observer | None) -> None:
    """Have an observer told of each call of this process, numbered from 1 on; None takes it away."""
    global _observer, _numbers
    _observer, _numbers = observer, itertools.count(1)


def _tell(op: Op, path: Path | str, target: Path | str = "", data: bytes = b"", size: int = 0) -> None:
    assert _observer is not None
    _observer(Call(next(_numbers), op, str(path), str(target), data, size))


def create(path: Path) -> int:
    """Make a file that must not be there yet; a descriptor for writing."""
    if _observer:
        _tell(Op.CREATE, path)
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)


def open_to_append(path: Path, *, make: bool = True) -> int:
    """A descriptor for reading, and for adding to the end; `make`: the file is made if it is missing."""
    flags = os.O_RDWR | os.O_APPEND
    try:
        return os.open(path, flags)
    except FileNotFoundError:
        if not make:
            raise
    if _observer:
        _tell(Op.CREATE, path)
    return os.open(path, flags | os.O_CREAT, 0o666)


def write(descriptor: int, path: Path, data: bytes) -> None:
    """Add all of `data` to the end of a file; if that fails, a part of it may be there."""
    if _observer:
        _tell(Op.WRITE, path, data=data)
    written = os.write(descriptor, data)
    while written < len(data):
        written += os.write(descriptor, memoryview(data)[written:])


def truncate(descriptor: int, path: Path, size: int) -> None:
    """Cut a file to `size` bytes."""
    if _observer:
        _tell(Op.TRUNCATE, path, size=size)
    os.ftruncate(descriptor, size)


def sync(descriptor: int, path: Path | str, *, data_only: bool = False) -> None:
    """Bring a file's bytes, or a folder's names, to the disk itself; a failed one must never be tried again.

    On macOS that is an F_FULLFSYNC: its plain fsync leaves the bytes in the disk's cache. `data_only` leaves
    out times, which nobody needs to find the bytes again.
    """
    if _observer:
        _tell(Op.SYNC, path)
    if _FULL_FSYNC is not None:
        try:
            fcntl.fcntl(descriptor, _FULL_FSYNC)
        except OSError as error:
            if error.errno not in _NO_FULL_FSYNC:
                raise
        else:
            return
    if data_only and hasattr(os, "fdatasync"):
        os.fdatasync(descriptor)
    else:
        os.fsync(descriptor)


def start_writing(descriptor: int) -> None:
    """Have a file's bytes begin their way to the disk, if the system can be told so; `sync` waits for them.

    Linux starts it when it is told that they will not be read soon, see posix_fadvise(2).
    """
    if hasattr(os, "posix_fadvise"):
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)


def rename(source: Path, target: Path) -> None:
    """Give a file or folder another name; a file that has it is replaced."""
    if _observer:
        _tell(Op.RENAME, source, target)
    os.rename(source, target)  # noqa: PTH104 - Path.rename says the same; here stands what POSIX does


def link(source: Path, target: Path) -> None:
    """Give a file a second name that must be free."""
    if _observer:
        _tell(Op.LINK, source, target)
    os.link(source, target)


def unlink(path: Path, *, missing_ok: bool = True) -> None:
    """Take a name from a file."""
    if _observer:
        _tell(Op.UNLINK, path)
    path.unlink(missing_ok=missing_ok)


def mkdir(path: Path, *, parents: bool = False, exist_ok: bool = False) -> None:
    """Make a folder."""
    if _observer:
        _tell(Op.MKDIR, path)
    path.mkdir(parents=parents, exist_ok=exist_ok)


def remove_tree(path: Path) -> None:
    """Remove a folder and all below it; links are not followed."""
    if _observer:
        _tell(Op.REMOVE_TREE, path)
    shutil.rmtree(path)


def lock(descriptor: int, path: Path, *, wait: bool = False) -> bool:
    """Take the flock of an open file; without `wait`, False if somebody else has it."""
    if _observer:
        _tell(Op.LOCK, path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def unlock(descriptor: int, path: Path) -> None:
    """Give the flock of an open file up."""
    if _observer:
        _tell(Op.UNLOCK, path)
    fcntl.flock(descriptor, fcntl.LOCK_UN)
