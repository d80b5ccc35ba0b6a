"""Row groups that are encoded side by side make the same files as those that are written in turn."""

from functools import partial
from pathlib import Path
from threading import Barrier, Event

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bagmill.choices import Compression
from bagmill.writers.encodings import writer_settings
from bagmill.writers.lanes import Lanes
from bagmill.writers.parquet import ParquetFormat
from bagmill.writers.pool import WriterPool
from bagmill.writers.stitching import Stitched
from bagmill.writers.thrift import Reader, write_struct

SCHEMA = pa.schema(
    [
        pa.field("log_time_ns", pa.int64(), nullable=False),
        pa.field("name", pa.string()),
        pa.field("values", pa.list_(pa.float64())),
        pa.field("data", pa.binary()),
    ],
    metadata={"bagmill": "{}"},
)


def wait_for(event: Event) -> None:
    event.wait(60)


def batch(first: int, count: int) -> pa.RecordBatch:
    random = np.random.default_rng(first)
    columns = [
        pa.array(range(first, first + count), pa.int64()),
        pa.array([None if number % 3 else f"name {number}" for number in range(count)]),
        pa.array([[0.5] * (number % 4) for number in range(count)], pa.list_(pa.float64())),
        pa.array([random.integers(0, 4, 3000, np.uint8).tobytes() for _ in range(count)], pa.binary()),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=SCHEMA)


def written(folder: Path, threads: int, *, apart: bool, part_bytes: int) -> dict[str, bytes]:
    files = ParquetFormat(group_bytes=300_000, part_bytes=part_bytes, apart=apart)
    with WriterPool(folder, files, threads=threads, writing_bytes=2_000_000) as pool:
        pool.begin("a", SCHEMA)
        for turn in range(24):
            pool.write("a", batch(turn * 40, 20 + turn % 20))
        pool.close()
    return {path.name: path.read_bytes() for path in sorted(folder.rglob("*.parquet"))}


@pytest.mark.parametrize("part_bytes", [400_000, 1 << 30])
@pytest.mark.parametrize("threads", [0, 1, 2, 4])
def test_the_files_are_the_same(tmp_path: Path, threads: int, part_bytes: int) -> None:
    plain = written(tmp_path / "plain", 0, apart=False, part_bytes=part_bytes)
    apart = written(tmp_path / "apart", threads, apart=True, part_bytes=part_bytes)

    assert (len(plain) > 1) == (part_bytes < 1 << 30)
    assert apart == plain
    first = pq.ParquetFile(tmp_path / "apart" / "a" / "part-00000.parquet")
    assert first.metadata.row_group(0).column(3).compression == "ZSTD"
    assert first.read().column("log_time_ns").to_pylist()[:20] == list(range(20))


@pytest.mark.parametrize("room", [0, 1 << 20])
def test_a_group_that_needs_more_memory_than_was_thought(tmp_path: Path, room: int) -> None:
    table = pa.Table.from_batches([batch(0, 10)])
    settings = writer_settings(SCHEMA, Compression.NONE, [])
    path = tmp_path / "a.parquet"
    with pa.OSFile(str(path), "wb") as file:
        stitched = Stitched(file, SCHEMA, settings, room)
        for _ in range(3):
            stitched.append(stitched.encode(table))
        stitched.close({})

    assert pq.ParquetFile(path).read().equals(pa.concat_tables([table] * 3))


def test_a_footer_is_written_as_it_was_read(tmp_path: Path) -> None:
    pq.write_table(pa.Table.from_batches([batch(0, 100)]), tmp_path / "a.parquet", row_group_size=9)
    data = (tmp_path / "a.parquet").read_bytes()
    footer = data[-8 - int.from_bytes(data[-8:-4], "little") : -8]

    assert write_struct(Reader(memoryview(footer)).struct()) == footer


def test_early_parts_run_beside_the_work_before_them_and_work_keeps_its_order() -> None:
    meeting, done = Barrier(2), list[str]()
    lanes = Lanes(2, 0)

    def meet(name: str) -> None:
        meeting.wait(60)
        done.append(name)

    lanes.run("a", partial(meet, "first"))
    lanes.run("a", partial(done.append, "second"), early=partial(meet, "early"))
    lanes.finish()
    lanes.stop()

    assert sorted(done[:2]) == ["early", "first"]
    assert done[2:] == ["second"]


def test_work_waits_for_its_early_part() -> None:
    begun, go, done = Event(), Event(), list[str]()
    lanes = Lanes(3, 0)

    def early() -> None:
        begun.set()
        go.wait(60)
        done.append("early")

    lanes.run("a", partial(wait_for, begun))
    lanes.run("a", partial(done.append, "second"), early=early)
    lanes.run("a", partial(done.append, "third"))
    lanes.run("b", go.set)
    lanes.finish()
    lanes.stop()

    assert done == ["early", "second", "third"]


def test_a_failure_of_an_early_part_is_raised() -> None:
    begun = Event()
    lanes = Lanes(2, 0)

    def fail() -> None:
        begun.set()
        raise KeyError("broken")

    lanes.run("a", partial(wait_for, begun))
    lanes.run("a", lambda: None, early=fail)
    with pytest.raises(KeyError, match="broken"):
        lanes.finish()
    lanes.stop()
