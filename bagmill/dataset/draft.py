"""Draft: a spec for a recording, with the reason of each choice in it."""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from bagmill.dataset.drafting.fields import Candidate, Found, LeftOut, find_fields
from bagmill.dataset.drafting.names import column_names
from bagmill.dataset.drafting.rows import TopicRate, choose_rows, covered, topic_rate
from bagmill.dataset.inspect import PlaceFacts, place_facts
from bagmill.dataset.samples import Sample, Taken, take_samples
from bagmill.dataset.spec import dump_spec, make_spec, plain
from bagmill.errors import NothingSelected
from bagmill.faults import token
from bagmill.recording import Recording
from bagmill.recording.spans import union
from bagmill.tables import plan_tables

FRACTIONS = {"train": 0.8, "val": 0.1, "test": 0.1}
_FEWEST_ROWS = 100
"""Rows that are worth splitting."""
_FEWEST_MESSAGES = 5
_LEAST_COVER = 0.5
"""Share of the time of the rows in which a topic must have messages."""
_MOST_FEATURES = 500
_MOST_NAMED = 4
_TIME = "log time, which all topics have and which is of one clock"
_EPISODE = "the recording is one episode: nothing in it says where another begins"


class Choice(BaseModel):
    """A choice in the draft: `pointer` says where it stands in the spec."""

    model_config = ConfigDict(frozen=True)

    pointer: str
    reason: str


class NotTaken(BaseModel):
    """A field (null: a topic as a whole) that did not become a feature."""

    model_config = ConfigDict(frozen=True)

    topic: str
    field: str | None
    reason: str


class Draft(BaseModel):
    """A spec that fits a recording, and why it is so."""

    model_config = ConfigDict(frozen=True)

    spec: dict[str, Any] = Field(description="The spec, as plain data.")
    yaml: str = Field(description="The same as text.")
    choices: list[Choice]
    left_out: list[NotTaken]
    estimated_rows: int | None
    read_bytes: int = Field(description="Bytes of messages that were read for the sample.")
    places: list[PlaceFacts]


def draft_spec(path: Path) -> Draft:
    """Propose a spec for a recording: costs its summary and a few chunks, whatever it weighs.

    Raises:
        RecordingError: it is none, or nothing is readable.
        NothingSelected: it has nothing that a model can learn from.
    """
    with Recording.open(path) as recording:
        summary = recording.summary
        tables = plan_tables(summary.channels, summary.schemas)
        taken = take_samples(recording, tables)
        rates = _rates(recording, taken.samples)
        found = [one for sample in taken.samples for one in _of_topic(sample, taken, rates)]
        return _draft(path, found, rates, taken, _seconds(recording))


def _seconds(recording: Recording) -> float:
    start, end = recording.summary.start_time, recording.summary.end_time
    return 0.0 if start is None or end is None else (end - start) / 1e9


def _rates(recording: Recording, samples: Sequence[Sample]) -> dict[str, TopicRate]:
    spans, counts = recording.spans(), recording.summary.message_counts
    rates: dict[str, TopicRate] = {}
    for sample in samples:
        channels = sample.table.channels
        messages = sum(counts.get(channel, 0) for channel in channels)
        span = union(spans[channel] for channel in channels if channel in spans)
        rates[sample.table.topic] = topic_rate(sample, messages, span)
    return rates


def _of_topic(sample: Sample, taken: Taken, rates: dict[str, TopicRate]) -> list[Found]:
    topic = sample.table.topic
    schemas = Counter(one.table.topic for one in taken.samples)[topic]
    messages = rates[topic].messages
    if messages < _FEWEST_MESSAGES:
        few = {0: "no messages", 1: "one message: nothing changes"}
        return [LeftOut(topic, None, few.get(messages, f"{messages} messages are too few to learn from"))]
    if schemas > 1:
        return [LeftOut(topic, None, f"messages of {schemas} schemas: convert them one by one")]
    return find_fields(sample)


def _draft(
    path: Path, found: Sequence[Found], rates: dict[str, TopicRate], taken: Taken, seconds: float
) -> Draft:
    left = [one for one in found if isinstance(one, LeftOut)]
    candidates = [one for one in found if isinstance(one, Candidate)]
    if not candidates:
        raise _nothing(left)
    rows, base, reason = choose_rows(candidates, rates)
    candidates, dropped = _chosen(candidates, rates, base)
    choices = [Choice(pointer="/time", reason=_TIME), Choice(pointer="/rows", reason=reason)]
    features = _features(candidates, rows, rates, choices)
    count = _row_count(rows, rates, seconds)
    rest = _rest(candidates, count, choices)
    spec = make_spec({"version": 1, "name": _name(path), "rows": rows, "features": features, **rest})
    return Draft(
        spec=plain(spec),
        yaml=dump_spec(spec),
        choices=choices,
        left_out=[NotTaken(topic=one.topic, field=one.field, reason=one.reason) for one in [*dropped, *left]],
        estimated_rows=count,
        read_bytes=taken.size,
        places=place_facts(taken),
    )


def _nothing(left: Sequence[LeftOut]) -> NothingSelected:
    """What is said of a recording without anything to learn from: some of what was left out, and why."""
    parts = [f"{one.topic}{f' {one.field}' if one.field else ''}: {one.reason}" for one in left]
    more = f" And {len(parts) - _MOST_NAMED} more." if len(parts) > _MOST_NAMED else ""
    text = "nothing in the recording changes in a way that a model can learn from"
    return NothingSelected(text, hint=f"{'. '.join(parts[:_MOST_NAMED])}.{more}" if parts else None)


def _chosen(
    candidates: Sequence[Candidate], rates: dict[str, TopicRate], base: str
) -> tuple[list[Candidate], list[LeftOut]]:
    """The candidates without topics that say the same again, or only for a small part of the rows, which
    follow the topic `base`.
    """
    kept: list[Candidate] = []
    dropped: list[LeftOut] = []
    files = {one.topic for one in candidates if one.is_image and one.path is None and not one.feature}
    for one in candidates:
        again = next(
            (name for end in ("compressed", "jpeg") if (name := f"{one.topic}/{end}") in files), None
        )
        share = covered(rates[one.topic], rates[base])
        if one.is_image and again and one.topic != base:
            dropped.append(LeftOut(one.topic, one.path, f"the same pictures as {again}"))
        elif share < _LEAST_COVER:
            dropped.append(
                LeftOut(one.topic, one.path, f"it is there for {share:.0%} of the time of {base} only")
            )
        elif len(kept) == _MOST_FEATURES:
            dropped.append(LeftOut(one.topic, one.path, f"{_MOST_FEATURES} features are enough for a draft"))
        else:
            kept.append(one)
    return kept, dropped


def _features(
    candidates: Sequence[Candidate],
    rows: dict[str, Any],
    rates: dict[str, TopicRate],
    choices: list[Choice],
) -> dict[str, Any]:
    names = column_names([(one.topic, one.path) for one in candidates])
    features: dict[str, Any] = {}
    for name, one in zip(names, candidates, strict=True):
        source = {"topic": one.topic} | ({"field": one.path} if one.path is not None else {})
        sync, how = _sync(one, rows, rates[one.topic])
        features[name] = {
            "source": source,
            **({"sync": sync} if sync else {}),
            **one.feature,
            "missing": {"policy": "drop_row"},
        }
        choices.append(Choice(pointer=f"/features{token(name)}", reason=f"{one.reason}{how}"))
    return features


def _sync(one: Candidate, rows: dict[str, Any], rate: TopicRate) -> tuple[dict[str, Any], str]:
    if one.topic == rows.get("topic"):
        return {}, ""
    if rate.staleness is None:
        return (
            {},
            "; the newest value not later than the row, however old: it comes when something happens",
        )
    text = f"; the newest value not later than the row, unless it is older than {rate.staleness:g} s"
    return {"policy": "last", "staleness": rate.staleness}, text


def _row_count(rows: dict[str, Any], rates: dict[str, TopicRate], seconds: float) -> int:
    return rates[rows["topic"]].messages if rows["kind"] == "trigger" else int(seconds * rows["hz"])


def _rest(candidates: Sequence[Candidate], count: int, choices: list[Choice]) -> dict[str, Any]:
    rest: dict[str, Any] = {}
    choices.append(Choice(pointer="/episodes", reason=_EPISODE))
    if count >= _FEWEST_ROWS:
        rest["split"] = {"by": "time", "fractions": dict(FRACTIONS)}
        text = "the last part tests: rows next to each other are nearly alike, so drawn ones would leak"
        choices.append(Choice(pointer="/split", reason=text))
    with_nan = [one for one in candidates if one.stats.nan_share]
    if not with_nan:
        rest["validation"] = {"nan": "drop_row"}
        text = "no NaN was seen; a row that has one is left out, as it would spoil the training"
        choices.append(Choice(pointer="/validation/nan", reason=text))
    return rest


def _name(path: Path) -> str:
    return re.sub(r"[^A-Za-z0-9 ._-]", "_", path.stem).lstrip(" ._-")[:120] or "dataset"
