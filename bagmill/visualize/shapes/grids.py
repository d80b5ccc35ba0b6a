"""Occupancy grids: a map of cells on the floor."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
from rerun import ChannelDatatype, ColorModel
from rerun.chunk import Chunk
from rerun.components import Colormap

from bagmill.fields import (
    XYZW,
    element_at,
    has_numbers,
    is_bytes,
    is_number,
    numbers,
    type_at,
    vector,
)
from bagmill.visualize.components import FORMAT, VEC4D, Column, blobs, one_each, vectors
from bagmill.visualize.shapes.base import Rows, Shape, Shown
from bagmill.visualize.shapes.points import in_frame
from bagmill.visualize.shapes.transforms import pose_in


def match_grid(kind: pa.StructType, _name: str) -> Shape | None:
    """nav_msgs/OccupancyGrid: -1 unknown, 0 free to 100 occupied, row by row from the origin."""
    cells = is_bytes(type_at(kind, "data")) or is_number(element_at(kind, "data"))
    if not cells or not has_numbers(type_at(kind, "info"), ("resolution", "width", "height")):
        return None

    def chunks(rows: Rows) -> Iterator[Chunk]:
        sizes = vector(rows.message, "info", ("width", "height")).astype(np.int64).tolist()
        grids = [
            _raster(cells, *size)
            for cells, size in zip(rows.message.field("data").to_pylist(), sizes, strict=True)
        ]
        formats = [None if grid is None else _format(*size) for grid, size in zip(grids, sizes, strict=True)]
        yield rows.chunk(
            [
                *in_frame(rows),
                one_each("GridMap:data", blobs(pa.array(grids, pa.binary()))),
                one_each("GridMap:format", pa.array(formats, FORMAT)),
                one_each("GridMap:cell_size", numbers(rows.message, "info.resolution").astype(np.float32)),
                one_each("GridMap:colormap", [Colormap.RvizMap.value] * len(grids)),
                *_origin(rows),
            ]
        )

    return Shape(Shown.MAP, chunks)


def _origin(rows: Rows) -> list[Column]:
    """Where the first cell lies."""
    origin = type_at(rows.message.type, "info.origin")
    pose = pose_in(origin) if origin is not None else None
    if pose is None:
        return []
    position, orientation = (f"info.origin.{path}" for path in (pose.position, pose.orientation))
    turns = vector(rows.message, orientation, XYZW)
    return [
        one_each("GridMap:translation", vectors(vector(rows.message, position))),
        one_each("GridMap:quaternion", vectors(turns, VEC4D)),
    ]


def _raster(cells: Any, width: int, height: int) -> bytes | None:
    """Cells as bytes, the first row of the picture at the top; None if there are not as many as announced."""
    raster = np.frombuffer(cells, np.uint8) if isinstance(cells, bytes) else np.asarray(cells or [], np.int64)
    if raster.size != width * height:
        return None
    return raster.reshape(height, width)[::-1].astype(np.uint8).tobytes()


def _format(width: int, height: int) -> dict[str, int | None]:
    return {
        "width": width,
        "height": height,
        "pixel_format": None,
        "color_model": ColorModel.L.value,
        "channel_datatype": ChannelDatatype.U8.value,
    }
