"""Parquet files: their parts, row groups, encodings, and what happens when the disk is full."""

from pathlib import Path
from typing import Any

import duckdb
import pandas as pd  # type: ignore[import-untyped]
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bagmill.writers.parquet import ParquetFormat, ParquetTable
from tests.writers.making import SCHEMA, batch


def table(folder: Path, **settings: Any) -> ParquetTable:
    return ParquetFormat(**settings).table(folder, SCHEMA)


def test_rows_are_read_back(tmp_path: Path) -> None:
    writer = table(tmp_path / "t")
    writer.write([batch(0, 5), batch(5, 5)])

    parts = writer.close()

    assert [(part.path.name, part.rows) for part in parts] == [("part-00000.parquet", 10)]
    expected = pa.Table.from_batches([batch(0, 10)])
    assert pq.ParquetFile(parts[0].path).read().equals(expected)


def test_a_table_without_rows_is_a_file_with_columns(tmp_path: Path) -> None:
    (part,) = table(tmp_path / "t").close()

    assert part.rows == 0
    assert pq.read_schema(part.path).equals(SCHEMA, check_metadata=False)


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
