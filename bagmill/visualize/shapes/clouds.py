"""Packed point clouds: ROS PointCloud2 and Foxglove PointCloud, whose points are records in a blob."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from rerun.chunk import Chunk

from bagmill.fields import has_numbers, is_bytes, is_list, is_text, type_at
from bagmill.visualize.components import several_each, vectors
from bagmill.visualize.shapes.base import Rows, Shape, Shown
from bagmill.visualize.shapes.images import content_of
from bagmill.visualize.shapes.points import in_frame

_ROS_TYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 8: "f8"}
"""sensor_msgs/PointField."""
_FOXGLOVE_TYPES = {1: "u1", 2: "i1", 3: "u2", 4: "i2", 5: "u4", 6: "i4", 7: "f4", 8: "f8"}
"""foxglove.PackedElementField."""


def match_packed(kind: pa.StructType, _name: str) -> Shape | None:
    """A cloud whose points stand in `data`, laid out as `fields` says."""
    step = "point_step" if has_numbers(kind, ("point_step",)) else "point_stride"
    data, fields = type_at(kind, "data"), type_at(kind, "fields")
    if not has_numbers(kind, (step,)) or not is_list(fields) or not (is_bytes(data) or is_text(data)):
        return None

    def chunks(rows: Rows) -> Iterator[Chunk]:
        names = [name for name in ("fields", step, "height", "width", "row_step", "is_bigendian")
                 if type_at(kind, name) is not None]  # fmt: skip
        layouts = (
            rows.message.field("data"),
            pa.StructArray.from_arrays([rows.message.field(name) for name in names], names=names),
        )
        clouds = [
            _points(content, layout, step)
            for content, layout in zip(content_of(layouts[0]), layouts[1].to_pylist(), strict=True)
        ]
        missing = np.array([cloud is None for cloud in clouds])
        points = [cloud for cloud in clouds if cloud is not None]
        lengths = np.array([0 if cloud is None else len(cloud) for cloud in clouds], dtype=np.int64)
        instances = vectors(np.concatenate(points) if points else np.empty((0, 3)))
        yield rows.chunk([*in_frame(rows), several_each("Points3D:positions", instances, lengths, missing)])

    return Shape(Shown.POINTS, chunks)


def _points(content: bytes | None, layout: Mapping[str, Any], step: str) -> NDArray[np.float32] | None:
    """Positions of a cloud, shape (points, 3); None if it has none or announces more than it holds."""
    offsets = {field["name"]: field for field in layout["fields"] or ()}
    if content is None or not {"x", "y", "z"} <= offsets.keys():
        return None
    stride = int(layout[step])
    rows, columns, row_step = _extent(len(content), layout, stride)
    types = _ROS_TYPES if step == "point_step" else _FOXGLOVE_TYPES
    order = ">" if layout.get("is_bigendian") else "<"
    axes = []
    for name in ("x", "y", "z"):
        field = offsets[name]
        code = types.get(int(field["datatype"] if "datatype" in field else field["type"]))
        if code is None:
            return None
        try:
            view = np.ndarray(
                (rows, columns), order + code, content, int(field["offset"]), (row_step, stride)
            )
        except (TypeError, ValueError):
            return None
        axes.append(view.reshape(-1))
    return np.column_stack(axes).astype(np.float32)


def _extent(size: int, layout: Mapping[str, Any], stride: int) -> tuple[int, int, int]:
    """Rows, columns and bytes per row."""
    if "row_step" in layout:
        return int(layout["height"]), int(layout["width"]), int(layout["row_step"])
    return 1, size // stride if stride else 0, size
