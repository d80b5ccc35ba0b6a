"""Writes the sample recording: what a robot with an IMU, joints, a camera and a lidar would have recorded."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from heapq import merge
from pathlib import Path

import numpy as np
from mcap.writer import CompressionType, Writer
from mcap_ros2._dynamic import EncoderFunction, serialize_dynamic

from bagmill import __version__
from bagmill.sample import messages
from bagmill.sample.definitions import definition

_CHUNK_BYTES = 512 * 1024
_PUBLISH_NS = 150_000
"""From the measurement to its publishing."""
_QOS = "- history: keep_last\n  depth: {depth}\n  reliability: reliable\n  durability: {durability}\n"


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic. `hertz` 0: a single message at the start; `delay_ns`: from publish time to log time."""

    name: str
    schema: str
    hertz: int
    delay_ns: int
    build: messages.Builder

    def count(self, seconds: float) -> int:
        """How many messages fit into so many seconds."""
        return max(1, round(self.hertz * seconds)) if self.hertz else 1


TOPICS = (
    Topic("/tf_static", "tf2_msgs/msg/TFMessage", 0, 90_000, messages.fixed_frames),
    Topic("/tf", "tf2_msgs/msg/TFMessage", 50, 110_000, messages.moving_frames),
    Topic("/imu/data", "sensor_msgs/msg/Imu", 200, 70_000, messages.imu),
    Topic("/joint_states", "sensor_msgs/msg/JointState", 100, 80_000, messages.joint_states),
    Topic("/odom", "nav_msgs/msg/Odometry", 50, 120_000, messages.odometry),
    Topic("/camera/image/compressed", "sensor_msgs/msg/CompressedImage", 10, 900_000, messages.camera),
    Topic("/camera/camera_info", "sensor_msgs/msg/CameraInfo", 10, 130_000, messages.camera_info),
    Topic("/lidar/points", "sensor_msgs/msg/PointCloud2", 5, 600_000, messages.points),
    Topic("/status", "std_msgs/msg/String", 1, 60_000, messages.status),
)


def write_sample(path: Path, seconds: float = 10.0) -> dict[str, int]:
    """Write the sample recording: MCAP, zstd chunks, profile `ros2`, CDR, indexed.

    The same length gives the same bytes each time. Log times rise; publish times lie a little before them.

    Args:
        path: the file to write; it is replaced.
        seconds: how much robot time to record, more than 0.

    Returns:
        Messages per topic.

    Raises:
        ValueError: `seconds` is not more than 0.
        OSError: the file can't be written.
    """
    if seconds <= 0:
        raise ValueError(f"a recording lasts longer than {seconds} s")
    with path.open("wb") as file:
        writer = Writer(file, chunk_size=_CHUNK_BYTES, compression=CompressionType.ZSTD)
        writer.start(profile="ros2", library=f"bagmill {__version__}")
        _write_about(writer, seconds)
        channels = [_Channel(writer, topic) for topic in TOPICS]
        for log_time, place, number in merge(*(_times(i, t, seconds) for i, t in enumerate(TOPICS))):
            channels[place].write(writer, number, log_time)
        writer.finish()  # type: ignore[no-untyped-call]
    return {topic.name: topic.count(seconds) for topic in TOPICS}


class _Channel:
    """A registered channel with the encoder of its schema."""

    def __init__(self, writer: Writer, topic: Topic) -> None:
        text = definition(topic.schema)
        schema_id = writer.register_schema(topic.schema, "ros2msg", text.encode())
        durability = "transient_local" if topic.hertz == 0 else "volatile"
        qos = {"offered_qos_profiles": _QOS.format(depth=10, durability=durability)}
        self._id = writer.register_channel(topic.name, "cdr", schema_id, qos)
        self._topic = topic
        self._encode: EncoderFunction = serialize_dynamic(topic.schema, text)[topic.schema]
        self._noise = np.random.default_rng(list(topic.name.encode()))

    def write(self, writer: Writer, number: int, log_time: int) -> None:
        seconds = number / self._topic.hertz if self._topic.hertz else 0.0
        writer.add_message(
            channel_id=self._id,
            log_time=log_time,
            publish_time=log_time - self._topic.delay_ns,
            sequence=number,
            data=self._encode(self._topic.build(seconds, number, self._noise)),
        )


def _times(place: int, topic: Topic, seconds: float) -> Iterator[tuple[int, int, int]]:
    """Log time (ns), place of the topic, number of the message."""
    first = messages.START_NS + _PUBLISH_NS + topic.delay_ns
    for number in range(topic.count(seconds)):
        yield first + (number * 1_000_000_000 // topic.hertz if topic.hertz else 0), place, number


def _write_about(writer: Writer, seconds: float) -> None:
    """A metadata record and an attachment, as recorders leave them."""
    writer.add_metadata("bagmill.sample", {"robot": "bagmill-1", "seconds": f"{seconds:g}"})
    calibration = {"camera": "camera_optical_frame", "distortion_model": "plumb_bob", "d": [0.0] * 5}
    writer.add_attachment(
        create_time=messages.START_NS,
        log_time=messages.START_NS,
        name="calibration.json",
        media_type="application/json",
        data=json.dumps(calibration, indent=2).encode(),
    )
