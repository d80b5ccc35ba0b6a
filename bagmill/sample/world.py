"""What the sample robot does and sees: it drives a circle in a room with coloured pillars.

Frames follow REP 103 and REP 105: x forward, y left, z up, metres and radians; a camera's optical frame has
z forward, x right, y down.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]

RADIUS = 2.5
"""Radius of the circle in metres."""
TURN_RATE = 2 * np.pi / 20
"""Radians per second: one round takes 20 s."""
ROOM = 5.0
"""Half the side of the square room in metres."""
WALL_HEIGHT = 2.0
PILLAR_RADIUS = 0.35
PILLARS = np.array([[0.0, 0.0], [3.8, 0.5], [2.2, 3.6], [-1.5, 4.0], [-3.9, 1.0], [-2.5, -3.4], [1.8, -3.9]])
PILLAR_COLOURS = np.array(
    [
        [235, 235, 235],
        [220, 60, 50],
        [240, 150, 40],
        [235, 210, 60],
        [70, 170, 80],
        [60, 120, 210],
        [150, 80, 190],
    ]
)
CAMERA_MOUNT = np.array([0.2, 0.0, 0.6])
"""camera_link in base_link (metres); it turns left and right with the head."""
LIDAR_MOUNT = np.array([0.0, 0.0, 0.8])
IMU_MOUNT = np.array([0.0, 0.0, 0.1])
PICTURE = (160, 240)
"""Height and width of the camera's picture in pixels."""
FOCAL_LENGTH = 170.0
"""In pixels."""
_LIDAR_RINGS, _LIDAR_STEPS = 4, 180


@dataclass(frozen=True, slots=True)
class Pose:
    """Where the robot is in the odom frame, and how it moves there."""

    x: float
    y: float
    heading: float


def pose_at(seconds: float) -> Pose:
    """Pose after so many seconds: counter-clockwise round the origin, starting on the x axis."""
    angle = TURN_RATE * seconds
    return Pose(RADIUS * float(np.cos(angle)), RADIUS * float(np.sin(angle)), angle + np.pi / 2)


def head_angle(seconds: float) -> float:
    """Angle of the head, to the left, in radians."""
    return 0.5 * float(np.sin(2 * np.pi * 0.2 * seconds))


def drift_at(seconds: float) -> Pose:
    """How far odometry has drifted: the odom frame in the map frame."""
    return Pose(0.01 * seconds, -0.006 * seconds, 0.002 * seconds)


def quaternion(heading: float) -> dict[str, float]:
    """A turn about z as a ROS quaternion."""
    return {"x": 0.0, "y": 0.0, "z": float(np.sin(heading / 2)), "w": float(np.cos(heading / 2))}


def picture(seconds: float) -> NDArray[np.uint8]:
    """What the camera sees: RGB, shape (height, width, 3)."""
    height, width = PICTURE
    pose, head = pose_at(seconds), head_angle(seconds)
    v, u = np.mgrid[0:height, 0:width] + 0.5
    rays = np.stack([np.full(u.shape, FOCAL_LENGTH), width / 2 - u, height / 2 - v], axis=-1)
    directions = rays.reshape(-1, 3) @ _turn(pose.heading + head).T / FOCAL_LENGTH
    origin = np.array([pose.x, pose.y, 0.0]) + _turn(pose.heading) @ CAMERA_MOUNT
    distance, surface = _cast(origin, directions)
    colours = _colours(origin + distance[:, None] * directions, surface, directions)
    shade = np.clip(1.15 - 0.07 * distance, 0.45, 1.0)[:, None]
    shade[surface < 0] = 1.0
    return np.clip(colours * shade, 0, 255).astype(np.uint8).reshape(height, width, 3)


def scan(seconds: float) -> NDArray[np.float32]:
    """What the lidar sees, in its own frame: shape (points, 4), x, y, z in metres and intensity 0 to 1."""
    pose = pose_at(seconds)
    azimuth = np.linspace(-np.pi, np.pi, _LIDAR_STEPS, endpoint=False)
    elevation = np.radians(np.linspace(-12, 6, _LIDAR_RINGS))
    around, up = (grid.reshape(-1) for grid in np.meshgrid(azimuth, elevation))
    rays = np.stack([np.cos(up) * np.cos(around), np.cos(up) * np.sin(around), np.sin(up)], axis=-1)
    turn = _turn(pose.heading)
    distance, surface = _cast(np.array([pose.x, pose.y, 0.0]) + LIDAR_MOUNT, rays @ turn.T)
    hit = surface >= 0
    intensity = np.where(surface >= 2, 0.9, 0.3)[hit]
    return np.column_stack([rays[hit] * distance[hit, None], intensity]).astype(np.float32)


def _turn(heading: float) -> Vector:
    cos, sin = np.cos(heading), np.sin(heading)
    return np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])


def _cast(origin: Vector, directions: Vector) -> tuple[Vector, NDArray[np.int64]]:
    """Distance to the first surface along each ray, and which: -1 sky, 0 floor, 1 wall, 2.. pillars.

    Distances are in multiples of a direction's length; `directions` has the shape (rays, 3).
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        floor = np.where(directions[:, 2] < 0, -origin[2] / directions[:, 2], np.inf)
        walls = (np.copysign(ROOM, directions[:, :2]) - origin[:2]) / directions[:, :2]
    wall = walls.min(axis=1)
    wall[origin[2] + wall * directions[:, 2] > WALL_HEIGHT] = np.inf
    surfaces = [floor, wall, *(_pillar(origin, directions, centre) for centre in PILLARS)]
    distances = np.stack(surfaces)
    nearest = np.argmin(distances, axis=0)
    distance = distances[nearest, np.arange(len(directions))]
    return np.where(np.isinf(distance), 0.0, distance), np.where(np.isinf(distance), -1, nearest)


def _pillar(origin: Vector, directions: Vector, centre: Vector) -> Vector:
    """Distance along each ray to an upright cylinder as high as the walls."""
    offset = origin[:2] - centre
    a = np.sum(directions[:, :2] ** 2, axis=1)
    b = directions[:, :2] @ offset
    root = b * b - a * (offset @ offset - PILLAR_RADIUS**2)
    distance = (-b - np.sqrt(np.maximum(root, 0))) / a
    height = origin[2] + distance * directions[:, 2]
    return np.where((root >= 0) & (distance > 0) & (height <= WALL_HEIGHT), distance, np.inf)


def _colours(points: Vector, surface: NDArray[np.int64], directions: Vector) -> Vector:
    """RGB of what each ray hits: a checkered floor, striped walls, plain pillars, a sky that fades."""
    sky = np.array([150.0, 190, 235]) + 60 * np.clip(directions[:, 2:], 0, 1) * np.array([-1.0, -0.6, 0.2])
    checks = (np.floor(points[:, 0]) + np.floor(points[:, 1])) % 2
    floor = np.where(checks[:, None] > 0, [[176.0, 160, 140]], [[120.0, 108, 98]])
    stripes = (np.floor(points[:, 0] + points[:, 1]) % 2)[:, None]
    wall = np.where(stripes > 0, [[205.0, 205, 195]], [[180.0, 190, 195]])
    pillars = PILLAR_COLOURS[np.clip(surface - 2, 0, None)].astype(np.float64)
    kind = np.clip(surface, -1, 2)[:, None]
    return np.select([kind == -1, kind == 0, kind == 1], [sky, floor, wall], pillars)
