"""Durable files: every write, fsync and rename of the state folders goes through here.

A file is written whole: a temporary file in the same folder, flush, fsync, rename, fsync of the folder. So a
reader never sees half a file, and what was reported as written survives a power cut. On macOS an fsync is
an F_FULLFSYNC, since its plain fsync leaves the data in the disk's cache.

Failures of the file system are raised as `StorageFailed` with the path and the reason; the `OSError` is its
cause.
"""

import errno
import fcntl
import glob
import json
import os
import secrets
import shutil
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from bagmill.errors import OutputExists
from services.errors import StorageFailed

_FULL_FSYNC: int | None = getattr(fcntl, "F_FULLFSYNC", None)
_NO_FULL_FSYNC = frozenset({errno.ENOTSUP, errno.EINVAL, errno.ENOTTY})
"""Not every file system of macOS knows it."""

BORN = ".new-"
"""Prefix of a folder that is being made; one that a crash left is removed at the next start."""


@contextmanager
def _telling(path: Path) -> Iterator[None]:
    """Raise what the file system says as `StorageFailed`, with the path."""
    try:
        yield
    except OSError as error:
        raise storage_failed(path, error) from error


def storage_failed(path: Path, error: OSError) -> StorageFailed:
    """What the file system said, as the project's own exception."""
    return StorageFailed(f"{error.strerror or error}.", where={"path": os.fsdecode(error.filename or path)})


def json_bytes(value: Any) -> bytes:
    """A model or a JSON value as pretty-printed UTF-8 with a final newline; NaN raises ValueError."""
    plain = value.model_dump(mode="json", by_alias=True) if isinstance(value, BaseModel) else value
    return (json.dumps(plain, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


def json_line(value: Any) -> bytes:
    """A model or a JSON value as one line of UTF-8 with its newline; NaN raises ValueError."""
    plain = value.model_dump(mode="json", by_alias=True) if isinstance(value, BaseModel) else value
    return (json.dumps(plain, ensure_ascii=False, allow_nan=False) + "\n").encode()


def fsync(descriptor: int) -> None:
    """Bring a file's bytes to the disk itself. Raises OSError; a failed one must never be tried again."""
    if _FULL_FSYNC is not None:
        try:
            fcntl.fcntl(descriptor, _FULL_FSYNC)
        except OSError as error:
            if error.errno not in _NO_FULL_FSYNC:
                raise
        else:
            return
    os.fsync(descriptor)


def fsync_dir(path: Path) -> None:
    """Bring a folder's names (new files, renames) to the disk."""
    with _telling(path):
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fsync(descriptor)
        finally:
            os.close(descriptor)


def fsync_file(path: Path) -> None:
    """Bring the bytes of a file that somebody else wrote to the disk."""
    with _telling(path):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            fsync(descriptor)
        finally:
            os.close(descriptor)


def fsync_tree(path: Path) -> None:
    """Bring all files and folders below `path`, and `path` itself, to the disk."""
    for folder, _, files in os.walk(path, topdown=False):
        for name in files:
            fsync_file(Path(folder, name))
        fsync_dir(Path(folder))


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _write_new(path: Path, data: bytes, *, sync: bool) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        _write_all(descriptor, data)
        if sync:
            fsync(descriptor)
    finally:
        os.close(descriptor)


def _temporary(path: Path) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")


def write_bytes(path: Path, data: bytes, *, sync: bool = True) -> None:
    """Replace the file's content at once. Without `sync` it survives a kill, but not a power cut."""
    temporary = _temporary(path)
    with _telling(path):
        try:
            _write_new(temporary, data, sync=sync)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    if sync:
        fsync_dir(path.parent)


def write_json(path: Path, value: Any, *, sync: bool = True) -> None:
    """`write_bytes` of a model or a JSON value, pretty-printed."""
    write_bytes(path, json_bytes(value), sync=sync)


def append_lines(path: Path, lines: Sequence[bytes], *, sync: bool = True) -> None:
    """Append whole lines (each with its newline), in one write. A crash may leave a torn last line."""
    with _telling(path):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        try:
            born = os.fstat(descriptor).st_size == 0
            _write_all(descriptor, b"".join(lines))
            if sync:
                fsync(descriptor)
        finally:
            os.close(descriptor)
    if sync and born:
        fsync_dir(path.parent)


def truncate(path: Path, size: int) -> None:
    """Cut a file to `size` bytes, durably."""
    with _telling(path):
        descriptor = os.open(path, os.O_WRONLY)
        try:
            os.ftruncate(descriptor, size)
            fsync(descriptor)
        finally:
            os.close(descriptor)


def create_exclusive(path: Path, data: bytes) -> bool:
    """Make a file unless there is one: True if this call made it, whole and durable; False if it is there."""
    temporary = _temporary(path)
    with _telling(path):
        try:
            _write_new(temporary, data, sync=True)
            os.link(temporary, path)
        except FileExistsError:
            return False
        finally:
            temporary.unlink(missing_ok=True)
    fsync_dir(path.parent)
    return True


def make_folder(parent: Path, name: str, files: Mapping[str, bytes]) -> Path:
    """Make `parent/name` with these files (plain names), whole and durable: born as `.new-<name>`, renamed.

    The caller holds the lock of that name. Raises OutputExists if the folder is there.
    """
    born, folder = parent / f"{BORN}{name}", parent / name
    remove_tree(born)  # left by a crash
    try:
        with _telling(born):
            born.mkdir(parents=True)
            for file, data in files.items():
                _write_new(born / file, data, sync=True)
        fsync_dir(born)
        rename_folder(born, folder)
    except BaseException:
        with suppress(StorageFailed):
            remove_tree(born)
        raise
    return folder


def rename_folder(source: Path, target: Path) -> None:
    """Rename a folder, durably; both on one file system. Raises OutputExists if there is a target already.

    The caller holds the lock that guards `target`.
    """
    if os.path.lexists(target):
        raise OutputExists(f"{target.name} is already there", where={"path": str(target)})
    with _telling(source):
        try:
            os.rename(source, target)  # noqa: PTH104 - Path.rename says the same; here stands what POSIX does
        except OSError as error:
            if error.errno in {errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR}:
                raise OutputExists(f"{target.name} is already there", where={"path": str(target)}) from error
            raise
    fsync_dir(target.parent)
    if source.parent != target.parent:
        fsync_dir(source.parent)


def remove_tree(path: Path) -> None:
    """Remove a folder with all that is in it, or a file or link in its place; links are not followed.

    Nothing happens if nothing is there.
    """
    with _telling(path), suppress(FileNotFoundError):
        if stat.S_ISDIR(path.lstat().st_mode):
            shutil.rmtree(path)
        else:
            path.unlink()


def set_aside(path: Path) -> Path:
    """Rename a file that can't be read to `<name>.unreadable-<n>` beside itself; returns the new path.

    The caller holds the lock that guards `path`.
    """
    number = 1
    while os.path.lexists(aside := path.with_name(f"{path.name}.unreadable-{number}")):
        number += 1
    with _telling(path):
        path.rename(aside)
    fsync_dir(path.parent)
    return aside


def sweep_temporaries(path: Path) -> None:
    """Remove temporary files that crashed writers of `path` left. The caller holds its lock."""
    with _telling(path):
        for leftover in path.parent.glob(f".{glob.escape(path.name)}.????????.tmp"):
            leftover.unlink(missing_ok=True)
