"""Rows of real recordings against a loop over the messages that `convert` writes of them."""

from math import isclose
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from bagmill.convert import convert
from bagmill.dataset.extract import extract
from bagmill.dataset.extracted import Extracted
from bagmill.dataset.spec import Sync, make_spec
from bagmill.options import ConvertOptions
from tests.dataset.recordings import rows_of
from tests.dataset.reference import Message, taken
from tests.support.places import SHARED_RECORDINGS

SHARED = SHARED_RECORDINGS / "ros2"
EVERY = 37
"""Of so many rows one is compared; the loop takes its time."""

pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason=f"no recordings at {SHARED}")

CAR, ROBOT, VICON = (
    f"{name}.mcap" for name in ("car_gps_imu_out_of_order", "robot_imu_jointstate", "crazyflie_vicon")
)
CASES = [
    (ROBOT, "/joint_states", "/imu/data", "linear_acceleration.x"),
    (ROBOT, "/imu/data", "/joint_states", "velocity[2]"),
    (CAR, "/nissan/gps/duro/current_pose", "/nissan/gps/duro/imu", "angular_velocity.z"),
    (CAR, "/nissan/gps/duro/imu", "/nissan/vehicle_speed", "data"),
    (VICON, "/cf_logpos", "/vicon/Group466CF/Group466CF/pose", "pose.position.z"),
]


@pytest.mark.parametrize("policy", ["last", "nearest", "linear"])
@pytest.mark.parametrize(("name", "trigger", "topic", "field"), CASES)
def test_rows_are_those_of_a_loop(
    tmp_path: Path, policy: str, name: str, trigger: str, topic: str, field: str
) -> None:
    sync = {"policy": policy, "tolerance": 0.05, "staleness": 0.04}
    feature = {"source": {"topic": topic, "field": field}, "sync": sync}
    (tmp_path / "rows").mkdir()

    extract(
        SHARED / name,
        tmp_path / "rows",
        make_spec({"rows": {"kind": "trigger", "topic": trigger}, "features": {"x": feature}}),
    )

    found = rows_of(Extracted.open(tmp_path / "rows"))
    messages, times = converted(SHARED / name, tmp_path / "topics", topic, field, trigger)
    assert found["time_ns"] == sorted(times)
    for time, value in list(zip(found["time_ns"], found["x"], strict=True))[::EVERY]:
        wanted = taken(messages, time, Sync.model_validate(sync))
        assert (value is None) == (wanted is None)
        assert wanted is None or isclose(value, wanted.value or 0.0, rel_tol=1e-6)  # float32 stays float32


def converted(
    recording: Path, output: Path, topic: str, field: str, trigger: str
) -> tuple[list[Message], list[int]]:
    """The messages of a topic in the order of the file, and the times of another."""
    output.mkdir()
    convert(recording, output, ConvertOptions(topics=[topic, trigger]))
    of_topic, of_trigger = (
        pq.read_table(next(output.glob(f"topic={one.replace('/', '%2F')}/*.parquet"))).to_pylist()
        for one in (topic, trigger)
    )
    messages = [Message(row["log_time_ns"], value_of(row, field)) for row in of_topic]
    return messages, [row["log_time_ns"] for row in of_trigger]


def value_of(row: Any, field: str) -> float:
    for name in field.replace("[", ".[").split("."):
        row = row[int(name[1:-1])] if name.startswith("[") else row[name]
    return float(row)
