"""Recordings of ROS robots: telemetry, cameras, a lidar."""

from benchmarks.recordings import rosblobs as blobs
from benchmarks.recordings import rosmessages as ros
from benchmarks.recordings.layout import Dialect
from benchmarks.recordings.recorder import Recording


def telemetry(seconds: int, dialect: Dialect = Dialect.CDR, seed: int = 0) -> Recording:
    """2310 messages a second: four IMUs, 14 joints, odometry, frames, lines of text; zstd."""
    imus = [
        ros.topic(
            dialect,
            f"/imu/{frame}",
            "sensor_msgs/Imu",
            400,
            ros.imu(dialect, f"imu_{frame}", digital=digital),
        )
        for frame, digital in (("base", False), ("head", False), ("left_wrist", True), ("right_wrist", True))
    ]
    others = [
        ros.topic(dialect, "/joint_states", "sensor_msgs/JointState", 500, ros.joints(dialect)),
        ros.topic(dialect, "/odom", "nav_msgs/Odometry", 100, ros.odometry(dialect)),
        ros.topic(dialect, "/tf", "tf2_msgs/TFMessage", 100, ros.frames(dialect)),
        ros.topic(dialect, "/status", "std_msgs/String", 10, ros.lines(dialect)),
    ]
    profile = "ros2" if dialect is Dialect.CDR else "ros1"
    return Recording([*imus, *others], profile, "zstd", seconds, slab=5, seed=seed)


def camera(seconds: int) -> Recording:
    """Two cameras that take 30 pictures a second, 25 MB; lz4, which can't make them smaller."""
    topics = [
        ros.topic(
            Dialect.CDR, f"/camera/{name}/compressed", "sensor_msgs/CompressedImage", 30, blobs.pictures(name)
        )
        for name in ("front", "wrist")
    ]
    return Recording(topics, "ros2", "lz4", seconds, slab=1)


def lidar(seconds: int) -> Recording:
    """A lidar that turns 10 times a second, 14 MB; zstd."""
    topics = [ros.topic(Dialect.CDR, "/lidar/points", "sensor_msgs/PointCloud2", 10, blobs.clouds("lidar"))]
    return Recording(topics, "ros2", "zstd", seconds, slab=1)
