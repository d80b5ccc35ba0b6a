"""The parts of a table as TFRecord files. The same rows in the same groups give the same bytes."""

import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa

from bagmill.writers.base import Part
from bagmill.writers.tfrecord.examples import Examples
from bagmill.writers.tfrecord.features import Plan, plan_features
from bagmill.writers.tfrecord.flatten import columns
from bagmill.writers.tfrecord.framing import frames
from bagmill.writers.tfrecord.sidecar import FilePart, write_sidecar
from bagmill.writers.tfrecord.varints import Bytes

GROUP_BYTES = 8 << 20
"""Arrow bytes that are encoded at a time."""

PART_BYTES = 256 << 20
"""Bytes after which the next file begins."""

SMALL_BYTES = 1 << 20
"""Arrow bytes of a batch below which it is worth joining several."""

TILE_BYTES = 3 << 20
"""Bytes of records that are built at a time, about: what the processor's caches hold."""


@dataclass(frozen=True, slots=True)
class TFRecordFormat:
    """Makes TFRecord writers.

    Files are called `<prefix>-00000.tfrecord` and so on, and are sorted if `time_column` (int64, ns) is.
    """

    gzip: bool = False
    group_bytes: int = GROUP_BYTES
    part_bytes: int = PART_BYTES
    prefix: str = "part"
    time_column: str = "log_time_ns"

    def table(self, folder: Path, schema: pa.Schema, *, going_on: bool = False) -> "TFRecordTable":
        """Begin a table in a folder, which is made, unless it is `going_on`.

        Raises:
            FeatureCollision: two columns would become one feature.
        """
        plan = plan_features(schema)
        folder.mkdir(parents=True, exist_ok=going_on)
        return TFRecordTable(folder, schema, plan, self)


class TFRecordTable:
    """Writes the files of a table, and `features.json`."""

    def __init__(self, folder: Path, schema: pa.Schema, plan: Plan, settings: TFRecordFormat) -> None:
        self._folder = folder
        self._schema = schema
        self._plan = plan
        self._settings = settings
        self._overhead = sum(len(feature.key.encode()) + 12 for feature in plan.features)
        self._parts: list[FilePart] = []
        self._part: _OpenPart | None = None

    def write(self, batches: Sequence[pa.RecordBatch]) -> None:
        """Write rows as records."""
        part = self._open()
        for batch in _joined(batches):
            part.note_order(batch)
            whole = list(columns(self._plan, batch))
            for first, count in self._tiles(batch):
                tile = (column.rows(first, count) for column in whole)
                examples = Examples([column for column in tile if column is not None], count)
                for piece in frames(examples, count):
                    part.write(piece)
        if part.size >= self._settings.part_bytes:
            self.park()

    def park(self) -> None:
        """Finish the open file."""
        if self._part is not None:
            self._parts.append(self._part.close())
            self._part = None

    def finished(self) -> list[list[Any]]:
        """The names of the finished files, their rows, and whether these are sorted."""
        return [[part.path.name, part.rows, part.is_sorted] for part in self._parts]

    def restore(self, finished: Sequence[Sequence[Any]]) -> None:
        """Go on after these files."""
        self._parts = [FilePart(self._folder / name, rows, in_order) for name, rows, in_order in finished]

    def close(self) -> Sequence[Part]:
        """Finish; without any rows, write a file without records."""
        if not self._parts:
            self._open()
        self.park()
        sidecar = write_sidecar(
            self._folder,
            self._schema,
            self._plan,
            self._parts,
            gzip=self._settings.gzip,
            prefix=self._settings.prefix,
        )
        return (*(Part(part.path, part.rows) for part in self._parts), Part(sidecar, None))

    def abandon(self) -> None:
        """Let go of the open file as it is."""
        if self._part is not None:
            self._part.abandon()
            self._part = None

    def _open(self) -> "_OpenPart":
        if self._part is None:
            ending = "tfrecord.gz" if self._settings.gzip else "tfrecord"
            path = self._folder / f"{self._settings.prefix}-{len(self._parts):05}.{ending}"
            self._part = _OpenPart(path, self._settings)
        return self._part

    def _tiles(self, batch: pa.RecordBatch) -> Iterator[tuple[int, int]]:
        """The first row of each, and how many it has."""
        size = batch.nbytes // batch.num_rows + self._overhead
        step = max(1, TILE_BYTES // size)
        for first in range(0, batch.num_rows, step):
            yield first, min(step, batch.num_rows - first)


def _joined(batches: Sequence[pa.RecordBatch]) -> Sequence[pa.RecordBatch]:
    """The same rows in fewer batches, if these are small."""
    if len(batches) > 1 and sum(batch.nbytes for batch in batches) < SMALL_BYTES * len(batches):
        joined: Sequence[pa.RecordBatch] = pa.Table.from_batches(batches).combine_chunks().to_batches()
        return joined
    return batches


class _OpenPart:
    """A file that is being written."""

    def __init__(self, path: Path, settings: TFRecordFormat) -> None:
        self._path = path
        self._time_column = settings.time_column
        self._rows = 0
        self._sorted = True
        self._last = 0
        self.size = 0
        """Bytes of the records so far, before compression."""
        self._file: BinaryIO = path.open("xb")
        # Its header holds no time, so that equal rows are equal bytes.
        self._gzip = zlib.compressobj(6, zlib.DEFLATED, 16 + zlib.MAX_WBITS) if settings.gzip else None

    def write(self, piece: Bytes) -> None:
        self.size += piece.nbytes
        self._file.write(piece.data if self._gzip is None else self._gzip.compress(piece.data))

    def note_order(self, batch: pa.RecordBatch) -> None:
        times = batch.column(self._time_column).to_numpy()
        in_order = bool(times[0] >= self._last) and bool((times[1:] >= times[:-1]).all())
        self._sorted, self._last = self._sorted and in_order, times[-1]
        self._rows += batch.num_rows

    def close(self) -> FilePart:
        if self._gzip is not None:
            self._file.write(self._gzip.flush())
        self._file.close()
        return FilePart(self._path, self._rows, self._sorted)

    def abandon(self) -> None:
        with suppress(OSError):
            self._file.close()
