from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import rerun as rr

from bagmill.visualize.components import TYPES, blobs, frames, one_each, several_each, vectors

FORMAT = rr.components.ImageFormat(width=1, height=1, color_model="L", channel_datatype="U8")
THREE, FOUR = np.zeros((1, 3)), np.zeros((1, 4))
BY_THE_SDK: list[Callable[[], Iterable[rr.ComponentColumn]]] = [
    lambda: rr.Arrows3D.columns(vectors=THREE, origins=THREE),
    lambda: rr.CoordinateFrame.columns(frame=["a"]),
    lambda: rr.DepthImage.columns(buffer=[b"1"], format=[FORMAT], meter=[1.0]),
    lambda: rr.EncodedImage.columns(blob=[b"1"], media_type=["image/jpeg"]),
    lambda: rr.GeoPoints.columns(positions=np.zeros((1, 2))),
    lambda: rr.GridMap.columns(
        data=[b"1"], format=[FORMAT], cell_size=[0.1], translation=THREE, quaternion=FOUR, colormap=[1]
    ),
    lambda: rr.Image.columns(buffer=[b"1"], format=[FORMAT]),
    lambda: rr.LineStrips3D.columns(strips=[np.zeros((2, 3))]),
    lambda: rr.archetypes.McapMessage.columns(data=[b"1"]),
    lambda: rr.Pinhole.columns(
        image_from_camera=np.zeros((1, 9)), resolution=np.zeros((1, 2)), parent_frame=["a"], child_frame=["b"]
    ),
    lambda: rr.Points3D.columns(positions=THREE),
    lambda: rr.Scalars.columns(scalars=[1.0]),
    lambda: rr.SeriesLines.columns(names=["a"]),
    lambda: rr.TextLog.columns(text=["a"], level=["INFO"]),
    lambda: rr.Transform3D.columns(translation=THREE, quaternion=FOUR, parent_frame=["a"], child_frame=["b"]),
    lambda: rr.TransformAxes3D.columns(axis_length=[1.0]),
]


def test_types_and_names_are_those_of_the_sdk() -> None:
    theirs = {
        column.component_descriptor().component: (column.component_descriptor(), column.as_arrow_array().type)
        for make in BY_THE_SDK
        for column in make()
    }
    ours = {name: several_each(name, pa.array([], kind), np.array([0])) for name, (_, kind) in TYPES.items()}

    assert {name: column.component_descriptor() for name, column in ours.items()} == {
        name: descriptor for name, (descriptor, _) in theirs.items()
    }
    assert {name: column.as_arrow_array().type for name, column in ours.items()} == {
        name: kind for name, (_, kind) in theirs.items()
    }


def test_a_missing_instance_is_a_missing_row() -> None:
    column = one_each("TextLog:text", ["a", None, "c"])

    assert column.as_arrow_array().to_pylist() == [["a"], None, ["c"]]


def test_rows_have_as_many_instances_as_said() -> None:
    column = several_each(
        "Scalars:scalars", pa.array([1, 2, 3]), np.array([2, 0, 0, 1]), np.array([False, False, True, False])
    )

    assert column.as_arrow_array().to_pylist() == [[1.0, 2.0], [], None, [3.0]]


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary(), pa.binary(2)])
def test_blobs_share_their_bytes(kind: pa.DataType) -> None:
    data = pa.array([b"xx", b"ab", None, b"cd"], kind)

    assert blobs(data).to_pylist() == [[120, 120], [97, 98], None, [99, 100]]
    assert blobs(data[1:]).to_pylist() == [[97, 98], None, [99, 100]]
    assert blobs(data[:0]).to_pylist() == []


def test_vectors_can_be_missing() -> None:
    values: Any = np.arange(6).reshape(2, 3)

    assert vectors(values, missing=np.array([True, False])).to_pylist() == [None, [3.0, 4.0, 5.0]]


def test_an_empty_name_is_no_frame() -> None:
    names = pa.array(["base", ""])

    assert frames(names).to_pylist() == ["base", None]
    assert frames(names, "_image_plane").to_pylist() == ["base_image_plane", None]
