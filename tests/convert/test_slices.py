"""How many messages are decoded at a time."""

import numpy as np
import pyarrow as pa
import pytest

from bagmill.recording import Block
from bagmill.recording.messages import Views
from bagmill.slices import SLICE_BYTES, SLICE_CELLS, cells, slices

POINT = pa.struct([pa.field("x", pa.float64()), pa.field("y", pa.float64())])


@pytest.mark.parametrize(
    ("type_", "expected"),
    [
        (pa.float64(), 1),
        (pa.string(), 1),
        (pa.binary(16), 1),
        (POINT, 2),
        (pa.struct([pa.field("p", POINT), pa.field("q", POINT)]), 4),
        (pa.list_(POINT), 2),
        (pa.list_(pa.float64(), 36), 36),
        (pa.list_(POINT, 3), 6),
        (pa.map_(pa.string(), POINT), 1),
    ],
)
def test_cells_of_a_column(type_: pa.DataType, expected: int) -> None:
    assert cells(type_) == expected


def block(messages: int, size: int) -> Block:
    """Messages of one size."""
    buffer = np.zeros(8, np.uint8)
    zeros = np.zeros(messages, np.uint64)
    start = np.arange(messages, dtype=np.int64) * size
    return Block(
        buffer=buffer,
        channel_id=zeros.astype(np.uint16),
        sequence=zeros.astype(np.uint32),
        log_time=zeros,
        publish_time=zeros,
        start=start,
        end=start + size,
        memory=Views(buffer),
    )


@pytest.mark.parametrize(
    ("size", "type_", "most"),
    [
        (SLICE_BYTES // 4, pa.int64(), 4),
        (SLICE_BYTES * 2, pa.int64(), 1),
        (1, pa.list_(pa.int8(), SLICE_CELLS // 2), 2),
        (1, pa.struct([pa.field("a", pa.list_(pa.int8(), SLICE_CELLS * 2))]), 1),
    ],
)
def test_slices_are_bounded_by_bytes_and_cells(size: int, type_: pa.DataType, most: int) -> None:
    rows = np.arange(9)

    parts = list(slices(block(9, size), rows, pa.schema([pa.field("f", type_)])))

    assert max(part.size for part in parts) == most
    assert np.concatenate(parts).tolist() == rows.tolist()
