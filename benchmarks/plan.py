"""What `make bench` measures: on each recording this project, the limit, and every peer that can read it."""

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec

OURS = "bagmill"
TFRECORD = "bagmill, TFRecord"
INDEX = "bagmill info"
LIMIT = "limit"


@dataclass(frozen=True)
class Case:
    """A recording, what it is, and who converts it to Parquet beside this project."""

    recording: str
    about: str
    peers: Sequence[str] = ()
    others: Sequence[str] = ()
    with_limit: bool = True


PEERS: Mapping[str, tuple[str, str]] = {
    "rerun": ("rerun-sdk, chunk reader", "rerun"),
    "roboto": ("roboto-mcap-codec", "mcap_codec"),
    "small_mcap": ("small-mcap", "small_mcap"),
    "rosbags": ("rosbags", "rosbags"),
    "pybag": ("pybag-sdk", "pybag"),
    "mcap_support": ("mcap + support packages", "mcap_ros1"),
}
"""Scripts in `peers/`: what they are called in tables, and a module that must be installed."""

ROS2_PEERS = ("rerun", "roboto", "small_mcap", "rosbags", "pybag", "mcap_support")
CASES = (
    Case("telemetry", "1 M messages: IMU, joints, odometry, tf, text; zstd", ROS2_PEERS, (TFRECORD,)),
    Case(
        "ros1", "300 k messages: the same of ROS 1; zstd", ("roboto", "small_mcap", "pybag", "mcap_support")
    ),
    Case("protobuf", "300 k messages: six Foxglove types; zstd", ("rerun", "small_mcap", "mcap_support")),
    Case("json", "300 k messages with JSON Schema; zstd", ("roboto", "small_mcap", "mcap_support")),
    Case("lidar", "1 GB of PointCloud2; zstd", ROS2_PEERS),
    Case("camera", "1.5 GB of JPEG; lz4", ROS2_PEERS, (INDEX,)),
    Case("telemetry-long", "telemetry, ten times as long", with_limit=False),
    Case("batch", "500 recordings of 1 MB, in one process", with_limit=False),
)


def command(who: str, recordings: Sequence[str], output: str) -> list[str]:
    """How somebody converts recordings to `output`."""
    project: Mapping[str, Sequence[str]] = {
        OURS: ["convert", *recordings, "--output", output],
        TFRECORD: ["convert", *recordings, "--output", output, "--format", "tfrecord"],
        INDEX: ["info", *recordings],
    }
    if who in project:
        return [sys.executable, "-m", "bagmill", *project[who]]
    return [sys.executable, "-m", f"benchmarks.peers.{who}", *recordings, output]


def peers(case: Case) -> list[str]:
    """The peers of a case that are installed, or those of them that BENCH_PEERS names (comma-separated)."""
    only = os.environ.get("BENCH_PEERS")
    installed = [peer for peer in case.peers if find_spec(PEERS[peer][1])]
    return [peer for peer in installed if only is None or peer in only.split(",")]


def chosen() -> list[Case]:
    """All cases, or those that BENCH_ONLY names (comma-separated)."""
    only = os.environ.get("BENCH_ONLY")
    return [case for case in CASES if not only or case.recording in only.split(",")]
