"""Topics of every encoding, with payloads made by other people's writers."""

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import cbor2
import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, timestamp_pb2
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from tests.decoders.flatbuffer_writing import encode, encode_schema
from tests.decoders.flatbuffers import make_row, make_schema
from tests.schemas.descriptors import everything

SCAN = """\
Mark header
string name
bool ok
float32 angle
float64[3] where
uint8[] blob
string[] labels
Point[] points
Point[2] ends
int16[<=5] few
"""
HEADER = "int32 sec\nuint32 nanosec\nstring frame_id"
POINT = "float64 x\nfloat32 y"
SEPARATOR = "\n" + "=" * 80 + "\n"
ROS = SEPARATOR.join([SCAN, f"MSG: pkg/Mark\n{HEADER}", f"MSG: pkg/Point\n{POINT}"])
ROS1 = ROS.replace("<=5", "")
IDL = """\
module pkg { module msg {
struct Mark { int32 sec; uint32 nanosec; string frame_id; };
struct Point { double x; float y; };
struct Scan {
  pkg::msg::Mark header; string name; boolean ok; float angle; double where[3]; sequence<octet> blob;
  sequence<string> labels; sequence<pkg::msg::Point> points; pkg::msg::Point ends[2]; sequence<short, 5> few;
}; }; };
"""
JSON_SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "count": {"type": "integer"},
        "points": {"type": "array", "items": {"type": "object", "properties": {"x": {"type": "number"}}}},
        "blob": {"type": "string", "contentEncoding": "base64"},
    },
}


@dataclass(frozen=True)
class Content:
    """A topic: its schema (name, encoding, data; None for none), the messages' encoding, some payloads."""

    topic: str
    schema: tuple[str, str, bytes] | None
    encoding: str
    payloads: Sequence[bytes]


@cache
def contents() -> tuple[Content, ...]:
    """One topic of each encoding and language of schemas."""
    cdr = [_scan(number, ros=2) for number in range(6)]
    texts = [json.dumps(_values(number)).encode() for number in range(6)]
    packed = [cbor2.dumps(_values(number)) for number in range(6)]
    schema = json.dumps(JSON_SCHEMA).encode()
    return (
        Content("/ros2", ("pkg/msg/Scan", "ros2msg", ROS.encode()), "cdr", cdr),
        Content("/ros2idl", ("pkg/msg/Scan", "ros2idl", IDL.encode()), "cdr", cdr),
        Content("/omgidl", ("pkg::msg::Scan", "omgidl", IDL.encode()), "cdr", cdr),
        Content(
            "/ros1",
            ("pkg/Scan", "ros1msg", ROS1.encode()),
            "ros1",
            [_scan(number, ros=1) for number in range(6)],
        ),
        Content("/proto", ("p.Everything", "protobuf", everything()), "protobuf", _protobufs()),
        *[_flatbuffers(seed) for seed in range(4)],
        Content("/json", ("Thing", "jsonschema", schema), "json", texts),
        Content("/free", None, "json", texts),
        Content("/cbor", None, "cbor", packed),
        Content("/cbor typed", ("Thing", "jsonschema", schema), "cbor", packed),
        Content("/raw", ("Thing", "mystery", b"?"), "mystery", [b"a", b"bc", b""]),
    )


def _scan(number: int, *, ros: int) -> bytes:
    """A message of `SCAN`, as the `rosbags` package writes it."""
    store = get_typestore(Stores.EMPTY)
    store.register(get_types_from_msg(ROS1 if ros == 1 else ROS, "pkg/msg/Scan"))
    kinds = store.types
    point = [kinds["pkg/msg/Point"](x=float(n), y=n / 2) for n in range(number)]
    scan: Any = kinds["pkg/msg/Scan"](
        header=kinds["pkg/msg/Mark"](sec=number, nanosec=7, frame_id="map"),
        name="n" * number,
        ok=bool(number % 2),
        angle=number / 3,
        where=np.arange(3, dtype=np.float64) + number,
        blob=np.arange(number * 3, dtype=np.uint8),
        labels=["a", "bc"][: number % 3],
        points=point,
        ends=[kinds["pkg/msg/Point"](x=1.0, y=2.0), kinds["pkg/msg/Point"](x=3.0, y=4.0)],
        few=np.arange(number % 5, dtype=np.int16),
    )
    made = (
        store.serialize_ros1(scan, "pkg/msg/Scan") if ros == 1 else store.serialize_cdr(scan, "pkg/msg/Scan")
    )
    return bytes(made)


def _protobufs() -> list[bytes]:
    """Messages of `p.Everything`, always the same, as Google's library writes them."""
    pool = descriptor_pool.DescriptorPool()
    stamp = descriptor_pb2.FileDescriptorProto()
    timestamp_pb2.DESCRIPTOR.CopyToProto(stamp)
    pool.Add(stamp)
    files = descriptor_pb2.FileDescriptorSet.FromString(everything()).file
    for one in sorted(files, key=lambda file: file.name, reverse=True):
        pool.Add(one)
    kind = message_factory.GetMessageClass(pool.FindMessageTypeByName("p.Everything"))
    chance = random.Random(4)
    made = []
    for number in range(6):
        value: Any = kind(a_double=number / 7, a_int64=-number, a_string="s" * number, a_bytes=bytes(number))
        value.numbers.extend(chance.random() for _ in range(number))
        value.point.x = number
        for _ in range(number % 3):
            value.points.add(x=1, y=2)
        value.colors.extend([0, 1, 7][: number % 4])
        value.tags["k" * number] = number
        value.named[number].y = 3
        value.maybe = number
        value.stamp.seconds = number
        made.append(value.SerializeToString(deterministic=True))
    return made


def _flatbuffers(seed: int) -> Content:
    """Messages of a made-up schema, as written for the tests of the decoder."""
    chance = random.Random(f"flatbuffer {seed}")
    made = make_schema(chance)
    payloads = [encode(chance, made, make_row(chance, made, made.types[-1])) for _ in range(6)]
    schema = (made.name, "flatbuffer", encode_schema(chance, made))
    return Content(f"/flatbuffer{seed}", schema, "flatbuffer", payloads)


def _values(number: int) -> dict[str, Any]:
    points = [{"x": n / 3, "extra": None} for n in range(number % 4)]
    return {"name": "ü" * number, "count": number, "points": points, "blob": "AAEC", "flag": number > 2}
