"""ROS 1 messages."""

from bagmill.decoders.base import UnreadableMessage
from bagmill.decoders.rows import Row, RowDecoder
from bagmill.decoders.wire import ROS1_WIRE, Cursor, compile_reader
from bagmill.schemas.tree import Struct


class Ros1Decoder(RowDecoder):
    """Decodes ROS 1 messages; nothing may follow the last field."""

    def __init__(self, root: Struct) -> None:
        super().__init__(root, self._read_message, [])
        self._reader = compile_reader(root, ROS1_WIRE)

    def _read_message(self, payload: bytes) -> Row:
        cursor = Cursor(payload)
        row: Row = self._reader(cursor)
        if left := len(payload) - cursor.position:
            raise UnreadableMessage(f"{left} bytes are left over after the last field")
        return row
