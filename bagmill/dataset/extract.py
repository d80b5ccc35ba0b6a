"""Extract: the rows of one recording, un-normalized, with statistics that can be merged."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from os import cpu_count
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bagmill.dataset.columnrun import ColumnRun, Joins
from bagmill.dataset.episodes import by_gaps, by_values
from bagmill.dataset.extracted import ROWS_FILE, ROWS_FOLDER, TIME, write_facts
from bagmill.dataset.fitting import Fitted, fit
from bagmill.dataset.making import WINDOW_ROWS, Making
from bagmill.dataset.rows import row_times
from bagmill.dataset.series import Reading
from bagmill.dataset.spec import ByGap, Spec, Sync
from bagmill.dataset.spool import Spool
from bagmill.dataset.summing import facts_of
from bagmill.recording import Recording
from bagmill.report import OutputFile, Progress, ProgressSink, Report, Warn, silent
from bagmill.writers.base import Part
from bagmill.writers.parquet import ParquetFormat
from bagmill.writers.pool import WriterPool

Ints = npt.NDArray[np.int64]

_BODY = {"source", "spec_hash", "rows", "candidates", "bad", "drops", "topics", "looks_ahead"}


def extract(
    recording: Path,
    output: Path,
    spec: Spec,
    progress: ProgressSink = silent,
    *,
    threads: int | None = None,
    most_rows: int = WINDOW_ROWS,
) -> Report:
    """Write the rows of a recording below `output`, an empty folder: see `bagmill.dataset.extracted`.

    With `threads` above 1 (None: as many as there are cores) reading overlaps with decoding, and images are
    worked on side by side. `most_rows` are worked on at a time. No byte depends on either.

    Raises:
        SpecUnfit: the spec does not fit the recording; `items` has what is wrong, each with its JSON pointer.
        DatasetInvalid: a value is refused or missing, as the spec demands.
        RecordingError: the file is no recording, or is damaged and the spec says `fail`, or nothing can be
            read.
        OutputFailed: the files can't be written.
    """
    threads = threads or cpu_count() or 1
    with Recording.open(recording) as source:
        stages = Stages(progress, source.size)
        fitted = fit(spec, source, stages.sink, threads=threads)
        spool = Spool(output)
        try:
            reading = Reading(fitted, spool)
            reading.run(source, stages.sink, ahead=threads > 1)
            making = plan_rows(fitted, reading, most_rows)
            parts = _write(making, output, stages, threads)
        finally:
            spool.close()
        facts = facts_of(source, output, fitted, reading, making, parts)
    write_facts(output, facts)
    files = zip(facts.files, parts, strict=True)
    return Report(
        outputs=(*(OutputFile(name, part.rows) for name, part in files), OutputFile(ROWS_FILE)),
        warnings=tuple(Warn(one.code, one.message, one.where) for one in facts.warnings),
        counters={
            "messages": sum(facts.topics.values()),
            "rows": facts.rows,
            "dropped": facts.candidates - facts.rows,
            "episodes": len(facts.episodes),
        },
        body=facts.model_dump(mode="json", include=_BODY),
        complete=facts.complete,
    )


def plan_rows(fitted: Fitted, reading: Reading, most_rows: int = WINDOW_ROWS) -> Making:
    """What makes the rows of what was read.

    Raises:
        SpecUnfit: there would be far too many.
    """
    spec, series = fitted.spec, reading.series
    timelines = {topic: one.timeline() for topic, one in series.items()}
    joins = Joins(row_times(spec, timelines), series, timelines)
    is_told = spec.validation.nan == "error" and spec.validation.on_failure == "report"
    nan = "allow" if is_told else spec.validation.nan
    columns = [ColumnRun(plan, joins, nan) for plan in fitted.plans]
    return Making(spec, columns, joins, _episodes(fitted, joins), most_rows)


def _episodes(fitted: Fitted, joins: Joins) -> Ints:
    """The number of each row's episode before any is dropped."""
    episodes, rows = fitted.spec.episodes, joins.rows.times
    if fitted.state is not None:
        leaf = fitted.state.leaf
        join = joins.of(leaf.topic, Sync())
        return by_values(joins.series[leaf.topic].of(leaf).take(join.first), fitted.state.wanted)
    if isinstance(episodes, ByGap) and episodes.topic is not None:
        return by_gaps(joins.timelines[episodes.topic], rows, episodes.seconds)
    return np.zeros(rows.size, np.int64)


def _write(making: Making, output: Path, stages: "Stages", threads: int) -> Sequence[Part]:
    many = threads if threads > 1 else 0
    with (
        ThreadPoolExecutor(threads) if many else nullcontext() as pool,
        WriterPool(output, ParquetFormat(time_column=TIME), threads=many) as writers,
    ):
        schema = making.schema
        writers.begin(ROWS_FOLDER, schema)
        for window in making.windows(pool):
            writers.write(ROWS_FOLDER, window.batch(schema))
            stages.made(making)
        return writers.close()[ROWS_FOLDER]


class Stages:
    """Joins the progress of readings of the file, and of the making of rows, into one that does not go back.

    Each counts as much as the file has bytes: a look at JSON, the reading, and the rows.
    """

    def __init__(self, progress: ProgressSink, size: int) -> None:
        self._progress = progress
        self._size = size
        self._done = 0

    def sink(self, progress: Progress) -> None:
        """Pass on where a reading stands."""
        self._tell(progress.stage, (progress.stage == "read") * self._size + progress.done, progress.counters)

    def made(self, making: Making) -> None:
        """Tell how many rows are made."""
        share = self._size * making.done // max(1, making.candidates)
        self._tell("rows", 2 * self._size + share, {"rows": making.rows})

    def _tell(self, stage: str, done: int, counters: Mapping[str, int]) -> None:
        self._done = max(self._done, done)
        self._progress(Progress(stage, self._done, 3 * self._size, counters))
