"""Inspect: what is in a recording, field by field, from its summary and a few messages of each topic."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field

from bagmill.dataset import lists
from bagmill.dataset.fieldstats import FieldStats, field_stats
from bagmill.dataset.leaftypes import StructKind, leaf_type, struct_kind
from bagmill.dataset.paths import Access, resolve
from bagmill.dataset.pathtext import quoted
from bagmill.dataset.samples import Sample, Taken, take_samples
from bagmill.dataset.shown import MOST_EXACT, shown
from bagmill.dataset.values import Values, ValueType
from bagmill.errors import SpecUnfit
from bagmill.probe import shown as shown_path
from bagmill.recording import Recording, Span
from bagmill.recording.spans import union
from bagmill.recording.times import rfc3339
from bagmill.tables import plan_tables

MOST_FIELDS = 400
"""Fields of a topic that are told, at most."""
_DEEPEST = 12
_EXAMPLES = 3


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True, ser_json_inf_nan="null")


class FieldFacts(_Told):
    """A field of a topic's messages, with what is below it. The numbers are those of the sample."""

    path: str = Field(description="As it stands in a spec; empty for the whole message.")
    name: str
    kind: str = Field(
        description="number, bool, text, bytes, time, image, rotation, list, message, map: what it is."
    )
    type: str = Field(description="Such as `float64[3]`; of what no column can hold, what it is.")
    usable: bool = Field(description="Whether a feature can take it.")
    dtype: str | None = None
    shape: list[int | None] | None = None
    enum: str | None = None
    sampled: int = 0
    missing_share: float = 0.0
    nan_share: float | None = Field(None, description="Share of numbers that are NaN or infinite.")
    min: int | float | str | None = Field(None, description="Least finite number; beyond 2**53 as text.")
    max: int | float | str | None = None
    lengths: list[int] | None = Field(None, description="Least and most elements of the list.")
    constant: bool = Field(False, description="All values of the sample are equal.")
    distinct: int | None = None
    runs_on: str | None = Field(None, description="`clock` or `counter`, where it is one.")
    examples: list[Any] = []
    fields: list["FieldFacts"] = []


class TopicFacts(_Told):
    """A topic, or one of its schemas where there are several."""

    topic: str
    schema_name: str
    encoding: str
    messages: int
    rate_hz: float | None
    first_time: str | None
    last_time: str | None
    sampled: int
    unreadable: int
    raw_reason: str | None = Field(description="Why its messages can't be decoded.")
    whole: FieldFacts | None = Field(description="The message as one value, where it is: an image, a vector.")
    fields: list[FieldFacts]
    truncated: bool = Field(False, description="There are more fields than are told.")


class PlaceFacts(_Told):
    """A part of the recording that was read for the sample."""

    start_time: str
    end_time: str


class Inspected(_Told):
    """What is in a recording, as far as a sample tells."""

    recording: str
    size: int
    messages: int
    start_time: str | None
    end_time: str | None
    duration_seconds: float | None
    read_bytes: int = Field(description="Bytes of messages that were read for the sample.")
    places: list[PlaceFacts]
    topics: list[TopicFacts]


@dataclass(frozen=True)
class Leaf:
    """A field that a feature can take, with what the sample tells of it."""

    path: str | None
    access: Access
    stats: FieldStats
    field: pa.Field


def inspect_recording(path: Path) -> Inspected:
    """What is in a recording: costs its summary and a few chunks, whatever it weighs.

    Of JSON and CBOR the types are those of the sample. A recording without a summary is scanned.

    Raises:
        RecordingError: it is none, or nothing is readable.
    """
    with Recording.open(path) as recording:
        summary = recording.summary
        taken = take_samples(recording, plan_tables(summary.channels, summary.schemas))
        spans = recording.spans()
        start, end = summary.start_time, summary.end_time
        return Inspected(
            recording=shown_path(path.name),
            size=recording.size,
            messages=summary.message_count,
            start_time=None if start is None else rfc3339(start),
            end_time=None if end is None else rfc3339(end),
            duration_seconds=None if start is None or end is None else (end - start) / 1e9,
            read_bytes=taken.size,
            places=place_facts(taken),
            topics=[topic_facts(sample, summary.message_counts, spans) for sample in taken.samples],
        )


def place_facts(taken: Taken) -> list[PlaceFacts]:
    """The places of a sample, in the order of time."""
    return [
        PlaceFacts(start_time=rfc3339(one.start), end_time=rfc3339(one.end))
        for one in sorted(taken.places, key=lambda one: one.start)
    ]


def topic_facts(sample: Sample, counts: dict[int, int], spans: dict[int, Span]) -> TopicFacts:
    """What is in a topic.

    Args:
        sample: of its messages.
        counts: messages of each channel.
        spans: of the channels that have messages.
    """
    table = sample.table
    messages = sum(counts.get(channel, 0) for channel in table.channels)
    span = union(spans[channel] for channel in table.channels if channel in spans)
    tree = _Tree(sample)
    fields = tree.fields()
    raw = sample.decoder.raw_reason
    return TopicFacts(
        topic=table.topic,
        schema_name=table.schema.name if table.schema else "",
        encoding=table.message_encoding,
        messages=messages,
        rate_hz=rate_of(messages, span),
        first_time=rfc3339(span.first) if span else None,
        last_time=rfc3339(span.last) if span else None,
        sampled=len(sample.log_time),
        unreadable=sample.unreadable,
        raw_reason=None if raw is None else raw.message,
        whole=tree.whole(),
        fields=fields,
        truncated=tree.left < 0,
    )


def rate_of(messages: int, span: Span | None) -> float | None:
    """Messages a second; None where there is no time between them."""
    if messages < 2 or span is None or span.last == span.first:
        return None
    return round((messages - 1) * 1e9 / (span.last - span.first), 6)


def read_leaf(sample: Sample, path: str | None) -> tuple[Leaf, Values] | None:
    """A field of a sample, and its values; None if no column can hold it."""
    try:
        access = resolve(path, sample.decoder.fields, "")
    except SpecUnfit:
        return None
    values = access.extract(sample.batch)
    stats = field_stats(values, sample.log_time, sample.runs, access.leaf.name)
    return Leaf(path, access, stats, access.leaf), values


class _Tree:
    """The fields of a topic. `left` is how many more may be told."""

    def __init__(self, sample: Sample) -> None:
        self._sample = sample
        self.left = MOST_FIELDS

    def fields(self) -> list[FieldFacts]:
        """All top-level fields, with what is below them."""
        return self._members(self._sample.decoder.fields, "", 0)

    def whole(self) -> FieldFacts | None:
        """The message as one value."""
        schema = self._sample.decoder.fields
        if not len(schema) or struct_kind(pa.struct(list(schema))) in {StructKind.OTHER, StructKind.STAMP}:
            return None
        return self._leaf("", None, schema.field(0))

    def _members(self, fields: Sequence[pa.Field], before: str, depth: int) -> list[FieldFacts]:
        found = []
        for field in fields:
            self.left -= 1
            if self.left < 0:
                break
            dot = "." if before else ""
            found.append(self._field(field, f"{before}{dot}{quoted(field.name)}", depth))
        return found

    def _field(self, field: pa.Field, path: str, depth: int) -> FieldFacts:
        own = self._leaf(path, path, field)
        inside, below = field.type, path
        while lists.is_list(inside):
            inside, below = inside.value_type, f"{below}[*]"
        members = list(inside) if pa.types.is_struct(inside) and depth < _DEEPEST else []
        return own.model_copy(update={"fields": self._members(members, below, depth + 1)})

    def _leaf(self, path: str, taken: str | None, field: pa.Field) -> FieldFacts:
        inside = field.type
        while taken is not None and lists.is_list(inside):
            inside = inside.value_type
        found = read_leaf(self._sample, taken) if taken is None or leaf_type(inside) else None
        name = field.name if path else ""
        if found is None:
            kind = _kind_of(field.type)
            return FieldFacts(path=path, name=name, kind=kind, type=kind, usable=False)
        leaf, values = found
        stats, type_ = leaf.stats, leaf.access.type
        enum = (leaf.field.metadata or {}).get(b"enum")
        return FieldFacts(
            path=path,
            name=name,
            kind=kind_of(type_),
            type=str(type_),
            usable=True,
            dtype=type_.to_json()["dtype"],
            shape=list(type_.shape),
            enum=None if enum is None else enum.decode(),
            sampled=stats.count,
            missing_share=round(stats.missing_share, 6),
            nan_share=None if stats.nan_share is None else round(stats.nan_share, 6),
            min=_bound(stats.least),
            max=_bound(stats.most),
            lengths=None if stats.lengths is None else list(stats.lengths),
            constant=stats.constant,
            distinct=stats.distinct,
            runs_on=stats.runs_on,
            examples=_examples(values),
        )


def _examples(values: Values) -> list[Any]:
    """The first, a middle and the last value that are there."""
    rows = np.flatnonzero(values.present)
    chosen = rows[np.unique(np.linspace(0, rows.size - 1, _EXAMPLES).astype(int))] if rows.size else rows
    return [shown(one, values.type.shape) for one in values.take(chosen).to_arrow()]


def _bound(number: int | float | None) -> int | float | str | None:  # noqa: PYI041 - mypy takes them apart
    return str(number) if isinstance(number, int) and abs(number) > MOST_EXACT else number


def kind_of(type_: ValueType) -> str:
    """What a value is, in a word."""
    if type_.image:
        return "image"
    if type_.rotation:
        return "rotation"
    names = ("number", "bool", "text", "bytes", "time")
    flags = (type_.is_number, type_.is_bool, type_.is_text, type_.is_bytes, type_.is_time)
    return next(name for name, flag in zip(names, flags, strict=True) if flag)


def _kind_of(kind: pa.DataType) -> str:
    """What a field is that no column can hold."""
    if pa.types.is_struct(kind):
        return "message"
    if lists.is_list(kind):
        return "list"
    return "map" if pa.types.is_map(kind) else str(kind)
