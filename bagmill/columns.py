"""The columns around a message's own fields: times and sequence number; and those of unreadable messages."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from bagmill.choices import MAX_TIME_NS
from bagmill.decoders.columnar.arrays import flat
from bagmill.recording import Block

METADATA_KEY = "bagmill"
"""Metadata key of every file; its value is a JSON object, described in docs/parquet.md."""

_TIME = pa.timestamp("ns", tz="UTC")
OWN_FIELDS = (
    pa.field("log_time", _TIME, nullable=False),
    pa.field("publish_time", _TIME, nullable=False),
    pa.field("log_time_ns", pa.int64(), nullable=False),
    pa.field("sequence", pa.uint32(), nullable=False),
)
_UNREADABLE_FIELDS = (
    pa.field("topic", pa.string(), nullable=False),
    pa.field("log_time", _TIME),
    pa.field("publish_time", _TIME),
    pa.field("log_time_ns", pa.uint64(), nullable=False),
    pa.field("publish_time_ns", pa.uint64(), nullable=False),
    pa.field("sequence", pa.uint32(), nullable=False),
    pa.field("reason", pa.string(), nullable=False),
    pa.field("data", pa.binary(), nullable=False),
)

Rows = npt.NDArray[np.int64]


class Failure(NamedTuple):
    """An unreadable message: its place in the block and why."""

    row: int
    reason: str


def table_schema(fields: pa.Schema, facts: Mapping[str, Any]) -> pa.Schema:
    """The schema of a topic's files: our columns, then the message's own; `facts` become metadata."""
    return pa.schema([*OWN_FIELDS, *fields], metadata={METADATA_KEY: _json(facts)})


def unreadable_schema(facts: Mapping[str, Any]) -> pa.Schema:
    """The schema of the unreadable messages' file. A time beyond int64 is null, but for its `_ns` column."""
    return pa.schema(_UNREADABLE_FIELDS, metadata={METADATA_KEY: _json(facts)})


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def assemble(
    block: Block, rows: Rows, fields: pa.RecordBatch, schema: pa.Schema
) -> pa.RecordBatch | pa.Table:
    """Put our columns before the decoded fields; `rows` are the messages of the block that they come from.

    It is a table if values were left in the block's buffer: then their column has a chunk for each.
    """
    log_time, publish_time = block.log_time[rows], block.publish_time[rows]
    own: list[npt.NDArray[Any]] = [log_time, publish_time, log_time, block.sequence[rows]]
    # Not `pa.array`: that would load numpy.ma, which takes half as long as pyarrow.
    arrays = [flat(field.type, values) for field, values in zip(OWN_FIELDS, own, strict=True)]
    columns = [_one_by_one(one) if pa.types.is_dictionary(one.type) else one for one in fields.columns]
    kind = pa.Table if any(isinstance(one, pa.ChunkedArray) for one in columns) else pa.RecordBatch
    return kind.from_arrays([*arrays, *columns], schema=schema)


def _one_by_one(column: pa.DictionaryArray) -> pa.ChunkedArray:
    """The values that a dictionary's rows name, none of them copied."""
    values = column.dictionary
    return pa.chunked_array([values.slice(number, 1) for number in column.indices.to_numpy().tolist()])


def assemble_unreadable(
    block: Block, topic: str, failures: Sequence[Failure], schema: pa.Schema
) -> pa.RecordBatch:
    """The rows of messages that could not be read, with their bytes."""
    rows = np.array([failure.row for failure in failures], np.int64)
    log_time, publish_time = block.log_time[rows], block.publish_time[rows]
    payloads = [bytes(block.buffer[block.start[row] : block.end[row]]) for row in rows]
    return pa.RecordBatch.from_arrays(
        [
            pa.array([topic] * len(failures), pa.string()),
            _timestamps(log_time),
            _timestamps(publish_time),
            pa.array(log_time),
            pa.array(publish_time),
            pa.array(block.sequence[rows]),
            pa.array([failure.reason for failure in failures], pa.string()),
            pa.array(payloads, pa.binary()),
        ],
        schema=schema,
    )


def _timestamps(times: npt.NDArray[np.uint64]) -> pa.Array:
    return pa.array(times.astype(np.int64), mask=times > MAX_TIME_NS).view(_TIME)
