"""Parquet files: one row group for about 32 MB of Arrow data, one file for about 1 GB of Parquet.

The same rows in the same batches give the same bytes.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bagmill.options import Compression
from bagmill.schemas.names import OWN_COLUMNS
from bagmill.writers.base import Part

ROW_GROUP_BYTES = 32 << 20
"""Arrow bytes that make a row group."""

PART_BYTES = 1 << 30
"""Parquet bytes after which the next file begins."""

SORTED_KEY = "bagmill.sorted"
"""Metadata key of a file: `true` if its rows stand in the order of their log times."""

_CODECS = {
    Compression.ZSTD: ("zstd", 1),
    Compression.LZ4: ("lz4", None),
    Compression.SNAPPY: ("snappy", None),
    Compression.GZIP: ("gzip", 6),
    Compression.NONE: ("none", None),
}


@dataclass(frozen=True, slots=True)
class ParquetFormat:
    """Makes Parquet writers with one codec."""

    compression: Compression = Compression.ZSTD
    row_group_bytes: int = ROW_GROUP_BYTES
    part_bytes: int = PART_BYTES

    def table(self, folder: Path, schema: pa.Schema) -> "ParquetTable":
        """Begin a table in a folder, which is made."""
        folder.mkdir(parents=True)
        return ParquetTable(folder, schema, self)


class ParquetTable:
    """Writes `part-00000.parquet` and so on."""

    def __init__(self, folder: Path, schema: pa.Schema, settings: ParquetFormat) -> None:
        self._folder = folder
        self._schema = schema
        self._settings = settings
        self._batches: list[pa.RecordBatch] = []
        self._pending = 0
        self._parts: list[Part] = []
        self._part: _OpenPart | None = None

    @property
    def pending(self) -> int:
        """Bytes of Arrow data that are held back."""
        return self._pending

    @property
    def is_open(self) -> bool:
        """Whether a file is open."""
        return self._part is not None

    def write(self, batch: pa.RecordBatch) -> None:
        """Take rows; a row group is written when there are enough."""
        self._batches.append(batch)
        self._pending += batch.nbytes
        if self._pending >= self._settings.row_group_bytes:
            self.flush()

    def flush(self) -> None:
        """Write what is held back as one row group."""
        if self._batches:
            table = pa.Table.from_batches(self._batches, schema=self._schema)
            self._batches, self._pending = [], 0
            if self._open().write(table) >= self._settings.part_bytes:
                self.park()

    def park(self) -> None:
        """Finish the open file; rows that are held back stay so."""
        if self._part is not None:
            self._parts.append(self._part.close())
            self._part = None

    def close(self) -> Sequence[Part]:
        """Write the rest and finish; without any rows, write a file that has the columns."""
        self.flush()
        if not self._parts:
            self._open()
        self.park()
        return tuple(self._parts)

    def abandon(self) -> None:
        """Let go of the open file as it is."""
        if self._part is not None:
            self._part.abandon()
            self._part = None

    def _open(self) -> "_OpenPart":
        if self._part is None:
            path = self._folder / f"part-{len(self._parts):05}.parquet"
            self._part = _OpenPart(path, self._schema, self._settings.compression)
        return self._part


class _OpenPart:
    """A file that is being written."""

    def __init__(self, path: Path, schema: pa.Schema, compression: Compression) -> None:
        self._path = path
        self._rows = 0
        self._sorted = True
        self._last = 0
        self._file: BinaryIO = path.open("xb")
        self._writer = pq.ParquetWriter(self._file, schema, **_settings(schema, compression))

    def write(self, table: pa.Table) -> int:
        """Write a row group; return the file's size so far."""
        self._writer.write_table(table, row_group_size=max(1, table.num_rows))
        self._rows += table.num_rows
        self._note_order(table)
        return self._file.tell()

    def close(self) -> Part:
        self._writer.add_key_value_metadata({SORTED_KEY: "true" if self._sorted else "false"})
        self._writer.close()
        self._file.close()
        return Part(self._path, self._rows)

    def abandon(self) -> None:
        # Else the library would write the end of the file when its object is collected, which may fail again.
        self._writer.is_open = False
        with suppress(OSError):
            self._file.close()

    def _note_order(self, table: pa.Table) -> None:
        times = table.column("log_time_ns").to_numpy()
        if times.size:
            in_order = bool(times[0] >= self._last) and bool((np.diff(times) >= 0).all())
            self._sorted, self._last = self._sorted and in_order, times[-1]


def _settings(schema: pa.Schema, compression: Compression) -> dict[str, Any]:
    """Every setting that changes bytes, so that a new version of the library does not."""
    codec, level = _CODECS[compression]
    leaves = [leaf for field in schema for leaf in _leaves(field.name, field.type)]
    blobs = {path for path, kind in leaves if _is_blob(kind)}
    own = {
        name for name in OWN_COLUMNS if name in schema.names and pa.types.is_integer(schema.field(name).type)
    }
    times = {
        name
        for name in OWN_COLUMNS
        if name in schema.names and pa.types.is_timestamp(schema.field(name).type)
    }
    return {
        "version": "2.6",
        "data_page_version": "1.0",
        "data_page_size": 1 << 20,
        "compression": codec,
        "compression_level": level,
        # Times and counters differ from row to row, and blobs are too long to be looked up.
        "use_dictionary": [path for path, _ in leaves if path not in blobs | own | times],
        "column_encoding": dict.fromkeys(sorted(own | times), "DELTA_BINARY_PACKED")
        | dict.fromkeys(sorted(blobs), "PLAIN"),
        "write_statistics": True,
        "write_page_index": True,
        "store_schema": True,
    }


def _leaves(path: str, kind: pa.DataType) -> Iterator[tuple[str, pa.DataType]]:
    """The leaf columns as Parquet names them."""
    if pa.types.is_struct(kind):
        for field in kind:
            yield from _leaves(f"{path}.{field.name}", field.type)
    elif pa.types.is_map(kind):
        yield from _leaves(f"{path}.key_value.key", kind.key_type)
        yield from _leaves(f"{path}.key_value.value", kind.item_type)
    elif pa.types.is_list(kind) or pa.types.is_fixed_size_list(kind):
        yield from _leaves(f"{path}.list.element", kind.value_type)
    else:
        yield path, kind


def _is_blob(kind: pa.DataType) -> bool:
    return bool(pa.types.is_binary(kind) or pa.types.is_fixed_size_binary(kind))
