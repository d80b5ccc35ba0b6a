import io
import json
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mcap.reader import make_reader
from mcap.summary import Summary
from mcap_ros2.decoder import DecoderFactory
from PIL import Image
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from bagmill.sample import write_sample
from bagmill.sample.definitions import definition
from bagmill.sample.messages import JOINTS, START_NS
from bagmill.sample.recorder import TOPICS

SECONDS = 2.0


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sample") / "sample.mcap"
    write_sample(path, SECONDS)
    return path


def summary_of(path: Path) -> Summary:
    with path.open("rb") as file:
        summary = make_reader(file).get_summary()
    assert summary is not None
    return summary


def decoded(path: Path, topic: str) -> list[Any]:
    with path.open("rb") as file:
        reader = make_reader(file, validate_crcs=True, decoder_factories=[DecoderFactory()])
        return [each.decoded_message for each in reader.iter_decoded_messages(topics=[topic])]


def test_the_same_length_gives_the_same_bytes(recording: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.mcap"
    write_sample(again, SECONDS)

    assert again.read_bytes() == recording.read_bytes()


def test_counts_are_those_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "sample.mcap"
    counts = write_sample(path, 1.0)

    with path.open("rb") as file:
        found = Counter(channel.topic for _, channel, _ in make_reader(file).iter_messages())

    assert counts == found
    assert counts["/imu/data"] == 200
    assert counts["/tf_static"] == 1


def test_a_length_is_positive(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="longer"):
        write_sample(tmp_path / "sample.mcap", 0)


def test_it_is_a_chunked_and_indexed_ros2_recording(recording: Path) -> None:
    summary = summary_of(recording)

    assert {chunk.compression for chunk in summary.chunk_indexes} == {"zstd"}
    assert {channel.message_encoding for channel in summary.channels.values()} == {"cdr"}
    assert {schema.encoding for schema in summary.schemas.values()} == {"ros2msg"}
    assert [index.name for index in summary.attachment_indexes] == ["calibration.json"]
    assert [index.name for index in summary.metadata_indexes] == ["bagmill.sample"]
    with recording.open("rb") as file:
        reader = make_reader(file)
        assert reader.get_header().profile == "ros2"
        assert json.loads(next(iter(reader.iter_attachments())).data)["camera"] == "camera_optical_frame"


def test_log_times_rise_and_publish_times_lie_before_them(recording: Path) -> None:
    with recording.open("rb") as file:
        messages = [message for _, _, message in make_reader(file).iter_messages(log_time_order=False)]

    times = np.array([(message.log_time, message.publish_time) for message in messages])
    assert (np.diff(times[:, 0]) >= 0).all()
    assert (times[:, 1] < times[:, 0]).all()
    assert (times[:, 1] >= START_NS).all()


@pytest.mark.parametrize("name", sorted({topic.schema for topic in TOPICS}))
def test_definitions_are_those_of_ros2(name: str) -> None:
    store = get_typestore(Stores.ROS2_JAZZY)

    types = get_types_from_msg(definition(name), name)

    assert {each: fields for each, (_, fields) in types.items()} == {
        each: store.fielddefs[each][1] for each in types
    }


def test_other_decoders_read_the_same(recording: Path) -> None:
    store = get_typestore(Stores.ROS2_JAZZY)
    with recording.open("rb") as file:
        for schema, channel, message in make_reader(file).iter_messages():
            assert schema is not None
            again = store.serialize_cdr(store.deserialize_cdr(message.data, schema.name), schema.name)
            assert bytes(again) == message.data, channel.topic


def test_the_camera_sees_a_changing_picture(recording: Path) -> None:
    frames = decoded(recording, "/camera/image/compressed")
    pictures = [np.asarray(Image.open(io.BytesIO(frame.data)), dtype=np.int64) for frame in frames]

    assert {picture.shape for picture in pictures} == {(160, 240, 3)}
    assert all(np.abs(a - b).mean() > 1 for a, b in pairwise(pictures))


def test_the_robot_drives_a_circle(recording: Path) -> None:
    places = np.array([(m.pose.pose.position.x, m.pose.pose.position.y) for m in decoded(recording, "/odom")])

    np.testing.assert_allclose(np.hypot(*places.T), 2.5)
    assert (np.hypot(*np.diff(places, axis=0).T) > 0.01).all()


def test_frames_form_one_tree(recording: Path) -> None:
    messages = decoded(recording, "/tf")[:1] + decoded(recording, "/tf_static")
    parents = {t.child_frame_id: t.header.frame_id for message in messages for t in message.transforms}

    assert set(parents.values()) - parents.keys() == {"map"}
    assert {"camera_optical_frame", "imu_link", "lidar_link"} <= parents.keys()


def test_joints_swing_and_points_lie_in_the_room(recording: Path) -> None:
    joints = decoded(recording, "/joint_states")
    cloud = decoded(recording, "/lidar/points")[0]
    points = np.frombuffer(cloud.data, "<f4").reshape(-1, 4)

    assert {tuple(message.name) for message in joints} == {JOINTS}
    assert (np.ptp([message.position for message in joints], axis=0) > 0.01).all()
    assert len(points) == cloud.width > 300
    assert np.isfinite(points).all()
    assert (np.linalg.norm(points[:, :3], axis=1) < 12).all()
