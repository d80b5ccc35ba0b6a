"""TFRecord files: every value against a reference, read with protobuf and with an independent package."""

import gzip
import json
import math
import random
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import crc32c
import numpy as np
import pyarrow as pa
import pytest
from tfrecord.example_pb2 import Example
from tfrecord.reader import tfrecord_loader

from bagmill.columns import table_schema
from bagmill.errors import FeatureCollision, OutputFailed
from bagmill.writers.tfrecord import TFRecordFormat
from bagmill.writers.tfrecord.rows import Ragged, Rows
from tests.writers.making import SCHEMA, batch
from tests.writers.reference import Features, row_features

TIME = pa.timestamp("ns", tz="UTC")


def records(path: Path) -> Iterator[bytes]:
    """The records of a file, their frames checked."""
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    while data:
        (length,) = struct.unpack_from("<Q", data)
        assert struct.unpack_from("<I", data, 8) == (mask(crc32c.crc32c(data[:8])),)
        record = data[12 : 12 + length]
        assert len(record) == length
        assert struct.unpack_from("<I", data, 12 + length) == (mask(crc32c.crc32c(record)),)
        yield record
        data = data[16 + length :]


def mask(crc: int) -> int:
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def parsed(path: Path) -> list[Features]:
    found = []
    for record in records(path):
        example = Example.FromString(record)
        found.append(
            {
                key: (feature.WhichOneof("kind"), list(getattr(feature, feature.WhichOneof("kind")).value))
                for key, feature in example.features.feature.items()
            }
        )
    return found


def with_own(fields: pa.Schema, columns: list[pa.Array], rows: int) -> pa.RecordBatch:
    times = pa.array([1_700_000_000_000_000_000 + n * 999_999_937 for n in range(rows)], pa.int64())
    own = [times.view(TIME), times.view(TIME), times, pa.array(range(rows), pa.uint32())]
    return pa.RecordBatch.from_arrays([*own, *columns], schema=table_schema(fields, {"topic": "/x"}))


def write(folder: Path, batches: list[pa.RecordBatch], **changed: Any) -> list[Path]:
    writer = TFRecordFormat(**changed).table(folder, batches[0].schema)
    try:
        writer.write(batches)
        return [part.path for part in writer.close()]
    finally:
        writer.abandon()


class Maker:
    """Makes random schemas, and values for them."""

    NAMES = ("a", "b", "list", "time", "header_stamp", "utcSeconds", "\u00fc")
    SCALARS: tuple[tuple[pa.DataType, Callable[[random.Random], Any]], ...] = (
        (pa.bool_(), lambda r: r.random() < 0.5),
        (pa.int8(), lambda r: r.randint(-(2**7), 2**7 - 1)),
        (pa.uint16(), lambda r: r.randint(0, 2**16 - 1)),
        (pa.int32(), lambda r: r.choice([0, 1, -1, 127, 128, -(2**31), 2**31 - 1])),
        (pa.uint32(), lambda r: r.randint(0, 2 ** r.randint(0, 32) - 1)),
        (pa.int64(), lambda r: r.randint(-(2**63), 2**63 - 1)),
        (pa.uint64(), lambda r: r.randint(0, 2 ** r.randint(0, 64) - 1)),
        (pa.float32(), lambda r: r.choice([0.0, -0.0, 1.5, math.inf, math.nan])),
        (pa.float64(), lambda r: r.choice([r.gauss(0, 1), 1e300, -1e300, 5e-324, math.nan, -math.inf])),
        (pa.string(), lambda r: "\u00e9" * r.randint(0, 3) + "x" * r.choice([0, 1, 200])),
        (pa.binary(), lambda r: r.randbytes(r.choice([0, 1, 3, 130]))),
        (pa.binary(3), lambda r: r.randbytes(3)),
    )

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.same = self.random.random() < 0.3
        """Whether lists are mostly of one length, and values mostly equal."""

    def fields(self, depth: int) -> list[pa.Field]:
        names = self.random.sample(self.NAMES, self.random.randint(1, 3))
        return [pa.field(name, self.type(depth), self.random.random() < 0.4) for name in names]

    def type(self, depth: int) -> pa.DataType:
        kind = self.random.choice(["scalar", "list", "fixed", "struct", "map"] if depth else ["scalar"])
        if kind == "scalar":
            return self.random.choice(self.SCALARS)[0]
        if kind == "struct":
            return pa.struct(self.fields(depth - 1))
        element = pa.field("item", self.type(depth - 1), self.random.random() < 0.4)
        if kind == "list":
            return pa.list_(element)
        if kind == "fixed":
            return pa.list_(element, self.random.randint(1, 3))
        return pa.map_(pa.string(), element.with_name("value"))

    def value(self, kind: pa.DataType, nullable: bool) -> Any:
        if nullable and self.random.random() < (0.02 if self.same else 0.3):
            return None
        if pa.types.is_struct(kind):
            return {field.name: self.value(field.type, field.nullable) for field in kind}
        count = 2 if self.same and self.random.random() < 0.98 else self.random.randint(0, 3)
        if pa.types.is_map(kind):
            return [("k" * n, self.value(kind.item_type, kind.item_field.nullable)) for n in range(count)]
        if pa.types.is_list(kind) or pa.types.is_fixed_size_list(kind):
            count = kind.list_size if pa.types.is_fixed_size_list(kind) else count
            return [self.value(kind.value_type, kind.value_field.nullable) for _ in range(count)]
        make = dict(self.SCALARS)[kind]
        return make(random.Random(1) if self.same and self.random.random() < 0.98 else self.random)

    def table(self) -> pa.RecordBatch:
        fields, rows = pa.schema(self.fields(3)), self.random.randint(1, 12)
        columns = [
            pa.array([self.value(field.type, field.nullable) for _ in range(rows)], field.type)
            for field in fields
        ]
        return with_own(fields, columns, rows)


@pytest.mark.parametrize("seed", range(0, 300, 100))
def test_any_table_gives_the_features_of_the_reference(tmp_path: Path, seed: int) -> None:
    for number in range(seed, seed + 100):
        whole = Maker(number).table()
        part = whole.slice(number % min(3, whole.num_rows))  # columns that begin inside their buffers
        path, sidecar = write(tmp_path / str(number), [part])

        found = parsed(path)

        expected = [row_features(row, whole.schema) for row in part.to_pylist()]
        assert [ordered(one) for one in found] == [ordered(one) for one in expected], number
        check_description(found, json.loads(sidecar.read_text("utf-8")))


def ordered(features: Features) -> str:
    """A text that is equal for equal features, NaN included."""
    return repr(dict(sorted(features.items())))


def check_description(found: list[Features], page: dict[str, Any]) -> None:
    described = {item["name"]: item for item in page["features"]}
    for features in found:
        assert {name for name, item in described.items() if not item["optional"]} <= set(features)
        for name, (kind, values) in features.items():
            assert f"{described[name]['dtype']}_list" == kind
            if described[name]["kind"] == "fixed":
                assert len(values) == math.prod(described[name]["shape"])


def column_of(values: list[Any], kind: pa.DataType) -> pa.RecordBatch:
    """A table with the column `x` beside our own."""
    fields = pa.schema([pa.field("x", kind, nullable=None in values)])
    return with_own(fields, [pa.array(values, kind)], len(values))


def found_in(folder: Path, table: pa.RecordBatch, key: str = "x") -> list[Any]:
    """The values of a feature in each record; None where it is absent."""
    path, _ = write(folder, [table])
    return [features[key][1] if key in features else None for features in parsed(path)]


def test_our_own_columns(tmp_path: Path) -> None:
    path, _ = write(tmp_path / "t", [batch(5, 1)])

    (features,) = parsed(path)

    assert features["log_time_ns"] == features["publish_time_ns"] == ("int64_list", [5])
    assert features["sequence"] == ("int64_list", [5])
    assert "log_time" not in features
    assert "publish_time" not in features


@pytest.mark.parametrize(
    "number", [0, 1, 127, 128, 2**14, 2**21 - 1, 2**28, 2**35, 2**42, 2**49, 2**56 - 1, 2**56, 2**63 - 1]
)
def test_numbers_of_every_length(tmp_path: Path, number: int) -> None:
    values = [0, 1, number, number // 3]

    assert found_in(tmp_path / "t", column_of(values, pa.int64())) == [[value] for value in values]
    assert found_in(tmp_path / "l", column_of([values, values[:1]], pa.list_(pa.int64()))) == [
        values,
        values[:1],
    ]


def test_negative_numbers(tmp_path: Path) -> None:
    assert found_in(tmp_path / "t", column_of([-1, 5, -(2**63)], pa.int64())) == [[-1], [5], [-(2**63)]]
    assert found_in(tmp_path / "s", column_of([-128, 127], pa.int8())) == [[-128], [127]]


def test_big_unsigned_numbers_keep_their_bits(tmp_path: Path) -> None:
    path, sidecar = write(tmp_path / "t", [column_of([2**63, 2**64 - 1], pa.uint64())])

    assert [np.int64(features["x"][1][0]).view("u8") for features in parsed(path)] == [2**63, 2**64 - 1]
    page = json.loads(sidecar.read_text("utf-8"))
    assert page["features"][-1]["stored"] == "uint64 bits"
    assert "    example['x'] = tf.bitcast(example['x'], tf.uint64)" in page["tensorflow"]


def test_floats_are_rounded_to_32_bits(tmp_path: Path) -> None:
    assert found_in(tmp_path / "t", column_of([0.1, 1e300, -1e300], pa.float64())) == [
        [float(np.float32(0.1))],
        [math.inf],
        [-math.inf],
    ]


@pytest.mark.parametrize("name", ["time", "log_stamp", "startTime", "Timestamp", "latitude", "t_secs"])
def test_times_and_places_keep_all_bits(tmp_path: Path, name: str) -> None:
    seconds = 1_715_774_400.123456789
    table = with_own(pa.schema([pa.field(name, pa.float64())]), [pa.array([seconds])], 1)
    path, sidecar = write(tmp_path / "t", [table])

    ((kind, values),) = [features[name] for features in parsed(path)]

    assert kind == "int64_list"
    assert np.array(values).view("f8") == [seconds]
    page = json.loads(sidecar.read_text("utf-8"))
    assert (page["features"][-1]["stored"], page["features"][-1]["type"]) == ("float64 bits", "double")
    assert f"    example[{name!r}] = tf.bitcast(example[{name!r}], tf.float64)" in page["tensorflow"]


@pytest.mark.parametrize("name", ["x", "timeout_reached", "sometimes", "section", "altitude"])
def test_other_floats_do_not(tmp_path: Path, name: str) -> None:
    table = with_own(pa.schema([pa.field(name, pa.float64())]), [pa.array([0.5])], 1)
    path, _ = write(tmp_path / "t", [table])

    assert [features[name] for features in parsed(path)] == [("float_list", [0.5])]


@pytest.mark.parametrize(
    ("kind", "values", "expected"),
    [
        (pa.string(), ["a", "b", "a"], [[b"a"], [b"b"], [b"a"]]),
        (pa.string(), ["same"] * 3, [[b"same"]] * 3),
        (pa.string(), ["", "long" * 100, "x"], [[b""], [b"long" * 100], [b"x"]]),
        (pa.string(), [""] * 2, [[b""]] * 2),
        (pa.list_(pa.string()), [["a", "bc"]] * 3, [[b"a", b"bc"]] * 3),
        (pa.list_(pa.string()), [["a", "bc"], ["d", "ef"]], [[b"a", b"bc"], [b"d", b"ef"]]),
        (pa.list_(pa.string()), [["a", "bc"], ["de", "f"]], [[b"a", b"bc"], [b"de", b"f"]]),
        (pa.list_(pa.string()), [["a"], [], ["b", ""]], [[b"a"], [], [b"b", b""]]),
        (pa.list_(pa.string()), [[], []], [[], []]),
        (pa.list_(pa.float64()), [[], [0.5], [1.0, 2.0]], [[], [0.5], [1.0, 2.0]]),
        (pa.list_(pa.float64()), [[], []], [[], []]),
        (pa.list_(pa.int32(), 2), [[1, 2], [-3, 300]], [[1, 2], [-3, 300]]),
        (pa.binary(2), [b"ab", b"cd"], [[b"ab"], [b"cd"]]),
        (pa.list_(pa.binary(2)), [[b"ab"], []], [[b"ab"], []]),
        (pa.int64(), [1, None, 300], [[1], None, [300]]),
        (pa.string(), [None, "a", "bc"], [None, [b"a"], [b"bc"]]),
        (pa.list_(pa.float32()), [None, [], [0.5]], [None, [], [0.5]]),
        (pa.list_(pa.float32(), 2), [None, [0.5, 1.5]], [None, [0.5, 1.5]]),
        (pa.float64(), [None, None], [None, None]),
    ],
)
def test_values_of_equal_and_of_different_lengths(
    tmp_path: Path, kind: pa.DataType, values: list[Any], expected: list[Any]
) -> None:
    assert found_in(tmp_path / "t", column_of(values, kind)) == expected


def test_big_values_are_written_as_they_are(tmp_path: Path) -> None:
    values = [bytes([n]) * (100_000 + n) for n in range(30)]

    assert found_in(tmp_path / "t", column_of(values, pa.binary())) == [[value] for value in values]


def test_many_small_batches_are_joined(tmp_path: Path) -> None:
    path, _ = write(tmp_path / "t", [batch(first, 3) for first in range(0, 3000, 3)])

    assert [features["log_time_ns"][1] for features in parsed(path)] == [[n] for n in range(3000)]


def test_lists_in_lists_are_told_as_tensorflow_takes_them(tmp_path: Path) -> None:
    point = pa.struct([pa.field("tags", pa.list_(pa.string()), nullable=False)])
    fields = pa.schema(
        [
            pa.field("deep", pa.list_(pa.list_(pa.list_(pa.int64()))), nullable=False),
            pa.field("points", pa.list_(pa.field("item", point, nullable=False), 2), nullable=False),
        ]
    )
    values = {"deep": [[[1], []], [], [[2, 3]]], "points": [{"tags": ["a"]}, {"tags": ["b", "c"]}]}
    columns = [pa.array([values[field.name]], field.type) for field in fields]
    path, sidecar = write(tmp_path / "t", [with_own(fields, columns, 1)])

    (features,) = parsed(path)
    lines = json.loads(sidecar.read_text("utf-8"))["tensorflow"]

    assert features["deep"][1] == [1, 2, 3]
    assert features["deep/row_lengths"][1] == [2, 0, 1]
    assert features["deep/row_lengths_2"][1] == [1, 0, 2]
    assert features["points/tags"][1] == [b"a", b"b", b"c"]
    assert features["points/tags/row_lengths"][1] == [1, 2]
    parts = "tf.io.RaggedFeature.RowLengths('deep/row_lengths'), "
    parts += "tf.io.RaggedFeature.RowLengths('deep/row_lengths_2')"
    assert f"    'deep': tf.io.RaggedFeature(tf.int64, partitions=[{parts}])," in lines
    assert "    'points/tags/row_lengths': tf.io.FixedLenFeature([2], tf.int64)," in lines
    compile("\n".join(lines), "features.json", "exec")


def test_the_sidecar_describes_the_files(tmp_path: Path) -> None:
    writer = TFRecordFormat(gzip=True, part_bytes=1).table(tmp_path / "t", SCHEMA)
    writer.write([batch(5, 2)])
    writer.write([batch(3, 1), batch(1, 1)])
    page = json.loads(writer.close()[-1].path.read_text("utf-8"))

    assert page["files"] == [
        {"path": "part-00000.tfrecord.gz", "rows": 2, "sorted": True},
        {"path": "part-00001.tfrecord.gz", "rows": 2, "sorted": False},
    ]
    assert page["metadata"] == {"topic": "/x"}
    assert page["compression"] == "GZIP"
    assert "compression_type='GZIP'" in page["tensorflow"][-1]
    names = [item["name"] for item in page["features"]]
    assert len(names) == len(set(names))
    by_name = {item["name"]: item for item in page["features"]}
    assert by_name["fixed"] == {
        "name": "fixed",
        "dtype": "float",
        "kind": "fixed",
        "shape": [3],
        "partitions": [],
        "optional": False,
        "column": "fixed[]",
        "type": "float",
        "stored": "float32",
    }
    assert by_name["map/value"]["kind"] == "variable"
    assert by_name["uuid"]["optional"]


@pytest.mark.parametrize("compressed", [False, True])
def test_an_independent_package_reads_it(tmp_path: Path, compressed: bool) -> None:
    path, sidecar = write(tmp_path / "t", [batch(0, 50)], gzip=compressed)
    description = json.loads(sidecar.read_text("utf-8"))["tfrecord"]

    loader = tfrecord_loader(str(path), None, description, compression_type="gzip" if compressed else None)

    found = list(loader)
    assert len(found) == 50
    assert set(found[7]) == set(description)
    assert found[7]["value"] == [7.0]
    assert found[7]["fixed"].tolist() == [7.0, 7.0, 7.0]
    assert found[7]["blob"] == b"\x07" * 10


def test_two_columns_that_would_be_one_feature_are_refused(tmp_path: Path) -> None:
    inner = pa.struct([pa.field("b", pa.int32())])
    schema = table_schema(pa.schema([pa.field("a", inner), pa.field("a/b", pa.int32())]), {"topic": "/x"})

    with pytest.raises(FeatureCollision) as failure:
        TFRecordFormat().table(tmp_path / "t", schema)

    assert "a.b and a/b" in failure.value.message
    assert failure.value.where == {"topic": "/x"}
    assert not (tmp_path / "t").exists()


def test_a_column_named_like_what_we_add_is_refused(tmp_path: Path) -> None:
    schema = table_schema(pa.schema([pa.field("publish_time_ns", pa.int64())]), {"topic": "/x"})

    with pytest.raises(FeatureCollision):
        TFRecordFormat().table(tmp_path / "t", schema)


def test_a_row_that_no_parser_could_take_is_refused() -> None:
    rows = Rows(1)
    rows.ragged(Ragged(np.array([0, 1 << 31]), np.zeros(1, np.uint8)))

    with pytest.raises(OutputFailed, match="at most 2 GiB"):
        rows.join()
