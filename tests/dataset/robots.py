"""Recordings of small robots, for what is inspected and drafted."""

import json
import struct
from collections.abc import Callable, Mapping
from typing import Any

from tests.convert.making import Sent, Stream
from tests.dataset.images import file_of, scene

SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND


def told(
    topic: str,
    hz: float,
    message: Callable[[int], Mapping[str, Any]],
    *,
    seconds: float = 10,
    start: float = 0,
    schema: str = "pkg/msg/Told",
) -> Stream:
    """JSON messages at a rate; `message` makes the one of each number."""
    sent = [
        Sent(json.dumps(message(number)).encode(), START + round((start + number / hz) * SECOND))
        for number in range(int(seconds * hz))
    ]
    return Stream(topic, (schema, "jsonschema", b'{"type": "object"}'), "json", sent)


def camera(topic: str, hz: float, *, seconds: float = 10, data: bytes | None = None) -> Stream:
    """A camera: compressed images, another picture each time."""
    sent = []
    for number in range(int(seconds * hz)):
        picture = data or file_of(scene(24, 32, seed=number), "JPEG")
        head = struct.pack("<4sI8s", b"\0\1\0\0", 5, b"jpeg\0\0\0\0")
        sent.append(
            Sent(head + struct.pack("<I", len(picture)) + picture, START + round(number / hz * SECOND))
        )
    schema = ("sensor_msgs/msg/CompressedImage", "ros2msg", b"string format\nuint8[] data")
    return Stream(topic, schema, "cdr", sent)


def raw_camera(topic: str, hz: float, encoding: str, pixels: bytes, height: int, width: int) -> Stream:
    """A camera without compression: one picture after another, of which the first byte changes."""
    text = b"uint32 height\nuint32 width\nstring encoding\nuint8 is_bigendian\nuint32 step\nuint8[] data"
    name = encoding.encode() + b"\0"
    sent = []
    for number in range(int(10 * hz)):
        body = struct.pack("<III", height, width, len(name)) + name + b"\0"
        body += bytes(-len(body) % 4) + struct.pack("<II", len(pixels) // height, len(pixels))
        data = bytes([number % 256]) + pixels[1:]
        sent.append(Sent(b"\0\1\0\0" + body + data, START + round(number / hz * SECOND)))
    return Stream(topic, ("sensor_msgs/msg/Image", "ros2msg", text), "cdr", sent)
