"""Whole runs: the sample, other encodings, damage, and what happens when the SDK's reader fails."""

import struct
from pathlib import Path

import numpy as np
import pytest
from rerun.chunk import RrdReader

from bagmill.errors import EmptyRecording, NotMcap, OutputFailed, RecordingDamaged
from bagmill.options import VisualizeOptions
from bagmill.report import Progress
from bagmill.sample import write_sample
from bagmill.sample.definitions import definition
from bagmill.visualize import visualize
from tests.conftest import Sample
from tests.visualize.rrd import (
    SECOND,
    Message,
    Shown,
    equal,
    json_messages,
    rows_in,
    show,
    values_in,
    write_mcap,
)

FLOAT = ("std_msgs/msg/Float64", "ros2msg", b"float64 data")
BROKEN = ("acme_msgs/msg/Broken", "ros2msg", b"this is no definition at all\n---\n")
SHOWN = {
    "/camera/camera_info": ("camera", "rerun", "Pinhole:image_from_camera"),
    "/camera/image/compressed": ("image", "rerun", "EncodedImage:blob"),
    "/imu/data": ("plot", "rerun", "Scalars:scalars"),
    "/joint_states": ("plot", "rerun", "CoordinateFrame:frame"),
    "/lidar/points": ("points", "rerun", "Points3D:positions"),
    "/odom": ("transform", "bagmill", "Transform3D:translation"),
    "/status": ("text", "bagmill", "TextLog:text"),
    "/tf": ("transform", "bagmill", "Transform3D:translation"),
    "/tf_static": ("transform", "bagmill", "Transform3D:translation"),
}


@pytest.fixture(scope="module")
def run(sample: Sample, tmp_path_factory: pytest.TempPathFactory) -> Shown:
    return show(sample.path, tmp_path_factory.mktemp("run") / "out")


@pytest.fixture(scope="module")
def long_sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    """Several chunks, so that one of them can be damaged."""
    path = tmp_path_factory.mktemp("long") / "sample.mcap"
    return Sample(path, write_sample(path, 4.0))


def cdr_float(value: float) -> bytes:
    return b"\0\1\0\0" + struct.pack("<d", value)


@pytest.mark.parametrize("topic", SHOWN)
def test_each_topic_of_the_sample_is_what_it_should_be(run: Shown, sample: Sample, topic: str) -> None:
    kind, by, component = SHOWN[topic]
    rows = {"/tf": 3 * sample.messages["/tf"], "/tf_static": 3}.get(topic, sample.messages[topic])
    facts = run.topics[topic]

    assert (facts["shown"], facts["by"], facts["entity"], facts["rows"]) == (kind, by, topic, rows)
    messages = sample.messages[topic]
    assert facts["messages"] == {"read": messages, "written": messages, "skipped": 0, "unreadable": 0}
    assert rows_in(run.path)[topic][component] == rows


def test_the_report_counts_all_messages(run: Shown, sample: Sample) -> None:
    total = sum(sample.messages.values())

    assert run.report.complete
    assert run.report.warnings == ()
    assert run.report.counters["messages"] == total
    assert [(output.path, output.rows) for output in run.report.outputs] == [("recording.rrd", total)]
    assert run.report.body["source"]["name"] == "sample.mcap"


def test_the_robot_moves(run: Shown) -> None:
    places = np.array(values_in(run.path, "/odom", "Transform3D:translation"))[:, 0, :2]

    np.testing.assert_allclose(np.hypot(*places.T), 2.5, rtol=1e-6)
    assert (np.hypot(*np.diff(places, axis=0).T) > 0.01).all()
    joints = np.array(values_in(run.path, "/joint_states/position", "Scalars:scalars"))
    assert joints.shape[1] == 8
    assert (np.ptp(joints, axis=0) > 0.005).all()


def test_pictures_are_those_of_the_camera(run: Shown) -> None:
    pictures = [
        bytes(value) for (value,) in values_in(run.path, "/camera/image/compressed", "EncodedImage:blob")
    ]

    assert len(set(pictures)) == len(pictures) == 10
    assert all(picture.startswith(b"\xff\xd8\xff\xe0") for picture in pictures)


def test_the_layout_is_in_the_same_file(run: Shown) -> None:
    reader = RrdReader(run.path)

    assert [entry.application_id for entry in reader.recordings()] == ["bagmill"]
    assert [entry.application_id for entry in reader.blueprints()] == ["bagmill"]


def test_the_same_recording_gives_equal_data_under_the_same_id(
    run: Shown, sample: Sample, tmp_path: Path
) -> None:
    again = show(sample.path, tmp_path / "again")
    other = show(sample.path, tmp_path / "other", exclude_topics="/status")

    assert equal(run.path, again.path)
    assert not equal(run.path, other.path)
    ids = [RrdReader(each.path).recordings()[0].recording_id for each in (run, again, other)]
    assert ids[0] == ids[1] != ids[2]
    assert again.report == run.report


def test_a_window_of_time_has_its_start_and_not_its_end(sample: Sample, tmp_path: Path, run: Shown) -> None:
    start, end = 1_715_767_200_250_000_000, 1_715_767_200_500_220_000
    window = show(sample.path, tmp_path / "window", start_time=start, end_time=end)
    before = show(sample.path, tmp_path / "before", end_time=start)
    after = show(sample.path, tmp_path / "after", start_time=end)

    for topic, facts in run.topics.items():
        parts = [each.topics[topic]["messages"]["read"] for each in (before, window, after)]
        assert sum(parts) == facts["messages"]["read"], topic
    assert window.topics["/imu/data"]["messages"]["read"] == 50
    assert window.topics["/tf_static"]["shown"] == "nothing"


def test_progress_rises_to_the_end(sample: Sample, tmp_path: Path) -> None:
    seen: list[Progress] = []
    visualize(sample.path, tmp_path, VisualizeOptions(), seen.append)
    shares = [progress.done / progress.total for progress in seen]

    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert [*dict.fromkeys(progress.stage for progress in seen)] == ["read", "convert", "verify"]


class Stop(BaseException):
    """What a cancelled job is interrupted with."""


@pytest.mark.parametrize("moment", [1, 4, 12])
def test_an_interrupted_run_leaves_nothing(sample: Sample, tmp_path: Path, moment: int) -> None:
    seen: list[Progress] = []

    def stop(progress: Progress) -> None:
        seen.append(progress)
        if len(seen) == moment:
            raise Stop

    with pytest.raises(Stop):
        visualize(sample.path, tmp_path, VisualizeOptions(), stop)
    assert list(tmp_path.iterdir()) == []


def test_one_bad_schema_stops_no_other_topic(tmp_path: Path) -> None:
    write_sample(tmp_path / "sample.mcap", 0.2)
    imu = ("sensor_msgs/msg/Imu", "ros2msg", definition("sensor_msgs/msg/Imu").encode())
    camera = (
        "sensor_msgs/msg/CompressedImage",
        "ros2msg",
        definition("sensor_msgs/msg/CompressedImage").encode(),
    )
    picture = b"\0\1\0\0" + bytes(8) + b"\1\0\0\0\0\0\0\0" + b"\5\0\0\0jpeg\0\0\0\0" + b"\2\0\0\0\xff\xd8"
    messages = [
        Message("/bad", b"\0\1\0\0\7", SECOND, BROKEN, "cdr"),
        Message("/imu", b"\0\1\0\0" + bytes(12 + 4 + 37 * 8), 2 * SECOND, imu, "cdr"),
        Message("/camera", picture, 3 * SECOND, camera, "cdr"),
        Message("/good", cdr_float(1.5), 4 * SECOND, FLOAT, "cdr"),
    ]
    run = show(write_mcap(tmp_path / "in.mcap", messages), tmp_path / "out")

    assert {topic: facts["shown"] for topic, facts in run.topics.items()} == {
        "/bad": "raw",
        "/imu": "plot",
        "/camera": "image",
        "/good": "plot",
    }
    assert run.topics["/camera"]["by"] == "bagmill"
    assert values_in(run.path, "/bad", "McapMessage:data") == [[[0, 1, 0, 0, 7]]]
    assert values_in(run.path, "/good", "Scalars:scalars") == [[1.5]]
    assert [(warning.code, warning.where["topic"]) for warning in run.report.warnings] == [
        ("kept_raw", "/bad")
    ]
    assert run.report.complete


def test_messages_that_the_sdk_drops_are_not_missed(tmp_path: Path) -> None:
    imu = ("sensor_msgs/msg/Imu", "ros2msg", definition("sensor_msgs/msg/Imu").encode())
    good = b"\0\1\0\0" + bytes(12 + 4 + 37 * 8)
    messages = [
        Message("/imu", data, (i + 1) * SECOND, imu, "cdr") for i, data in enumerate([good, good[:40], good])
    ]
    run = show(write_mcap(tmp_path / "in.mcap", messages), tmp_path / "out")

    assert run.topics["/imu"]["by"] == "bagmill"
    assert run.topics["/imu"]["messages"] == {"read": 3, "written": 2, "skipped": 0, "unreadable": 1}
    assert [warning.code for warning in run.report.warnings] == ["unreadable_messages"]
    assert not run.report.complete


def test_ros1_goes_through_the_columns(tmp_path: Path) -> None:
    text = "float64 x\nfloat64 y\nfloat64 z\n"
    schema = ("geometry_msgs/Point", "ros1msg", text.encode())
    messages = [
        Message("/p", struct.pack("<3d", i, 2, 3), (i + 1) * SECOND, schema, "ros1") for i in range(3)
    ]
    run = show(write_mcap(tmp_path / "in.mcap", messages), tmp_path / "out")

    assert (run.topics["/p"]["shown"], run.topics["/p"]["by"]) == ("points", "bagmill")
    assert values_in(run.path, "/p", "Points3D:positions") == [[[0, 2, 3]], [[1, 2, 3]], [[2, 2, 3]]]


def test_messages_of_no_known_encoding_are_raw_with_a_warning(tmp_path: Path) -> None:
    messages = [Message("/x", b"abc", SECOND, encoding="acme")]
    run = show(write_mcap(tmp_path / "in.mcap", messages), tmp_path / "out")

    assert run.topics["/x"]["shown"] == "raw"
    assert values_in(run.path, "/x", "McapMessage:data") == [[[97, 98, 99]]]
    assert "acme" in run.report.warnings[0].message


def test_values_that_do_not_fit_their_shape_are_text(tmp_path: Path) -> None:
    grid = {"info": {"resolution": 1.0, "width": -1, "height": -1}, "data": [1]}
    run = show(write_mcap(tmp_path / "in.mcap", json_messages("/grid", "grid", [grid])), tmp_path / "out")

    assert run.topics["/grid"]["messages"]["written"] == 1
    assert run.topics["/grid"]["rows"] == 1
    assert [warning.code for warning in run.report.warnings] == ["unshown_messages"]
    assert len(values_in(run.path, "/grid", "TextLog:text")) == 1


@pytest.mark.parametrize("chunked", [True, False])
def test_chunks_and_order_do_not_matter(tmp_path: Path, chunked: bool) -> None:
    times = [5, 1, 4, 2, 3]
    messages = [Message("/x", cdr_float(time), time * SECOND, FLOAT, "cdr") for time in times]
    run = show(write_mcap(tmp_path / "in.mcap", messages, chunked=chunked), tmp_path / "out")

    assert values_in(run.path, "/x", "Scalars:scalars") == [[1.0], [2.0], [3.0], [4.0], [5.0]]


def test_a_recording_without_messages_is_an_empty_one(tmp_path: Path) -> None:
    run = show(write_mcap(tmp_path / "in.mcap", []), tmp_path / "out")

    assert run.topics == {}
    assert run.report.complete


@pytest.mark.parametrize("share", [0.4, 0.6])
def test_a_truncated_recording_is_shown_as_far_as_it_goes(
    long_sample: Sample, tmp_path: Path, share: float
) -> None:
    data = long_sample.path.read_bytes()
    broken = tmp_path / "broken.mcap"
    broken.write_bytes(data[: int(len(data) * share)])
    run = show(broken, tmp_path / "out")

    read = {topic: facts["messages"]["read"] for topic, facts in run.topics.items()}
    assert 0 < read["/odom"] < long_sample.messages["/odom"]
    assert not run.report.complete
    assert [warning.code for warning in run.report.warnings] == ["damaged"]
    assert rows_in(run.path)["/odom"]["Transform3D:translation"] == read["/odom"]
    assert run.topics["/imu/data"]["rows"] == read["/imu/data"] > read["/odom"]


def test_a_flipped_byte_is_noticed(long_sample: Sample, tmp_path: Path) -> None:
    data = bytearray(long_sample.path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    broken = tmp_path / "broken.mcap"
    broken.write_bytes(data)

    run = show(broken, tmp_path / "out")
    lost = {topic: facts["messages"]["skipped"] for topic, facts in run.topics.items()}
    assert not run.report.complete
    assert lost["/imu/data"] > 0
    assert {topic: facts["messages"]["read"] + lost[topic] for topic, facts in run.topics.items()} == (
        long_sample.messages
    )
    with pytest.raises(RecordingDamaged):
        show(broken, tmp_path / "fail", on_corrupt="fail")
    assert list((tmp_path / "fail").iterdir()) == []


@pytest.mark.parametrize(("content", "error"), [(b"", EmptyRecording), (b"#!/bin/sh\n", NotMcap)])
def test_other_files_are_refused(tmp_path: Path, content: bytes, error: type[Exception]) -> None:
    path = tmp_path / "in.mcap"
    path.write_bytes(content)

    with pytest.raises(error):
        show(path, tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_folder_that_cannot_be_written_is_said(sample: Sample, tmp_path: Path) -> None:
    with pytest.raises(OutputFailed):
        visualize(sample.path, tmp_path / "missing", VisualizeOptions())


def test_a_path_that_is_not_utf8_is_read(sample: Sample, tmp_path: Path) -> None:
    path = Path(str(tmp_path) + "/\udcffroboter übung.mcap")
    path.write_bytes(sample.path.read_bytes())
    run = show(path, tmp_path / "out")

    assert run.topics["/imu/data"]["rows"] == sample.messages["/imu/data"]
    assert run.report.body["source"]["name"] == "\\xffroboter übung.mcap"
