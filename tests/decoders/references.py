"""What other people's decoders make of a message, as plain Python values that can be compared with ours."""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from mcap.exceptions import McapError
from mcap.records import Channel, Message, Schema
from mcap.stream_reader import StreamReader
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from bagmill.schemas.tree import PLACEHOLDER, Sequence, Struct, Type


@dataclass(frozen=True)
class Recorded:
    """A message as the field's own reader gives it."""

    topic: str
    encoding: str
    schema: Schema | None
    log_time: int
    publish_time: int
    sequence: int
    data: bytes


def messages(path: Path) -> Iterator[Recorded]:
    """All messages of a file in its order, read record by record with the `mcap` package."""
    schemas: dict[int, Schema] = {}
    channels: dict[int, Channel] = {}
    with path.open("rb") as stream:
        try:
            for record in StreamReader(stream, record_size_limit=None).records:
                match record:
                    case Schema():
                        schemas[record.id] = record
                    case Channel():
                        channels[record.id] = record
                    case Message():
                        channel = channels[record.channel_id]
                        yield Recorded(
                            channel.topic,
                            channel.message_encoding,
                            schemas.get(channel.schema_id),
                            record.log_time,
                            record.publish_time,
                            record.sequence,
                            record.data,
                        )
        except (McapError, EOFError, struct.error):
            return  # the file ends here


def rosbags_decoder(name: str, text: str, ros: int) -> Callable[[bytes], Any]:
    """A decoder of the `rosbags` package for a definition."""
    store = get_typestore(Stores.EMPTY)
    parts = name.split("/")
    full = name if len(parts) == 3 else "/".join([parts[0], "msg", parts[-1]])
    store.register(get_types_from_msg(text, full))
    if ros == 1:
        return lambda data: store.deserialize_ros1(data, full)
    return lambda data: store.deserialize_cdr(data, full)


def plain(value: Any, node: Type) -> Any:
    """A value of `rosbags`, `mcap_ros2` or `mcap_ros1` as ours would be: dicts, lists, bytes and numbers."""
    if isinstance(node, Struct):
        if not node.fields:
            return PLACEHOLDER
        return {item.name: plain(_member(value, item.name), item.type) for item in node.fields}
    if isinstance(node, Sequence):
        if node.is_blob:
            return bytes(value.view(np.uint8)) if isinstance(value, np.ndarray) else _blob(value)
        return [plain(item, node.element) for item in value]
    return value.item() if isinstance(value, np.generic) else value


def ours(value: Any, node: Type) -> Any:
    """Our value in the same form."""
    if isinstance(node, Struct):
        if not node.fields:
            return PLACEHOLDER
        return {item.name: ours(value[item.name], item.type) for item in node.fields}
    if isinstance(node, Sequence) and not node.is_blob:
        return [ours(item, node.element) for item in value]
    return value


def same(one: Any, other: Any) -> bool:
    """Whether two plain values are equal, NaN being equal to NaN."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
    return bool(one == other) or (one != one and other != other)


def _member(value: Any, name: str) -> Any:
    if hasattr(value, "secs"):  # genpy's time and duration
        return value.secs if name == "sec" else value.nsecs
    return getattr(value, name)


def _blob(value: Any) -> bytes:
    return value if isinstance(value, bytes) else bytes(item & 0xFF for item in value)
