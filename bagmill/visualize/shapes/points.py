"""Points and lines in space: lasers, point clouds, paths, polygons, positions on Earth."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from rerun.chunk import Chunk

from bagmill.fields import (
    XYZ,
    XYZW,
    as_floats,
    column,
    element_at,
    first_path,
    first_text,
    has_numbers,
    is_number,
    lists,
    numbers,
    texts,
    vector,
)
from bagmill.visualize.components import (
    DVEC2D,
    STRIP,
    Column,
    frames,
    one_each,
    several_each,
    vectors,
)
from bagmill.visualize.shapes.base import Rows, Shape, Shown
from bagmill.visualize.shapes.transforms import FRAME_PATHS, pose_in

Vectors = NDArray[np.float64]
Counts = NDArray[np.int64]

_ARROW_METRES = 0.3


def match_scan(kind: pa.StructType, _name: str) -> Shape | None:
    """A flat laser scan: ROS LaserScan, Foxglove LaserScan."""
    ros, foxglove = ("angle_min", "angle_increment"), ("start_angle", "end_angle")
    angles = next((names for names in (ros, foxglove) if has_numbers(kind, names)), None)
    if angles is None or not is_number(element_at(kind, "ranges")):
        return None

    def chunks(rows: Rows) -> Iterator[Chunk]:
        yield rows.chunk([*in_frame(rows), _scan(rows.message, *angles)])

    return Shape(Shown.POINTS, chunks)


def match_place(kind: pa.StructType, _name: str) -> Shape | None:
    """A position on Earth: ROS NavSatFix, Foxglove LocationFix."""
    if not has_numbers(kind, ("latitude", "longitude")):
        return None

    def chunks(rows: Rows) -> Iterator[Chunk]:
        places = vector(rows.message, "", ("latitude", "longitude"))
        yield rows.chunk([one_each("GeoPoints:positions", vectors(places, DVEC2D))])

    return Shape(Shown.MAP, chunks, plotted=True)


def match_point(kind: pa.StructType, name: str) -> Shape | None:
    """A single point; a bare x, y, z only if its type says that it is one."""
    named = name.rsplit("/", 1)[-1].rsplit(".", 1)[-1].startswith("Point")
    path = first_path(kind, ("point", "") if named else ("point",), XYZ)
    if path is None:
        return None

    def chunks(rows: Rows) -> Iterator[Chunk]:
        points = vectors(vector(rows.message, path))
        yield rows.chunk([*in_frame(rows), one_each("Points3D:positions", points)])

    return Shape(Shown.POINTS, chunks, plotted=True)


def match_list(kind: pa.StructType, name: str) -> Shape | None:
    """Many points or poses: a cloud of them, a line through them, or an arrow at each."""
    listed = ("poses", "points", "polygon.points")
    path = next((path for path in listed if element_at(kind, path) is not None), None)
    element = element_at(kind, path) if path else None
    pose = pose_in(element) if element is not None else None
    if path is None or (pose is None and not has_numbers(element, XYZ)):
        return None
    at = pose.position if pose else ""

    def chunks(rows: Rows) -> Iterator[Chunk]:
        elements, lengths = lists(column(rows.message, path))
        points = vector(elements, at)
        if name.endswith(("Path", "Polygon")) or path == "polygon.points":
            shown = [_line(points, lengths, closed=not name.endswith("Path"))]
        elif pose is not None:
            turns = vector(elements, pose.orientation, XYZW)
            ahead = _ARROW_METRES * turned(np.tile([1.0, 0, 0], (len(turns), 1)), turns)
            shown = [_many("Arrows3D:origins", points, lengths), _many("Arrows3D:vectors", ahead, lengths)]
        else:
            shown = [_many("Points3D:positions", points, lengths)]
        yield rows.chunk([*in_frame(rows), *shown])

    is_cloud = pose is None and path == "points" and not name.endswith("Polygon")
    return Shape(Shown.POINTS if is_cloud else Shown.LINES, chunks)


def turned(points: Vectors, turns: Vectors) -> Vectors:
    """Points turned by quaternions (x, y, z, w), row by row; a quaternion of zeros turns nothing."""
    axis, w = turns[:, :3], turns[:, 3:]
    cross = np.cross(axis, points)
    result: Vectors = points + 2 * (w * cross + np.cross(axis, cross))
    return result


def _scan(message: pa.StructArray, start: str, step: str) -> Column:
    """Points of the rays that hit something, at their angles in the plane of the scan."""
    values, lengths = lists(column(message, "ranges"))
    ranges = as_floats(values)
    row = np.repeat(np.arange(len(lengths)), lengths)
    place = np.arange(len(ranges)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    first, second = numbers(message, start), numbers(message, step)
    steps = second if step == "angle_increment" else (second - first) / np.maximum(lengths - 1, 1)
    angle = first[row] + steps[row] * place
    points = np.column_stack([ranges * np.cos(angle), ranges * np.sin(angle), np.zeros_like(ranges)])
    hit = np.isfinite(points).all(axis=1) & _in_range(message, ranges, row)
    pose = pose_in(message.type)
    if pose is not None:
        points = turned(points, vector(message, pose.orientation, XYZW)[row])
        points += vector(message, pose.position)[row]
    return _many("Points3D:positions", points[hit], np.bincount(row[hit], minlength=len(lengths)))


def _in_range(message: pa.StructArray, ranges: Vectors, row: Counts) -> NDArray[np.bool_]:
    if not has_numbers(message.type, ("range_min", "range_max")):
        return np.ones(len(ranges), dtype=np.bool_)
    nearest, farthest = numbers(message, "range_min"), numbers(message, "range_max")
    inside: NDArray[np.bool_] = (ranges >= nearest[row]) & (ranges <= farthest[row])
    return inside


def _many(component: str, points: Vectors, lengths: Counts) -> Column:
    return several_each(component, vectors(points), lengths)


def _line(points: Vectors, lengths: Counts, *, closed: bool) -> Column:
    """One line per message through its points, back to the first if `closed`."""
    if closed:
        ends = np.cumsum(lengths)[lengths > 0]
        points = np.insert(points, ends, points[ends - lengths[lengths > 0]], axis=0)
        lengths = lengths + (lengths > 0)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    strips = pa.ListArray.from_arrays(pa.array(offsets), vectors(points), type=STRIP)
    return one_each("LineStrips3D:strips", strips)


def in_frame(rows: Rows) -> list[Column]:
    """The coordinate frame that the messages name."""
    path = first_text(rows.message.type, FRAME_PATHS)
    return [] if path is None else [one_each("CoordinateFrame:frame", frames(texts(rows.message, path)))]
