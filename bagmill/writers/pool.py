"""Many tables at once within bounds: of the memory that waits to be written, and of open files."""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import pyarrow as pa

from bagmill.errors import OutputFailed
from bagmill.probe import shown
from bagmill.writers.base import Format, Part, TableWriter

PENDING_BYTES = 128 << 20
"""Arrow bytes that all tables together may hold back."""

OPEN_FILES = 64
"""Files open at a time; macOS allows a process 256."""


class WriterPool:
    """Writes the tables of one dataset; as a context, it leaves no file open.

    When too much is held back, the table that holds most is written; when too many files are open, the one
    that was not written to for longest is finished. Both depend on the rows alone, so the files do too.
    """

    def __init__(
        self, output: Path, files: Format, *, pending_bytes: int = PENDING_BYTES, open_files: int = OPEN_FILES
    ) -> None:
        self._output = output
        self._format = files
        self._pending_bytes = pending_bytes
        self._open_files = open_files
        self._tables: dict[str, TableWriter] = {}
        self._open: OrderedDict[str, None] = OrderedDict()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        for table in self._tables.values():
            table.abandon()

    def begin(self, folder: str, schema: pa.Schema) -> None:
        """Begin the table of a folder below the output."""
        with self._failures(folder):
            self._tables[folder] = self._format.table(self._output / folder, schema)

    def __contains__(self, folder: str) -> bool:
        return folder in self._tables

    @property
    def pending(self) -> int:
        """Bytes of Arrow data that all tables hold back."""
        return sum(table.pending for table in self._tables.values())

    def write(self, folder: str, batch: pa.RecordBatch) -> None:
        """Take rows of a table.

        Raises:
            OutputFailed: the disk is full or fails.
        """
        with self._failures(folder):
            self._tables[folder].write(batch)
            while self.pending > self._pending_bytes:
                largest = max(self._tables, key=lambda name: self._tables[name].pending)
                self._tables[largest].flush()
                self._note(largest)
            self._note(folder)

    def close(self) -> dict[str, Sequence[Part]]:
        """Finish all tables, and return the files of each.

        Raises:
            OutputFailed: the disk is full or fails.
        """
        parts = {}
        for folder, table in self._tables.items():
            with self._failures(folder):
                parts[folder] = table.close()
        return parts

    def _note(self, folder: str) -> None:
        """Keep the order of use of open files, and finish the oldest beyond the bound."""
        self._open.pop(folder, None)
        if self._tables[folder].is_open:
            self._open[folder] = None
        while len(self._open) > self._open_files:
            oldest, _ = self._open.popitem(last=False)
            self._tables[oldest].park()

    @contextmanager
    def _failures(self, folder: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise OutputFailed(
                f"writing failed: {error.strerror or error}", where={"path": shown(self._output / folder)}
            ) from error
