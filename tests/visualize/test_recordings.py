"""Other people's recordings: nothing of them is lost, and things are shown as what they are."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from bagmill.errors import RecordingError
from tests.support.places import SHARED_RECORDINGS
from tests.visualize.rrd import Shown, equal, rows_in, show

LARGE = {"protobuf/osi_lane_boundaries.mcap", "ros1/osi_sensor_view.mcap"}
"""Seconds each, for messages of thousands of fields."""
VALID = sorted(
    path.relative_to(SHARED_RECORDINGS).as_posix()
    for folder in ("json", "mixed", "omgidl", "other", "protobuf", "ros1", "ros2")
    for path in SHARED_RECORDINGS.glob(f"{folder}/*.mcap")
) or ["none"]
CONFORMANCE = sorted(
    path.relative_to(SHARED_RECORDINGS).as_posix() for path in SHARED_RECORDINGS.glob("conformance/*/*.mcap")
) or ["none"]
REFUSED = (
    "2024-05-15_crlf_mangled.mcap",
    "chunk_not_closed.mcap",
    "rerun_r2b_galileo.mcap",
    "zero_bytes.mcap",
)
_TOPIC = re.compile(r"(?P<topic>.*) \[.*?\] .* n=(?P<count>\d+)", re.DOTALL)
SENSORS = {
    "battery_state": ("plot", "rerun", "Scalars:scalars"),
    "camera_info": ("camera", "rerun", "Pinhole:image_from_camera"),
    "compressed_image": ("image", "rerun", "EncodedImage:blob"),
    "fluid_pressure": ("plot", "rerun", "Measurements:values"),
    "image": ("image", "rerun", "Image:buffer"),
    "imu": ("plot", "rerun", "Scalars:scalars"),
    "laser_scan": ("points", "bagmill", "Points3D:positions"),
    "magnetic_field": ("lines", "rerun", "Arrows3D:vectors"),
    "nav_sat_fix/gps": ("map", "rerun", "GeoPoints:positions"),
    "point_cloud": ("points", "bagmill", "Points3D:positions"),
    "point_cloud2": ("points", "rerun", "Points3D:positions"),
    "rosout": ("text", "rerun", "TextLog:text"),
}


def counted(folder: Path, name: str, read: dict[str, int]) -> dict[str, int]:
    """Messages by topic, as an independent parser counted them; of many topics it lists only some."""
    facts: dict[str, Any] = json.loads((folder / "FACTS.json").read_text())[name]
    assert sum(read.values()) == facts["messages"]
    found: Counter[str] = Counter()
    for text in facts["topics"]:
        match = _TOPIC.match(text)
        assert match is not None, text
        found[match["topic"]] += int(match["count"])
    return read | found


def read(run: Shown) -> dict[str, int]:
    found: Counter[str] = Counter()
    for facts in run.topics.values():
        found[facts["topic"]] += facts["messages"]["read"]
    return dict(found)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if name in LARGE else ()) for name in VALID]
)
def test_valid_recordings_are_shown_whole(shared_recordings: Path, tmp_path: Path, name: str) -> None:
    run = show(shared_recordings / name, tmp_path / "out")

    assert read(run) == counted(shared_recordings, name, read(run))
    assert run.report.complete
    rows = rows_in(run.path)
    for key, facts in run.topics.items():
        if facts["messages"]["read"]:
            assert facts["shown"] != "nothing", key
            assert facts["rows"] >= facts["messages"]["written"] == facts["messages"]["read"], key
            assert any(entity.startswith(facts["entity"]) for entity in rows), key
    raw = {facts["topic"] for facts in run.topics.values() if facts["shown"] == "raw"}
    assert raw == {warning.where["topic"] for warning in run.report.warnings if warning.code == "kept_raw"}


@pytest.mark.parametrize("topic", SENSORS)
def test_sensors_are_what_they_are(shared_recordings: Path, tmp_path: Path, topic: str) -> None:
    kind, by, component = SENSORS[topic]
    run = show(shared_recordings / "ros2/every_sensor_msg.mcap", tmp_path / "out", topics=f"/{topic}")
    facts = run.topics[f"/{topic}"]

    assert (facts["shown"], facts["by"]) == (kind, by)
    assert rows_in(run.path)[f"/{topic}"][component] == facts["messages"]["read"] > 0


@pytest.mark.parametrize(
    "name", ["ros2/car_gps_imu_out_of_order.mcap", "mixed/json_and_protobuf_compressed_image.mcap"]
)
def test_two_runs_are_equal(shared_recordings: Path, tmp_path: Path, name: str) -> None:
    one, other = (show(shared_recordings / name, tmp_path / folder) for folder in ("one", "other"))

    assert equal(one.path, other.path)
    assert one.report == other.report


@pytest.mark.parametrize("name", ["truncated_after_dataend.mcap", "truncated_in_message_index.mcap"])
def test_truncated_recordings_are_recovered_with_a_warning(
    shared_recordings: Path, tmp_path: Path, name: str
) -> None:
    run = show(shared_recordings / "malformed" / name, tmp_path / "out")

    assert read(run) == counted(shared_recordings, f"malformed/{name}", read(run))
    assert [warning.code for warning in run.report.warnings] == ["damaged"]


def test_a_bad_schema_beside_a_good_one(shared_recordings: Path, tmp_path: Path) -> None:
    run = show(shared_recordings / "malformed/one_bad_schema_one_good.mcap", tmp_path / "out")

    assert {topic: (facts["shown"], facts["rows"]) for topic, facts in run.topics.items()} == {
        "/good/data": ("plot", 10),
        "/bad/data": ("raw", 10),
    }
    raw = [warning for warning in run.report.warnings if warning.code == "kept_raw"]
    assert [warning.where["topic"] for warning in raw] == ["/bad/data"]


@pytest.mark.parametrize("name", REFUSED)
def test_what_holds_nothing_is_refused(shared_recordings: Path, tmp_path: Path, name: str) -> None:
    with pytest.raises(RecordingError):
        show(shared_recordings / "malformed" / name, tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if number % 40 == 0 else pytest.mark.slow)
        for number, name in enumerate(CONFORMANCE)
    ],
)
def test_conformance(shared_recordings: Path, tmp_path: Path, name: str) -> None:
    path = shared_recordings / name
    records = json.loads(path.with_suffix(".json").read_text())["records"]
    run = show(path, tmp_path / "out")

    messages = sum(record["type"] == "Message" for record in records)
    assert run.report.counters["messages"] == run.report.outputs[0].rows == messages
    assert run.report.complete
