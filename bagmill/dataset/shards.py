"""The files of a dataset: rows of each split, cut into files by number or by size."""

from collections.abc import Sequence
from dataclasses import dataclass
from sys import maxsize

import pyarrow as pa

from bagmill.choices import Compression
from bagmill.dataset.spec import PARTITION, Output
from bagmill.writers.base import Format, Part
from bagmill.writers.parquet import ParquetFormat
from bagmill.writers.pool import WriterPool

TIME = "time_ns"
"""The column that rows stand in the order of, within a recording."""


def folder_of(split: str) -> str:
    """The folder of a split, below the dataset's; split names need no escapes."""
    return f"{PARTITION}={split}"


def format_of(output: Output) -> Format:
    """What writes the files. They end where `Shards` says."""
    usual = "zstd" if output.format == "parquet" else "none"
    codec = Compression(output.compression or usual)
    if output.format == "parquet":
        return ParquetFormat(codec, part_bytes=maxsize, prefix=output.prefix, time_column=TIME)
    from bagmill.writers.tfrecord import TFRecordFormat  # few need it

    gzip = codec is Compression.GZIP
    return TFRecordFormat(gzip=gzip, part_bytes=maxsize, prefix=output.prefix, time_column=TIME)


@dataclass(slots=True)
class _Open:
    """What is in a split's open file so far."""

    rows: int = 0
    size: int = 0


class Shards:
    """Writes rows into the files of their splits.

    A file ends after `shard_rows` rows, and before the row whose values would make it larger than
    `shard_bytes`; one row is always taken.
    """

    def __init__(self, pool: WriterPool, output: Output, schema: pa.Schema, splits: Sequence[str]) -> None:
        self._pool = pool
        self._rows = output.shard_rows or maxsize
        self._bytes = output.shard_bytes
        self._open = {split: _Open() for split in splits}
        for split in splits:
            pool.begin(folder_of(split), schema)

    def write(self, split: str, batch: pa.RecordBatch) -> None:
        """Take rows of a split.

        Raises:
            OutputFailed: the disk is full or fails.
        """
        size = max(1, batch.nbytes // max(1, batch.num_rows))
        while batch.num_rows:
            file = self._open[split]
            room = min(self._rows - file.rows, max((self._bytes - file.size) // size, not file.rows))
            if room:
                some = batch.slice(0, room)
                self._pool.write(folder_of(split), some)
                file.rows, file.size = file.rows + some.num_rows, file.size + some.num_rows * size
                batch = batch.slice(room)
            if room == 0 or file.rows >= self._rows:
                self._pool.end_file(folder_of(split))
                self._open[split] = _Open()

    def close(self) -> dict[str, Sequence[Part]]:
        """Finish all files: those of each split."""
        parts = self._pool.close()
        return {split: parts[folder_of(split)] for split in self._open}
