"""One column while rows are made: values joined, combined and transformed, and what became of them."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from bagmill.dataset import between
from bagmill.dataset.extracted import ColumnFacts
from bagmill.dataset.finite import not_finite
from bagmill.dataset.joins import NEVER, Join, Timeline
from bagmill.dataset.missing import ForwardFill
from bagmill.dataset.plan import ColumnPlan, ConstantLeaf, CountLeaf, Leaf, MessageLeaf
from bagmill.dataset.rows import RowTimes
from bagmill.dataset.series import Series
from bagmill.dataset.spec import Sync
from bagmill.dataset.values import Mask, Values, ValueType
from bagmill.errors import DatasetInvalid
from bagmill.faults import Fault
from bagmill.recording.times import rfc3339

Ints = npt.NDArray[np.int64]


class Joins:
    """The joins of all topics to all rows, each made once."""

    def __init__(
        self, rows: RowTimes, series: Mapping[str, Series], timelines: Mapping[str, Timeline]
    ) -> None:
        self.rows = rows
        self.series = series
        self.timelines = timelines
        self._joins: dict[tuple[str, Sync], Join] = {}
        self._counts: dict[str, Ints] = {}

    def of(self, topic: str, sync: Sync) -> Join:
        """Which messages of a topic all rows take."""
        if (topic, sync) not in self._joins:
            self._joins[topic, sync] = self.rows.join(topic, self.timelines[topic], sync)
        return self._joins[topic, sync]

    def counts(self, topic: str) -> Ints:
        """How many messages of a topic each row has since the one before."""
        if topic not in self._counts:
            self._counts[topic] = self.rows.counts(self.timelines[topic])
        return self._counts[topic]


@dataclass(slots=True)
class Made:
    """The values of a column in some rows, before any row is dropped.

    `bad`: which have NaN or infinity; `times`: of the oldest message behind each, ns.
    """

    values: Values
    bad: Mask
    times: Ints


@dataclass(slots=True)
class ColumnRun:
    """A column of one recording.

    `nan` is what the spec's `validation` says of NaN and infinity.
    """

    plan: ColumnPlan
    joins: Joins
    nan: str
    present: int = 0
    missing: int = 0
    filled: int = 0
    bad: int = 0
    _fill: ForwardFill | None = field(init=False)

    def __post_init__(self) -> None:
        fills = self.plan.missing.policy == "forward_fill"
        self._fill = ForwardFill(self._sync.staleness) if fills else None

    @property
    def _sync(self) -> Sync:
        return self.plan.column.sync

    @property
    def _messages(self) -> Sequence[MessageLeaf]:
        return [leaf for leaf in self.plan.leaves if isinstance(leaf, MessageLeaf)]

    @property
    def looks_ahead(self) -> bool:
        """Whether rows may have values of messages later than they are."""
        own = self.joins.rows.own
        return self._sync.policy in ("nearest", "linear") and any(
            leaf.topic != own for leaf in self._messages
        )

    def bytes_of(self, rows: Ints) -> Ints:
        """About how many bytes each row will take in memory, int64[N]."""
        total = np.full(rows.size, _dense_bytes(self.plan.stored), np.int64)
        for leaf in self._messages:
            join = self.joins.of(leaf.topic, self._sync)
            total += self.joins.series[leaf.topic].of(leaf).bytes_of(join.first[rows])
        return total

    def make(self, rows: Ints | slice, pool: Executor | None) -> Made:
        """The stored values of some rows, by number.

        Raises:
            DatasetInvalid: a transform refuses one.
            OutputFailed: values that were put aside can't be read.
        """
        values = self.plan.combine([self._joined(leaf, rows) for leaf in self.plan.leaves])
        bad = not_finite(values)
        if self.nan != "allow" and bad.any():
            values = values.where(~bad)
        if self.plan.before.ops:
            values = self.plan.before(values, pool)
            new = not_finite(values)
            bad |= new
            if self.nan != "allow" and new.any():
                values = values.where(~new)
        return Made(values, bad, self._times(rows))

    def _joined(self, leaf: Leaf, rows: Ints | slice) -> Values:
        match leaf:
            case MessageLeaf():
                join = self.joins.of(leaf.topic, self._sync).part(rows)
                return between.take(self.joins.series[leaf.topic].of(leaf), join)
            case CountLeaf():
                counts = self.joins.counts(leaf.topic)[rows]
                return Values(counts, np.ones(counts.size, np.bool_), leaf.type)
            case ConstantLeaf():
                return leaf.rows(self.joins.rows.times[rows].size)

    def _times(self, rows: Ints | slice) -> Ints:
        """When the oldest message behind each row's value was (ns); `NEVER` where there is none."""
        times = np.full(self.joins.rows.times[rows].size, NEVER, np.int64)
        if self._fill is not None:
            for leaf in self._messages:
                join = self.joins.of(leaf.topic, self._sync).part(rows)
                times = np.minimum(times, np.where(join.first >= 0, join.time, NEVER))
        return times

    def finish(self, made: Made, rows: Ints, episodes: Ints) -> Values:
        """The values of rows that are kept, at these times (ns), in these episodes: filled, and counted.

        Raises:
            DatasetInvalid: one is missing, and the spec says `error`.
        """
        own = made.values.present
        self.present += int(own.sum())
        if self.plan.missing.policy == "error" and not own.all():
            time = rfc3339(int(rows[int(np.argmin(own))]))
            detail = f"The row at {time} has no value of {self.plan.name!r}, which is an error here."
            hint = "Choose another policy, or a larger tolerance or staleness in `sync`."
            raise DatasetInvalid(items=[Fault(f"{self.plan.pointer}/missing/policy", detail, hint)])
        if self._fill is None:
            return made.values
        values, filled = self._fill(made.values, made.times, rows, episodes)
        self.filled += int(filled.sum())
        return values

    def facts(self) -> ColumnFacts:
        """What became of the column."""
        return ColumnFacts(
            name=self.plan.name,
            kind="label" if self.plan.is_label else "feature",
            type=self.plan.stored.to_json(),
            present=self.present,
            missing=self.missing,
            filled=self.filled,
            nan=self.bad,
        )


def _dense_bytes(type_: ValueType) -> int:
    return type_.size * type_.numpy.itemsize if type_.is_dense else 0
