"""Drafted specs: would a person train on what they make?"""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bagmill.dataset.collect import collect
from bagmill.dataset.draft import Draft, draft_spec
from bagmill.dataset.drafting.names import column_names
from bagmill.dataset.extract import extract
from bagmill.dataset.spec import INDEX_COLUMNS, make_spec, parse_spec
from bagmill.errors import NothingSelected
from tests.conftest import Sample
from tests.convert.making import Stream, record
from tests.dataset.robots import START, camera, raw_camera, told


def drafted(path: Path, *streams: Stream) -> Draft:
    """The draft for a recording, of which every choice has its reason, and which makes a dataset."""
    recording = record(path / "a.mcap", *streams)
    return checked(recording, path)


def checked(recording: Path, folder: Path) -> Draft:
    found = draft_spec(recording)
    spec = parse_spec(found.yaml)
    assert spec == make_spec(found.spec)
    pointers = {one.pointer for one in found.choices}
    assert {"/rows", "/time", "/episodes"} <= pointers
    assert {f"/features/{name}" for name in spec.features} <= pointers
    assert ("/split" in pointers) == (spec.split is not None)
    rows, dataset = folder / "rows", folder / "dataset"
    rows.mkdir()
    dataset.mkdir()
    report = extract(recording, rows, spec, threads=1)
    assert report.counters["rows"] > 0
    collect({str(recording): rows}, dataset, spec, threads=1)
    return found


def left_out(draft: Draft) -> dict[tuple[str, str | None], str]:
    return {(one.topic, one.field): one.reason for one in draft.left_out}


def moving(number: int) -> dict[str, Any]:
    return {"position": [math.sin(number / 9), math.cos(number / 9)], "name": ["hip", "knee"]}


def test_rows_follow_the_slowest_camera(tmp_path: Path) -> None:
    found = drafted(tmp_path, camera("/front", 5), camera("/wrist", 2), told("/joints", 50, moving))

    assert found.spec["rows"] == {"kind": "trigger", "topic": "/wrist"}
    assert found.estimated_rows == 20
    assert found.spec["features"]["front"] == {
        "source": {"topic": "/front"},
        "sync": {"staleness": 2.0},
        "missing": {"policy": "drop_row"},
    }
    joints = found.spec["features"]["joints.position"]
    assert (joints["shape"], joints["dtype"], joints["sync"]) == ([2], "float32", {"staleness": 0.2})
    assert any("hip, knee" in one.reason for one in found.choices)


def test_rows_follow_the_densest_joints_without_a_camera(tmp_path: Path) -> None:
    found = drafted(
        tmp_path,
        told("/slow", 10, moving),
        told("/fast", 20, moving),
        told("/imu", 100, lambda number: {"rate": math.sin(number)}),
    )

    assert found.spec["rows"] == {"kind": "trigger", "topic": "/fast"}
    assert found.spec["split"]["by"] == "time"


def test_rows_follow_the_densest_topic_without_joints(tmp_path: Path) -> None:
    found = drafted(
        tmp_path,
        told("/speed", 30, lambda number: {"data": math.sin(number)}),
        told("/steering", 10, lambda number: {"data": math.cos(number)}),
    )

    assert found.spec["rows"] == {"kind": "trigger", "topic": "/speed"}
    assert list(found.spec["features"]) == ["speed", "steering"]


def test_rows_are_on_a_grid_where_the_densest_topic_is_very_dense(tmp_path: Path) -> None:
    found = drafted(tmp_path, told("/imu", 400, lambda number: {"rate": math.sin(number)}, seconds=4))

    assert found.spec["rows"] == {"kind": "rate", "hz": 100.0}


def test_rows_are_on_a_round_grid_where_the_densest_topic_is_uneven(tmp_path: Path) -> None:
    stream = told("/imu", 49, lambda number: {"rate": math.sin(number)})
    uneven = [
        replace(one, log_time=one.log_time + (number % 7) ** 2 * 8_000_000)
        for number, one in enumerate(stream.messages)
    ]

    found = drafted(tmp_path, Stream(stream.topic, stream.schema, stream.encoding, uneven))

    assert found.spec["rows"] == {"kind": "rate", "hz": 50.0}


def all_sorts(number: int) -> dict[str, Any]:
    return {
        "header": {"seq": number, "stamp": {"sec": number, "nanosec": 0}},
        "seq": number,
        "timestamp": START / 1e9 + number / 20,
        "frame": "base",
        "state": "go" if number % 3 else "stop",
        "gain": 7.5,
        "pose_covariance": [float(number)] * 36,
        "nothing": None,
        "ragged": [1.0] * (number % 5),
        "scan": [float(number)] * (100 + number % 3),
        "easting": 4_500_000.0 + number / 1000,
        "speed": math.sin(number),
        "on": number % 2 == 0,
        "steps": number % 4,
        "points": [{"x": float(number), "label": "a"}],
    }


def test_what_tells_nothing_is_left_out_with_its_reason(tmp_path: Path) -> None:
    found = drafted(tmp_path, told("/robot", 20, all_sorts))

    reasons = {field: reason for (_, field), reason in left_out(found).items()}
    assert set(found.spec["features"]) == {
        f"robot.{name}" for name in ("scan", "easting", "speed", "on", "steps")
    }
    for field, reason in {
        "header": "when and in which frame",
        "seq": "a counter",
        "timestamp": "a clock",
        "frame": "always 'base'",
        "state": "text (2 different ones)",
        "gain": "always 7.5",
        "pose_covariance": "how sure",
        "ragged": "0 to 4 elements",
        "points": "a list of messages",
    }.items():
        assert reason in reasons[field]


def test_types_and_shapes_fit_the_values(tmp_path: Path) -> None:
    features = drafted(tmp_path, told("/robot", 20, all_sorts)).spec["features"]

    assert "dtype" not in features["robot.easting"]
    assert features["robot.speed"]["dtype"] == "float32"
    assert features["robot.scan"]["transforms"] == [{"op": "length", "size": 102, "mode": "pad_or_truncate"}]
    assert "dtype" not in features["robot.on"]


def test_topics_of_little_time_or_of_programs_are_left_out(tmp_path: Path) -> None:
    found = drafted(
        tmp_path,
        told("/a", 20, lambda number: {"data": math.sin(number)}),
        told("/short", 10, lambda number: {"data": math.sin(number)}, seconds=3),
        told("/once", 1, lambda number: {"data": number}, seconds=1),
        told("/few", 1, lambda number: {"data": number}, seconds=4),
        told("/log", 5, lambda number: {"line": number**2}, schema="rcl_interfaces/msg/Log"),
    )

    reasons = left_out(found)
    assert list(found.spec["features"]) == ["a"]
    assert "29%" in reasons["/short", "data"] or "27%" in reasons["/short", "data"]
    assert "one message" in reasons["/once", None]
    assert "4 messages are too few" in reasons["/few", None]
    assert "programs" in reasons["/log", None]


@pytest.mark.parametrize(("every", "jumps"), [(10, True), (1000, False)])
def test_rotations_that_jump_are_told(tmp_path: Path, every: int, jumps: bool) -> None:
    def turn(number: int) -> dict[str, Any]:
        angle = number / 100 + (2.5 if number % every == every - 1 else 0)
        return {"turn": {"x": 0.0, "y": 0.0, "z": math.sin(angle / 2), "w": math.cos(angle / 2)}}

    found = drafted(tmp_path, told("/imu", 20, turn))

    reason = next(one.reason for one in found.choices if one.pointer == "/features/imu.turn")
    assert ("jumps by more than 60 degrees" in reason) == jumps


def test_topics_of_two_schemas_are_left_out(tmp_path: Path) -> None:
    def speed(number: int) -> dict[str, Any]:
        return {"data": math.sin(number)}

    found = drafted(
        tmp_path, told("/a", 20, speed), told("/b", 9, speed), told("/b", 9, speed, schema="pkg/B")
    )

    assert list(found.spec["features"]) == ["a"]
    assert "2 schemas" in left_out(found)["/b", None]


def test_raw_images_that_are_cut_off_are_left_out(tmp_path: Path) -> None:
    found = drafted(
        tmp_path,
        raw_camera("/cam", 2, "rgb8", bytes(64), 8, 8),
        told("/a", 20, lambda number: {"data": math.sin(number)}),
    )

    assert "64 bytes are no 8 rows" in left_out(found)["/cam", None]


def test_the_same_pictures_are_taken_once(tmp_path: Path) -> None:
    pixels = bytes(range(48)) * 4
    found = drafted(tmp_path, raw_camera("/cam", 4, "rgb8", pixels, 8, 8), camera("/cam/compressed", 2))

    assert list(found.spec["features"]) == ["cam.compressed"]
    assert "the same pictures" in left_out(found)["/cam", None]


@pytest.mark.parametrize(
    ("encoding", "transforms"),
    [
        ("rgb8", [{"op": "image_decode"}, {"op": "image_encode"}]),
        ("bayer_rggb8", [{"op": "image_decode"}, {"op": "image_encode"}]),
        ("16UC1", [{"op": "image_decode", "colour": "as_is"}, {"op": "image_encode", "format": "png"}]),
        ("32FC1", [{"op": "image_decode", "colour": "as_is"}]),
    ],
)
def test_raw_images_become_files(tmp_path: Path, encoding: str, transforms: list[dict[str, Any]]) -> None:
    size = {"rgb8": 3, "bayer_rggb8": 1, "16UC1": 2, "32FC1": 4}[encoding]
    found = drafted(tmp_path, raw_camera("/cam", 2, encoding, bytes(64 * size), 8, 8))

    assert found.spec["features"]["cam"]["transforms"] == transforms


def test_nothing_to_learn_from_is_told_with_what_there_is(tmp_path: Path) -> None:
    recording = record(
        tmp_path / "a.mcap",
        camera("/broken", 2, data=b"\xff\xd8\xff no picture"),
        told("/still", 5, lambda _: {"data": 1.0}),
    )

    with pytest.raises(NothingSelected) as caught:
        draft_spec(recording)
    assert "/broken: no pictures that can be read: the image is cut off" in caught.value.hint
    assert "/still data: always 1.0" in caught.value.hint


def test_a_recording_with_all_kinds_of_topics(sample: Sample, tmp_path: Path) -> None:
    found = checked(sample.path, tmp_path)

    assert found.spec["rows"] == {"kind": "trigger", "topic": "/camera/image/compressed"}
    assert {"joint_states.position", "imu.data.orientation", "odom.pose.position"} <= set(
        found.spec["features"]
    )


@pytest.mark.parametrize(
    ("name", "rows", "features"),
    [
        (
            "car_gps_imu_out_of_order",
            {"kind": "rate", "hz": 100.0},
            {
                "gps.duro.current_pose.pose.position",
                "gps.duro.current_pose.pose.orientation",
                "gps.duro.imu.orientation",
                "gps.duro.imu.angular_velocity",
                "gps.duro.imu.linear_acceleration",
                "gps.duro.mag.magnetic_field",
                "vehicle_speed",
                "vehicle_steering",
            },
        ),
        (
            "robot_imu_jointstate",
            {"kind": "trigger", "topic": "/joint_states"},
            {
                "imu.data.orientation",
                "imu.data.angular_velocity",
                "imu.data.linear_acceleration",
                "joint_states.position",
                "joint_states.velocity",
                "joint_states.effort",
            },
        ),
        (
            "crazyflie_vicon",
            {"kind": "trigger", "topic": "/vicon/Group466CF/Group466CF/pose"},
            {
                "cf_controll.position",
                "cf_controll.orientation",
                "cf_logpos.position",
                "cf_logpos.orientation",
                "vicon.Group466CF.pose.position",
                "vicon.Group466CF.pose.orientation",
            },
        ),
    ],
)
def test_real_recordings(
    shared_recordings: Path, tmp_path: Path, name: str, rows: dict[str, Any], features: set[str]
) -> None:
    found = checked(shared_recordings / "ros2" / f"{name}.mcap", tmp_path)

    assert found.spec["rows"] == rows
    assert set(found.spec["features"]) == features
    assert not any(
        "covariance" in feature["source"].get("field", "") for feature in found.spec["features"].values()
    )


@pytest.mark.parametrize(
    ("places", "names"),
    [
        ([("/speed", "data")], ["speed"]),
        ([("/car/speed", "data"), ("/car/steering", "data")], ["speed", "steering"]),
        (
            [("/a/pose", "pose.position"), ("/a/pose", "pose.orientation")],
            ["a.pose.position", "a.pose.orientation"],
        ),
        ([("/a", "x"), ("/a/", "x")], ["a.x", "a.x_2"]),
        ([("/cam", None), ("/CAM", None)], ["cam", "CAM_2"]),
        ([("/time", "data"), ("/1st", "data")], ["time_2", "_1st"]),
        ([("/", "data"), ("/a", "v.present")], ["topic", "a.v.present_2"]),
        ([("/grüße", "`a.b`[0]")], ["gr_e.a_b"]),
    ],
)
def test_names_of_columns(places: list[tuple[str, str | None]], names: list[str]) -> None:
    found = column_names(places)

    assert found == names
    assert not {one.lower() for one in found} & set(INDEX_COLUMNS)
