"""From a message's type to how it is shown.

Shapes are recognized by their fields, so ROS 1, ROS 2, JSON and protobuf share them, and messages of one's
own that are formed like the well-known ones are shown like them. The schema's name only decides where fields
alone can't: whether x, y, z are a point, whether poses are a path.
"""

from dataclasses import dataclass

import pyarrow as pa

from bagmill.visualize.shapes.base import Chunks, Matcher, Rows, Shape, Shown
from bagmill.visualize.shapes.clouds import match_packed
from bagmill.visualize.shapes.grids import match_grid
from bagmill.visualize.shapes.images import match_camera, match_compressed, match_raw
from bagmill.visualize.shapes.plots import Plots, match_joints, match_numbers, plots_of
from bagmill.visualize.shapes.points import match_list, match_place, match_point, match_scan
from bagmill.visualize.shapes.text import match_anything, match_diagnostics, match_log, match_string
from bagmill.visualize.shapes.transforms import match_pose, match_tree

__all__ = ["Rows", "Shown", "View", "view_as_text", "view_of"]

_MATCHERS: tuple[Matcher, ...] = (
    match_tree,
    match_raw,
    match_compressed,
    match_packed,
    match_camera,
    match_grid,
    match_scan,
    match_place,
    match_pose,
    match_list,
    match_point,
    match_joints,
    match_diagnostics,
    match_log,
    match_string,
    match_numbers,
)


@dataclass(frozen=True, slots=True)
class View:
    """How a topic's messages are shown. `left_out`: paths of fields that are not."""

    shape: Shape
    plots: Plots | None
    left_out: tuple[str, ...]

    @property
    def shown(self) -> Shown:
        """The kind."""
        return self.shape.shown

    def chunks(self, rows: Rows) -> Chunks:
        """Everything that shows these rows."""
        stamped = rows.stamped_by("header.stamp")
        yield from self.shape.chunks(stamped)
        if self.plots is not None:
            yield from self.plots.chunks(stamped)


def view_of(kind: pa.StructType, name: str) -> View:
    """Choose how messages of a type are shown; `name` is their schema's."""
    found = (match(kind, name) for match in _MATCHERS)
    shape = next((shape for shape in found if shape is not None), None) or match_anything(kind, name)
    plots = plots_of(kind)
    left_out = tuple(plots.left_out) if shape.plotted or shape.shown is Shown.PLOT else ()
    return View(shape, plots if shape.plotted and plots else None, left_out)


def view_as_text() -> View:
    """Show messages as text, whatever they are."""
    return View(match_anything(pa.struct([]), ""), None, ())
