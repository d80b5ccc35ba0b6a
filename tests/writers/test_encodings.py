"""What the sample of a big table leads to, and what readers make of row groups and pages."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from bagmill.columns import table_schema
from bagmill.options import Compression
from bagmill.writers.leaves import leaves
from bagmill.writers.parquet import ParquetFormat
from bagmill.writers.sampling import count_distinct, take_samples

ROWS = 60_000
TIME = pa.timestamp("ns", tz="UTC")


def noise(scale: float = 1.0, count: int = ROWS) -> Any:
    return np.random.default_rng(7).normal(0, scale, count)


def required(item: pa.DataType) -> pa.Field:
    return pa.field("item", item, nullable=False)


COLUMNS: dict[str, Callable[[], pa.Array]] = {
    "constant": lambda: pa.array(np.zeros(ROWS)),
    "noise": lambda: pa.array(noise()),
    "single": lambda: pa.array(noise().astype(np.float32).astype(float)),
    "few": lambda: pa.array(np.round(noise(), 1)),
    "random": lambda: pa.array(np.random.default_rng(1).integers(0, 2**62, ROWS)),
    "counter": lambda: pa.array(np.arange(ROWS)),
    "flag": lambda: pa.array(np.arange(ROWS) % 3 == 0),
    "frame": lambda: pa.array(["base_link"] * ROWS),
    "names": lambda: pa.ListArray.from_arrays(
        pa.array(np.arange(ROWS + 1, dtype=np.int32) * 3), pa.array(["one", "two", "three"] * ROWS)
    ),
    "fixed": lambda: pa.FixedSizeListArray.from_arrays(pa.array(noise(1, ROWS * 3)), 3),
    "uuid": lambda: pa.array([b"0123456789abcdef"] * ROWS, pa.binary(16)),
}


def table(columns: dict[str, pa.Array], *, rows: int = ROWS, step: int = 1_000_000) -> pa.RecordBatch:
    fields = pa.schema([(name, column.type) for name, column in columns.items()])
    times = pa.array(1_700_000_000_000_000_000 + np.arange(rows) * step)
    own = [times.view(TIME), times.view(TIME), times, pa.array(np.arange(rows, dtype=np.uint32))]
    return pa.RecordBatch.from_arrays([*own, *columns.values()], schema=table_schema(fields, {}))


def write(folder: Path, batches: list[pa.RecordBatch], compression: Compression = Compression.ZSTD) -> Path:
    writer = ParquetFormat(compression).table(folder, batches[0].schema)
    writer.write(batches)
    (part,) = writer.close()
    return part.path


def columns_of(path: Path) -> dict[str, tuple[set[str], str]]:
    """Encodings of the values, and codec, of each column of the first row group."""
    group = pq.read_metadata(path).row_group(0)
    found = {}
    for number in range(group.num_columns):
        column = group.column(number)
        name = "DICTIONARY" if column.has_dictionary_page else "RLE"
        encodings = {"DICTIONARY"} if name == "DICTIONARY" else set(column.encodings) - {"RLE"}
        found[column.path_in_schema.split(".")[0]] = (encodings or {"RLE"}, column.compression)
    return found


@pytest.fixture(scope="module")
def made() -> pa.RecordBatch:
    return table({name: make() for name, make in COLUMNS.items()})


def test_each_column_of_a_big_table_is_stored_as_suits_its_values(
    made: pa.RecordBatch, tmp_path: Path
) -> None:
    path = write(tmp_path / "t", [made])

    found = columns_of(path)

    assert pq.ParquetFile(path).read().equals(pa.Table.from_batches([made]))
    assert found["constant"] == ({"PLAIN"}, "ZSTD")
    assert found["noise"][0] == found["fixed"][0] == {"BYTE_STREAM_SPLIT"}
    assert found["single"] == ({"BYTE_STREAM_SPLIT"}, "ZSTD")
    assert found["few"][0] == {"DICTIONARY"}
    assert found["random"] == ({"DELTA_BINARY_PACKED"}, "UNCOMPRESSED")
    assert found["counter"] == found["log_time_ns"] == ({"DELTA_BINARY_PACKED"}, "ZSTD")
    assert found["frame"] == found["names"] == found["uuid"] == ({"PLAIN"}, "ZSTD")


def test_without_a_codec_equal_values_are_looked_up(made: pa.RecordBatch, tmp_path: Path) -> None:
    path = write(tmp_path / "t", [made], Compression.NONE)

    found = columns_of(path)

    assert pq.ParquetFile(path).read().equals(pa.Table.from_batches([made]))
    assert {codec for _, codec in found.values()} == {"UNCOMPRESSED"}
    for name in ("constant", "few", "frame", "names", "uuid"):
        assert found[name][0] == {"DICTIONARY"}


@pytest.mark.parametrize("compression", list(Compression))
def test_no_other_codec_than_the_wanted_one_is_used(
    made: pa.RecordBatch, tmp_path: Path, compression: Compression
) -> None:
    path = write(tmp_path / "t", [made], compression)

    codecs = {codec for _, codec in columns_of(path).values()} - {"UNCOMPRESSED"}

    assert codecs == (set() if compression is Compression.NONE else {compression.value.upper()})
    assert pq.ParquetFile(path).read().equals(pa.Table.from_batches([made]))


def test_the_files_are_smaller_than_those_of_the_library_by_itself(
    made: pa.RecordBatch, tmp_path: Path
) -> None:
    path = write(tmp_path / "t", [made])
    pq.write_table(pa.Table.from_batches([made]), tmp_path / "default.parquet")

    assert path.stat().st_size < 0.8 * (tmp_path / "default.parquet").stat().st_size


@pytest.mark.parametrize(("letters", "codec"), [(20, "ZSTD"), (256, "UNCOMPRESSED")])
@pytest.mark.parametrize("kind", [pa.binary(), pa.binary(20_000)], ids=str)
def test_long_values_are_compressed_only_if_that_helps(
    tmp_path: Path, kind: pa.DataType, letters: int, codec: str
) -> None:
    numbers = np.random.default_rng(3).integers(0, letters, 30 * 20_000, np.uint8)
    blobs = pa.array([bytes(row) for row in numbers.reshape(30, -1)], kind)

    path = write(tmp_path / "t", [table({"blob": blobs}, rows=30)])

    assert columns_of(path)["blob"] == ({"PLAIN"}, codec)
    assert pq.ParquetFile(path).read().column("blob").combine_chunks().equals(blobs)


def test_long_texts_are_not_looked_up(tmp_path: Path) -> None:
    texts = pa.array([f"{n} " * 400 for n in range(10_000)])

    path = write(tmp_path / "t", [table({"text": texts}, rows=10_000)])

    assert columns_of(path)["text"] == ({"PLAIN"}, "ZSTD")


def test_nulls_empty_lists_and_maps_are_sampled(tmp_path: Path) -> None:
    item = pa.struct([pa.field("x", pa.float64()), pa.field("all", pa.list_(pa.int32()))])
    fields = pa.schema(
        [
            pa.field("inner", item),
            pa.field("map", pa.map_(pa.string(), pa.float32())),
            pa.field("none", pa.list_(pa.string())),
            pa.field("null", pa.float64()),
            pa.field("pair", pa.list_(pa.float64(), 2)),
        ]
    )
    rows = [
        {
            "inner": None if n % 5 == 0 else {"x": None if n % 7 == 0 else n / 3, "all": [n] * (n % 4)},
            "map": None if n % 3 == 0 else [("a", n / 2), ("b", None)],
            "none": [],
            "null": None,
            "pair": None if n % 2 else [1.0, None],
        }
        for n in range(2000)
    ]
    part = pa.Table.from_pylist(rows, schema=fields).to_batches()[0]
    whole = table(dict(zip(fields.names, part.columns, strict=True)), rows=2000)
    many = [whole.slice(first, 37) for first in range(0, 2000, 37)] * 80

    path = write(tmp_path / "t", many)

    assert sum(batch.nbytes for batch in many) > 8 << 20
    assert pq.ParquetFile(path).read().equals(pa.Table.from_batches(many))


def test_a_sample_reaches_all_over_the_rows() -> None:
    numbers = pa.array(np.arange(100_000))
    whole = pa.record_batch({"n": numbers})
    batches = [whole.slice(first, 333) for first in range(0, 100_000, 333)]

    (sample,) = take_samples(leaves(whole.schema), batches)

    values = sample.values.to_numpy()
    assert len(values) == 4096
    assert sample.total == 100_000
    assert {int(value) // 12_500 for value in values} == set(range(8))


def test_different_values_are_counted_by_their_bits() -> None:
    floats = pa.array([0.0, -0.0, float("nan"), float("nan"), 1.5, None, 1.5])

    assert count_distinct(floats) == 4
    assert count_distinct(floats.slice(4, 3)) == 1
    assert count_distinct(pa.array([], pa.int64())) == 0
    assert count_distinct(pa.array(["a", "b", "a", None])) == 2


@pytest.fixture(scope="module")
def groups(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of four row groups, each with some pages."""
    folder = tmp_path_factory.mktemp("groups") / "t"
    whole = table({"value": pa.array(noise(1, 200_000))}, rows=200_000)
    writer = ParquetFormat().table(folder, whole.schema)
    for first in range(0, 200_000, 50_000):
        writer.write([whole.slice(first, 50_000)])
    (part,) = writer.close()
    return part.path


def test_a_filter_by_time_reads_only_the_row_groups_it_needs(groups: Path) -> None:
    start = 1_700_000_000_000_000_000
    wanted = (ds.field("log_time_ns") >= start + 60_000_000_000) & (
        ds.field("log_time_ns") < start + 70_000_000_000
    )
    (fragment,) = ds.dataset(groups).get_fragments()

    kept = fragment.subset(filter=wanted)

    assert fragment.num_row_groups == 4
    assert [group.id for group in kept.row_groups] == [1]
    assert ds.dataset(groups).count_rows(filter=wanted) == 10_000


def test_duckdb_prunes_by_time(groups: Path) -> None:
    start = 1_700_000_000_000_000_000
    query = f"from '{groups}' where log_time_ns between {start + 60_000_000_000} and {start + 69_999_000_000}"
    with duckdb.connect() as connection:
        count = connection.execute(f"select count(*) {query}").fetchone()
        statistics = connection.execute(
            "select row_group_id, stats_min_value::bigint, stats_max_value::bigint "
            f"from parquet_metadata('{groups}') where path_in_schema = 'log_time_ns' order by 1"
        ).fetchall()

    assert count == (10_000,)
    assert statistics == [
        (n, start + n * 50_000_000_000, start + (n + 1) * 50_000_000_000 - 1_000_000) for n in range(4)
    ]


def test_pages_have_an_index_and_at_most_20_000_rows(groups: Path) -> None:
    column = pq.read_metadata(groups).row_group(0).column(2)

    assert column.path_in_schema == "log_time_ns"
    assert column.has_column_index
    assert column.has_offset_index


def test_pages_of_long_values_are_no_longer_than_others(tmp_path: Path) -> None:
    blobs = pa.array([bytes([n]) * 300_000 for n in range(20)])

    path = write(tmp_path / "t", [table({"blob": blobs}, rows=20)], Compression.NONE)

    # Each page has its header: of 20 values, three at a time, more than one page is made.
    with duckdb.connect() as connection:
        (size,) = connection.execute(
            f"select total_compressed_size from parquet_metadata('{path}') where path_in_schema = 'blob'"
        ).fetchone() or (0,)
    assert pq.ParquetFile(path).read().column("blob").combine_chunks().equals(blobs)
    assert 6 * 10 < size - 20 * 300_004 < 7 * 60
