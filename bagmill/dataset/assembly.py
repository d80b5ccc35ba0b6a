"""Rows of a dataset: extracted ones with finished columns, numbered over all recordings, by split."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from bagmill.columns import METADATA_KEY
from bagmill.dataset.columns import Column
from bagmill.dataset.extracted import EPISODE, FRAME, TIME
from bagmill.dataset.recordings import Recording
from bagmill.dataset.report import Trace, trace_of
from bagmill.dataset.spec import PRESENT, Feature, Label, Spec, spec_hash
from bagmill.dataset.splits import split_names
from bagmill.dataset.values import TIMESTAMP, Values

Ints = npt.NDArray[np.int64]

_INDEX = (
    pa.field("time", TIMESTAMP, nullable=False),
    pa.field("time_ns", pa.int64(), nullable=False),
    pa.field("recording", pa.string(), nullable=False),
    pa.field("episode_index", pa.int64(), nullable=False),
    pa.field("frame_index", pa.int64(), nullable=False),
    pa.field("index", pa.int64(), nullable=False),
)


@dataclass(slots=True)
class Assembly:
    """Makes the rows of the files, and notes what the report shows of them.

    Attributes:
        traces: of each numeric feature.
        classes: of each label how often each of its numbers stands in each split.
    """

    spec: Spec
    columns: Sequence[Column]
    rows: int
    schema: pa.Schema = field(init=False)
    traces: dict[str, Trace] = field(init=False)
    classes: dict[str, list[Counter[int]]] = field(init=False)

    def __post_init__(self) -> None:
        self.schema = self._schema()
        traces = {
            column.name: trace_of(column.final, self.rows)
            for column in self.columns
            if isinstance(column.spec, Feature)
        }
        self.traces = {name: trace for name, trace in traces.items() if trace is not None}
        splits = range(len(split_names(self.spec.split)))
        self.classes = {name: [Counter() for _ in splits] for name in self.spec.labels}

    def _schema(self) -> pa.Schema:
        fields = [*(_INDEX[1:] if self.spec.output.format == "tfrecord" else _INDEX)]
        for column in self.columns:
            fields.append(column.final.field(column.name, nullable=column.nullable))
            if column.has_presence:
                fields.append(pa.field(column.name + PRESENT, pa.bool_(), nullable=False))
        facts = {"dataset": self.spec.name, "spec_hash": spec_hash(self.spec)}
        return pa.schema(fields, {METADATA_KEY: json.dumps(facts)})

    def batches(self, recording: Recording, pool: Executor | None) -> Iterator[Mapping[int, pa.RecordBatch]]:
        """The rows of a recording, some at a time, by the number of their split.

        Raises:
            DatasetInvalid: a value is refused, or one is missing whose `missing` is `error`.
        """
        of_row = recording.splits(self.spec.split)
        first = 0
        for batch in recording.extracted.batches():
            episodes = batch.column(EPISODE).to_numpy()
            drawn = recording.split_of_episode
            numbers = of_row[first : first + batch.num_rows] if drawn is None else drawn[episodes]
            rows = self._rows(recording, batch, first, numbers, pool)
            yield _by_split(rows, numbers)
            first += batch.num_rows

    def _rows(
        self, recording: Recording, batch: pa.RecordBatch, first: int, numbers: Ints, pool: Executor | None
    ) -> pa.RecordBatch:
        times, episodes = batch.column(TIME), batch.column(EPISODE).to_numpy()
        at = recording.first_row + first
        index = [
            times.view(TIMESTAMP),
            times,
            pa.repeat(pa.scalar(recording.name, pa.string()), batch.num_rows),
            pa.array(recording.numbers_of_episodes[episodes]),
            batch.column(FRAME),
            pa.array(np.arange(at, at + batch.num_rows)),
        ]
        columns = [array for array, kind in zip(index, _INDEX, strict=True) if kind.name in self.schema.names]
        for column in self.columns:
            values = column.finish(Values.from_arrow(batch.column(column.name), column.stored), pool)
            self._note(column, at, values, numbers)
            columns.append(values.to_arrow())
            if column.has_presence:
                columns.append(batch.column(column.name + PRESENT))
        return pa.RecordBatch.from_arrays(columns, schema=self.schema)

    def _note(self, column: Column, first: int, values: Values, numbers: Ints) -> None:
        if trace := self.traces.get(column.name):
            trace.add(first, values.data, values.present)
        if isinstance(column.spec, Label):
            for number in np.unique(numbers[values.present]).tolist():
                found = values.data[values.present & (numbers == number)]
                self.classes[column.name][number].update(_counts(found, multi=column.spec.multi))


def _counts(found: npt.NDArray[np.integer], *, multi: bool) -> dict[int, int]:
    """How often each class stands in values of a label."""
    if multi:
        return dict(enumerate(found.sum(axis=0, dtype=np.int64).tolist()))
    return dict(zip(*(array.tolist() for array in np.unique(found, return_counts=True)), strict=True))


def _by_split(rows: pa.RecordBatch, numbers: Ints) -> dict[int, pa.RecordBatch]:
    there = np.unique(numbers).tolist()
    if len(there) == 1:
        return {there[0]: rows}
    return {number: rows.filter(pa.array(numbers == number)) for number in there}
