"""Durable files: recipes for every write, fsync and rename of the state folders, made of `disk.py`'s calls.

A file is written whole: a temporary file in the same folder, flush, fsync, rename, fsync of the folder. So a
reader never sees half a file, and what was reported as written survives a power cut.

Failures of the file system are raised as `StorageFailed` with the path and the reason; the `OSError` is its
cause.
"""

import errno
import glob
import json
import os
import secrets
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from bagmill.errors import OutputExists
from services import disk
from services.errors import StorageFailed

_NO_JSON = (b"NaN", b"Infinity")
"""What is no JSON, but would be written for numbers that are not finite."""

BORN = ".new-"
"""Prefix of a folder that is being made; one that a crash left is removed at the next start."""


@contextmanager
def _telling(path: Path | str) -> Iterator[None]:
    """Raise what the file system says as `StorageFailed`, with the path."""
    try:
        yield
    except OSError as error:
        raise storage_failed(path, error) from error


def storage_failed(path: Path | str, error: OSError) -> StorageFailed:
    """What the file system said, as the project's own exception."""
    return StorageFailed(f"{error.strerror or error}.", where={"path": os.fsdecode(error.filename or path)})


def json_bytes(value: Any) -> bytes:
    """A model or a JSON value as pretty-printed UTF-8 with a final newline; NaN raises ValueError."""
    return _json(value, indent=2)


def json_line(value: Any) -> bytes:
    """A model or a JSON value as one line of UTF-8 with its newline; NaN raises ValueError."""
    return _json(value, indent=None)


def _json(value: Any, indent: int | None) -> bytes:
    if isinstance(value, BaseModel):
        data = value.model_dump_json(indent=indent, by_alias=True).encode() + b"\n"
        if not any(word in data for word in _NO_JSON):  # else it may only be the word, so look closely
            return data
    plain = value.model_dump(mode="json", by_alias=True) if isinstance(value, BaseModel) else value
    return (json.dumps(plain, indent=indent, ensure_ascii=False, allow_nan=False) + "\n").encode()


def fsync_dir(path: Path | str) -> None:
    """Bring a folder's names (new files, renames) to the disk."""
    with _telling(path):
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            disk.sync(descriptor, path)
        finally:
            os.close(descriptor)


def fsync_file(path: Path | str) -> None:
    """Bring the bytes of a file that somebody else wrote to the disk."""
    with _telling(path):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            disk.sync(descriptor, path)
        finally:
            os.close(descriptor)


def fsync_tree(path: Path) -> None:
    """Bring all files and folders below `path`, and `path` itself, to the disk."""
    for folder, _, files in os.walk(path, topdown=False):
        for name in files:
            fsync_file(f"{folder}/{name}")
        fsync_dir(folder)


def _write_new(path: Path, data: bytes) -> None:
    descriptor = disk.create(path)
    try:
        disk.write(descriptor, path, data)
        disk.sync(descriptor, path)
    finally:
        os.close(descriptor)


def _temporary(path: Path) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")


def write_bytes(path: Path, data: bytes, *, sync: bool = True) -> None:
    """Replace the file's content at once. Without `sync` it survives a kill; a power cut may take it back.

    The bytes themselves are synced in any case: the name may reach the disk with the next sync of the folder,
    whoever asks for that, and must not name half a file then.
    """
    replace(write_temporary(path, data), path)
    if sync:
        fsync_dir(path.parent)


def write_temporary(path: Path, data: bytes) -> Path:
    """Write what shall stand in `path` beside it, under a name that `sweep_temporaries` knows."""
    temporary = _temporary(path)
    with _telling(path):
        try:
            _write_new(temporary, data)
        except BaseException:
            disk.unlink(temporary)
            raise
    return temporary


def replace(temporary: Path, path: Path) -> None:
    """Put a temporary file in the place of `path`: seen at once, durable after an fsync of the folder."""
    with _telling(path):
        try:
            disk.rename(temporary, path)
        except BaseException:
            disk.unlink(temporary)
            raise


def write_json(path: Path, value: Any, *, sync: bool = True) -> None:
    """`write_bytes` of a model or a JSON value, pretty-printed."""
    write_bytes(path, json_bytes(value), sync=sync)


def append_lines(path: Path, lines: Sequence[bytes], *, sync: bool = True) -> None:
    """Append whole lines (each with its newline), in one write. A crash may leave a torn last line."""
    with _telling(path):
        descriptor = disk.open_to_append(path)
        try:
            born = os.fstat(descriptor).st_size == 0
            disk.write(descriptor, path, b"".join(lines))
            if sync:
                disk.sync(descriptor, path)
        finally:
            os.close(descriptor)
    if sync and born:
        fsync_dir(path.parent)


def truncate(path: Path, size: int) -> None:
    """Cut a file to `size` bytes, durably."""
    with _telling(path):
        descriptor = os.open(path, os.O_WRONLY)
        try:
            disk.truncate(descriptor, path, size)
            disk.sync(descriptor, path)
        finally:
            os.close(descriptor)


def create_exclusive(path: Path, data: bytes) -> bool:
    """Make a file unless there is one: True if this call made it, whole and durable; False if it is there."""
    temporary = _temporary(path)
    with _telling(path):
        try:
            _write_new(temporary, data)
            disk.link(temporary, path)
        except FileExistsError:
            return False
        finally:
            disk.unlink(temporary)
    fsync_dir(path.parent)
    return True


def make_folders(path: Path) -> None:
    """Make a folder and those above it, as far as they are missing: their names are on the disk then."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    with _telling(path):
        for folder in reversed(missing):
            disk.mkdir(folder, exist_ok=True)
            fsync_dir(folder.parent)
        if not path.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path))


def make_folder(parent: Path, name: str, files: Mapping[str, bytes]) -> Path:
    """Make `parent/name` with these files (plain names), whole and durable: born as `.new-<name>`, renamed.

    The caller holds the lock of that name. Raises OutputExists if the folder is there.
    """
    born, folder = parent / f"{BORN}{name}", parent / name
    remove_tree(born)  # left by a crash
    try:
        with _telling(born):
            disk.mkdir(born, parents=True)
            for file, data in files.items():
                _write_new(born / file, data)
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
            disk.rename(source, target)
        except OSError as error:
            if error.errno in {errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR}:
                raise OutputExists(f"{target.name} is already there", where={"path": str(target)}) from error
            raise
    fsync_dir(target.parent)
    if source.parent != target.parent:
        fsync_dir(source.parent)


def remove_tree(path: Path, *, sync: bool = False) -> None:
    """Remove a folder with all that is in it, or a file or link in its place; links are not followed.

    Nothing happens if nothing is there. Without `sync` a power cut may bring it back.
    """
    there = False
    with _telling(path):
        while (mode := _mode(path)) is not None:
            there = True
            # Somebody else may be removing it too: what is left goes in the next round.
            with suppress(FileNotFoundError):
                if stat.S_ISDIR(mode):
                    disk.remove_tree(path)
                else:
                    disk.unlink(path, missing_ok=False)
    if there and sync:
        fsync_dir(path.parent)


def _mode(path: Path) -> int | None:
    try:
        return path.lstat().st_mode
    except FileNotFoundError:
        return None


def set_aside(path: Path) -> Path:
    """Rename a file that can't be read to `<name>.unreadable-<n>` beside itself; returns the new path.

    The caller holds the lock that guards `path`.
    """
    number = 1
    while os.path.lexists(aside := path.with_name(f"{path.name}.unreadable-{number}")):
        number += 1
    with _telling(path):
        disk.rename(path, aside)
    fsync_dir(path.parent)
    return aside


def sweep_temporaries(path: Path) -> None:
    """Remove temporary files that crashed writers of `path` left. The caller holds its lock.

    Of a folder, those of all files in it.
    """
    folder, name = (path, "*") if path.is_dir() else (path.parent, glob.escape(path.name))
    with _telling(path):
        for leftover in folder.glob(f".{name}.????????.tmp"):
            disk.unlink(leftover)
