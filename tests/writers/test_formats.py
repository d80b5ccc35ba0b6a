"""What every format of a dataset must do."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bagmill.choices import Compression
from bagmill.writers.base import Format, Part, TableWriter
from bagmill.writers.parquet import ParquetFormat, ParquetTable
from bagmill.writers.tfrecord import TFRecordFormat, TFRecordTable
from tests.writers.making import SCHEMA, batch
from tests.writers.test_tfrecord import parsed

Make = Callable[[int], Format]
"""Makes a format whose files hold about so many bytes."""

FORMATS: dict[str, Make] = {
    "parquet": lambda size: ParquetFormat(Compression.NONE, part_bytes=size),
    "tfrecord": lambda size: TFRecordFormat(part_bytes=size),
    "tfrecord.gz": lambda size: TFRecordFormat(gzip=True, part_bytes=size),
}


@pytest.fixture(params=FORMATS)
def ending(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def begin(ending: str, folder: Path, size: int = 1 << 30) -> TableWriter:
    return FORMATS[ending](size).table(folder, SCHEMA)


def times(parts: Sequence[Part]) -> list[list[int]]:
    """The log times in each file of rows."""
    found = []
    for part in parts:
        if part.path.suffix == ".parquet":
            found.append(
                pq.ParquetFile(pa.BufferReader(part.path.read_bytes()))
                .read()
                .column("log_time_ns")
                .to_pylist()
            )
        elif part.rows is not None:
            found.append([features["log_time_ns"][1][0] for features in parsed(part.path)])
    return found


def files(parts: Sequence[Part]) -> list[tuple[str, int]]:
    return [(part.path.name, part.rows) for part in parts if part.rows is not None]


def test_the_writers_are_ones() -> None:
    tables: list[type[TableWriter]] = [ParquetTable, TFRecordTable]

    assert len(tables) == 2
    assert all(make(1).group_bytes > 0 for make in FORMATS.values())


def test_the_folder_must_be_new(ending: str, tmp_path: Path) -> None:
    begin(ending, tmp_path / "a" / "b").abandon()

    with pytest.raises(FileExistsError):
        begin(ending, tmp_path / "a" / "b")


def test_rows_of_all_groups_are_there_in_order(ending: str, tmp_path: Path) -> None:
    writer = begin(ending, tmp_path / "t")
    writer.write([batch(0, 3), batch(3, 1), batch(4, 1)])
    writer.write([batch(5, 5)])

    parts = writer.close()

    assert files(parts) == [(f"part-00000.{ending}", 10)]
    assert times(parts) == [list(range(10))]
    assert {part.path for part in parts} == set((tmp_path / "t").iterdir())


def test_a_big_file_is_followed_by_the_next(ending: str, tmp_path: Path) -> None:
    writer = begin(ending, tmp_path / "t", 20_000)
    for first in range(0, 300, 100):
        writer.write([batch(first, 100, blob=200)])

    parts = writer.close()

    assert files(parts) == [(f"part-0000{n}.{ending}", 100) for n in range(3)]
    assert times(parts) == [list(range(first, first + 100)) for first in range(0, 300, 100)]


def test_a_table_without_rows_is_a_file(ending: str, tmp_path: Path) -> None:
    parts = begin(ending, tmp_path / "t").close()

    assert files(parts) == [(f"part-00000.{ending}", 0)]
    assert times(parts) == [[]]


def test_after_parking_comes_the_next_file(ending: str, tmp_path: Path) -> None:
    writer = begin(ending, tmp_path / "t")
    writer.park()
    writer.write([batch(0, 2)])
    writer.park()
    writer.park()
    writer.write([batch(2, 2)])

    parts = writer.close()

    assert files(parts) == [(f"part-0000{n}.{ending}", 2) for n in range(2)]
    assert times(parts) == [[0, 1], [2, 3]]


def test_equal_rows_in_equal_groups_are_equal_bytes(ending: str, tmp_path: Path) -> None:
    contents = []
    for name in "ab":
        writer = begin(ending, tmp_path / name, 10_000)
        for first in range(0, 500, 50):
            writer.write([batch(first, 25), batch(first + 25, 25)])
        contents.append([part.path.read_bytes() for part in writer.close()])

    assert contents[0] == contents[1]
    assert len(contents[0]) > 1


def test_a_path_that_is_no_text(ending: str, tmp_path: Path) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff"))
    try:
        folder.mkdir()
    except OSError:
        return  # macOS has no such names
    writer = begin(ending, folder / "t")
    writer.write([batch(0, 2)])

    assert times(writer.close()) == [[0, 1]]


def test_to_abandon_never_fails(ending: str, tmp_path: Path) -> None:
    writer = begin(ending, tmp_path / "t")
    writer.abandon()
    writer.write([batch(0, 2)])
    writer.abandon()
    writer.abandon()


FULL_DISK = """
import json, resource, sys
from pathlib import Path
from bagmill.choices import Compression
from bagmill.errors import OutputFailed
from bagmill.writers.parquet import ParquetFormat
from bagmill.writers.pool import WriterPool
from bagmill.writers.tfrecord import TFRecordFormat
from tests.writers.making import SCHEMA, batch

folder, ending, group_bytes, threads = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
files = (ParquetFormat if ending == "parquet" else TFRecordFormat)(group_bytes=group_bytes)
resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, 5_000))
try:
    with WriterPool(folder, files, threads=threads) as pool:
        pool.begin("t", SCHEMA)
        for first in range(0, 2000, 200):
            pool.write("t", batch(first, 200))
        pool.close()
except OutputFailed as error:
    print(json.dumps([error.message, error.where]))
"""

FLAGS = ("-W", "error", "-X", "dev")


@pytest.mark.parametrize("name", ["parquet", "tfrecord"])
@pytest.mark.parametrize(
    ("group_bytes", "threads"),
    [pytest.param(20_000, 0, marks=pytest.mark.slow), (20_000, 2), (1 << 30, 0)],
    ids=["inside", "threads", "end"],
)
def test_a_full_disk_is_told_and_nothing_else_is_said(
    tmp_path: Path, name: str, group_bytes: int, threads: int
) -> None:
    done = subprocess.run(
        [sys.executable, *FLAGS, "-c", FULL_DISK, *map(str, (tmp_path, name, group_bytes, threads))],
        capture_output=True,
        text=True,
        check=True,
    )

    message, where = json.loads(done.stdout)
    assert message == "writing failed: File too large"
    assert where == {"path": str(tmp_path / "t")}
    assert done.stderr == ""


NAMED: dict[str, Format] = {
    "parquet": ParquetFormat(prefix="a-b", time_column="sequence"),
    "tfrecord": TFRecordFormat(prefix="a-b", time_column="sequence"),
}


@pytest.mark.parametrize("ending", NAMED)
def test_files_have_the_prefix_and_are_sorted_by_the_column(ending: str, tmp_path: Path) -> None:
    writer = NAMED[ending].table(tmp_path / "t", SCHEMA)
    rows = batch(0, 3)
    backwards = rows.set_column(2, SCHEMA.field("log_time_ns"), pa.array([2, 1, 0], pa.int64()))
    writer.write([backwards])
    parts = writer.close()

    assert files(parts) == [(f"a-b-00000.{ending}", 3)]
    if ending == "parquet":
        assert pq.read_metadata(parts[0].path).metadata[b"bagmill.sorted"] == b"true"
    else:
        page = json.loads(parts[-1].path.read_text("utf-8"))
        assert page["files"] == [{"path": "a-b-00000.tfrecord", "rows": 3, "sorted": True}]
        assert "glob('a-b-*')" in page["tensorflow"][-1]
