"""Rows, made window by window: columns are joined and transformed, rows dropped, episodes counted."""

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from bagmill.dataset.columnrun import ColumnRun, Joins, Made
from bagmill.dataset.episodes import Counting
from bagmill.dataset.extracted import EPISODE, FRAME, TIME
from bagmill.dataset.spec import PRESENT, ByGap, Feature, Spec
from bagmill.dataset.values import Mask, Values
from bagmill.errors import DatasetInvalid
from bagmill.faults import Fault
from bagmill.recording.times import rfc3339
from bagmill.report import Warn

Ints = npt.NDArray[np.int64]

WINDOW_BYTES = 32 << 20
"""Bytes of values, about, that are worked on at a time."""

WINDOW_ROWS = 1 << 16
"""Rows that are worked on at a time."""


@dataclass(frozen=True, slots=True)
class Window:
    """Some rows that are kept, in the order of their times (ns), with their values by column.

    `own`: which have a value of their own, of the columns whose presence is written.
    """

    times: Ints
    episodes: Ints
    frames: Ints
    columns: dict[str, Values]
    own: dict[str, Mask]

    def batch(self, schema: pa.Schema) -> pa.RecordBatch:
        """The rows as they are written."""
        arrays = {TIME: self.times, EPISODE: self.episodes, FRAME: self.frames}
        columns = {name: pa.array(array) for name, array in arrays.items()}
        columns |= {name: values.to_arrow() for name, values in self.columns.items()}
        columns |= {name + PRESENT: pa.array(mask) for name, mask in self.own.items()}
        return pa.RecordBatch.from_arrays([columns[field.name] for field in schema], schema=schema)


@dataclass(slots=True)
class Making:
    """Makes the rows of one recording.

    `episodes`: the number of the episode of each row before any is dropped, negative for rows in none;
    `most_rows` are worked on at a time.
    `candidates` counts rows in episodes, `done` those that were looked at, `rows` those that are kept,
    and `bad` those that are not or lack a value.
    """

    spec: Spec
    columns: Sequence[ColumnRun]
    joins: Joins
    episodes: Ints
    most_rows: int = WINDOW_ROWS
    drops: Counter[str] = field(default_factory=Counter)
    candidates: int = 0
    bad: int = 0
    rows: int = 0
    done: int = 0
    nan: Counter[str] = field(default_factory=Counter)
    counting: Counting = field(init=False)

    def __post_init__(self) -> None:
        by = self.spec.episodes
        self.counting = Counting(by.seconds if isinstance(by, ByGap) and by.topic is None else None)

    @property
    def schema(self) -> pa.Schema:
        """The columns of the rows."""
        fields = [pa.field(name, pa.int64(), nullable=False) for name in (TIME, EPISODE, FRAME)]
        for column in self.columns:
            plan = column.plan
            fields.append(plan.stored.field(plan.name))
            if isinstance(plan.column, Feature) and plan.column.presence:
                fields.append(pa.field(plan.name + PRESENT, pa.bool_(), nullable=False))
        return pa.schema(fields)

    def windows(self, pool: Executor | None) -> Iterator[Window]:
        """All rows that are kept.

        Raises:
            DatasetInvalid: a value is refused or missing, as the spec demands.
            OutputFailed: values that were put aside can't be read.
        """
        inside = np.flatnonzero(self.episodes >= 0)
        if outside := self.episodes.size - inside.size:
            self.drops["outside_episodes"] = outside
        self.candidates = inside.size
        for rows in self._cut(inside):
            window = self._window(rows, pool)
            self.done += rows.size
            self.rows += window.times.size
            yield window

    def _cut(self, rows: Ints) -> Iterator[Ints]:
        """Runs of rows whose values are about `WINDOW_BYTES`."""
        sizes = np.zeros(rows.size, np.int64)
        for column in self.columns:
            sizes += column.bytes_of(rows)
        ends = np.cumsum(sizes)
        first = 0
        while first < rows.size:
            before = int(ends[first - 1]) if first else 0
            last = int(np.searchsorted(ends, before + WINDOW_BYTES, side="right"))
            last = min(max(last, first + 1), first + self.most_rows)
            yield rows[first:last]
            first = last

    def _window(self, rows: Ints, pool: Executor | None) -> Window:
        is_run = bool(rows[-1] - rows[0] + 1 == rows.size)
        part = slice(int(rows[0]), int(rows[-1]) + 1) if is_run else rows
        made = [column.make(part, pool) for column in self.columns]
        kept = ~self._dropped(made)
        times, raw = self.joins.rows.times[part], self.episodes[part]
        self._check_finite(made, kept, times)
        if not kept.all():
            places = np.flatnonzero(kept)
            times, raw = times[places], raw[places]
            made = [Made(one.values.take(places), one.bad[places], one.times[places]) for one in made]
        episodes, frames = self.counting(raw, times)
        values: dict[str, Values] = {}
        own: dict[str, Mask] = {}
        for column, one in zip(self.columns, made, strict=True):
            name, spec = column.plan.name, column.plan.column
            values[name] = column.finish(one, times, episodes)
            if isinstance(spec, Feature) and spec.presence:
                own[name] = one.values.present
        return Window(times, episodes, frames, values, own)

    def _dropped(self, made: Sequence[Made]) -> Mask:
        """Which rows are left out; the first column that says so is the reason."""
        dropped = np.zeros(len(made[0].values), np.bool_)
        lacking = np.zeros_like(dropped)
        for column, one in zip(self.columns, made, strict=True):
            absent = ~one.values.present
            nan_drops = one.bad if self.spec.validation.nan == "drop_row" else np.zeros_like(dropped)
            column.bad += int(one.bad.sum())
            column.missing += int((absent & ~nan_drops).sum())
            lacking |= absent
            self._drop(dropped, nan_drops, f"nan:{column.plan.name}")
            if column.plan.missing.policy == "drop_row":
                self._drop(dropped, absent, f"missing:{column.plan.name}")
        self.bad += int((dropped | lacking).sum())
        return dropped

    def _drop(self, dropped: Mask, these: Mask, reason: str) -> None:
        if new := int((these & ~dropped).sum()):
            self.drops[reason] += new
            dropped |= these

    def _check_finite(self, made: Sequence[Made], kept: Mask, times: Ints) -> None:
        """Refuse NaN and infinity in rows that are kept, or note them, if the spec says so."""
        if self.spec.validation.nan != "error":
            return
        for column, one in zip(self.columns, made, strict=True):
            bad = one.bad & kept
            if not bad.any():
                continue
            if self.spec.validation.on_failure == "report":
                self.nan[column.plan.name] += int(bad.sum())
                continue
            time = rfc3339(int(times[int(np.argmax(bad))]))
            detail = f"The row at {time} has NaN or infinity in {column.plan.name!r}, which is an error here."
            raise DatasetInvalid(items=[Fault("/validation/nan", detail, "Allow it, or drop such rows.")])

    def warnings(self) -> Iterator[Warn]:
        """What a person must know of the values."""
        for name, count in self.nan.items():
            yield Warn(
                "validation",
                f"{count} rows have NaN or infinity in {name!r}.",
                {"pointer": "/validation/nan"},
            )
        for column in self.columns:
            for (pointer, reason), count in column.plan.before.losses.items():
                text = f"{count} values of {column.plan.name!r} are missing: {reason}."
                yield Warn("values_lost", text, {"pointer": pointer})
