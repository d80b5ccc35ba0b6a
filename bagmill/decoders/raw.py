"""Messages that can't be decoded: kept as the bytes they are."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from bagmill.decoders.base import Buffer, Decoded, Note, Offsets
from bagmill.errors import BagmillError


class RawDecoder:
    """One binary column, `data`. Never finds a message unreadable."""

    def __init__(self, reason: BagmillError) -> None:
        self.fields = pa.schema([pa.field("data", pa.binary(), nullable=False)])
        self.facts: Mapping[str, Any] = {}
        self.raw_reason: BagmillError | None = reason
        self.notes: list[Note] = []

    def decode(self, buffer: Buffer, start: Offsets, end: Offsets) -> Decoded:
        """Copy the payloads."""
        payloads = [
            bytes(buffer[first:last]) for first, last in zip(start.tolist(), end.tolist(), strict=True)
        ]
        data = pa.array(payloads, type=pa.binary())
        return Decoded(pa.RecordBatch.from_arrays([data], schema=self.fields))
