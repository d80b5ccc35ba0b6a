"""rerun-sdk: its chunk reader with the decoder that keeps every field, in Rust.

Its semantic decoders (`ros2msg`, `foxglove`) would lose covariances and make transforms float32.
"""

import os
import sys
from pathlib import Path

os.environ["RERUN_ANALYTICS"] = "0"

import pyarrow as pa
from rerun.chunk import McapReader

from benchmarks.peers.output import Tables

TIMES = ("message_log_time", "message_publish_time")


def convert(recording: Path, output: Path) -> None:
    """Each chunk holds the messages of a topic in one chunk of the recording."""
    with Tables(output, unwrapped) as tables:
        for chunk in McapReader(recording, decoders=["ros2_reflection", "protobuf"]).stream():
            batch = chunk.to_record_batch()
            if any(name.endswith(":message") for name in batch.schema.names):
                tables.write(chunk.entity_path, batch)


def unwrapped(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Times, and the fields of the messages, which stand in a list of one struct each."""
    messages = next(name for name in batch.schema.names if name.endswith(":message"))
    rows = batch[messages].flatten()
    columns = {name: batch[name] for name in TIMES}
    columns |= {field.name: rows.field(place) for place, field in enumerate(rows.type)}
    return pa.RecordBatch.from_pydict(columns)


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
