"""A robot that records Foxglove's protobuf schemas, which have the names and numbers of foxglove-sdk here.

Of a scene only what is filled here is described: entities with cubes.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from google.protobuf import descriptor_pb2, duration_pb2, timestamp_pb2
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

from benchmarks.recordings.facts import Bytes, TopicFacts
from benchmarks.recordings.recorder import Maker, Moments, Recording, Topic
from benchmarks.recordings.signals import noise, turns, wave

_FieldProto = descriptor_pb2.FieldDescriptorProto
_SCALARS = {
    "double": _FieldProto.TYPE_DOUBLE,
    "string": _FieldProto.TYPE_STRING,
    "fixed32": _FieldProto.TYPE_FIXED32,
    "bool": _FieldProto.TYPE_BOOL,
}
_TIME, _SPAN = "google.protobuf.Timestamp", "google.protobuf.Duration"
_XYZ = [("double", "x", 1), ("double", "y", 2), ("double", "z", 3)]
_MESSAGES: Mapping[str, Sequence[tuple[str, str, int]]] = {
    "Vector3": _XYZ,
    "Quaternion": [*_XYZ, ("double", "w", 4)],
    "Color": [("double", "r", 1), ("double", "g", 2), ("double", "b", 3), ("double", "a", 4)],
    "Pose": [("Vector3", "position", 1), ("Quaternion", "orientation", 2)],
    "PoseInFrame": [(_TIME, "timestamp", 1), ("string", "frame_id", 2), ("Pose", "pose", 3)],
    "FrameTransform": [
        (_TIME, "timestamp", 1),
        ("string", "parent_frame_id", 2),
        ("string", "child_frame_id", 3),
        ("Vector3", "translation", 4),
        ("Quaternion", "rotation", 5),
    ],
    "LocationFix": [
        ("double", "latitude", 1),
        ("double", "longitude", 2),
        ("double", "altitude", 3),
        ("repeated double", "position_covariance", 4),
        ("enum PositionCovarianceType", "position_covariance_type", 5),
        (_TIME, "timestamp", 6),
        ("string", "frame_id", 7),
    ],
    "Log": [
        (_TIME, "timestamp", 1),
        ("enum Level", "level", 2),
        ("string", "message", 3),
        ("string", "name", 4),
        ("string", "file", 5),
        ("fixed32", "line", 6),
    ],
    "LaserScan": [
        (_TIME, "timestamp", 1),
        ("string", "frame_id", 2),
        ("Pose", "pose", 3),
        ("double", "start_angle", 4),
        ("double", "end_angle", 5),
        ("repeated double", "ranges", 6),
        ("repeated double", "intensities", 7),
    ],
    "CubePrimitive": [("Pose", "pose", 1), ("Vector3", "size", 2), ("Color", "color", 3)],
    "SceneEntity": [
        (_TIME, "timestamp", 1),
        ("string", "frame_id", 2),
        ("string", "id", 3),
        (_SPAN, "lifetime", 4),
        ("bool", "frame_locked", 5),
        ("repeated CubePrimitive", "cubes", 8),
    ],
    "SceneUpdate": [("repeated SceneEntity", "entities", 2)],
}
"""Type, name and number of the fields of each message."""
_ENUMS = {
    "LocationFix": ("PositionCovarianceType", ["UNKNOWN", "APPROXIMATED", "DIAGONAL_KNOWN", "KNOWN"]),
    "Log": ("Level", ["UNKNOWN", "DEBUG", "INFO", "WARNING", "ERROR", "FATAL"]),
}


def protobuf(seconds: int) -> Recording:
    """750 messages a second of six types; zstd."""
    makers = (
        ("/tf", "FrameTransform", 300, _frame_transform),
        ("/pose", "PoseInFrame", 200, _pose),
        ("/gps", "LocationFix", 50, _location),
        ("/log", "Log", 100, _log),
        ("/scan", "LaserScan", 40, _laser_scan),
        ("/objects", "SceneUpdate", 60, _scene),
    )
    schemas = _descriptors()
    pool = DescriptorPool()
    for file in schemas.file:
        pool.Add(file)
    topics = [
        Topic(
            name,
            hertz,
            "protobuf",
            (f"foxglove.{kind}", "protobuf", schemas.SerializeToString()),
            _maker(GetMessageClass(pool.FindMessageTypeByName(f"foxglove.{kind}")), build),
        )
        for name, kind, hertz, build in makers
    ]
    return Recording(topics, "", "zstd", seconds, slab=10)


def _descriptors() -> descriptor_pb2.FileDescriptorSet:
    """All schemas in one set, which every channel carries, as Foxglove's own writer does it."""
    result = descriptor_pb2.FileDescriptorSet()
    for known in (timestamp_pb2, duration_pb2):
        known.DESCRIPTOR.CopyToProto(result.file.add())
    file = result.file.add(name="foxglove/robot.proto", package="foxglove", syntax="proto3")
    file.dependency.extend(known.name for known in result.file[:2])
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for kind, label, number in fields:
            _add_field(message, kind, label, number)
        if name in _ENUMS:
            enum = message.enum_type.add(name=_ENUMS[name][0])
            for number, value in enumerate(_ENUMS[name][1]):
                enum.value.add(name=value, number=number)
    return result


def _add_field(message: descriptor_pb2.DescriptorProto, kind: str, name: str, number: int) -> None:
    repeated, kind = kind.startswith("repeated "), kind.removeprefix("repeated ")
    field = message.field.add(name=name, number=number)
    field.label = _FieldProto.LABEL_REPEATED if repeated else _FieldProto.LABEL_OPTIONAL
    if kind in _SCALARS:
        field.type = _SCALARS[kind]
    elif kind.startswith("enum "):
        field.type = _FieldProto.TYPE_ENUM
        field.type_name = f".foxglove.{message.name}.{kind.removeprefix('enum ')}"
    else:
        field.type = _FieldProto.TYPE_MESSAGE
        field.type_name = f".{kind}" if "." in kind else f".foxglove.{kind}"


Rows = list[dict[str, Any]]


def _maker(message: Any, build: Any) -> Maker:
    def make(moments: Moments, random: np.random.Generator, facts: TopicFacts) -> Sequence[Bytes]:
        rows: Rows = build(moments, random)
        note(rows, facts)
        return [message(**row).SerializeToString() for row in rows]

    return make


def note(rows: Sequence[Any], facts: TopicFacts, path: str = "") -> None:
    """Note all numbers and strings of rows, which are all alike."""
    first = rows[0] if rows else None
    if isinstance(first, Mapping):
        for key in first:
            note([row[key] for row in rows], facts, f"{path}.{key}" if path else key)
    elif isinstance(first, list):
        note([value for row in rows for value in row], facts, path)
    elif isinstance(first, str):
        facts.join(path, [row.encode() for row in rows])
    elif first is not None:
        facts.add(path, rows)


def _times(moments: Moments) -> Rows:
    pairs = zip(moments.sec.tolist(), moments.nanosec.tolist(), strict=True)
    return [{"seconds": sec, "nanos": nanosec} for sec, nanosec in pairs]


def _points(*axes: Any) -> Rows:
    names = ("x", "y", "z", "w")[: len(axes)]
    return [dict(zip(names, row, strict=True)) for row in zip(*(axis.tolist() for axis in axes), strict=True)]


def _poses(moments: Moments, rate: float) -> Rows:
    phase = moments.seconds * rate
    places = _points(8 * wave(phase), 8 * wave(phase - 0.25), 0.1 * wave(5 * phase))
    headings = _points(*turns(0.01 * wave(9 * phase), 0.01 * wave(7 * phase), wave(phase / 2)))
    pairs = zip(places, headings, strict=True)
    return [{"position": place, "orientation": heading} for place, heading in pairs]


def _frame_transform(moments: Moments, _random: np.random.Generator) -> Rows:
    return [
        {
            "timestamp": time,
            "parent_frame_id": "odom",
            "child_frame_id": "base_link",
            "translation": pose["position"],
            "rotation": pose["orientation"],
        }
        for time, pose in zip(_times(moments), _poses(moments, 0.013), strict=True)
    ]


def _pose(moments: Moments, _random: np.random.Generator) -> Rows:
    pairs = zip(_times(moments), _poses(moments, 0.021), strict=True)
    return [{"timestamp": time, "frame_id": "map", "pose": pose} for time, pose in pairs]


def _location(moments: Moments, random: np.random.Generator) -> Rows:
    drift = noise(random, 3, len(moments))
    latitude = 52.52 + 1e-4 * wave(moments.seconds * 0.01) + 1e-7 * drift[0]
    longitude = 13.405 + 1e-4 * wave(moments.seconds * 0.012) + 1e-7 * drift[1]
    values = zip(_times(moments), *_lists(latitude, longitude, 34 + 0.02 * drift[2]), strict=True)
    return [
        {
            "latitude": latitude,
            "longitude": longitude,
            "altitude": altitude,
            "position_covariance": [0.04, 0.0, 0.0, 0.0, 0.04, 0.0, 0.0, 0.0, 0.16],
            "position_covariance_type": 2,
            "timestamp": time,
            "frame_id": "gps",
        }
        for time, latitude, longitude, altitude in values
    ]


def _log(moments: Moments, random: np.random.Generator) -> Rows:
    levels = 1 + random.integers(0, 4, len(moments))
    lines = random.integers(20, 400, len(moments))
    return [
        {
            "timestamp": time,
            "level": level,
            "message": f"cycle {number} took {line / 50:.2f} ms",
            "name": "controller",
            "file": "src/controller.cpp",
            "line": line,
        }
        for time, number, level, line in zip(
            _times(moments), *_lists(moments.number, levels, lines), strict=True
        )
    ]


def _laser_scan(moments: Moments, random: np.random.Generator) -> Rows:
    around = np.arange(360) / 360
    ranges = (
        5 + 2 * wave(3 * around + 0.02 * moments.seconds[:, None]) + 0.01 * noise(random, len(moments), 360)
    )
    ranges = np.rint(ranges * 1000) / 1000
    strengths = np.rint(200 / ranges)
    pose = {
        "position": {"x": 0.2, "y": 0.0, "z": 0.3},
        "orientation": {"x": 0.0, "y": 0.0, "z": 0.0, "w": 1.0},
    }
    return [
        {
            "timestamp": time,
            "frame_id": "laser",
            "pose": pose,
            "start_angle": -3.14159,
            "end_angle": 3.14159,
            "ranges": distances,
            "intensities": strength,
        }
        for time, distances, strength in zip(_times(moments), *_lists(ranges, strengths), strict=True)
    ]


def _scene(moments: Moments, _random: np.random.Generator) -> Rows:
    size, color = {"x": 0.5, "y": 0.5, "z": 1.8}, {"r": 0.1, "g": 0.6, "b": 0.9, "a": 0.8}
    rows = []
    for time, number, pose in zip(
        _times(moments), moments.number.tolist(), _poses(moments, 0.017), strict=True
    ):
        cubes = [{"pose": pose, "size": size, "color": color}] * (1 + number % 3)
        entity = {
            "timestamp": time,
            "frame_id": "map",
            "id": f"person {number % 7}",
            "lifetime": {"seconds": 0, "nanos": 500_000_000},
            "frame_locked": True,
            "cubes": cubes,
        }
        rows.append({"entities": [entity]})
    return rows


def _lists(*values: Any) -> list[list[Any]]:
    return [value.tolist() for value in values]
