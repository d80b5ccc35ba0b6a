"""Decoding message by message: each becomes a Python dict, and the dicts of a block become columns.

Slow and plain. What decodes whole blocks at once is compared with it.
"""

from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa

from bagmill.decoders.base import Buffer, Decoded, Note, Offsets, UnreadableMessage
from bagmill.errors import BagmillError
from bagmill.schemas.arrow import arrow_schema, describe
from bagmill.schemas.tree import Struct

Row = Mapping[str, Any]

_BATCH_BYTES = 1 << 20
"""Payload bytes that are held as Python objects, which can take 64 times as much, until they are columns."""

_MOST_REASON = 500
"""Characters of a reason; it may quote a message."""


class RowDecoder:
    """Reads each message with `read(payload)`, which raises `UnreadableMessage` if it can't."""

    def __init__(self, root: Struct, read: Callable[[bytes], Row], notes: list[Note]) -> None:
        self.fields = arrow_schema(root)
        self.facts: Mapping[str, Any] = describe(root)
        self.raw_reason: BagmillError | None = None
        self.notes = notes
        self._read = read
        self._struct = pa.struct(list(self.fields))

    def decode(self, buffer: Buffer, start: Offsets, end: Offsets) -> Decoded:
        """Decode the messages one after the other."""
        rows: list[Row] = []
        waiting = 0
        batches: list[pa.RecordBatch] = []
        unreadable: list[tuple[int, str]] = []
        for index, (first, last) in enumerate(zip(start.tolist(), end.tolist(), strict=True)):
            try:
                rows.append(self._read(bytes(buffer[first:last])))
            except UnreadableMessage as error:
                unreadable.append((index, str(error)[:_MOST_REASON]))
            waiting += last - first
            if waiting > _BATCH_BYTES:
                batches.append(self._batch(rows))
                rows, waiting = [], 0
        return Decoded(pa.concat_batches([*batches, self._batch(rows)]), tuple(unreadable))

    def _batch(self, rows: list[Row]) -> pa.RecordBatch:
        return pa.RecordBatch.from_struct_array(pa.array(rows, type=self._struct))
