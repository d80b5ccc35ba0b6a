"""The sample's messages, one function a topic: seconds since the start in, a ROS 2 message as a dict out."""

from collections.abc import Callable
from typing import Any

import numpy as np

from bagmill.sample import jpeg, world

START_NS = 1_715_767_200_000_000_000
"""2024-05-15T10:00:00Z."""
JOINTS = (
    "left_wheel", "right_wheel", "head_pan", "shoulder_pan", "shoulder_lift", "elbow", "wrist", "gripper",
)  # fmt: skip
_WHEEL_RADIUS, _TRACK = 0.08, 0.36
_GRAVITY = 9.80665

Message = dict[str, Any]
Builder = Callable[[float, int, np.random.Generator], Message]
"""Seconds since the start, the message's number and the topic's own noise."""


def imu(seconds: float, _number: int, noise: np.random.Generator) -> Message:
    """Circular motion with gravity and sensor noise."""
    speed = world.RADIUS * world.TURN_RATE
    rates = noise.normal((0, 0, world.TURN_RATE), 0.004)
    wobble = 0.15 * np.sin(2 * np.pi * 8 * seconds)
    forces = noise.normal((0, speed * world.TURN_RATE, _GRAVITY + wobble), 0.03)
    return {
        "header": _header(seconds, "imu_link"),
        "orientation": world.quaternion(world.pose_at(seconds).heading),
        "orientation_covariance": _diagonal(1e-4, 3),
        "angular_velocity": _vector(*rates),
        "angular_velocity_covariance": _diagonal(1.6e-5, 3),
        "linear_acceleration": _vector(*forces),
        "linear_acceleration_covariance": _diagonal(9e-4, 3),
    }


def joint_states(seconds: float, _number: int, noise: np.random.Generator) -> Message:
    """Wheels that roll as the circle asks, a head that looks about, an arm that swings."""
    forward = world.RADIUS * world.TURN_RATE
    wheels = [(forward + side * world.TURN_RATE * _TRACK / 2) / _WHEEL_RADIUS for side in (-1, 1)]
    swings = [
        (0.5, 0.2, 0.0),
        (0.8, 0.1, 0.5),
        (0.4, 0.25, 1.0),
        (0.9, 0.15, 1.5),
        (0.6, 0.4, 2.0),
        (0.02, 0.5, 0.0),
    ]
    angles = [size * np.sin(2 * np.pi * rate * seconds + phase) for size, rate, phase in swings]
    rates = [
        2 * np.pi * rate * size * np.cos(2 * np.pi * rate * seconds + phase) for size, rate, phase in swings
    ]
    return {
        "header": _header(seconds, ""),
        "name": list(JOINTS),
        "position": [float(angle) for angle in [*(rate * seconds for rate in wheels), *angles]],
        "velocity": [float(rate) for rate in [*wheels, *rates]],
        "effort": noise.normal(0, 0.05, len(JOINTS)).tolist(),
    }


def odometry(seconds: float, _number: int, noise: np.random.Generator) -> Message:
    """Pose in odom, velocity in base_link."""
    pose = world.pose_at(seconds)
    speed = world.RADIUS * world.TURN_RATE + float(noise.normal(0, 0.005))
    return {
        "header": _header(seconds, "odom"),
        "child_frame_id": "base_link",
        "pose": {
            "pose": {"position": _vector(pose.x, pose.y, 0), "orientation": world.quaternion(pose.heading)},
            "covariance": _diagonal(1e-3, 6),
        },
        "twist": {
            "twist": {"linear": _vector(speed, 0, 0), "angular": _vector(0, 0, world.TURN_RATE)},
            "covariance": _diagonal(1e-4, 6),
        },
    }


def moving_frames(seconds: float, _number: int, _noise: np.random.Generator) -> Message:
    """map → odom → base_link → camera_link."""
    drift, pose = world.drift_at(seconds), world.pose_at(seconds)
    head = world.quaternion(world.head_angle(seconds))
    return {
        "transforms": [
            _transform(seconds, "map", "odom", (drift.x, drift.y, 0), world.quaternion(drift.heading)),
            _transform(seconds, "odom", "base_link", (pose.x, pose.y, 0), world.quaternion(pose.heading)),
            _transform(seconds, "base_link", "camera_link", world.CAMERA_MOUNT, head),
        ]
    }


def fixed_frames(seconds: float, _number: int, _noise: np.random.Generator) -> Message:
    """Where the sensors are mounted."""
    straight = world.quaternion(0)
    optical = {"x": -0.5, "y": 0.5, "z": -0.5, "w": 0.5}  # x right, y down, z forward
    return {
        "transforms": [
            _transform(seconds, "camera_link", "camera_optical_frame", (0, 0, 0), optical),
            _transform(seconds, "base_link", "imu_link", world.IMU_MOUNT, straight),
            _transform(seconds, "base_link", "lidar_link", world.LIDAR_MOUNT, straight),
        ]
    }


def camera(seconds: float, _number: int, _noise: np.random.Generator) -> Message:
    """A JPEG picture."""
    picture = jpeg.encode(world.picture(seconds))
    return {"header": _header(seconds, "camera_optical_frame"), "format": "jpeg", "data": picture}


def camera_info(seconds: float, _number: int, _noise: np.random.Generator) -> Message:
    """A pinhole without distortion."""
    height, width = world.PICTURE
    f, cx, cy = world.FOCAL_LENGTH, width / 2, height / 2
    return {
        "header": _header(seconds, "camera_optical_frame"),
        "height": height,
        "width": width,
        "distortion_model": "plumb_bob",
        "d": [0.0] * 5,
        "k": [f, 0.0, cx, 0.0, f, cy, 0.0, 0.0, 1.0],
        "r": _diagonal(1.0, 3),
        "p": [f, 0.0, cx, 0.0, 0.0, f, cy, 0.0, 0.0, 0.0, 1.0, 0.0],
    }


def points(seconds: float, _number: int, _noise: np.random.Generator) -> Message:
    """A small point cloud: x, y, z, intensity as float32."""
    cloud = world.scan(seconds)
    fields = [
        {"name": name, "offset": 4 * place, "datatype": 7, "count": 1}
        for place, name in enumerate(("x", "y", "z", "intensity"))
    ]
    return {
        "header": _header(seconds, "lidar_link"),
        "height": 1,
        "width": len(cloud),
        "fields": fields,
        "is_bigendian": False,
        "point_step": 16,
        "row_step": 16 * len(cloud),
        "data": cloud.astype("<f4").tobytes(),
        "is_dense": True,
    }


def status(seconds: float, number: int, _noise: np.random.Generator) -> Message:
    """A line for people."""
    pose = world.pose_at(seconds)
    return {"data": f"{number} s: at {pose.x:.2f}, {pose.y:.2f} m, battery {100 - number / 10:.1f} %"}


def _header(seconds: float, frame: str) -> Message:
    return {"stamp": _stamp(seconds), "frame_id": frame}


def _stamp(seconds: float) -> Message:
    whole, part = divmod(START_NS + round(seconds * 1e9), 1_000_000_000)
    return {"sec": whole, "nanosec": part}


def _vector(x: float, y: float, z: float) -> Message:
    return {"x": float(x), "y": float(y), "z": float(z)}


def _diagonal(value: float, size: int) -> list[float]:
    return (np.eye(size) * value).reshape(-1).tolist()


def _transform(
    seconds: float, parent: str, child: str, at: tuple[float, ...] | np.ndarray[Any, Any], turn: Message
) -> Message:
    return {
        "header": _header(seconds, parent),
        "child_frame_id": child,
        "transform": {"translation": _vector(at[0], at[1], at[2]), "rotation": turn},
    }
