"""Schemas and channels that are known while a recording is read, and ids that are defined twice."""

from collections.abc import Iterable

from bagmill.recording.parse import read_channel, read_schema
from bagmill.recording.records import Channel, Opcode, Schema


class Definitions:
    """Definitions by id. The first one of an id stays; another one that differs makes the id ambiguous."""

    def __init__(self, schemas: Iterable[Schema] = (), channels: Iterable[Channel] = ()) -> None:
        self.schemas = {schema.id: schema for schema in schemas}
        self.channels = {channel.id: channel for channel in channels}
        self._first: dict[bytes, bytes] = {}
        self._ambiguous_schemas: set[int] = set()

    def add(self, opcode: int, content: bytes) -> list[int]:
        """Take the content of a Schema or Channel record.

        Returns:
            the channels that have become ambiguous by it: it is not known whose messages theirs are.

        Raises:
            Malformed: it is not a valid record.
        """
        key = bytes([opcode]) + content[:2]
        if self._first.get(key) == content:  # the same again: writers repeat them in every chunk
            return []
        clash = self._add_channel(content) if opcode == Opcode.CHANNEL else self._add_schema(content)
        self._first.setdefault(key, content)
        return clash

    def topic(self, channel_id: int) -> str:
        """Topic of a channel, also of one that has no definition."""
        channel = self.channels.get(channel_id)
        return channel.topic if channel else f"(channel {channel_id})"

    def _add_channel(self, content: bytes) -> list[int]:
        channel = read_channel(content)
        first = self.channels.setdefault(channel.id, channel)
        same = (first.topic, first.message_encoding, first.schema_id) == (
            channel.topic,
            channel.message_encoding,
            channel.schema_id,
        )
        return [] if same and channel.schema_id not in self._ambiguous_schemas else [channel.id]

    def _add_schema(self, content: bytes) -> list[int]:
        schema = read_schema(content)
        if schema.id == 0 or self.schemas.setdefault(schema.id, schema) == schema:
            return []
        self._ambiguous_schemas.add(schema.id)
        return [channel.id for channel in self.channels.values() if channel.schema_id == schema.id]
