"""Tables with columns of many types."""

import pyarrow as pa

from bagmill.columns import OWN_FIELDS, table_schema

FIELDS = pa.schema(
    [
        pa.field("value", pa.float64(), nullable=False),
        pa.field("blob", pa.binary(), nullable=False),
        pa.field("pose", pa.struct([pa.field("name", pa.string()), pa.field("list", pa.list_(pa.int32()))])),
        pa.field("fixed", pa.list_(pa.field("item", pa.float32(), nullable=False), 3), nullable=False),
        pa.field("map", pa.map_(pa.string(), pa.int64())),
        pa.field("uuid", pa.binary(4)),
    ]
)
SCHEMA = table_schema(FIELDS, {"topic": "/x"})


def batch(first: int, count: int, *, blob: int = 10) -> pa.RecordBatch:
    numbers = range(first, first + count)
    times = pa.array(numbers, pa.int64())
    return pa.RecordBatch.from_arrays(
        [
            times.view(OWN_FIELDS[0].type),
            times.view(OWN_FIELDS[1].type),
            times,
            pa.array(numbers, pa.uint32()),
            pa.array([float(n) for n in numbers]),
            pa.array([bytes([n % 256]) * blob for n in numbers], pa.binary()),
            pa.array([{"name": str(n), "list": [n] * (n % 3)} for n in numbers], FIELDS.field("pose").type),
            pa.array([[n, n, n] for n in numbers], FIELDS.field("fixed").type),
            pa.array([[("k", n)] for n in numbers], FIELDS.field("map").type),
            pa.array([b"uuid" for _ in numbers], pa.binary(4)),
        ],
        schema=SCHEMA,
    )
