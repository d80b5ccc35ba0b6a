"""The layout in the file: what it looks at, and from where."""

from pathlib import Path

import pytest
from rerun.chunk import RrdReader

from bagmill.visualize.tally import Tally, components
from tests.conftest import Sample
from tests.visualize.rrd import Shown, json_messages, show, write_mcap


def in_layout(run: Shown, component: str) -> list[str]:
    """All values of a component in the layout that came with a recording."""
    reader = RrdReader(run.path)
    chunks = list(reader.stream(store=reader.blueprints()[0]))
    found = (
        columns.get(component) for columns in (dict(components(chunk.to_record_batch())) for chunk in chunks)
    )
    return [value for values in found if values is not None for row in values.to_pylist() for value in row]


def test_the_sample_is_seen_from_its_map(sample: Sample, tmp_path: Path) -> None:
    run = show(sample.path, tmp_path / "out")

    assert in_layout(run, "SpatialInformation:target_frame") == ["map"]
    assert sorted(in_layout(run, "ViewBlueprint:class_identifier")) == [
        "2D",
        "3D",
        "TextLog",
        *["TimeSeries"] * 8,
    ]
    assert {"/camera/image/compressed", "/imu/data"} <= set(in_layout(run, "ViewBlueprint:space_origin"))


def test_without_transforms_it_is_seen_from_the_frame_most_named(tmp_path: Path) -> None:
    point = {"x": 1.0, "y": 2.0, "z": 3.0}
    points = [{"header": {"frame_id": frame}, "point": point} for frame in ("a", "b", "b")]
    run = show(
        write_mcap(tmp_path / "in.mcap", json_messages("/p", "PointStamped", points)), tmp_path / "out"
    )

    assert in_layout(run, "SpatialInformation:target_frame") == ["b"]


def test_without_anything_in_space_there_is_no_view_of_it(tmp_path: Path) -> None:
    run = show(
        write_mcap(tmp_path / "in.mcap", json_messages("/x", "acme/X", [{"x": 1.0}])), tmp_path / "out"
    )

    assert in_layout(run, "ViewBlueprint:class_identifier") == ["TimeSeries"]


@pytest.mark.parametrize(
    ("parents", "root"),
    [
        ({"odom": "map", "base": "odom", "other": "lost"}, "map"),
        ({"a": "b", "b": "a"}, "a"),
        ({}, None),
    ],
)
def test_the_root_has_most_frames_below(parents: dict[str, str], root: str | None) -> None:
    assert Tally(parents=parents).root_frame() == root
