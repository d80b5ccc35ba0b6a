"""The recording's file: opened once, read at offsets, every failure said in the project's own words.

Read with pread and not mapped: a mapped file that gets shorter or whose disk fails kills the process with
SIGBUS, and its pages count as the process's memory.
"""

import errno
import os
import stat
from pathlib import Path
from typing import NoReturn, Self

from bagmill.errors import (
    EmptyRecording,
    NotARecordingFile,
    RecordingChanged,
    RecordingNotFound,
    RecordingUnreadable,
)

_NOWHERE = {errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG}
_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
_MOST = 1 << 30
"""One system call reads at most 2 GiB."""


def shown(path: Path | str) -> str:
    """Write a path so that it can stand in JSON: bytes that aren't UTF-8 become `\\xff`."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


class Source:
    """A regular, non-empty file open for reading. Safe to read from several threads."""

    def __init__(self, path: Path, descriptor: int, size: int) -> None:
        self.path = path
        self.size = size
        self._descriptor = descriptor

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open a file; never waits, also not for a pipe without a writer.

        Raises:
            RecordingNotFound: nothing is there.
            NotARecordingFile: a folder, pipe, socket or device.
            EmptyRecording: 0 bytes.
            RecordingUnreadable: no permission, a loop of symlinks, an I/O error.
        """
        try:
            _refuse_other_kinds(path, path.stat())
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
        except (OSError, ValueError) as exc:
            _explain(path, exc)
        try:
            info = os.fstat(descriptor)
            _refuse_other_kinds(path, info)
            if info.st_size == 0:
                raise EmptyRecording(where={"path": shown(path)})
        except BaseException:
            os.close(descriptor)
            raise
        return cls(path, descriptor, info.st_size)

    def close(self) -> None:
        """Close the file; a second time does nothing."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def read(self, offset: int, length: int) -> bytes:
        """Read `length` bytes at `offset`; both lie within the size that the file had when it was opened."""
        try:
            data = os.pread(self._descriptor, length, offset)
        except OSError as exc:
            _explain(self.path, exc, offset)
        if len(data) == length:
            return data
        whole = bytearray(length)
        self.read_into(offset, memoryview(whole))
        return bytes(whole)

    def read_into(self, offset: int, target: memoryview) -> None:
        """Fill `target` with the bytes at `offset`.

        Raises:
            RecordingChanged: the file has become shorter.
            RecordingUnreadable: an I/O error.
        """
        done = 0
        while done < len(target):
            try:
                count = os.preadv(self._descriptor, [target[done : done + _MOST]], offset + done)
            except OSError as exc:
                _explain(self.path, exc, offset + done)
            if count == 0:
                where: dict[str, str | int] = {"path": shown(self.path), "offset": offset + done}
                raise RecordingChanged("The recording became shorter while it was read.", where=where)
            done += count


class Window:
    """Small reads that come one after the other, served from one larger read. For one thread."""

    SIZE = 1 << 16

    def __init__(self, source: Source, limit: int) -> None:
        self._source = source
        self._limit = limit
        self._start = 0
        self._data = b""

    def at(self, offset: int, length: int) -> memoryview:
        """Bytes `offset` to `offset + length` of the file, fewer where the limit comes first."""
        length = max(0, min(length, self._limit - offset))
        begin = offset - self._start
        if begin < 0 or begin + length > len(self._data):
            wanted = min(max(length, self.SIZE), self._limit - offset)
            self._data = self._source.read(offset, max(0, wanted))
            self._start, begin = offset, 0
        return memoryview(self._data)[begin : begin + length]


def _refuse_other_kinds(path: Path, info: os.stat_result) -> None:
    kind = stat.S_IFMT(info.st_mode)
    if kind != stat.S_IFREG:
        what = _KINDS.get(kind, "no regular file")
        raise NotARecordingFile(
            f"A recording is a regular file, and this is {what}.", where={"path": shown(path)}
        )


def _explain(path: Path, exc: OSError | ValueError, offset: int | None = None) -> NoReturn:
    """Raise what the operating system said as one of the project's errors."""
    where: dict[str, str | int] = {"path": shown(path)}
    if offset is not None:
        where["offset"] = offset
    number = exc.errno if isinstance(exc, OSError) else errno.ENOENT
    if number in _NOWHERE:
        raise RecordingNotFound(where=where) from exc
    if number == errno.ELOOP:
        raise RecordingUnreadable(
            "The path is a loop of symbolic links.", where=where, hint="Give the path of the file itself."
        ) from exc
    if number in {errno.EACCES, errno.EPERM}:
        raise RecordingUnreadable(
            "There is no permission to read the file.", where=where, hint="Check the permissions."
        ) from exc
    reason = os.strerror(number) if number else str(exc)
    raise RecordingUnreadable(f"The file can't be read: {reason}.", where=where) from exc
