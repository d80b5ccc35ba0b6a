"""Parquet files: one row group for about 32 MB of Arrow data, one file for about 1 GB of Parquet.

The same rows in the same groups give the same bytes.
"""

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
from pyarrow._parquet import ParquetWriter

from bagmill.choices import Compression
from bagmill.writers.base import Part, SomeRows
from bagmill.writers.encodings import compresses_blobs, writer_settings
from bagmill.writers.leaves import leaves
from bagmill.writers.stitching import Group, Stitched

ROW_GROUP_BYTES = 32 << 20
"""Arrow bytes that make a row group."""

PART_BYTES = 1 << 30
"""Parquet bytes after which the next file begins."""

MANY_CHUNKS = 5000
"""Chunks of all columns of a row group above which copying them together takes less time than it saves."""

SORTED_KEY = "bagmill.sorted"
"""Metadata key of a file: `true` if its rows stand in the order of their log times."""


class ParquetFormat(NamedTuple):
    """Makes Parquet writers; `compression` is used where it makes a column smaller.

    Files are called `<prefix>-00000.parquet` and so on, and are sorted if `time_column` (int64, ns) is. With
    `apart`, row groups whose blobs are compressed can be encoded side by side.
    """

    compression: Compression = Compression.ZSTD
    group_bytes: int = ROW_GROUP_BYTES
    part_bytes: int = PART_BYTES
    prefix: str = "part"
    time_column: str = "log_time_ns"
    apart: bool = False

    def table(self, folder: Path, schema: pa.Schema, *, going_on: bool = False) -> "ParquetTable":
        """Begin a table in a folder, which is made, unless it is `going_on`."""
        folder.mkdir(parents=True, exist_ok=going_on)
        return ParquetTable(folder, schema, self)


class ParquetTable:
    """Writes the files of a table."""

    def __init__(self, folder: Path, schema: pa.Schema, settings: ParquetFormat) -> None:
        self._folder = folder
        self._schema = schema
        self._settings = settings
        self._columns = len(leaves(schema))
        self._parts: list[Part] = []
        self._part: _OpenPart | None = None
        self._encoded: dict[int, tuple[_OpenPart, Group]] = {}

    def encode(self, batches: Sequence[SomeRows]) -> None:
        """Encode a row group ahead, for the file that is open now."""
        part = self._part
        if part is not None and part.stitched is not None:
            self._encoded[id(batches)] = part, part.stitched.encode(self._table(batches))

    def write(self, batches: Sequence[SomeRows]) -> None:
        """Write rows as one row group."""
        table = self._table(batches)
        encoded_for, group = self._encoded.pop(id(batches), (None, None))
        part = self._part or self._begin(batches if _has_tables(batches) else table.to_batches())
        # What a file begins with decides how it is encoded: if another was opened meanwhile, it is done anew.
        if part.write(table, group if part is encoded_for else None) >= self._settings.part_bytes:
            self.park()

    def _table(self, batches: Sequence[SomeRows]) -> pa.Table:
        if _has_tables(batches):  # batches of these would have a row each
            table = pa.concat_tables([self._as_table(rows) for rows in batches])
        else:
            table = pa.Table.from_batches(batches, schema=self._schema)
        return table.combine_chunks() if len(batches) * self._columns > MANY_CHUNKS else table

    def _as_table(self, rows: SomeRows) -> pa.Table:
        return rows if isinstance(rows, pa.Table) else pa.Table.from_batches([rows], self._schema)

    def park(self) -> None:
        """Finish the open file."""
        if self._part is not None:
            self._parts.append(self._part.close())
            self._part = None

    def finished(self) -> list[list[Any]]:
        """The names of the finished files and their rows."""
        return [[part.path.name, part.rows] for part in self._parts]

    def restore(self, finished: Sequence[Sequence[Any]]) -> None:
        """Go on after these files."""
        self._parts = [Part(self._folder / name, rows) for name, rows in finished]

    def close(self) -> Sequence[Part]:
        """Finish; without any rows, write a file that has the columns."""
        if not self._parts and self._part is None:
            self._begin(())
        self.park()
        return tuple(self._parts)

    def abandon(self) -> None:
        """Let go of the open file as it is."""
        if self._part is not None:
            self._part.abandon()
            self._part = None

    def _begin(self, first: Sequence[SomeRows]) -> "_OpenPart":
        """Open the next file, which begins with these rows."""
        path = self._folder / f"{self._settings.prefix}-{len(self._parts):05}.parquet"
        self._part = _OpenPart(path, self._schema, self._settings, first)
        return self._part


def _has_tables(batches: Sequence[SomeRows]) -> bool:
    return any(isinstance(rows, pa.Table) for rows in batches)


class _OpenPart:
    """A file that is being written; its encodings suit the rows that it begins with."""

    def __init__(
        self, path: Path, schema: pa.Schema, made_as: ParquetFormat, first: Sequence[SomeRows]
    ) -> None:
        self._path = path
        self._rows = 0
        self._sorted = True
        self._last = 0
        self._time_column = made_as.time_column
        encoding = writer_settings(schema, made_as.compression, first)
        # A file of the library's own: writing to it does not hold up other threads of Python.
        self._file = pa.OSFile(os.fsencode(path), "wb")
        self.stitched: Stitched | None = None
        if made_as.apart and first and compresses_blobs(schema, encoding):
            self.stitched = Stitched(self._file, schema, encoding)
        else:
            # Not that of `pyarrow.parquet`, which loads file systems, TLS and more before it calls this one.
            self._writer = ParquetWriter(self._file, schema, **encoding)

    def write(self, table: pa.Table, group: Group | None) -> int:
        """Write a row group, which may be encoded already; return the file's size so far."""
        if self.stitched is not None:
            self.stitched.append(group or self.stitched.encode(table))
        else:
            self._writer.write_table(table, row_group_size=max(1, table.num_rows))
        self._rows += table.num_rows
        self._note_order(table)
        return int(self._file.tell())

    def close(self) -> Part:
        facts = {SORTED_KEY: "true" if self._sorted else "false"}
        if self.stitched is not None:
            self.stitched.close(facts)
        else:
            self._writer.add_key_value_metadata(facts)
            self._writer.close()
        self._file.close()
        return Part(self._path, self._rows)

    def abandon(self) -> None:
        with suppress(OSError):
            self._file.close()

    def _note_order(self, table: pa.Table) -> None:
        for chunk in table.column(self._time_column).chunks:
            times = chunk.to_numpy()
            if times.size:
                in_order = bool(times[0] >= self._last) and bool((times[1:] >= times[:-1]).all())
                self._sorted, self._last = self._sorted and in_order, times[-1]
