"""Extracted recordings made by hand: rows in Parquet and the facts on them, as `extract` leaves them."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bagmill.dataset.extracted import (
    ColumnFacts,
    EpisodeFacts,
    RowsFacts,
    SourceFacts,
    StatisticsFacts,
    WarnFacts,
    write_facts,
)
from bagmill.dataset.spec import Spec, make_spec, spec_hash
from bagmill.dataset.splits import groups_of
from bagmill.dataset.statistics import Accumulator
from bagmill.dataset.values import Values, ValueType

START = 1_700_000_000_000_000_000
TICK = 10_000_000
INDEX_TYPES = {
    "time": pa.timestamp("ns", tz="UTC"),
    "time_ns": pa.int64(),
    "recording": pa.string(),
    "episode_index": pa.int64(),
    "frame_index": pa.int64(),
    "index": pa.int64(),
}
"""The columns that each dataset has, with their types."""


def spec_of(features: Mapping[str, Any], **rest: Any) -> Spec:
    """A spec with rows at 100 Hz; features without a source get one."""
    plain = {
        name: {"source": {"topic": f"/{name}", "field": "data"}} | feature
        for name, feature in features.items()
    }
    return make_spec({"rows": {"kind": "rate", "hz": 100}, "features": plain} | rest)


def numbers(data: Any, *shape: int, element: pa.DataType | None = None, present: Any = None) -> Values:
    """Values of a fixed shape: float64 unless told."""
    kind = ValueType(element or pa.float64(), shape)
    array = np.asarray(data, kind.numpy).reshape(-1, *shape)
    there = np.ones(len(array), np.bool_) if present is None else np.asarray(present, np.bool_)
    return Values.dense(array, there, kind)


def things(data: Sequence[Any], element: pa.DataType, *shape: int | None) -> Values:
    """Values of a type that is not dense."""
    kind = ValueType(element, shape)
    return Values.sparse(pa.array(data, kind.arrow), kind)


def extracted(
    folder: Path,
    spec: Spec,
    columns: Mapping[str, Values],
    *,
    episodes: Sequence[int] | None = None,
    name: str = "a.mcap",
    content: str | None = None,
    dropped: int = 0,
    filled: Mapping[str, Any] | None = None,
    **facts: Any,
) -> Path:
    """Write rows 10 ms apart. `content` tells recordings apart, else their name does.

    `filled`: for a column which rows got an earlier value.
    """
    count = len(next(iter(columns.values())))
    of_row = np.zeros(count, np.int64) if episodes is None else np.asarray(episodes, np.int64)
    identity = sha256((content or name).encode()).hexdigest()
    own = {one: values.present & ~_mask(filled, one, count) for one, values in columns.items()}
    (folder / "rows").mkdir(parents=True)
    pq.write_table(_table(spec, columns, of_row, own), folder / "rows" / "part-00000.parquet")
    bad = dropped + int((~np.logical_and.reduce(list(own.values()))).sum())
    write_facts(
        folder,
        RowsFacts(
            source=SourceFacts(name=name, size=count, sha256=identity, start_ns=START, end_ns=START + count),
            spec_hash=spec_hash(spec),
            tool="0",
            rows=count,
            candidates=count + dropped,
            bad=bad,
            columns=tuple(_column(spec, one, columns[one], own[one]) for one in columns),
            episodes=tuple(_episodes(of_row)),
            drops={f"missing:{next(iter(columns))}": dropped} if dropped else {},
            topics={f"/{one}": count for one in columns},
            statistics=tuple(_statistics(spec, columns, identity, of_row)),
            warnings=tuple(WarnFacts(**one) for one in facts.pop("warnings", ())),
            files=("rows/part-00000.parquet",),
            **facts,
        ),
    )
    return folder


def _mask(filled: Mapping[str, Any] | None, name: str, count: int) -> Any:
    return np.asarray((filled or {}).get(name, [False] * count), np.bool_)


def _table(spec: Spec, columns: Mapping[str, Values], episodes: Any, own: Mapping[str, Any]) -> pa.Table:
    count = len(episodes)
    frames = np.arange(count) - np.searchsorted(episodes, episodes)
    arrays = {
        "time_ns": pa.array(START + np.arange(count) * TICK),
        "episode": pa.array(episodes),
        "frame_index": pa.array(frames),
    }
    fields = [pa.field(name, pa.int64(), nullable=False) for name in arrays]
    for name, values in columns.items():
        arrays[name] = values.to_arrow()
        fields.append(values.type.field(name))
        if name in spec.features and spec.features[name].presence:
            arrays[f"{name}.present"] = pa.array(own[name])
            fields.append(pa.field(f"{name}.present", pa.bool_(), nullable=False))
    return pa.Table.from_arrays(list(arrays.values()), schema=pa.schema(fields))


def _column(spec: Spec, name: str, values: Values, own: Any) -> ColumnFacts:
    return ColumnFacts(
        name=name,
        kind="label" if name in spec.labels else "feature",
        type=values.type.to_json(),
        present=int(own.sum()),
        missing=int((~own).sum()),
        filled=int((values.present & ~own).sum()),
    )


def _episodes(of_row: Any) -> list[EpisodeFacts]:
    found = []
    for number in np.unique(of_row).tolist():
        rows = np.flatnonzero(of_row == number)
        first, last = (START + int(rows[at]) * TICK for at in (0, -1))
        found.append(EpisodeFacts(index=number, first_ns=first, last_ns=last, rows=rows.size))
    return found


def _statistics(
    spec: Spec, columns: Mapping[str, Values], identity: str, episodes: Any
) -> list[StatisticsFacts]:
    groups = groups_of(spec.split, identity, episodes)
    found = []
    for name, values in columns.items():
        if name in spec.labels or not values.type.is_dense or values.type.is_time:
            continue
        taken = Accumulator(values.type.sizes, len(groups.names))
        taken.add(values.data, values.present, groups.of)
        for group, statistics in zip(groups.names, taken.finish(), strict=True):
            found.append(StatisticsFacts(column=name, group=group, values=statistics.facts()))
    return found
