"""Writes what peers decode as Parquet, a folder for each topic, with the choices that cost and weigh least.

Encodings are chosen for each column from the first row group, as this project does it, and row groups are
written in a thread while the peer decodes on, so that a peer is measured by its reading and decoding.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

GROUP_BYTES = 32 << 20
WAITING = 4
"""Row groups that may wait to be written; then the decoding waits."""
_SAMPLE = 8192
_BLOB_SAMPLE = 1 << 20


class Tables:
    """Parquet files below a folder, one for each topic; `shape` makes columns of what a peer decodes.

    Threads may write at the same time, but only one of them to a topic.
    """

    def __init__(self, output: Path, shape: Callable[[pa.RecordBatch], pa.RecordBatch] | None = None) -> None:
        self._output = output
        self._shape = shape
        self._pending: dict[str, list[pa.RecordBatch]] = defaultdict(list)
        self._sizes: dict[str, int] = defaultdict(int)
        self._writers: dict[str, pq.ParquetWriter] = {}
        self._pool = ThreadPoolExecutor(1)
        self._waiting: list[Future[None]] = []
        self._lock = Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            for topic in list(self._pending):
                self._flush(topic)
        for job in self._waiting:
            job.result()
        self._pool.shutdown()
        for writer in self._writers.values():
            writer.close()

    def write(self, topic: str, batch: pa.RecordBatch) -> None:
        """Take rows of a topic."""
        self._pending[topic].append(batch)
        self._sizes[topic] += batch.nbytes
        if self._sizes[topic] >= GROUP_BYTES:
            self._flush(topic)

    def _flush(self, topic: str) -> None:
        batches = self._pending.pop(topic)
        self._sizes[topic] = 0
        with self._lock:
            if len(self._waiting) >= WAITING:
                self._waiting.pop(0).result()
            self._waiting.append(self._pool.submit(self._write_group, topic, batches))

    def _write_group(self, topic: str, batches: list[pa.RecordBatch]) -> None:
        batch = pa.Table.from_batches(batches).combine_chunks().to_batches()[0]
        batch = self._shape(batch) if self._shape else batch
        table = pa.table({name: as_binary(batch[name]) for name in batch.schema.names})
        if topic not in self._writers:
            folder = self._output / f"topic={quote(topic, safe='')}"
            folder.mkdir(parents=True)
            path = folder / "part-00000.parquet"
            self._writers[topic] = pq.ParquetWriter(path, table.schema, **settings(table))
        self._writers[topic].write_table(table, row_group_size=max(1, len(table)))


def settings(table: pa.Table) -> dict[str, Any]:
    """Encodings and codecs of a table's columns, from its first rows."""
    dictionaries, encodings, codecs = [], {}, {}
    for name in table.column_names:
        for path, values in leaves(name, table[name].chunk(0).slice(0, _SAMPLE)):
            kind = values.type
            codecs[path] = "ZSTD"
            if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
                encodings[path] = "PLAIN"
                codecs[path] = "ZSTD" if _shrinks(values) else "NONE"
            elif pa.types.is_boolean(kind):
                continue
            elif pc.count_distinct(values.slice(0, _SAMPLE)).as_py() < min(len(values), _SAMPLE) / 2:
                dictionaries.append(path)
            elif pa.types.is_floating(kind):
                encodings[path] = "BYTE_STREAM_SPLIT"
            elif pa.types.is_integer(kind) or pa.types.is_temporal(kind):
                encodings[path] = "DELTA_BINARY_PACKED"
    levels = {path: 1 for path, codec in codecs.items() if codec == "ZSTD"}
    return {
        "compression": codecs,
        "compression_level": levels,
        "use_dictionary": dictionaries,
        "column_encoding": encodings,
    }


def leaves(path: str, array: pa.Array) -> Iterator[tuple[str, pa.Array]]:
    """The leaf columns as Parquet names them, with their values."""
    kind = array.type
    if pa.types.is_struct(kind):
        for place, field in enumerate(kind):
            yield from leaves(f"{path}.{field.name}", array.field(place))
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        yield from leaves(f"{path}.list.element", array.flatten())
    else:
        yield path, array


def _shrinks(values: pa.Array) -> bool:
    """Whether zstd makes blobs smaller by more than 8 %."""
    sample = b"".join(value.as_buffer().to_pybytes()[:_BLOB_SAMPLE] for value in values[:4] if value.is_valid)
    return len(pa.Codec("zstd", compression_level=1).compress(sample[:_BLOB_SAMPLE])) < 0.92 * len(
        sample[:_BLOB_SAMPLE]
    )


def as_binary(array: pa.Array) -> pa.Array:
    """A list of bytes as what it is, without a copy; others stay."""
    if not pa.types.is_list(array.type) or not pa.types.is_uint8(array.type.value_type):
        return array
    validity, offsets = array.buffers()[:2]
    data = array.values.buffers()[1].slice(array.values.offset)
    return pa.Array.from_buffers(pa.binary(), len(array), [validity, offsets, data], offset=array.offset)
