"""Poses and transforms: ROS (1 and 2) and Foxglove messages, and any other with a pose of that form."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from rerun.chunk import Chunk

from bagmill.fields import (
    XYZ,
    XYZW,
    column,
    element_at,
    first_text,
    has_numbers,
    lists,
    texts,
    type_at,
    vector,
)
from bagmill.visualize.components import VEC4D, Column, frames, one_each, vectors
from bagmill.visualize.shapes.base import Rows, Shape, Shown

FRAME_PATHS = ("header.frame_id", "frame_id", "parent_frame_id")
_POSE_PATHS = ("pose.pose", "pose", "transform", "")
_AXIS_METRES = 0.5


@dataclass(frozen=True, slots=True)
class Pose:
    """Where a message holds a pose. `child`: it places that frame, rather than only itself."""

    position: str
    orientation: str
    frame: str | None
    child: str | None

    def columns(self, message: pa.StructArray) -> list[Column]:
        """The components of Transform3D."""
        turns = vector(message, self.orientation, XYZW)
        turns[~turns.any(axis=1)] = (0, 0, 0, 1)  # an orientation that was never set
        named = {"parent_frame": self.frame, "child_frame": self.child}
        return [
            one_each("Transform3D:translation", vectors(vector(message, self.position))),
            one_each("Transform3D:quaternion", vectors(turns, VEC4D)),
            *(
                one_each(f"Transform3D:{name}", frames(texts(message, path)))
                for name, path in named.items()
                if path is not None
            ),
        ]


def pose_in(kind: pa.DataType) -> Pose | None:
    """Find a pose in a message's type."""
    for path in _POSE_PATHS:
        inner = type_at(kind, path)
        prefix = f"{path}." if path else ""
        for position, orientation in (("position", "orientation"), ("translation", "rotation")):
            if (
                inner is not None
                and has_numbers(type_at(inner, position), XYZ)
                and has_numbers(type_at(inner, orientation), XYZW)
            ):
                child = first_text(kind, ("child_frame_id",)) if position == "translation" else None
                return Pose(prefix + position, prefix + orientation, first_text(kind, FRAME_PATHS), child)
    return None


def match_pose(kind: pa.StructType, _name: str) -> Shape | None:
    """A message that holds one pose or transform."""
    pose = pose_in(kind)
    if pose is None:
        return None

    def chunks(rows: Rows) -> Iterator[Chunk]:
        yield rows.chunk(pose.columns(rows.message))
        if pose.child is None:
            yield from rows.static([one_each("TransformAxes3D:axis_length", [_AXIS_METRES])])

    return Shape(Shown.TRANSFORM, chunks, plotted=pose.child is None)


def match_tree(kind: pa.StructType, _name: str) -> Shape | None:
    """A message with any number of transforms between named frames: a row for each."""
    one = element_at(kind, "transforms")
    pose = pose_in(one) if one is not None else None
    if pose is None or pose.child is None:
        return None

    def chunks(rows: Rows) -> Iterator[Chunk]:
        elements, lengths = lists(column(rows.message, "transforms"))
        each = rows.take(np.repeat(np.arange(len(lengths)), lengths), elements)
        if len(elements):
            yield each.stamped_by("header.stamp").chunk(pose.columns(elements))

    return Shape(Shown.TRANSFORM, chunks, scattered=True)
