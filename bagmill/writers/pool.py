"""Many tables at once within bounds: of the memory that waits to be written, and of open files."""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from os import strerror
from pathlib import Path
from typing import Any, Self

import pyarrow as pa

from bagmill.errors import OutputFailed
from bagmill.probe import shown
from bagmill.writers.base import EncodesAhead, Format, Part, SomeRows, TableWriter
from bagmill.writers.lanes import Lanes

PENDING_BYTES = 128 << 20
"""Arrow bytes that all tables together may hold back."""

WRITING_BYTES = 80 << 20
"""Arrow bytes on top of these that may wait for a thread or be written by one.

That is two row groups of long messages, each 32 MB and the slice that made it full: tables that grow
alike, such as those of two cameras, are full at the same time, and are then written side by side.
"""

OPEN_FILES = 64
"""Files open at a time; macOS allows a process 256."""


@dataclass(slots=True)
class _Table:
    """A table, and the rows that are held back until they make a group."""

    writer: TableWriter
    group_bytes: int
    batches: list[SomeRows] = field(default_factory=list)
    pending: int = 0


class WriterPool:
    """Writes the tables of one dataset; as a context, it leaves no file open and no thread running.

    Rows are held back until those of a table make a group. When too much is held back, the table that holds
    most is written; when too many files are open, the one that was not written to for longest is finished.
    All of this depends on the rows alone, so the files do too, however many threads there are.

    With `threads`, groups are written by as many threads, those of one table in order, and calls return
    before that is done; they wait while more than `writing_bytes` are under way. With 0, calls write
    themselves. All calls come from one thread.
    """

    def __init__(
        self,
        output: Path,
        files: Format,
        *,
        threads: int = 0,
        pending_bytes: int = PENDING_BYTES,
        writing_bytes: int = WRITING_BYTES,
        open_files: int = OPEN_FILES,
        going_on: bool = False,
    ) -> None:
        """`going_on`: there may be folders of an earlier pool, for `restore`."""
        self._output = output
        self._format = files
        self._pending_bytes = pending_bytes
        self._open_files = open_files
        self._going_on = going_on
        self._tables: dict[str, _Table] = {}
        self._open: OrderedDict[str, None] = OrderedDict()
        self._lanes = Lanes(threads, writing_bytes)
        self._pending = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        self._lanes.stop()
        for table in self._tables.values():
            table.writer.abandon()

    def begin(self, folder: str, schema: pa.Schema, files: Format | None = None) -> None:
        """Begin the table of a folder below the output, in another format than the pool's if one is given.

        Raises:
            OutputFailed: the folder can't be made.
            SchemaError: the format has no place for such columns.
        """
        with self._failures(folder):
            files = files or self._format
            self._tables[folder] = _Table(
                files.table(self._output / folder, schema, going_on=self._going_on), files.group_bytes
            )

    def __contains__(self, folder: str) -> bool:
        return folder in self._tables

    @property
    def pending(self) -> int:
        """Bytes of Arrow data that all tables hold back."""
        return self._pending

    def write(self, folder: str, batch: SomeRows) -> None:
        """Take rows of a table.

        Raises:
            OutputFailed: the disk is full or fails, with these or with earlier rows.
        """
        if not batch.num_rows:
            return
        table, size = self._tables[folder], batch.nbytes
        table.batches.append(batch)
        table.pending += size
        self._pending += size
        if table.pending >= table.group_bytes:
            self._flush(folder)
        while self._pending > self._pending_bytes:
            self._flush(max(self._tables, key=lambda name: self._tables[name].pending))

    def end_file(self, folder: str) -> None:
        """Have the rows that a table gets from now on written to its next file.

        Raises:
            OutputFailed: the disk is full or fails, with these or with earlier rows.
        """
        self._flush(folder)
        self._run(folder, self._tables[folder].writer.park)

    def settle(self) -> dict[str, list[list[Any]]]:
        """Finish all open files; the finished ones of each folder: name, size in bytes, what `restore` needs.

        Raises:
            OutputFailed: the disk is full or fails, with these or with earlier rows.
        """
        for folder in sorted(self._tables):
            self.end_file(folder)
        self._open.clear()
        self._lanes.finish()
        return {folder: self._sized(folder) for folder in self._tables}

    def _sized(self, folder: str) -> list[list[Any]]:
        finished = self._tables[folder].writer.finished()
        return [[name, (self._output / folder / name).stat().st_size, *facts] for name, *facts in finished]

    def restore(self, folder: str, finished: Sequence[Sequence[Any]]) -> None:
        """Go on after the files of a table that an earlier pool has settled."""
        self._tables[folder].writer.restore([[name, *facts] for name, _, *facts in finished])

    def close(self) -> dict[str, Sequence[Part]]:
        """Finish all tables, and return the files of each.

        Raises:
            OutputFailed: the disk is full or fails, with these or with earlier rows.
        """
        parts: dict[str, Sequence[Part]] = dict.fromkeys(self._tables, ())

        def finish(folder: str) -> None:
            parts[folder] = self._tables[folder].writer.close()

        for folder in sorted(self._tables, key=lambda name: -self._tables[name].pending):
            self._flush(folder)
            self._run(folder, partial(finish, folder))
        self._lanes.finish()
        return parts

    def _flush(self, folder: str) -> None:
        """Have the rows written that a table holds back."""
        table = self._tables[folder]
        batches, size = table.batches, table.pending
        if batches:
            self._make_room(folder)
            self._pending -= size
            table.batches, table.pending = [], 0
            early = partial(table.writer.encode, batches) if isinstance(table.writer, EncodesAhead) else None
            self._run(folder, partial(table.writer.write, batches), size, early)

    def _make_room(self, folder: str) -> None:
        """Note that a table's file will be open; if need be, finish the one that was not used for longest."""
        self._open.pop(folder, None)
        while len(self._open) >= self._open_files:
            oldest, _ = self._open.popitem(last=False)
            self._run(oldest, self._tables[oldest].writer.park)
        self._open[folder] = None

    def _run(
        self, folder: str, work: Callable[[], None], size: int = 0, early: Callable[[], None] | None = None
    ) -> None:
        def told() -> None:
            with self._failures(folder):
                work()

        self._lanes.run(folder, told, size, early)

    @contextmanager
    def _failures(self, folder: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            reason = strerror(error.errno) if error.errno else str(error)
            raise OutputFailed(
                f"writing failed: {reason}", where={"path": shown(self._output / folder)}
            ) from error
