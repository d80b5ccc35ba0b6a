"""A spec brought together with a recording: what must be read of it, and the plans of its columns.

All that the recording's summary and schemas can tell against the spec is refused here, before any work.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import pyarrow as pa

from bagmill.choices import Choices
from bagmill.columns import METADATA_KEY
from bagmill.dataset.labels import constants
from bagmill.dataset.paths import Access, resolve
from bagmill.dataset.plan import ColumnPlan, MessageLeaf, plan_columns
from bagmill.dataset.samples import first_messages
from bagmill.dataset.selecting import (
    check_topics,
    decoded_places,
    needed_topics,
    select,
    topics_taken,
)
from bagmill.dataset.spec import ByField, Feature, Label, MetadataSource, Rate, Spec, TopicSource
from bagmill.dataset.spec.transforms import ImageDecode
from bagmill.decoders import Decoder
from bagmill.errors import SpecUnfit
from bagmill.faults import Fault
from bagmill.inspection import open_decoders
from bagmill.recording import Recording, Summary
from bagmill.report import ProgressSink, silent
from bagmill.suggestions import did_you_mean
from bagmill.tables import Table, plan_tables, select_tables

MOST_ROWS = 1 << 25
"""Rows of a grid; more are a mistake in `hz` or in the times."""

Schemas = Mapping[str, pa.Schema]
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Reads:
    """A table whose messages are read, with its decoder."""

    table: Table
    decoder: Decoder

    @property
    def topic(self) -> str:
        """The topic that it is of."""
        return self.table.topic


@dataclass(frozen=True, slots=True)
class State:
    """The field that makes episodes.

    `wanted`: the values that do, as text; None: all but false, zero and empty ones.
    """

    leaf: MessageLeaf
    wanted: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Fitted:
    """A spec that fits a recording.

    Attributes:
        spec: the spec.
        selection: what is read, with times in ns.
        reads: the tables of the topics that are needed.
        plans: of features, then labels.
        times: the field with the time of a topic's messages; empty where it is the log or publish time.
        state: the field that makes episodes, if one does.
    """

    spec: Spec
    selection: Choices
    reads: Sequence[Reads]
    plans: Sequence[ColumnPlan]
    times: Mapping[str, Access]
    state: State | None

    @property
    def leaves(self) -> list[MessageLeaf]:
        """All fields of messages that are read."""
        found = [leaf for plan in self.plans for leaf in plan.leaves if isinstance(leaf, MessageLeaf)]
        return [*found, self.state.leaf] if self.state else found


def fit(spec: Spec, recording: Recording, progress: ProgressSink = silent, *, threads: int = 1) -> Fitted:
    """Bring a spec and a recording together; only topics in JSON or CBOR cost a reading of their messages.

    Raises:
        SpecUnfit: the spec does not fit; `items` has what is wrong, each with its JSON pointer.
        RecordingError: the recording can't be read.
    """
    summary = recording.summary
    selection = select(spec.input, summary.start_time, summary.end_time)
    tables = plan_tables(summary.channels, summary.schemas)
    taken = topics_taken({table.topic for table in tables}, selection)
    check_topics(spec, taken)
    check_rate(spec, *_window(selection, summary))
    mine = _used(select_tables(tables, needed_topics(spec)), summary)
    decoders = open_decoders(recording, mine, selection, progress, threads=threads)
    reads = [Reads(table, decoder) for table, decoder in zip(mine, decoders, strict=True)]
    schemas = {topic: pa.schema([]) for topic in taken} | _schemas(spec, reads)
    faults: list[Fault] = []
    samples = _samples(spec, recording, reads)
    plans = _noting(faults, lambda: plan_columns(spec, schemas, _records(spec, recording), samples))
    times = _noting(faults, lambda: _times(spec, schemas))
    state = _noting(faults, lambda: _state(spec, schemas))
    if faults or plans is None or times is None:
        raise SpecUnfit(items=faults)
    return Fitted(spec, selection, reads, plans, times, state)


def check_rate(spec: Spec, first: int, last: int) -> None:
    """Refuse a grid that would have far too many rows between two times (ns).

    Raises:
        SpecUnfit: it would.
    """
    if isinstance(spec.rows, Rate) and (last - first) / 1e9 * spec.rows.hz > MOST_ROWS:
        text = f"{spec.rows.hz:g} Hz over {(last - first) / 1e9:.6g} s are more than {MOST_ROWS} rows."
        hint = "Choose a lower rate, or a window of time with `input`."
        if spec.time.field is not None:
            hint += f" The times are those of {spec.time.field!r}, which some messages may not have set."
        raise SpecUnfit(items=[Fault("/rows/hz", text, hint)])


def _window(selection: Choices, summary: Summary) -> tuple[int, int]:
    first, last = summary.start_time or 0, summary.end_time or 0
    if selection.start_time is not None:
        first = max(first, selection.start_time)
    return first, last if selection.end_time is None else min(last, selection.end_time)


def _used(tables: Sequence[Table], summary: Summary) -> list[Table]:
    """Tables of topics without those that have no messages, if others of their topic have."""

    def count(table: Table) -> int:
        return sum(summary.message_counts.get(channel, 0) for channel in table.channels)

    totals: dict[str, int] = defaultdict(int)
    for table in tables:
        totals[table.topic] += count(table)
    return [table for table in tables if count(table) or not totals[table.topic]]


def _noting(faults: list[Fault], check: Callable[[], Result]) -> Result | None:
    """What a check gives; None if it finds faults, which are added."""
    try:
        return check()
    except SpecUnfit as error:
        faults.extend(error.items)
        return None


def _schemas(spec: Spec, reads: Sequence[Reads]) -> dict[str, pa.Schema]:
    """The columns of each topic.

    Raises:
        SpecUnfit: what is in a topic's messages is wanted and can't be decoded, or is of several types.
    """
    of_topic: dict[str, list[Reads]] = defaultdict(list)
    for read in reads:
        of_topic[read.topic].append(read)
    reasons = {topic: reason for topic, several in of_topic.items() if (reason := _unusable(several))}
    if faults := [Fault(at, reasons[topic]) for at, topic in decoded_places(spec) if topic in reasons]:
        raise SpecUnfit(items=faults)
    return {topic: _with_facts(several[0].decoder) for topic, several in of_topic.items()}


def _unusable(several: Sequence[Reads]) -> str | None:
    for read in several:
        if read.decoder.raw_reason is not None:
            return f"The messages of {read.topic} can't be decoded: {read.decoder.raw_reason.message}."
    if any(not read.decoder.fields.equals(several[0].decoder.fields) for read in several):
        names = sorted({read.table.schema.name if read.table.schema else "none" for read in several})
        return f"The messages of {several[0].topic} are of several types: {', '.join(names)}."
    return None


def _with_facts(decoder: Decoder) -> pa.Schema:
    return decoder.fields.with_metadata({METADATA_KEY: json.dumps(decoder.facts)})


def _records(spec: Spec, recording: Recording) -> dict[str, dict[str, str]]:
    """The recording's metadata records, if the spec takes any; of several with one name the last value."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    if any(isinstance(source, MetadataSource) for source in _all_sources(spec)):
        for entry in recording.summary.metadata:
            found[entry.name] |= recording.metadata_values(entry)
    return dict(found)


def _all_sources(spec: Spec) -> Iterator[object]:
    columns: list[Feature | Label] = [*spec.features.values(), *spec.labels.values()]
    waiting: list[object] = [column.source for column in columns]
    while waiting:
        source = waiting.pop()
        yield source
        waiting.extend([*getattr(source, "concat", ()), *getattr(source, "stack", ())])


def _samples(spec: Spec, recording: Recording, reads: Sequence[Reads]) -> dict[str, pa.RecordBatch]:
    """Some early messages of topics whose images are decoded: they tell the size and type of pixels."""
    topics = {
        feature.source.topic
        for feature in spec.features.values()
        if isinstance(feature.source, TopicSource)
        and any(isinstance(one, ImageDecode) for one in feature.transforms)
    }
    wanted = [read for read in reads if read.topic in topics]
    if not wanted:
        return {}
    return first_messages(recording, [read.table for read in wanted], [read.decoder for read in wanted])


def _times(spec: Spec, schemas: Schemas) -> dict[str, Access]:
    """The field with the time of each topic that is read."""
    if spec.time.field is None:
        return {}
    found: dict[str, Access] = {}
    faults: list[Fault] = []
    for topic in needed_topics(spec):
        try:
            found[topic] = _stamp(resolve(spec.time.field, schemas[topic], "/time/field"))
        except SpecUnfit as error:
            faults += [Fault(one.pointer, f"{topic}: {one.detail}", one.hint) for one in error.items]
    if faults:
        raise SpecUnfit(items=faults)
    return found


def _stamp(access: Access) -> Access:
    kind = access.type
    if kind.shape or not (kind.is_time or kind.is_number):
        text = f"A time is a timestamp, integer ns or seconds as a float, and this is {kind}."
        raise SpecUnfit(items=[Fault("/time/field", text)])
    return access


def _state(spec: Spec, schemas: Schemas) -> State | None:
    episodes = spec.episodes
    if not isinstance(episodes, ByField):
        return None
    schema = schemas[episodes.topic]
    access = resolve(episodes.field, schema, "/episodes/field")
    kind = access.type
    if kind.shape or not (kind.is_bool or kind.is_text or (kind.is_number and not kind.is_float)):
        text = f"Episodes are made by a boolean, an integer or a text, and this is {kind}."
        raise SpecUnfit(items=[Fault("/episodes/field", text)])
    leaf = MessageLeaf(episodes.topic, episodes.field, access, kind, kind, "/episodes/field")
    if episodes.values is None:
        return State(leaf, None)
    names = constants(schema, access.leaf)
    wanted = [_as_text(access, value, names, number) for number, value in enumerate(episodes.values)]
    return State(leaf, tuple(wanted))


def _as_text(access: Access, value: bool | int | str, names: Mapping[str, int], number: int) -> str:
    """How a value of the spec reads when the field has it."""
    kind = access.type
    if kind.is_text and isinstance(value, str):
        return value
    if kind.is_bool and isinstance(value, bool):
        return str(value).lower()
    if kind.is_number and isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if kind.is_number and isinstance(value, str) and value in names:
        return str(names[value])
    hint = did_you_mean(str(value), names) if kind.is_number and names else None
    raise SpecUnfit(items=[Fault(f"/episodes/values/{number}", f"{value!r} is no value of {kind}.", hint)])
