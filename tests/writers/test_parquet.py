"""Parquet files: their parts, row groups, encodings, and what happens when the disk is full."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd  # type: ignore[import-untyped]
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bagmill.columns import OWN_FIELDS, table_schema
from bagmill.options import Compression
from bagmill.writers.base import Format, TableWriter
from bagmill.writers.parquet import ParquetFormat, ParquetTable

FIELDS = pa.schema(
    [
        pa.field("value", pa.float64(), nullable=False),
        pa.field("blob", pa.binary(), nullable=False),
        pa.field("pose", pa.struct([pa.field("name", pa.string()), pa.field("list", pa.list_(pa.int32()))])),
        pa.field("fixed", pa.list_(pa.field("item", pa.float32(), nullable=False), 3), nullable=False),
        pa.field("map", pa.map_(pa.string(), pa.int64())),
        pa.field("uuid", pa.binary(4)),
    ]
)
SCHEMA = table_schema(FIELDS, {"topic": "/x"})


def batch(first: int, count: int, *, blob: int = 10) -> pa.RecordBatch:
    numbers = range(first, first + count)
    times = pa.array(numbers, pa.int64())
    return pa.RecordBatch.from_arrays(
        [
            times.view(OWN_FIELDS[0].type),
            times.view(OWN_FIELDS[1].type),
            times,
            pa.array(numbers, pa.uint32()),
            pa.array([float(n) for n in numbers]),
            pa.array([bytes([n % 256]) * blob for n in numbers], pa.binary()),
            pa.array([{"name": str(n), "list": [n] * (n % 3)} for n in numbers], FIELDS.field("pose").type),
            pa.array([[n, n, n] for n in numbers], FIELDS.field("fixed").type),
            pa.array([[("k", n)] for n in numbers], FIELDS.field("map").type),
            pa.array([b"uuid" for _ in numbers], pa.binary(4)),
        ],
        schema=SCHEMA,
    )


def table(folder: Path, **settings: Any) -> ParquetTable:
    return ParquetFormat(**settings).table(folder, SCHEMA)


def test_the_writer_is_one() -> None:
    make: Format = ParquetFormat()
    writer: type[TableWriter] = ParquetTable

    assert make
    assert writer


def test_rows_are_read_back(tmp_path: Path) -> None:
    writer = table(tmp_path / "t")
    writer.write(batch(0, 5))
    writer.write(batch(5, 5))

    parts = writer.close()

    assert [(part.path.name, part.rows) for part in parts] == [("part-00000.parquet", 10)]
    expected = pa.Table.from_batches([batch(0, 10)])
    assert pq.ParquetFile(parts[0].path).read().equals(expected)


def test_rows_are_held_back_until_they_make_a_row_group(tmp_path: Path) -> None:
    writer = table(tmp_path / "t", row_group_bytes=20_000)
    states = []
    for first, count in ((0, 100), (100, 200), (300, 10)):
        writer.write(batch(first, count))
        states.append((writer.pending, writer.is_open))

    (part,) = writer.close()

    assert states == [(batch(0, 100).nbytes, False), (0, True), (batch(300, 10).nbytes, True)]
    assert not writer.is_open
    metadata = pq.read_metadata(part.path)
    assert [metadata.row_group(n).num_rows for n in range(metadata.num_row_groups)] == [300, 10]


def test_a_big_file_is_followed_by_the_next(tmp_path: Path) -> None:
    writer = table(tmp_path / "t", row_group_bytes=1, part_bytes=20_000, compression=Compression.NONE)
    for first in range(0, 300, 100):
        writer.write(batch(first, 100, blob=200))

    parts = writer.close()

    assert [(part.path.name, part.rows) for part in parts] == [
        ("part-00000.parquet", 100),
        ("part-00001.parquet", 100),
        ("part-00002.parquet", 100),
    ]
    assert pq.read_table(tmp_path / "t", partitioning=None).column("log_time_ns").to_pylist() == list(
        range(300)
    )


def test_a_table_without_rows_is_a_file_with_columns(tmp_path: Path) -> None:
    (part,) = table(tmp_path / "t").close()

    assert part.rows == 0
    assert pq.read_schema(part.path).equals(SCHEMA, check_metadata=False)


def test_parking_keeps_what_is_held_back(tmp_path: Path) -> None:
    writer = table(tmp_path / "t")
    writer.write(batch(0, 2))
    writer.flush()
    writer.write(batch(2, 2))
    writer.park()
    assert not writer.is_open

    parts = writer.close()

    assert [part.rows for part in parts] == [2, 2]


@pytest.mark.parametrize(("order", "flag"), [((0, 10), b"true"), ((10, 0), b"false")])
def test_the_flag_of_order(tmp_path: Path, order: tuple[int, int], flag: bytes) -> None:
    writer = table(tmp_path / "t")
    for first in order:
        writer.write(batch(first, 5))
        writer.flush()

    (part,) = writer.close()

    assert pq.read_metadata(part.path).metadata[b"bagmill.sorted"] == flag


def test_encodings_and_page_index(tmp_path: Path) -> None:
    writer = table(tmp_path / "t")
    writer.write(batch(0, 100))
    (part,) = writer.close()

    group = pq.read_metadata(part.path).row_group(0)
    columns = {group.column(n).path_in_schema: group.column(n) for n in range(group.num_columns)}

    assert all(column.has_offset_index and column.has_column_index for column in columns.values())
    for name in ("log_time", "publish_time", "log_time_ns", "sequence"):
        assert "DELTA_BINARY_PACKED" in columns[name].encodings
    for name in ("blob", "uuid"):
        assert not columns[name].has_dictionary_page
    for name in ("value", "pose.name", "pose.list.list.element", "fixed.list.element", "map.key_value.key"):
        assert columns[name].has_dictionary_page
    assert columns["log_time_ns"].statistics.max == 99


def test_equal_rows_in_equal_batches_are_equal_bytes(tmp_path: Path) -> None:
    contents = []
    for name in "ab":
        writer = table(tmp_path / name, row_group_bytes=5000)
        for first in range(0, 500, 50):
            writer.write(batch(first, 50))
        contents.append([part.path.read_bytes() for part in writer.close()])

    assert contents[0] == contents[1]


def test_other_readers_see_the_same(tmp_path: Path) -> None:
    writer = table(tmp_path / "topic=%2Fx")
    writer.write(batch(0, 10))
    (part,) = writer.close()
    glob = str(tmp_path / "topic=*" / "*.parquet")

    query = f"select topic, log_time_ns, pose.name, fixed[2], octet_length(blob) from '{glob}'"
    with duckdb.connect() as connection:
        rows = connection.execute(f"{query} where log_time_ns >= 8").fetchall()
    assert rows == [("/x", 8, "8", 8.0, 10), ("/x", 9, "9", 9.0, 10)]

    frame = pl.read_parquet(part.path, hive_partitioning=False)
    assert frame["pose"].struct.field("name").to_list() == [str(n) for n in range(10)]
    assert frame.schema["fixed"] == pl.Array(pl.Float32, 3)
    assert frame.schema["log_time"] == pl.Datetime("ns", "UTC")

    table_ = pd.read_parquet(part.path, partitioning=None)
    assert str(table_["log_time"].dtype) == "datetime64[ns, UTC]"
    assert table_["blob"][3] == b"\x03" * 10


FULL_DISK = """
import json, resource, sys
from pathlib import Path
from bagmill.errors import OutputFailed
from bagmill.writers.parquet import ParquetFormat
from bagmill.writers.pool import WriterPool
from tests.writers.test_parquet import SCHEMA, batch

resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
try:
    with WriterPool(Path(sys.argv[1]), ParquetFormat(row_group_bytes=int(sys.argv[2]))) as pool:
        pool.begin("t", SCHEMA)
        for first in range(0, 20_000, 1000):
            pool.write("t", batch(first, 1000))
        pool.close()
except OutputFailed as error:
    print(json.dumps([error.message, error.where]))
"""


@pytest.mark.parametrize("row_group_bytes", [100_000, 1 << 30], ids=["in the middle", "at the end"])
def test_a_full_disk_is_told_and_nothing_else_is_said(tmp_path: Path, row_group_bytes: int) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-X", "dev", "-c", FULL_DISK, str(tmp_path), str(row_group_bytes)],
        capture_output=True,
        text=True,
        check=True,
    )

    message, where = json.loads(done.stdout)
    assert message == "writing failed: File too large"
    assert where == {"path": str(tmp_path / "t")}
    assert done.stderr == ""
