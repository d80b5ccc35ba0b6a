"""What messages of each form become. JSON carries them here; shapes look at fields, not at encodings."""

import base64
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bagmill.sample import jpeg
from tests.visualize.rrd import Shown, json_messages, rows_in, show, values_in, write_mcap

STRAIGHT = {"x": 0.0, "y": 0.0, "z": 0.0, "w": 1.0}
LEFT = {"x": 0.0, "y": 0.0, "z": math.sqrt(0.5), "w": math.sqrt(0.5)}
HEADER = {"stamp": {"sec": 7, "nanosec": 5}, "frame_id": "map"}


def point(x: float, y: float, z: float) -> dict[str, float]:
    return {"x": x, "y": y, "z": z}


def pose(x: float, turn: Mapping[str, float] = STRAIGHT) -> dict[str, Any]:
    return {"position": point(x, 2.0, 3.0), "orientation": dict(turn)}


def base64_of(data: bytes) -> str:
    return base64.b64encode(data).decode()


def shown(tmp_path: Path, name: str, *values: Mapping[str, Any]) -> Shown:
    tmp_path.mkdir(exist_ok=True)
    recording = write_mcap(tmp_path / "in.mcap", json_messages("/topic", name, values))
    return show(recording, tmp_path / "out")


def only(run: Shown) -> Mapping[str, Any]:
    facts: Mapping[str, Any] = run.topics["/topic"]
    return facts


def test_odometry_is_a_transform_that_moves_and_plots(tmp_path: Path) -> None:
    messages = [
        {
            "header": HEADER,
            "child_frame_id": "base",
            "pose": {"pose": pose(x), "covariance": [0.0] * 36},
            "twist": {"twist": {"linear": point(1, 0, 0), "angular": point(0, 0, x)}},
        }
        for x in (1.0, 2.0)
    ]
    run = shown(tmp_path, "nav_msgs/Odometry", *messages)

    assert only(run)["shown"] == "transform"
    assert only(run)["not_shown"] == ["child_frame_id", "pose.covariance"]
    assert values_in(run.path, "/topic", "Transform3D:translation") == [[[1.0, 2.0, 3.0]], [[2.0, 2.0, 3.0]]]
    assert values_in(run.path, "/topic", "Transform3D:parent_frame") == [["map"], ["map"]]
    assert values_in(run.path, "/topic", "Transform3D:child_frame") == []
    assert values_in(run.path, "/topic", "TransformAxes3D:axis_length") == [[0.5]]
    assert values_in(run.path, "/topic/twist/twist/angular", "Scalars:scalars") == [[0, 0, 1], [0, 0, 2]]
    assert values_in(run.path, "/topic/twist/twist/angular", "SeriesLines:names") == [["x", "y", "z"]]


@pytest.mark.parametrize(
    "message", [pose(1.0), {"pose": pose(1.0)}, {"header": HEADER, "pose": {"pose": pose(1.0)}}]
)
def test_poses_are_found_wherever_ros_puts_them(tmp_path: Path, message: Mapping[str, Any]) -> None:
    run = shown(tmp_path, "anything", message)

    assert only(run)["shown"] == "transform"
    assert rows_in(run.path)["/topic"]["Transform3D:translation"] == 1


def test_an_orientation_of_zeros_turns_nothing(tmp_path: Path) -> None:
    run = shown(tmp_path, "Pose", pose(1.0, dict.fromkeys("xyzw", 0.0)))

    assert values_in(run.path, "/topic", "Transform3D:quaternion") == [[[0, 0, 0, 1]]]


def test_a_tree_of_frames_has_a_row_for_each_transform(tmp_path: Path) -> None:
    def transform(parent: str, child: str, x: float) -> dict[str, Any]:
        return {
            "header": HEADER | {"frame_id": parent},
            "child_frame_id": child,
            "transform": {"translation": point(x, 0, 0), "rotation": STRAIGHT},
        }

    run = shown(
        tmp_path,
        "tf2_msgs/TFMessage",
        {"transforms": [transform("map", "odom", 1), transform("odom", "base", 2)]},
        {"transforms": []},
        {"transforms": [transform("odom", "base", 3)]},
    )

    assert (only(run)["shown"], only(run)["rows"], only(run)["messages"]["written"]) == ("transform", 3, 3)
    assert values_in(run.path, "/topic", "Transform3D:child_frame") == [["odom"], ["base"], ["base"]]
    assert values_in(run.path, "/topic", "Transform3D:parent_frame") == [["map"], ["odom"], ["odom"]]
    assert run.report.warnings == ()


def test_a_laser_scan_is_points_where_the_rays_hit(tmp_path: Path) -> None:
    limits = {"range_min": 0.5, "range_max": 10.0}
    angles = {"angle_min": 0.0, "angle_increment": math.pi / 2}
    run = shown(
        tmp_path,
        "sensor_msgs/LaserScan",
        {"header": HEADER, "ranges": [1.0, 2.0, 0.1, 99.0]} | angles | limits,
        {"header": HEADER, "ranges": []} | angles | limits,
    )

    first, second = values_in(run.path, "/topic", "Points3D:positions")
    np.testing.assert_allclose(first, [[1, 0, 0], [0, 2, 0]], atol=1e-6)
    assert second == []
    assert values_in(run.path, "/topic", "CoordinateFrame:frame") == [["map"], ["map"]]
    assert only(run)["rows"] == 2


def test_a_foxglove_scan_stands_where_its_pose_says(tmp_path: Path) -> None:
    scan = {"frame_id": "base", "pose": pose(1.0, LEFT), "start_angle": 0.0, "end_angle": math.pi / 2}
    run = shown(tmp_path, "foxglove.LaserScan", scan | {"ranges": [1.0, 1.0]})

    (points,) = values_in(run.path, "/topic", "Points3D:positions")
    np.testing.assert_allclose(points, [[1, 3, 3], [0, 2, 3]], atol=1e-6)


@pytest.mark.parametrize(("width", "rows"), [(2, 1), (1, 2)])
def test_a_packed_cloud_is_unpacked(tmp_path: Path, width: int, rows: int) -> None:
    data = np.zeros((2, 4), "<f4")
    data[:, :3] = [[1, 2, 3], [4, 5, 6]]
    fields = [{"name": name, "offset": 4 * i, "datatype": 7, "count": 1} for i, name in enumerate("xyz")]
    cloud = {
        "header": HEADER,
        "fields": fields,
        "point_step": 16,
        "row_step": 16 * width,
        "is_bigendian": False,
    }
    sized = cloud | {"width": width, "height": rows}
    run = shown(
        tmp_path,
        "sensor_msgs/PointCloud2",
        sized | {"data": base64_of(data.tobytes())},
        sized | {"data": base64_of(b"too little")},
    )

    assert values_in(run.path, "/topic", "Points3D:positions") == [[[1, 2, 3], [4, 5, 6]], None]
    assert [warning.code for warning in run.report.warnings] == ["unshown_messages"]
    assert only(run)["messages"] == {"read": 2, "written": 1, "skipped": 0, "unreadable": 0}


def test_paths_are_lines_and_lists_of_poses_are_arrows(tmp_path: Path) -> None:
    path = shown(
        tmp_path / "1", "nav_msgs/Path", {"header": HEADER, "poses": [{"pose": pose(1)}, {"pose": pose(2)}]}
    )
    array = shown(tmp_path / "2", "geometry_msgs/PoseArray", {"header": HEADER, "poses": [pose(1, LEFT)]})

    assert values_in(path.path, "/topic", "LineStrips3D:strips") == [[[[1, 2, 3], [2, 2, 3]]]]
    assert values_in(array.path, "/topic", "Arrows3D:origins") == [[[1, 2, 3]]]
    (arrows,) = values_in(array.path, "/topic", "Arrows3D:vectors")
    np.testing.assert_allclose(arrows, [[0, 0.3, 0]], atol=1e-6)


def test_a_polygon_is_closed(tmp_path: Path) -> None:
    corners = [point(0, 0, 0), point(1, 0, 0), point(1, 1, 0)]
    run = shown(tmp_path, "PolygonStamped", {"polygon": {"points": corners}}, {"polygon": {"points": []}})

    assert values_in(run.path, "/topic", "LineStrips3D:strips") == [
        [[[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 0, 0]]],
        [[]],
    ]


def test_x_y_z_is_a_point_only_if_its_type_says_so(tmp_path: Path) -> None:
    one = shown(tmp_path / "1", "geometry_msgs/Point", point(1, 2, 3))
    other = shown(tmp_path / "2", "geometry_msgs/Vector3", point(1, 2, 3))

    assert (only(one)["shown"], only(one)["rows"]) == ("points", 1)
    assert (only(other)["shown"], only(other)["rows"]) == ("plot", 1)


def test_a_position_on_earth_is_on_the_map(tmp_path: Path) -> None:
    run = shown(tmp_path, "sensor_msgs/NavSatFix", {"latitude": 48.1, "longitude": 11.6, "altitude": 519.0})

    assert only(run)["shown"] == "map"
    assert values_in(run.path, "/topic", "GeoPoints:positions") == [[[48.1, 11.6]]]
    assert values_in(run.path, "/topic", "SeriesLines:names") == [["latitude", "longitude", "altitude"]]


def test_a_compressed_picture_is_one(tmp_path: Path) -> None:
    picture = jpeg.encode(np.zeros((8, 8, 3), np.uint8))
    good = {"format": "jpeg", "data": base64_of(picture), "frame_id": "cam"}
    run = shown(tmp_path, "foxglove.CompressedImage", good, good | {"data": "no base64!"})

    assert only(run)["shown"] == "image"
    assert values_in(run.path, "/topic", "EncodedImage:blob") == [[list(picture)], None]
    assert values_in(run.path, "/topic", "EncodedImage:media_type") == [["image/jpeg"], None]
    assert values_in(run.path, "/topic", "CoordinateFrame:frame") == [
        ["cam_image_plane"],
        ["cam_image_plane"],
    ]
    assert [warning.code for warning in run.report.warnings] == ["unshown_messages"]


def test_raw_pictures_lose_their_padding(tmp_path: Path) -> None:
    pixels = np.arange(2 * 8, dtype=np.uint8).reshape(2, 8)
    size = {"width": 2, "height": 2, "step": 8}
    run = shown(
        tmp_path,
        "sensor_msgs/Image",
        size | {"encoding": "bgr8", "data": base64_of(pixels.tobytes())},
        size | {"encoding": "16UC1", "data": base64_of(pixels.tobytes())},
        size | {"encoding": "unheard of", "data": base64_of(pixels.tobytes())},
    )

    color = {"width": 2, "height": 2, "pixel_format": None, "color_model": 4, "channel_datatype": 6}
    depth = color | {"color_model": 1, "channel_datatype": 8}
    assert values_in(run.path, "/topic", "Image:buffer") == [[pixels[:, :6].flatten().tolist()], None, None]
    assert values_in(run.path, "/topic", "Image:format") == [[color], None, None]
    assert values_in(run.path, "/topic", "DepthImage:buffer") == [
        None,
        [pixels[:, :4].flatten().tolist()],
        None,
    ]
    assert values_in(run.path, "/topic", "DepthImage:format") == [None, [depth], None]
    assert only(run)["messages"]["written"] == 2
    assert "1 of 3 messages" in run.report.warnings[0].message


def test_big_endian_pictures_are_turned(tmp_path: Path) -> None:
    layout = {"width": 1, "height": 1, "step": 2, "encoding": "mono16", "is_bigendian": 1}
    run = shown(tmp_path, "sensor_msgs/Image", layout | {"data": base64_of(b"\x01\x02")})

    assert values_in(run.path, "/topic", "Image:buffer") == [[[2, 1]]]


def test_a_calibration_is_a_camera(tmp_path: Path) -> None:
    camera = {"header": HEADER, "width": 4, "height": 2, "k": [1, 0, 2, 0, 3, 4, 0, 0, 1]}
    run = shown(tmp_path, "sensor_msgs/CameraInfo", camera, camera | {"k": []})

    assert only(run)["shown"] == "camera"
    assert values_in(run.path, "/topic", "Pinhole:image_from_camera") == [[[1, 0, 0, 0, 3, 0, 2, 4, 1]], None]
    assert values_in(run.path, "/topic", "Pinhole:child_frame") == [["map_image_plane"]] * 2
    assert values_in(run.path, "/topic", "Pinhole:parent_frame") == [["map"]] * 2


def test_an_occupancy_grid_is_a_map_with_its_first_row_at_the_bottom(tmp_path: Path) -> None:
    info = {"resolution": 0.5, "width": 2, "height": 2, "origin": pose(1.0)}
    run = shown(
        tmp_path,
        "nav_msgs/OccupancyGrid",
        {"header": HEADER, "info": info, "data": [0, 100, -1, 50]},
        {"header": HEADER, "info": info, "data": [0]},
    )

    assert only(run)["shown"] == "map"
    assert values_in(run.path, "/topic", "GridMap:data") == [[[255, 50, 0, 100]], None]
    assert values_in(run.path, "/topic", "GridMap:translation")[0] == [[1, 2, 3]]
    assert values_in(run.path, "/topic", "GridMap:cell_size") == [[0.5], [0.5]]


def test_joints_are_plots_with_their_names(tmp_path: Path) -> None:
    joints = {"name": ["a", "b"], "position": [1.0, 2.0], "velocity": [], "effort": [5.0]}
    run = shown(tmp_path, "sensor_msgs/JointState", joints, joints | {"velocity": [3.0, 4.0]})

    assert (only(run)["shown"], only(run)["rows"]) == ("plot", 2)
    assert values_in(run.path, "/topic/position", "Scalars:scalars") == [[1.0, 2.0]] * 2
    assert values_in(run.path, "/topic/position", "SeriesLines:names") == [["a", "b"]] * 2
    assert values_in(run.path, "/topic/velocity", "Scalars:scalars") == [[], [3.0, 4.0]]


def test_log_messages_keep_their_level(tmp_path: Path) -> None:
    ros2 = shown(tmp_path / "1", "rcl_interfaces/Log", {"level": 40, "name": "node", "msg": "oh"})
    ros1 = shown(tmp_path / "2", "rosgraph_msgs/Log", {"level": 4, "name": "", "msg": "oh"})
    foxglove = shown(
        tmp_path / "3", "foxglove.Log", {"level": 5, "message": "oh"}, {"level": 77, "message": "?"}
    )

    assert values_in(ros2.path, "/topic", "TextLog:text") == [["node: oh"]]
    assert values_in(ros2.path, "/topic", "TextLog:level") == [["ERROR"]]
    assert values_in(ros1.path, "/topic", "TextLog:text") == [["oh"]]
    assert values_in(ros1.path, "/topic", "TextLog:level") == [["WARN"]]
    assert values_in(foxglove.path, "/topic", "TextLog:level") == [["CRITICAL"], None]


def test_diagnostics_are_a_line_for_each_status(tmp_path: Path) -> None:
    status = [{"level": 0, "name": "a", "message": "fine"}, {"level": 2, "name": "b", "message": "broken"}]
    run = shown(tmp_path, "diagnostic_msgs/DiagnosticArray", {"status": status}, {"status": []})

    assert (only(run)["shown"], only(run)["rows"]) == ("text", 2)
    assert values_in(run.path, "/topic", "TextLog:text") == [["a: fine"], ["b: broken"]]
    assert values_in(run.path, "/topic", "TextLog:level") == [["INFO"], ["ERROR"]]


def test_numbers_of_a_message_of_ones_own_are_plots(tmp_path: Path) -> None:
    message = {
        "timestamp": 1e9,
        "ok": True,
        "temperature": 20.5,
        "motor": {"rpm": 100, "label": "left"},
        "cells": [3.9, 4.0],
        "objects": [
            {"size": 1.0, "corners": [{"x": 1.0}, {"x": 2.0}]},
            {"size": 2.0, "corners": [{"x": 3.0}]},
        ],
    }
    run = shown(tmp_path, "acme/Status", message, message | {"objects": [], "cells": [0.0] * 129})

    assert only(run)["shown"] == "plot"
    assert only(run)["not_shown"] == ["motor.label"]
    assert values_in(run.path, "/topic", "SeriesLines:names") == [["ok", "temperature"]]
    assert values_in(run.path, "/topic", "Scalars:scalars") == [[1.0, 20.5]] * 2
    assert values_in(run.path, "/topic/motor", "Scalars:scalars") == [[100.0]] * 2
    assert values_in(run.path, "/topic/cells", "Scalars:scalars") == [[3.9, 4.0], None]
    assert values_in(run.path, "/topic/objects/size", "Scalars:scalars") == [[1.0, 2.0], []]
    assert values_in(run.path, "/topic/objects/corners/x", "Scalars:scalars") == [[1.0, 2.0, 3.0], []]


def test_a_topic_has_a_bounded_number_of_plots(tmp_path: Path) -> None:
    run = shown(tmp_path, "acme/Many", {f"part{i}": {"value": float(i)} for i in range(100)})

    assert len([entity for entity in rows_in(run.path) if entity.startswith("/topic/part")]) == 64
    assert only(run)["not_shown"] == [f"part{i}.value" for i in range(64, 100)]


def test_what_holds_neither_is_text(tmp_path: Path) -> None:
    run = shown(tmp_path, "acme/Words", {"a": "x", "b": ["y", "ü"]}, {"a": "z" * 5000, "b": []})

    first, second = (text for (text,) in values_in(run.path, "/topic", "TextLog:text"))
    assert first == '{"a": "x", "b": ["y", "ü"]}'
    assert len(second) == 4001


def test_nulls_are_gaps(tmp_path: Path) -> None:
    run = shown(tmp_path, "acme/Sparse", {"a": {"v": 1.0}, "s": "x"}, {"a": None, "s": "x"}, {"s": "x"})

    assert only(run)["messages"]["read"] == 3
    first, *others = values_in(run.path, "/topic/a", "Scalars:scalars")
    assert first == [1.0]
    assert all(math.isnan(value) for (value,) in others)
