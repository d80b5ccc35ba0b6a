"""What a conversion can't cost less than: `python -m benchmarks.limit RECORDING OUTPUT FOLDER`.

CPU seconds, on one thread, of reading the file, decompressing its chunks, their CRCs, parsing where messages
are JSON (`pyarrow.json` over joined lines), and pyarrow writing the very columns of OUTPUT, which is this
project's dataset of that recording, from memory and with the encodings, codecs and row groups of its files
(chosen anew by the same code, not counted). FOLDER takes what is written.

What comes before a measured part is not counted: finding the chunks, joining the lines, loading the columns.
Prints a JSON object: the CPU seconds of each part, the `size` of what was written, and the size that
`pyarrow.parquet.write_table` without any settings makes of the same tables (`default_size`).
"""

import io
import json
import struct
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.json
import pyarrow.parquet as pq
from mcap.reader import make_reader
from zlib_ng.zlib_ng import crc32

from bagmill.options import Compression
from bagmill.writers.encodings import writer_settings

OWN = ("log_time", "publish_time", "log_time_ns", "sequence")
"""Columns that do not come from the messages."""

_SIZES = struct.Struct("<QQQI")
"""Start time, end time, uncompressed size and CRC, behind the 9 bytes of a chunk record's head."""


class Clock:
    """CPU seconds of each part of the work."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)

    @contextmanager
    def of(self, part: str) -> Iterator[None]:
        """Count what happens inside."""
        begin = time.process_time()
        yield
        self.seconds[part] += time.process_time() - begin


def read_chunks(recording: Path, clock: Clock) -> None:
    """Read, decompress and check all chunks, one after the other into the same memory."""
    with recording.open("rb") as file:
        summary = make_reader(file).get_summary()
    assert summary is not None
    with recording.open("rb", buffering=0) as file:
        chunks = sorted(summary.chunk_indexes, key=lambda chunk: chunk.chunk_start_offset)
        memory = memoryview(bytearray(max(chunk.chunk_length for chunk in chunks)))
        codecs = {name: pa.Codec(name) for name in {chunk.compression for chunk in chunks}}
        for chunk in chunks:
            record = memory[: chunk.chunk_length]
            with clock.of("read"):
                file.seek(chunk.chunk_start_offset)
                file.readinto(record)
            *_, size, crc = _SIZES.unpack_from(record, 9)
            with clock.of("decompress"):
                data = codecs[chunk.compression].decompress(record[-chunk.compressed_size :], size)
            with clock.of("crc"):
                assert crc32(data) == crc


def parse_lines(recording: Path, tables: dict[str, pa.Schema], clock: Clock) -> None:
    """Parse all JSON messages into the columns of the output, topic by topic."""
    lines: dict[str, list[bytes]] = defaultdict(list)
    with recording.open("rb") as file:
        for _, channel, message in make_reader(file).iter_messages(log_time_order=False):
            if channel.message_encoding == "json":
                lines[channel.topic].append(message.data)
    pa.json.read_json(io.BytesIO(b'{"a": 1}'), _read_options())  # what the library does once
    for topic, messages in lines.items():
        joined = pa.py_buffer(b"\n".join(messages))
        schema = pa.schema([column for column in tables[topic] if column.name not in OWN])
        options = pyarrow.json.ParseOptions(explicit_schema=schema)
        with clock.of("parse"):
            parsed = pyarrow.json.read_json(pa.BufferReader(joined), _read_options(), options)
        assert parsed.num_rows == len(messages)


def _read_options() -> Any:
    return pyarrow.json.ReadOptions(use_threads=False, block_size=8 << 20)


def write_tables(files: Sequence[Path], folder: Path, clock: Clock) -> int:
    """Write the row groups of files again with the settings they were written with; returns the bytes."""
    written = 0
    for number, source in enumerate(files):
        with pq.ParquetFile(source) as parquet:
            groups = [parquet.read_row_group(place) for place in range(parquet.num_row_groups)]
            schema = parquet.schema_arrow
        settings = writer_settings(schema, Compression.ZSTD, groups[0].to_batches() if groups else [])
        target = folder / f"{number}.parquet"
        with clock.of("write"), pq.ParquetWriter(target, schema, **settings) as writer:
            for group in groups:
                writer.write_table(group, row_group_size=max(1, len(group)))
        written += target.stat().st_size
        target.unlink()
    return written


def default_size(files: Sequence[Path], folder: Path) -> int:
    """Bytes of the same tables, each in one file, as pyarrow writes them by itself."""
    size = 0
    target = folder / "default.parquet"
    for topic in sorted({path.parent for path in files}):
        pq.write_table(pq.read_table(topic, partitioning=None), target)
        size += target.stat().st_size
        target.unlink()
    return size


def main(recording: Path, output: Path, folder: Path) -> None:
    """Measure and print."""
    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
    clock = Clock()
    files = sorted(output.glob("topic=*/*.parquet"))
    read_chunks(recording, clock)
    tables = {unquote(path.parent.name.removeprefix("topic=")): pq.read_schema(path) for path in files}
    parse_lines(recording, tables, clock)
    # First, so that what is measured is written to memory that the machine has used before: on a virtual one
    # new memory takes longer to get than to fill, and the limit is the last to come.
    default = default_size(files, folder)
    size = write_tables(files, folder, clock)
    own_size = sum(path.stat().st_size for path in files)
    result = {"parts": clock.seconds, "size": size, "own_size": own_size, "default_size": default}
    print(json.dumps(result))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
