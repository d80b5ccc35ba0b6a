"""Text: log messages with their level, plain strings, and any message that has nothing else to show."""

import json
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from rerun.chunk import Chunk

from bagmill.fields import column, element_at, first_text, is_number, is_text, lists, texts, type_at
from bagmill.visualize.components import one_each
from bagmill.visualize.shapes.base import Rows, Shape, Shown

_DIAGNOSTIC_LEVELS = {0: "INFO", 1: "WARN", 2: "ERROR", 3: "CRITICAL"}
"""OK, WARN, ERROR, STALE."""
_LONGEST = 4000
"""Characters of a message shown as text."""
_ROS2_LEVELS = {10: "DEBUG", 20: "INFO", 30: "WARN", 40: "ERROR", 50: "CRITICAL"}
_ROS1_LEVELS = {1: "DEBUG", 2: "INFO", 4: "WARN", 8: "ERROR", 16: "CRITICAL"}
_FOXGLOVE_LEVELS = {1: "DEBUG", 2: "INFO", 3: "WARN", 4: "ERROR", 5: "CRITICAL"}


def match_log(kind: pa.StructType, name: str) -> Shape | None:
    """ROS Log (rcl_interfaces, rosgraph_msgs), Foxglove Log."""
    said = first_text(kind, ("msg", "message"))
    if said is None or not is_number(type_at(kind, "level")):
        return None
    levels = _FOXGLOVE_LEVELS if said == "message" else _levels_of(name)

    def chunks(rows: Rows) -> Iterator[Chunk]:
        numbers = column(rows.message, "level").to_pylist()
        severity = one_each("TextLog:level", [levels.get(int(n)) if n is not None else None for n in numbers])
        yield rows.chunk([one_each("TextLog:text", _with_origin(rows.message, said)), severity])

    return Shape(Shown.TEXT, chunks)


def match_diagnostics(kind: pa.StructType, _name: str) -> Shape | None:
    """diagnostic_msgs/DiagnosticArray: a row for each status."""
    one = element_at(kind, "status")
    texts_of = one is not None and all(is_text(type_at(one, name)) for name in ("name", "message"))
    if one is None or not texts_of or not is_number(type_at(one, "level")):
        return None

    def chunks(rows: Rows) -> Iterator[Chunk]:
        elements, lengths = lists(column(rows.message, "status"))
        each = rows.take(np.repeat(np.arange(len(lengths)), lengths), elements)
        levels = [_DIAGNOSTIC_LEVELS.get(int(level)) for level in column(elements, "level").to_pylist()]
        severity = one_each("TextLog:level", levels)
        yield each.chunk([one_each("TextLog:text", _with_origin(elements, "message")), severity])

    return Shape(Shown.TEXT, chunks, scattered=True)


def match_string(kind: pa.StructType, _name: str) -> Shape | None:
    """A message that is one string: std_msgs/String."""
    if kind.num_fields != 1 or not is_text(kind.field(0).type):
        return None
    path = kind.field(0).name

    def chunks(rows: Rows) -> Iterator[Chunk]:
        yield rows.chunk([one_each("TextLog:text", texts(rows.message, path))])

    return Shape(Shown.TEXT, chunks)


def match_anything(_kind: pa.StructType, _name: str) -> Shape:
    """The whole message as JSON, cut off after 4000 characters."""

    def chunks(rows: Rows) -> Iterator[Chunk]:
        yield rows.chunk([one_each("TextLog:text", [_as_text(each) for each in rows.message.to_pylist()])])

    return Shape(Shown.TEXT, chunks)


def _levels_of(name: str) -> dict[int, str]:
    return _ROS1_LEVELS if name.startswith("rosgraph_msgs") else _ROS2_LEVELS


def _with_origin(message: pa.StructArray, said: str) -> pa.Array:
    """`node: text`, or the text alone where no node is named."""
    words = texts(message, said)
    if not is_text(type_at(message.type, "name")):
        return words
    origin = texts(message, "name")
    joined = pc.binary_join_element_wise(origin, words, ": ")
    return pc.if_else(pc.equal(origin, ""), words, joined)


def _as_text(message: object) -> str:
    text = json.dumps(message, ensure_ascii=False, default=_describe)
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"


def _describe(value: object) -> str:
    """Bytes as the text that they are, or how many there are."""
    if not isinstance(value, bytes):
        return str(value)
    try:
        text = value.decode()
    except UnicodeDecodeError:
        text = "\0"
    return text if text.isprintable() else f"{len(value)} bytes"
