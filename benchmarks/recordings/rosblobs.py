"""Pictures and point clouds: messages that are mostly one long blob."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.recordings.facts import Bytes, TopicFacts
from benchmarks.recordings.layout import Dialect, Layout
from benchmarks.recordings.recorder import Maker, Moments
from benchmarks.recordings.rosmessages import stamps
from benchmarks.recordings.signals import noise, wave

PICTURE_BYTES = 420_000
"""Mean size of a JPEG: 1080p with usual quality."""

_JPEG_START = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
_RINGS, _STEPS = 64, 1024
_FIELDS = {"x": "<f4", "y": "<f4", "z": "<f4", "intensity": "<f4", "ring": "<u2", "time": "<f4"}
_POINT = np.dtype(list(_FIELDS.items()))
_FIELD_TYPES = {"<f4": 7, "<u2": 4}  # sensor_msgs/PointField.FLOAT32 and .UINT16


def pictures(frame: str) -> Maker:
    """JPEG-like pictures: a real beginning and end, between them bytes that no codec makes smaller."""
    start = Layout(Dialect.CDR)
    start.header("header", frame)
    start.text("jpeg")
    start.add("<u4", "length")

    def make(moments: Moments, random: np.random.Generator, facts: TopicFacts) -> Sequence[Bytes]:
        sizes = (PICTURE_BYTES * (1 + 0.1 * wave(moments.seconds * 0.2))).astype(np.int64)
        sizes += random.integers(-5000, 5000, len(moments))
        blobs = [
            _JPEG_START + random.integers(0, 1 << 64, size // 8, np.uint64).tobytes() + b"\xff\xd9"
            for size in sizes
        ]
        values = stamps(moments, "header", Dialect.CDR)
        return _with_blobs(start, values, blobs, b"", facts)

    return make


def clouds(frame: str) -> Maker:
    """Scans of 64 rings in a room: 65,536 points of x, y, z, intensity, ring and time, 22 bytes each."""
    start = Layout(Dialect.CDR)
    start.header("header", frame)
    start.add("<u4", "height", "width")
    start.length(len(_FIELDS))
    for place, name in enumerate(_FIELDS):
        start.text(name)
        start.add("<u4", f"fields.offset@{place}")
        start.add("u1", f"fields.datatype@{place}")
        start.add("<u4", f"fields.count@{place}")
    start.add("u1", "is_bigendian")
    start.add("<u4", "point_step", "row_step", "length")

    def make(moments: Moments, random: np.random.Generator, facts: TopicFacts) -> Sequence[Bytes]:
        values = stamps(moments, "header", Dialect.CDR) | _shape()
        blobs = [_scan(second, random) for second in moments.seconds]
        facts.add("is_dense", np.ones(len(moments), np.uint8))
        return _with_blobs(start, values, blobs, b"\x01", facts)

    return make


def _with_blobs(
    start: Layout, values: dict[str, Any], blobs: Sequence[bytes], end: bytes, facts: TopicFacts
) -> Sequence[Bytes]:
    """Messages of fixed fields, a blob and an end; the fields of `start` end with the blob's length."""
    rows = start.rows(values | {"length": [len(blob) for blob in blobs]}, len(blobs))
    facts.add_rows(rows[[name for name in rows.dtype.names or () if name != "length"]])
    facts.join("data", blobs)
    return [row.tobytes() + blob + end for row, blob in zip(rows, blobs, strict=True)]


def _shape() -> dict[str, Any]:
    step = _POINT.itemsize
    values: dict[str, Any] = {
        "height": _RINGS,
        "width": _STEPS,
        "point_step": step,
        "row_step": step * _STEPS,
    }
    offset = 0
    for place, kind in enumerate(_FIELDS.values()):
        values[f"fields.offset@{place}"] = offset
        values[f"fields.datatype@{place}"] = _FIELD_TYPES[kind]
        values[f"fields.count@{place}"] = 1
        offset += np.dtype(kind).itemsize
    return values


def _scan(second: float, random: np.random.Generator) -> bytes:
    """Distances in steps of 4 mm that change smoothly but for noise; every twentieth ray hits nothing."""
    around = np.arange(_STEPS) / _STEPS
    up = (np.arange(_RINGS) / _RINGS - 0.6) * 0.07
    room = 6 + 2.5 * wave(4 * around + 0.01 * second) + 0.8 * wave(9 * around)
    distance = np.rint((room + 12 * up[:, None] + 0.012 * noise(random, _RINGS, _STEPS)) * 250) / 250
    distance[random.random((_RINGS, _STEPS)) < 0.05] = 0
    points = np.zeros((_RINGS, _STEPS), _POINT)
    flat = wave(up)[:, None] * distance
    points["x"], points["y"] = flat * wave(around), flat * wave(around - 0.25)
    points["z"] = wave(up - 0.25)[:, None] * distance
    points["intensity"] = np.rint(60 + 40 * wave(7 * around) + 6 * noise(random, _RINGS, _STEPS))
    points["ring"] = np.arange(_RINGS)[:, None]
    points["time"] = around * 0.1
    return points.tobytes()
