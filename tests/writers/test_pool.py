"""Many tables within bounds of memory and open files."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bagmill.errors import OutputFailed
from bagmill.writers.parquet import ParquetFormat
from bagmill.writers.pool import WriterPool
from tests.writers.test_parquet import SCHEMA, batch


def open_files(folder: Path) -> int:
    """Files below a folder that this process has open."""
    links = [
        link.readlink() for link in Path("/proc/self/fd").iterdir() if link.is_symlink() and link.exists()
    ]
    return sum(link.is_relative_to(folder) for link in links)


def rows(folder: Path) -> list[int]:
    parts = sorted(folder.glob("*.parquet"))
    return [
        number for part in parts for number in pq.ParquetFile(part).read().column("log_time_ns").to_pylist()
    ]


def test_each_table_gets_its_rows(tmp_path: Path) -> None:
    with WriterPool(tmp_path, ParquetFormat()) as pool:
        for name in "ab":
            pool.begin(name, SCHEMA)
        pool.write("a", batch(0, 5))
        pool.write("b", batch(5, 5))
        pool.write("a", batch(10, 5))
        parts = pool.close()

    assert {name: [part.rows for part in found] for name, found in parts.items()} == {"a": [10], "b": [5]}
    assert rows(tmp_path / "a") == [0, 1, 2, 3, 4, 10, 11, 12, 13, 14]


def test_what_is_held_back_by_all_tables_is_bounded(tmp_path: Path) -> None:
    one = batch(0, 100).nbytes
    with WriterPool(tmp_path, ParquetFormat(), pending_bytes=5 * one) as pool:
        for number in range(10):
            pool.begin(str(number), SCHEMA)
        for turn in range(20):
            pool.write(str(turn % 10), batch(turn * 100, 100))
            assert pool.pending <= 5 * one
        pool.close()

    assert all(len(rows(tmp_path / str(number))) == 200 for number in range(10))


def test_open_files_are_bounded(tmp_path: Path) -> None:
    with WriterPool(tmp_path, ParquetFormat(row_group_bytes=1), open_files=3) as pool:
        for number in range(10):
            pool.begin(str(number), SCHEMA)
        for turn in range(30):
            pool.write(str(turn % 10), batch(turn, 1))
            if Path("/proc/self/fd").is_dir():
                assert open_files(tmp_path) <= 3
        parts = pool.close()

    assert all([part.rows for part in found] == [1, 1, 1] for found in parts.values())
    assert rows(tmp_path / "4") == [4, 14, 24]


def test_the_bounds_do_not_make_a_run_depend_on_anything_but_the_rows(tmp_path: Path) -> None:
    contents: list[list[bytes]] = []
    for folder in (tmp_path / "one", tmp_path / "two"):
        with WriterPool(folder, ParquetFormat(), pending_bytes=20_000, open_files=2) as pool:
            for number in range(5):
                pool.begin(str(number), SCHEMA)
            for turn in range(25):
                pool.write(str(turn * turn % 5), batch(turn, 50))
            pool.close()
        contents.append([path.read_bytes() for path in sorted(folder.rglob("*.parquet"))])

    assert contents[0] == contents[1]


def test_a_failure_leaves_no_file_open(tmp_path: Path) -> None:
    def fail() -> None:
        with WriterPool(tmp_path, ParquetFormat(row_group_bytes=1)) as pool:
            pool.begin("a", SCHEMA)
            pool.write("a", batch(0, 1))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    if Path("/proc/self/fd").is_dir():
        assert open_files(tmp_path) == 0


def test_a_folder_that_can_not_be_made(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("in the way")

    with pytest.raises(OutputFailed), WriterPool(tmp_path, ParquetFormat()) as pool:
        pool.begin("a", pa.schema([]))
