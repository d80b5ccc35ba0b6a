"""The recording's file: opened once, read at offsets, every failure said in the project's own words.

Read with pread and not mapped: a mapped file that gets shorter or whose disk fails kills the process with
SIGBUS, and its pages count as the process's memory.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from bagmill.errors import RecordingChanged
from bagmill.probe import explain, open_file, shown

_MOST = 1 << 30
"""One system call reads at most 2 GiB."""
_SECTOR = 512


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
        descriptor = open_file(path)
        return cls(path, descriptor, os.fstat(descriptor).st_size)

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
            explain(self.path, exc, offset)
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
                explain(self.path, exc, offset + done)
            if count == 0:
                where: dict[str, str | int] = {"path": shown(self.path), "offset": offset + done}
                raise RecordingChanged("The recording became shorter while it was read.", where=where)
            done += count

    def read_pieces(self, offset: int, pieces: Sequence[memoryview]) -> bool:
        """Fill pieces of memory, at most 1024, with the bytes at `offset`; False if that did not work."""
        try:
            return os.preadv(self._descriptor, pieces, offset) == sum(map(len, pieces))
        except OSError:
            return False


def written_size(source: Source) -> int:
    """Size of a file without the zeros at its end, where they fill a disk sector or more.

    After a power failure a file may have its size but not its last content: zeros stand there.
    """
    end = source.size
    while end > 0:
        start = max(0, end - (1 << 20))
        rest = source.read(start, end - start).rstrip(b"\0")
        if rest:
            end = start + len(rest)
            break
        end = start
    return end if source.size - end >= _SECTOR else source.size


class Window:
    """Small reads that come one after the other, served from one larger read. For one thread."""

    SIZE = 1 << 14
    """Mostly it holds the indexes behind a chunk and the head of the next; all else is read for nothing."""

    def __init__(self, source: Source, limit: int) -> None:
        self._source = source
        self._limit = limit
        self._start = 0
        self._data = memoryview(b"")

    def at(self, offset: int, length: int) -> memoryview:
        """Bytes `offset` to `offset + length` of the file, fewer where the limit comes first."""
        length = max(0, min(length, self._limit - offset))
        return self.rest(offset, length)[:length]

    def rest(self, offset: int, least: int) -> memoryview:
        """All bytes from `offset` on that are at hand: `least` or more, fewer where the limit comes first."""
        begin = offset - self._start
        if begin < 0 or begin + least > len(self._data):
            wanted = min(max(least, self.SIZE), self._limit - offset)
            self._data = memoryview(self._source.read(offset, max(0, wanted)))
            self._start, begin = offset, 0
        return self._data[begin:]
