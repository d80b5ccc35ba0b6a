"""ROS 1 messages."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from bagmill.decoders.base import Buffer, Decoded, Note, Offsets, UnreadableMessage
from bagmill.decoders.columnar.block import BlockDecoder
from bagmill.decoders.columnar.compiling import compiled_plan
from bagmill.decoders.columnar.walked import Mask
from bagmill.decoders.cursor import Cursor
from bagmill.decoders.reader import compiled_reader
from bagmill.decoders.reasons import reasons
from bagmill.decoders.rows import Row
from bagmill.decoders.wire import ROS1_WIRE
from bagmill.errors import BagmillError
from bagmill.schemas.arrow import arrow_schema, describe
from bagmill.schemas.tree import Struct


class Ros1Decoder:
    """Decodes ROS 1 messages; nothing may follow the last field."""

    def __init__(self, root: Struct) -> None:
        self.fields = arrow_schema(root)
        self.facts: Mapping[str, Any] = describe(root)
        self.raw_reason: BagmillError | None = None
        self.notes: list[Note] = []
        self.root = root
        self._block = BlockDecoder(compiled_plan(root, ROS1_WIRE), 0, _ends)

    def decode(self, buffer: Buffer, start: Offsets, end: Offsets) -> Decoded:
        """Decode the messages."""
        array, rows = self._block.decode(buffer, start, end)
        unreadable = reasons(self.read_message, buffer, start, end, rows)
        return Decoded(pa.RecordBatch.from_struct_array(array), unreadable)

    def read_message(self, payload: bytes) -> Row:
        """Read one message into a row.

        Raises:
            UnreadableMessage: it can't be read; the text says why.
        """
        cursor = Cursor(payload)
        row: Row = compiled_reader(self.root, ROS1_WIRE)(cursor)
        if left := len(payload) - cursor.position:
            raise UnreadableMessage(f"{left} bytes are left over after the last field")
        return row


def _ends(buffer: Buffer, position: Offsets, start: Offsets, end: Offsets) -> Mask:
    del buffer, start
    fine: Mask = position == end
    return fine
