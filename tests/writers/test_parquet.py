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

from bagmill.options import Compression
from bagmill.writers.base import Format, TableWriter
from bagmill.writers.parquet import ParquetFormat, ParquetTable
from tests.writers.making import SCHEMA, batch


def table(folder: Path, **settings: Any) -> ParquetTable:
    return ParquetFormat(**settings).table(folder, SCHEMA)


def test_the_writer_is_one() -> None:
    make: Format = ParquetFormat()
    writer: type[TableWriter] = ParquetTable

    assert make
    assert writer


def test_rows_are_read_back(tmp_path: Path) -> None:
    writer = table(tmp_path / "t")
    writer.write([batch(0, 5), batch(5, 5)])

    parts = writer.close()

    assert [(part.path.name, part.rows) for part in parts] == [("part-00000.parquet", 10)]
    expected = pa.Table.from_batches([batch(0, 10)])
    assert pq.ParquetFile(parts[0].path).read().equals(expected)


def test_a_big_file_is_followed_by_the_next(tmp_path: Path) -> None:
    writer = table(tmp_path / "t", part_bytes=20_000, compression=Compression.NONE)
    for first in range(0, 300, 100):
        writer.write([batch(first, 100, blob=200)])

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


def test_after_parking_comes_the_next_file(tmp_path: Path) -> None:
    writer = table(tmp_path / "t")
    writer.write([batch(0, 2)])
    writer.park()
    writer.park()
    writer.write([batch(2, 2)])

    parts = writer.close()

    assert [(part.path.name, part.rows) for part in parts] == [
        ("part-00000.parquet", 2),
        ("part-00001.parquet", 2),
    ]


@pytest.mark.parametrize(("order", "flag"), [((0, 10), b"true"), ((10, 0), b"false")])
@pytest.mark.parametrize("groups", [1, 2])
def test_the_flag_of_order(tmp_path: Path, order: tuple[int, int], flag: bytes, groups: int) -> None:
    writer = table(tmp_path / "t")
    batches = [batch(first, 5) for first in order]
    for group in [batches] if groups == 1 else [[one] for one in batches]:
        writer.write(group)

    (part,) = writer.close()

    assert pq.read_metadata(part.path).metadata[b"bagmill.sorted"] == flag


def test_little_data_is_stored_plain_but_for_our_own_columns(tmp_path: Path) -> None:
    writer = table(tmp_path / "t")
    writer.write([batch(0, 100)])
    (part,) = writer.close()

    group = pq.read_metadata(part.path).row_group(0)
    columns = {group.column(n).path_in_schema: group.column(n) for n in range(group.num_columns)}

    assert all(column.has_offset_index for column in columns.values())
    assert all(column.compression == "ZSTD" for column in columns.values())
    for name, column in columns.items():
        own = name in {"log_time", "publish_time", "log_time_ns", "sequence"}
        assert ("DELTA_BINARY_PACKED" if own else "PLAIN") in column.encodings
        assert column.has_column_index == (own or name == "value")
    assert columns["log_time_ns"].statistics.max == 99


def test_equal_rows_in_equal_batches_are_equal_bytes(tmp_path: Path) -> None:
    contents = []
    for name in "ab":
        writer = table(tmp_path / name)
        for first in range(0, 500, 50):
            writer.write([batch(first, 25), batch(first + 25, 25)])
        contents.append([part.path.read_bytes() for part in writer.close()])

    assert contents[0] == contents[1]


def test_other_readers_see_the_same(tmp_path: Path) -> None:
    writer = table(tmp_path / "topic=%2Fx")
    writer.write([batch(0, 10)])
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
from tests.writers.making import SCHEMA, batch

folder, group_bytes, threads = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, 5_000))
try:
    with WriterPool(folder, ParquetFormat(group_bytes=group_bytes), threads=threads) as pool:
        pool.begin("t", SCHEMA)
        for first in range(0, 2000, 200):
            pool.write("t", batch(first, 200))
        pool.close()
except OutputFailed as error:
    print(json.dumps([error.message, error.where]))
"""


FLAGS = ("-W", "error", "-X", "dev")


@pytest.mark.parametrize("group_bytes", [20_000, 1 << 30], ids=["in the middle", "at the end"])
@pytest.mark.parametrize("threads", [0, 2])
def test_a_full_disk_is_told_and_nothing_else_is_said(tmp_path: Path, group_bytes: int, threads: int) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-W",
            "error",
            "-X",
            "dev",
            "-c",
            FULL_DISK,
            *map(str, (tmp_path, group_bytes, threads)),
        ],
        capture_output=True,
        text=True,
        check=True,
    )

    message, where = json.loads(done.stdout)
    assert message == "writing failed: File too large"
    assert where == {"path": str(tmp_path / "t")}
    assert done.stderr == ""
