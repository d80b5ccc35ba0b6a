"""Which fields of a topic a model can learn from, and why the others are left out."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from bagmill.dataset import lists
from bagmill.dataset.fieldstats import FieldStats
from bagmill.dataset.images.files import decode_file
from bagmill.dataset.images.raw import NoImage, decode_raw
from bagmill.dataset.inspect import Leaf, read_leaf
from bagmill.dataset.leaftypes import StructKind, leaf_type, struct_kind
from bagmill.dataset.pathtext import quoted
from bagmill.dataset.samples import Sample
from bagmill.dataset.shown import shown
from bagmill.dataset.transforms.rotations import is_rotation
from bagmill.dataset.values import RAW_IMAGE, Values, ValueType

_AXES = frozenset({"x", "y", "z", "w", "theta", "roll", "pitch", "yaw"})
"""Names of the parts of one vector; numbers of other names are features of their own."""
_OF_PROGRAMS = ("rcl_interfaces/", "rosgraph_msgs/", "diagnostic_msgs/", "foxglove.Log", "rmw_dds_common/")
"""What the names of schemas have in them whose messages are of programs: logs, parameters, diagnostics."""
_MOST_ELEMENTS = 4096
_DEEPEST = 8
_MOST_PICTURES = 5
"""Pictures that are tried, until one can be read."""
_MOST_LEFT_OUT = 40
"""Fields of a topic that are named as left out, at most."""
_NEARLY = 0.9
"""Lists of which the shortest has so much of the longest are made of one length."""
_HALF_JUMP = float(np.cos(np.pi / 6))
"""Cosine of half of a turn of 60 degrees."""
_MOST_JUMPS = 0.02
_MOST_NAMED = 16
_RESOLUTION = 1e-4
"""Share of what a value moves that float32 may lose."""


@dataclass(frozen=True)
class Candidate:
    """A field that may become a feature: `feature` is its part of the spec without source and sync."""

    topic: str
    path: str | None
    type: ValueType
    stats: FieldStats
    feature: dict[str, Any]
    reason: str

    @property
    def is_image(self) -> bool:
        """Whether it is a camera's picture."""
        return self.type.image


@dataclass(frozen=True)
class LeftOut:
    """A field, or a topic as a whole, that does not become a feature."""

    topic: str
    field: str | None
    reason: str


Found = Candidate | LeftOut


def find_fields(sample: Sample) -> list[Found]:
    """All fields of a topic, each a candidate or left out."""
    topic = sample.table.topic
    if sample.decoder.raw_reason is not None:
        return [LeftOut(topic, None, f"its messages can't be decoded: {sample.decoder.raw_reason.message}")]
    schema = sample.table.schema.name if sample.table.schema else ""
    if any(name in schema for name in _OF_PROGRAMS):
        return [LeftOut(topic, None, "about the programs, not about the robot")]
    if not sample.batch.num_rows:
        return [LeftOut(topic, None, "no message of it could be read")]
    message = pa.struct(list(sample.decoder.fields))
    if message.num_fields > 1 and _is_whole(message):
        return [_judged(sample, None)]
    found = list(_fields(sample, message, "", 0))
    left = [one for one in found if isinstance(one, LeftOut)]
    more = [LeftOut(topic, None, f"{len(left) - _MOST_LEFT_OUT} more fields, for such reasons")]
    kept = [one for one in found if isinstance(one, Candidate)]
    return [*kept, *left[:_MOST_LEFT_OUT], *(more if len(left) > _MOST_LEFT_OUT else [])]


def _is_whole(kind: pa.StructType) -> bool:
    """Whether a message is one value rather than several: an image, a time, a vector, a rotation."""
    found = struct_kind(kind)
    if found is StructKind.VECTOR:
        return all(field.name.lower() in _AXES for field in kind)
    return found is not StructKind.OTHER


def _fields(sample: Sample, kind: pa.StructType, before: str, depth: int) -> Iterator[Found]:
    topic = sample.table.topic
    for field in kind:
        path = f"{before}.{quoted(field.name)}" if before else quoted(field.name)
        if field.name == "header" and pa.types.is_struct(field.type):
            yield LeftOut(topic, path, "when and in which frame it was measured, not what")
        elif "covariance" in field.name.lower():
            yield LeftOut(topic, path, "how sure the sensor is, which seldom changes")
        elif pa.types.is_struct(field.type) and not _is_whole(field.type):
            if depth < _DEEPEST:
                yield from _fields(sample, field.type, path, depth + 1)
        else:
            yield _judged_by_type(sample, path, field)


def _judged_by_type(sample: Sample, path: str, field: pa.Field) -> Found:
    inside = field.type
    while lists.is_list(inside):
        inside = inside.value_type
    if leaf_type(inside) is None:
        text = (
            "a map has no columns" if pa.types.is_map(inside) else "a list of messages: take one by its place"
        )
        return LeftOut(sample.table.topic, path, text)
    return _judged(sample, path)


def _judged(sample: Sample, path: str | None) -> Found:
    topic = sample.table.topic
    found = read_leaf(sample, path)
    if found is None:
        return LeftOut(topic, path, "no column can hold it")
    leaf, values = found
    if leaf.access.type.image:
        return _image(topic, leaf, values)
    reason = _useless(leaf, values)
    return LeftOut(topic, path, reason) if reason else _numbers(sample, leaf, values)


def _useless(leaf: Leaf, values: Values) -> str | None:
    """Why nothing can be learned from a field."""
    type_, stats = leaf.access.type, leaf.stats
    if stats.missing == stats.count:
        return "none of the messages that were looked at has a value"
    if type_.is_time:
        return "a time, not a measurement"
    if stats.constant:
        return f"always {_shown(values)} in {stats.count} messages"
    if type_.is_text:
        several = f" ({stats.distinct} different ones)" if stats.distinct else ""
        return f"text{several}: give its classes to make it a label"
    if type_.is_bytes:
        return "bytes without a meaning that is known here"
    if stats.runs_on:
        return f"a {stats.runs_on}, not a measurement"
    if stats.nan_share == 1:
        return "nothing but NaN"
    return _shapeless(type_, stats)


def _shapeless(type_: ValueType, stats: FieldStats) -> str | None:
    least, most = stats.lengths or (1, 1)
    if most == 0:
        return "always empty"
    if least < most * _NEARLY:
        return f"lists of {least} to {most} elements: add `length` to give them one size"
    if not type_.is_fixed and len(type_.shape) > 1:
        return "lists of lists"
    return f"{most} elements are too many for a row" if most > _MOST_ELEMENTS else None


def _shown(values: Values) -> str:
    one = shown(values.take(np.flatnonzero(values.present)[:1]).to_arrow()[0])
    text = str(one) if not isinstance(one, str) else repr(one)
    return text if len(text) <= 60 else f"{text[:59]}…"


def _numbers(sample: Sample, leaf: Leaf, values: Values) -> Candidate:
    type_, stats = leaf.access.type, leaf.stats
    feature: dict[str, Any] = {}
    reason = _range(stats) + _elements(sample, leaf)
    if type_.shape == (None,) and stats.lengths:
        least, size = stats.lengths
        if least == size:
            feature["shape"] = [size]
        else:
            feature["transforms"] = [{"op": "length", "size": size, "mode": "pad_or_truncate"}]
            reason += f"; {least} to {size} elements, filled up with 0"
    if type_.element == pa.float64():
        if _fits_float32(stats):
            feature["dtype"] = "float32"
        else:
            reason += "; kept as float64, since float32 would lose what changes"
    if type_.rotation:
        reason = "a rotation, as the quaternion x, y, z, w that it is" + _jumps(values)
    if stats.nan_share:
        reason += f"; {stats.nan_share:.1%} of its numbers are NaN or infinite"
    return Candidate(sample.table.topic, leaf.path, type_, stats, feature, reason)


def _jumps(values: Values) -> str:
    """What is to be looked at where a rotation jumps to and fro: often two senders share the topic."""
    turns = values.data[values.present].astype(np.float64)
    turns = turns[is_rotation(turns)]
    turns /= np.linalg.norm(turns, axis=1, keepdims=True)
    cosines = np.abs((turns[1:] * turns[:-1]).sum(axis=1))
    share = float((cosines < _HALF_JUMP).mean()) if cosines.size else 0.0
    if share < _MOST_JUMPS:
        return ""
    return (
        f"; it jumps by more than 60 degrees at {share:.1%} of its messages: do two senders share the topic?"
    )


def _elements(sample: Sample, leaf: Leaf) -> str:
    """Which elements a list has, where the messages name them and always in one order."""
    size = leaf.stats.lengths[1] if leaf.stats.lengths else 0
    for path in ("name", "joint_names", "names"):
        named = read_leaf(sample, path) if leaf.access.type.shape == (None,) else None
        if named and named[0].access.type.is_text and named[0].stats.lengths == (size, size):
            if not named[0].stats.constant:
                return f"; the order of its {size} elements changes: see `{path}`"
            first = named[1].data.drop_null()[0].as_py()
            return f"; its {size} elements are {', '.join(first[:_MOST_NAMED])}" + (
                ", …" if size > _MOST_NAMED else ""
            )
    return ""


def _range(stats: FieldStats) -> str:
    if stats.least is None or stats.most is None:
        return f"{stats.distinct} different values in {stats.count} messages"
    return f"from {stats.least:.6g} to {stats.most:.6g} in {stats.count} messages"


def _fits_float32(stats: FieldStats) -> bool:
    if stats.least is None or stats.most is None:
        return True
    largest = max(abs(stats.least), abs(stats.most))
    step = largest * float(np.finfo(np.float32).eps)
    return largest < float(np.finfo(np.float32).max) and step <= (stats.most - stats.least) * _RESOLUTION


def _image(topic: str, leaf: Leaf, values: Values) -> Found:
    reason = "none could be read"
    for row in np.flatnonzero(values.present)[:_MOST_PICTURES].tolist():
        one = values.data[row]
        try:
            steps, text = _raw(one.as_py()) if leaf.access.type.element == RAW_IMAGE else _file(one)
        except NoImage as error:
            reason = str(error)
            continue
        feature = {"transforms": steps} if steps else {}
        return Candidate(topic, leaf.path, leaf.access.type, leaf.stats, feature, text)
    return LeftOut(topic, leaf.path, f"no pictures that can be read: {reason}")


def _file(one: pa.BinaryScalar) -> tuple[list[dict[str, Any]], str]:
    pixels, colour = decode_file(np.frombuffer(one.as_buffer(), np.uint8))
    size = f"{pixels.shape[1]} x {pixels.shape[0]}"
    return [], f"pictures of {size} ({colour}), kept as the files that they are"


def _raw(message: dict[str, Any]) -> tuple[list[dict[str, Any]], str]:
    pixels, colour = decode_raw(message, np.frombuffer(message["data"], np.uint8))
    what = f"{message['width']} x {message['height']} ({message['encoding']})"
    if colour != "depth":
        return [{"op": "image_decode"}, {"op": "image_encode"}], f"pictures of {what}, as JPEG"
    decode = {"op": "image_decode", "colour": "as_is"}
    if pixels.dtype == np.uint16 and pixels.shape[2] == 1:
        steps = [decode, {"op": "image_encode", "format": "png"}]
        return steps, f"depth of {what}, as PNG, which keeps each number"
    return [decode], f"numbers of {what}, as they are"
