"""`features.json`: what a reader must know to parse the examples of a table, and lines that do it."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from bagmill.columns import METADATA_KEY
from bagmill.writers.tfrecord.features import DType, Feature, Plan, Stored

NAME = "features.json"

_TENSORFLOW = {DType.FLOAT: "tf.float32", DType.INT64: "tf.int64", DType.BYTES: "tf.string"}
_BITS = {Stored.FLOAT64_BITS: "tf.float64", Stored.UINT64_BITS: "tf.uint64"}
_TFRECORD = {DType.FLOAT: "float", DType.INT64: "int", DType.BYTES: "byte"}


@dataclass(frozen=True, slots=True)
class FilePart:
    """A finished file of records; `is_sorted`: they stand in the order of their log times."""

    path: Path
    rows: int
    is_sorted: bool


def write_sidecar(
    folder: Path, schema: pa.Schema, plan: Plan, parts: Sequence[FilePart], *, gzip: bool, prefix: str
) -> Path:
    """Write the page into the table's folder, and return its path."""
    path = folder / NAME
    metadata = (schema.metadata or {}).get(METADATA_KEY.encode(), b"{}")
    page = {
        "format": "tfrecord",
        "compression": "GZIP" if gzip else "",
        "files": [{"path": part.path.name, "rows": part.rows, "sorted": part.is_sorted} for part in parts],
        "metadata": json.loads(metadata),
        "features": [_describe(feature) for feature in plan.features],
        "tensorflow": list(_tensorflow(plan.features, gzip=gzip, prefix=prefix)),
        "tfrecord": {
            feature.key: _TFRECORD[feature.dtype] for feature in plan.features if not feature.optional
        },
    }
    path.write_text(json.dumps(page, ensure_ascii=False, allow_nan=False, indent=1) + "\n", "utf-8")
    return path


def kind_of(feature: Feature) -> str:
    """`fixed`: as many values in each example; `variable`: any number; `ragged`: lists of any lengths."""
    if feature.optional:
        return "variable" if len(feature.shape) < 2 else "ragged"
    if None not in feature.shape:
        return "fixed"
    return "variable" if len(feature.shape) == 1 else "ragged"


def _describe(feature: Feature) -> dict[str, Any]:
    facts = {
        "name": feature.key,
        "dtype": feature.dtype.value,
        "kind": kind_of(feature),
        "shape": list(feature.shape),
        "partitions": list(feature.partitions),
        "optional": feature.optional,
        "column": feature.column,
        "type": feature.source,
        "stored": feature.stored.value,
    }
    return facts if feature.source else {name: facts[name] for name in facts if name != "type"}


def _tensorflow(features: Sequence[Feature], *, gzip: bool, prefix: str) -> Iterator[str]:
    """Python that reads the records with TensorFlow."""
    yield "import tensorflow as tf"
    yield "features = {"
    for feature in features:
        yield f"    {feature.key!r}: {_parser(feature)},"
    yield "}"
    yield "def parse(record):"
    yield "    example = tf.io.parse_single_example(record, features)"
    for feature in features:
        if feature.stored in _BITS:
            yield f"    example[{feature.key!r}] = {_cast(feature)}"
    yield "    return example"
    kind = ", compression_type='GZIP'" if gzip else ""
    yield f"dataset = tf.data.TFRecordDataset(sorted(tf.io.gfile.glob('{prefix}-*')){kind}).map(parse)"


def _parser(feature: Feature) -> str:
    dtype = _TENSORFLOW[feature.dtype]
    if kind_of(feature) == "fixed":
        return f"tf.io.FixedLenFeature({list(feature.shape)}, {dtype})"
    partitions = [
        f"tf.io.RaggedFeature.UniformRowLength({part})"
        if isinstance(part, int)
        else f"tf.io.RaggedFeature.RowLengths({part!r})"
        for part in feature.partitions
    ]
    arguments = [dtype, *([f"partitions=[{', '.join(partitions)}]"] if partitions else [])]
    return f"tf.io.RaggedFeature({', '.join(arguments)})"


def _cast(feature: Feature) -> str:
    value, dtype = f"example[{feature.key!r}]", _BITS[feature.stored]
    if kind_of(feature) != "fixed" and feature.partitions:
        return f"tf.ragged.map_flat_values(tf.bitcast, {value}, {dtype})"
    return f"tf.bitcast({value}, {dtype})"
