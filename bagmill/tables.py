"""The tables of a recording: one for each topic, or for each schema of a topic that has several."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from bagmill.layout import digest, folder_names
from bagmill.recording import Channel, Schema


class Table(NamedTuple):
    """Messages that become one table.

    `key` is its name in the manifest: the topic, or `topic~schema` where a topic has several tables.
    `channels` are the ids whose messages it holds.
    """

    key: str
    topic: str
    folder: str
    schema: Schema | None
    message_encoding: str
    channels: tuple[int, ...]


Content = tuple[str, str, str, str, bytes]
"""What makes a table: topic, message encoding, and the schema's name, encoding and data."""


def plan_tables(channels: Mapping[int, Channel], schemas: Mapping[int, Schema]) -> list[Table]:
    """Group all channels of a recording into tables, sorted by key.

    Channels of one topic with equal schemas share a table. Names do not depend on what is selected later.
    """
    groups: dict[Content, list[Channel]] = defaultdict(list)
    for channel in sorted(channels.values(), key=lambda channel: channel.id):
        groups[_content(channel, schemas.get(channel.schema_id))].append(channel)
    marks = _marks(groups)
    keys = _keys(groups, marks)
    folders = folder_names([(content[0], mark) for content, mark in zip(groups, marks, strict=True)])
    tables = [
        Table(
            key=key,
            topic=content[0],
            folder=folder,
            schema=schemas.get(members[0].schema_id),
            message_encoding=content[1],
            channels=tuple(member.id for member in members),
        )
        for (content, members), key, folder in zip(groups.items(), keys, folders, strict=True)
    ]
    return sorted(tables, key=lambda table: (table.key, table.folder))


def select_tables(tables: Sequence[Table], topics: Collection[str]) -> list[Table]:
    """The tables of some topics."""
    return [table for table in tables if table.topic in topics]


def _content(channel: Channel, schema: Schema | None) -> Content:
    if schema is None:
        return (channel.topic, channel.message_encoding, "", "", b"")
    return (channel.topic, channel.message_encoding, schema.name, schema.encoding, schema.data)


def _keys(contents: Collection[Content], marks: Sequence[str | None]) -> list[str]:
    """Topics with their marks; a topic that is named like another one's table gets a hash."""
    keys = [
        content[0] if mark is None else f"{content[0]}~{mark}"
        for content, mark in zip(contents, marks, strict=True)
    ]
    times = Counter(keys)
    return [
        f"{key}~{digest(repr(content).encode())}" if times[key] > 1 else key
        for content, key in zip(contents, keys, strict=True)
    ]


def _marks(contents: Collection[Content]) -> list[str | None]:
    """What tells apart the tables of one topic: the schema's name, with a hash where that does not do."""
    tables_of = Counter(content[0] for content in contents)
    names = [content[2] or content[1] for content in contents]
    times = Counter((content[0], name) for content, name in zip(contents, names, strict=True))
    return [
        None
        if tables_of[content[0]] == 1
        else name
        if times[content[0], name] == 1
        else f"{name}~{digest(repr(content).encode())}"
        for content, name in zip(contents, names, strict=True)
    ]
