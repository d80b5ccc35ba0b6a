"""Plots of whatever numbers a message holds: one entity for the numbers of a struct or of a list."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from rerun.chunk import Chunk

from bagmill.fields import (
    as_floats,
    column,
    element_at,
    is_list,
    is_number,
    is_stamp,
    is_text,
    lists,
    members,
)
from bagmill.visualize.components import several_each
from bagmill.visualize.shapes.base import Rows, Shape, Shown

LONGEST_LIST = 128
"""Most values a list may have in a message to be drawn as that many lines."""
MOST_PLOTS = 64
"""Most entities with plots that a topic gets."""
_UNPLOTTED = frozenset({"header", "stamp", "timestamp"})
"""Fields that say when, not what: a curve of them would flatten all others."""


@dataclass(slots=True)
class Plots:
    """What of a message's type is plotted: groups of numbers by struct, lists of numbers, and what is not.

    `groups`: path of a struct → names of its numbers. `lists`: paths, `[]` where a list is entered.
    """

    groups: dict[str, list[str]] = field(default_factory=dict)
    lists: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.groups or self.lists)

    def trim(self) -> "Plots":
        """Keep as many as a topic may have; the others are left out."""
        kept = [*self.groups, *self.lists][:MOST_PLOTS]
        for path in [path for path in self.groups if path not in kept]:
            self.left_out += [join(path, name) for name in self.groups.pop(path)]
        self.left_out += [path for path in self.lists if path not in kept]
        self.lists = [path for path in self.lists if path in kept]
        return self

    def chunks(self, rows: Rows) -> Iterator[Chunk]:
        """One chunk per group and list."""
        for path, names in self.groups.items():
            yield from rows.static(
                [several_each("SeriesLines:names", pa.array(names), _lengths([len(names)]))], path
            )
            values = np.column_stack([as_floats(column(rows.message, join(path, name))) for name in names])
            scalars = pa.array(np.ascontiguousarray(values).reshape(-1))
            yield rows.chunk(
                [several_each("Scalars:scalars", scalars, _lengths([len(names)] * len(values)))], path
            )
        for path in self.lists:
            values, lengths = _flat(rows.message, path)
            short = lengths <= LONGEST_LIST
            kept = as_floats(values)[np.repeat(short, lengths)]
            scalars = several_each("Scalars:scalars", pa.array(kept), np.where(short, lengths, 0), ~short)
            yield rows.chunk([scalars], path.replace("[]", ""))


def plots_of(kind: pa.StructType) -> Plots:
    """Find what can be plotted of a message's type."""
    plots = Plots()
    _collect(kind, "", False, plots)
    return plots.trim()


def match_joints(kind: pa.StructType, _name: str) -> Shape | None:
    """Named values: sensor_msgs/JointState, and messages of its form."""
    if not is_text(element_at(kind, "name")):
        return None
    paths = [path for path in ("position", "velocity", "effort") if is_number(element_at(kind, path))]
    if not paths:
        return None

    def chunks(rows: Rows) -> Iterator[Chunk]:
        names = several_each("SeriesLines:names", *lists(column(rows.message, "name")))
        for path in paths:
            values, lengths = lists(column(rows.message, path))
            scalars = several_each("Scalars:scalars", pa.array(as_floats(values)), lengths)
            yield rows.chunk([scalars, names], path)

    return Shape(Shown.PLOT, chunks)


def match_numbers(kind: pa.StructType, _name: str) -> Shape | None:
    """Any message that holds numbers."""
    plots = plots_of(kind)
    return Shape(Shown.PLOT, plots.chunks) if plots else None


def join(path: str, name: str) -> str:
    """The path of a member."""
    return f"{path}.{name}" if path else name


def _collect(kind: pa.DataType, path: str, inside_list: bool, plots: Plots) -> None:
    for name, inner in members(kind):
        here = join(path, name)
        if name in _UNPLOTTED or is_stamp(inner):
            continue
        if name.endswith("covariance"):
            plots.left_out.append(here)
        elif is_number(inner) or pa.types.is_boolean(inner):
            if inside_list:
                plots.lists.append(here)
            else:
                plots.groups.setdefault(path, []).append(name)
        else:
            _collect_nested(inner, here, inside_list, plots)


def _collect_nested(kind: pa.DataType, path: str, inside_list: bool, plots: Plots) -> None:
    if pa.types.is_struct(kind):
        _collect(kind, path, inside_list, plots)
    elif is_list(kind) and pa.types.is_struct(kind.value_type):
        _collect(kind.value_type, f"{path}[]", True, plots)
    elif is_list(kind) and (is_number(kind.value_type) or pa.types.is_boolean(kind.value_type)):
        plots.lists.append(f"{path}[]")
    else:
        plots.left_out.append(path)


def _flat(message: pa.StructArray, path: str) -> tuple[pa.Array, NDArray[np.int64]]:
    """All numbers below a path that goes through lists, and how many each message has."""
    values: pa.Array = message
    lengths = np.ones(len(message), dtype=np.int64)
    for index, part in enumerate(path.split("[]")):
        if index:
            values, inner = lists(values)
            ends = np.concatenate([[0], np.cumsum(inner)])[np.cumsum(lengths)]
            lengths = np.diff(ends, prepend=0)
        values = column(values, part.lstrip("."))
    return values, lengths


def _lengths(lengths: list[int]) -> NDArray[np.int64]:
    return np.array(lengths, dtype=np.int64)
