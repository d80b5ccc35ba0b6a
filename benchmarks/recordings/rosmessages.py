"""Messages of a robot for ROS 2 and ROS 1, thousands at a time."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from bagmill.sample.definitions import SEPARATOR, definition
from benchmarks.recordings.facts import Bytes, TopicFacts
from benchmarks.recordings.layout import Dialect, Layout, Rows
from benchmarks.recordings.recorder import Maker, Moments, Topic
from benchmarks.recordings.signals import Vector, noise, steps, turns, wave

JOINTS = tuple(
    f"{side}_arm_{part}"
    for side in ("left", "right")
    for part in (
        "shoulder_pan",
        "shoulder_lift",
        "upper_arm_roll",
        "elbow",
        "forearm_roll",
        "wrist",
        "gripper",
    )
)
_AXES = ("x", "y", "z")
_TURN = ("x", "y", "z", "w")


def topic(dialect: Dialect, name: str, kind: str, hertz: int, make: Maker) -> Topic:
    """A topic with the definition of `package/Type`."""
    package, base = kind.split("/")
    text = definition(f"{package}/msg/{base}")
    if dialect is Dialect.CDR:
        return Topic(name, hertz, "cdr", (f"{package}/msg/{base}", "ros2msg", text.encode()), make)
    return Topic(name, hertz, "ros1", (kind, "ros1msg", _as_ros1(text).encode()), make)


def imu(dialect: Dialect, frame: str, *, digital: bool) -> Maker:
    """Motion with vibration and noise; `digital` ones give multiples of their resolution."""
    layout = Layout(dialect)
    layout.header("header", frame)
    for name, axes in (("orientation", _TURN), ("angular_velocity", _AXES), ("linear_acceleration", _AXES)):
        layout.add("<f8", *(f"{name}.{axis}" for axis in axes))
        layout.add("<f8", f"{name}_covariance", count=9)

    def make(moments: Moments, random: np.random.Generator, facts: TopicFacts) -> Sequence[Bytes]:
        time = moments.seconds
        swing = [wave(time * rate) for rate in (0.05, 0.11, 0.02)]
        tremor = noise(random, 6, len(moments))
        values = stamps(moments, "header", dialect)
        values |= _axes("orientation", _TURN, turns(0.03 * swing[0], 0.02 * swing[1], 0.8 * swing[2]))
        for place, axis in enumerate(_AXES):
            rate = 0.3 * swing[place] + 0.004 * tremor[place]
            force = (place == 2) * 9.80665 + 0.15 * wave(time * (8 + place)) + 0.03 * tremor[3 + place]
            values[f"angular_velocity.{axis}"] = steps(rate, 1 / 16384) if digital else rate
            values[f"linear_acceleration.{axis}"] = steps(force, 1 / 2048) if digital else force
        for name, variance in (
            ("orientation", 1e-4),
            ("angular_velocity", 1.6e-5),
            ("linear_acceleration", 9e-4),
        ):
            values[f"{name}_covariance"] = np.eye(3).reshape(-1) * variance
        return messages(layout.rows(values, len(moments)), facts)

    return make


def joints(dialect: Dialect) -> Maker:
    """Two arms of seven joints: positions of encoders, filtered velocities, noisy efforts."""
    layout = Layout(dialect)
    layout.header("header", "base_link")
    layout.length(len(JOINTS))
    for name in JOINTS:
        layout.text(name)
    for name in ("position", "velocity", "effort"):
        layout.array("<f8", name, len(JOINTS))

    def make(moments: Moments, random: np.random.Generator, facts: TopicFacts) -> Sequence[Bytes]:
        rates = 0.05 + 0.02 * np.arange(len(JOINTS))
        phases = moments.seconds[:, None] * rates
        values = stamps(moments, "header", dialect)
        values["position"] = steps(0.8 * wave(phases), 6.2831853 / 131072)
        values["velocity"] = 5 * rates * wave(phases + 0.25) + 1e-4 * noise(random, *phases.shape)
        values["effort"] = 3 * wave(phases + 0.1) + 0.05 * noise(random, *phases.shape)
        return messages(layout.rows(values, len(moments)), facts)

    return make


def odometry(dialect: Dialect) -> Maker:
    """A pose with full precision, a noisy velocity, two covariances that do not change."""
    layout = Layout(dialect)
    layout.header("header", "odom")
    layout.text("base_link")
    layout.add("<f8", *(f"pose.pose.position.{axis}" for axis in _AXES))
    layout.add("<f8", *(f"pose.pose.orientation.{axis}" for axis in _TURN))
    layout.add("<f8", "pose.covariance", count=36)
    layout.add("<f8", *(f"twist.twist.{name}.{axis}" for name in ("linear", "angular") for axis in _AXES))
    layout.add("<f8", "twist.covariance", count=36)

    def make(moments: Moments, random: np.random.Generator, facts: TopicFacts) -> Sequence[Bytes]:
        time, zero = moments.seconds, np.zeros(len(moments))
        values = stamps(moments, "header", dialect)
        values |= _axes("pose.pose.position", _AXES, (12 * wave(time * 0.011), 9 * wave(time * 0.013), zero))
        values |= _axes("pose.pose.orientation", _TURN, turns(zero, zero, wave(time * 0.012)))
        values["twist.twist.linear.x"] = 0.6 * wave(time * 0.02) + 0.005 * noise(random, len(moments))
        values["twist.twist.angular.z"] = 0.2 * wave(time * 0.012) + 0.002 * noise(random, len(moments))
        values["pose.covariance"] = np.eye(6).reshape(-1) * 1e-3
        values["twist.covariance"] = np.eye(6).reshape(-1) * 1e-4
        return messages(layout.rows(values, len(moments)), facts)

    return make


def frames(dialect: Dialect) -> Maker:
    """map → odom → base_link → the cameras; every fifth message has one more frame."""
    chain = ["map", "odom", "base_link", "camera_front", "gripper_target"]

    def layout(count: int) -> Layout:
        result = Layout(dialect)
        result.length(count)
        for place in range(count):
            result.header("transforms.header", chain[place], f"@{place}")
            result.text(chain[place + 1])
            base = "transforms.transform"
            result.add("<f8", *(f"{base}.translation.{axis}@{place}" for axis in _AXES))
            result.add("<f8", *(f"{base}.rotation.{axis}@{place}" for axis in _TURN))
        return result

    short, long = layout(3), layout(4)

    def values(moments: Moments, count: int) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for place in range(count):
            phase, mark = moments.seconds * (0.01 + 0.02 * place), f"@{place}"
            at = (wave(phase), 2 * wave(phase + 0.3), np.full(len(moments), 0.1 * place))
            turn = turns(0 * phase, 0 * phase, wave(phase + 0.2))
            result |= stamps(moments, "transforms.header", dialect, mark)
            result |= _axes("transforms.transform.translation", [f"{axis}{mark}" for axis in _AXES], at)
            result |= _axes("transforms.transform.rotation", [f"{axis}{mark}" for axis in _TURN], turn)
        return result

    def make(moments: Moments, _random: np.random.Generator, facts: TopicFacts) -> Sequence[Bytes]:
        result: list[Bytes] = [b""] * len(moments)
        for kind, count, wanted in ((short, 3, moments.number % 5 != 0), (long, 4, moments.number % 5 == 0)):
            some = Moments(moments.number[wanted], moments.seconds[wanted], moments.stamp[wanted])
            made = messages(kind.rows(values(some, count), len(some)), facts)
            for place, message in zip(np.flatnonzero(wanted), made, strict=True):
                result[place] = message
        return result

    return make


def lines(dialect: Dialect) -> Maker:
    """Lines of a log for people."""
    states = ("driving", "waiting for the lift", "grasping", "aligning with the dock", "charging")
    end, header = (b"\0", b"\x00\x01\x00\x00") if dialect is Dialect.CDR else (b"", b"")

    def make(moments: Moments, random: np.random.Generator, facts: TopicFacts) -> Sequence[Bytes]:
        charge = 100 - moments.seconds / 90
        picks = random.integers(0, len(states), len(moments))
        texts = [
            f"[{number}] {states[pick]}, battery {level:.1f} %, load {pick * 7 + number % 13} %".encode()
            for number, pick, level in zip(moments.number, picks, charge, strict=True)
        ]
        facts.join("data", texts)
        return [header + (len(text) + len(end)).to_bytes(4, "little") + text + end for text in texts]

    return make


def stamps(moments: Moments, path: str, dialect: Dialect, mark: str = "") -> dict[str, Any]:
    """Values of a header."""
    values = {f"{path}.stamp.sec{mark}": moments.sec, f"{path}.stamp.nanosec{mark}": moments.nanosec}
    return values | ({f"{path}.seq{mark}": moments.number} if dialect is Dialect.ROS1 else {})


def messages(rows: Rows, facts: TopicFacts) -> Sequence[memoryview]:
    """The messages of a layout, noted."""
    facts.add_rows(rows)
    data, size = memoryview(rows.tobytes()), rows.dtype.itemsize
    return [data[place : place + size] for place in range(0, len(data), size)]


def _axes(path: str, names: Sequence[str], values: Sequence[Vector]) -> dict[str, Any]:
    return {f"{path}.{name}": value for name, value in zip(names, values, strict=True)}


def _as_ros1(text: str) -> str:
    """A ROS 2 definition as ROS 1 has it: no defaults, `time` built in, a number in each header."""
    sections = [
        part for part in text.split(f"{SEPARATOR}\n") if not part.startswith("MSG: builtin_interfaces/")
    ]
    joined = f"{SEPARATOR}\n".join(sections).replace(
        "builtin_interfaces/Time stamp", "uint32 seq\ntime stamp"
    )
    kept = [line.split("#")[0].rstrip() for line in joined.splitlines()]
    return "\n".join(" ".join(line.split()[:2]) if line.startswith("float64 ") else line for line in kept)
