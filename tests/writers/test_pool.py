"""Many tables within bounds of memory and open files."""

import threading
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bagmill.errors import OutputFailed
from bagmill.writers.parquet import ParquetFormat
from bagmill.writers.pool import WriterPool
from tests.writers.making import SCHEMA, batch


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
    with WriterPool(tmp_path, ParquetFormat(group_bytes=1), open_files=3) as pool:
        for number in range(10):
            pool.begin(str(number), SCHEMA)
        for turn in range(30):
            pool.write(str(turn % 10), batch(turn, 1))
            if Path("/proc/self/fd").is_dir():
                assert open_files(tmp_path) <= 3
        parts = pool.close()

    assert all([part.rows for part in found] == [1, 1, 1] for found in parts.values())
    assert rows(tmp_path / "4") == [4, 14, 24]


def written(folder: Path, threads: int) -> dict[str, bytes]:
    with WriterPool(
        folder,
        ParquetFormat(group_bytes=12_000),
        threads=threads,
        pending_bytes=20_000,
        writing_bytes=15_000,
        open_files=2,
    ) as pool:
        for number in range(5):
            pool.begin(str(number), SCHEMA)
        for turn in range(60):
            pool.write(str(turn * turn % 5), batch(turn, 10 + turn % 40))
        parts = pool.close()
    assert [part.path for found in parts.values() for part in found] == sorted(folder.rglob("*.parquet"))
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.parquet"))}


def test_the_files_depend_on_nothing_but_the_rows(tmp_path: Path) -> None:
    first = written(tmp_path / "first", 0)

    assert len(first) > 5
    for threads in (0, 1, 2, 4):
        for turn in range(3):
            assert written(tmp_path / f"{threads} {turn}", threads) == first


def test_rows_of_a_closed_pool_are_all_there_with_threads(tmp_path: Path) -> None:
    with WriterPool(tmp_path, ParquetFormat(group_bytes=1), threads=3, open_files=2) as pool:
        for name in "abcd":
            pool.begin(name, SCHEMA)
        for turn in range(40):
            pool.write("abcd"[turn % 4], batch(turn, 1))
        pool.close()

    assert [rows(tmp_path / name) for name in "abcd"] == [list(range(n, 40, 4)) for n in range(4)]


def test_batches_without_rows_are_no_row_groups(tmp_path: Path) -> None:
    with WriterPool(tmp_path, ParquetFormat(group_bytes=0)) as pool:
        pool.begin("a", SCHEMA)
        pool.write("a", batch(0, 0))
        pool.write("a", batch(0, 2))
        (part,) = pool.close()["a"]

    assert pq.read_metadata(part.path).num_row_groups == 1


@pytest.mark.parametrize("threads", [0, 2])
def test_a_failure_leaves_no_file_open_and_no_thread(tmp_path: Path, threads: int) -> None:
    before = threading.active_count()

    def fail() -> None:
        with WriterPool(tmp_path, ParquetFormat(group_bytes=1), threads=threads) as pool:
            pool.begin("a", SCHEMA)
            pool.write("a", batch(0, 1))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    if Path("/proc/self/fd").is_dir():
        assert open_files(tmp_path) == 0
    assert threading.active_count() == before


def test_a_folder_that_can_not_be_made(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("in the way")

    with pytest.raises(OutputFailed), WriterPool(tmp_path, ParquetFormat()) as pool:
        pool.begin("a", pa.schema([]))


@pytest.mark.parametrize("threads", [0, 2])
def test_a_file_ends_where_it_is_told_to(tmp_path: Path, threads: int) -> None:
    with WriterPool(tmp_path, ParquetFormat(prefix="shard"), threads=threads) as pool:
        pool.begin("a", SCHEMA)
        for first, count in ((0, 3), (3, 2), (5, 1)):
            pool.write("a", batch(first, count))
            if first:
                pool.end_file("a")
        pool.end_file("a")  # without rows there is none
        parts = pool.close()["a"]

    assert [(part.path.name, part.rows) for part in parts] == [
        ("shard-00000.parquet", 5),
        ("shard-00001.parquet", 1),
    ]
