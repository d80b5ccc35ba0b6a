"""Collect: extracted rows of recordings become one dataset, split, normalized and written in one pass."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from os import cpu_count
from pathlib import Path
from typing import Any

from bagmill.dataset.assembly import Assembly
from bagmill.dataset.checks import check_rows, must_fit_together, warn_of
from bagmill.dataset.columns import finished_columns
from bagmill.dataset.extracted import Extracted
from bagmill.dataset.facts import dataset_facts, feature_facts, label_facts
from bagmill.dataset.fits import statistics_of
from bagmill.dataset.recordings import LeftOut, Recording, arrange, rows_of_splits, warn_of_copies
from bagmill.dataset.report import write_report
from bagmill.dataset.shards import Shards, format_of
from bagmill.dataset.spec import Spec, dump_spec
from bagmill.dataset.splits import split_names
from bagmill.errors import DatasetInvalid, OutputFailed
from bagmill.probe import shown
from bagmill.report import OutputFile, Progress, ProgressSink, Report, Warn, silent
from bagmill.writers.base import Part
from bagmill.writers.pool import WriterPool

SPEC_FILE = "spec.yaml"
_MOST_NAMES = 20


def collect(
    extracted: Mapping[str, Path],
    output: Path,
    spec: Spec,
    progress: ProgressSink = silent,
    *,
    left_out: Sequence[LeftOut] = (),
    threads: int | None = None,
) -> Report:
    """Write the dataset of some recordings below `output`, an empty folder.

    Args:
        extracted: the folders that `extract` has filled, by the paths of their recordings, whose names go
            into the dataset. Their order is that of the rows.
        output: where `split=<name>/`, `report.md`, `report/` and `spec.yaml` are written.
        spec: the one that they were extracted with.
        left_out: recordings that are not in it, to be told of.
        threads: for images and for files; None: as many as there are cores. No byte depends on it.

    Raises:
        SpecUnfit: the rows don't fit together, or were extracted with another spec.
        DatasetInvalid: they are not what `validation` demands; there are none of a feature that is to be
            normalized; a feature whose `missing` is `error` is missing.
        OutputFailed: the files can't be written.
    """
    if not extracted:
        raise DatasetInvalid("No recording is left to make a dataset of.", hint="See why each was left out.")
    recordings = arrange(list(extracted), list(map(Extracted.open, extracted.values())), spec.split)
    must_fit_together(recordings, spec)
    faults = check_rows(recordings, spec)
    run = _Run(recordings, spec, output, left_out)
    parts = run.write(progress, threads or cpu_count() or 1)
    return run.report(parts, [*warn_of(faults), *run.warnings()])


class _Run:
    """One run of `collect`."""

    def __init__(
        self, recordings: Sequence[Recording], spec: Spec, output: Path, left_out: Sequence[LeftOut]
    ) -> None:
        self._sources = recordings
        self._spec = spec
        self._output = output
        self._left_out = left_out
        self._rows = rows_of_splits(recordings, spec.split)
        self._statistics = statistics_of(recordings, spec.split)
        self._columns = finished_columns(spec, recordings, self._statistics)
        self._assembly = Assembly(spec, self._columns, sum(self._rows.values()))

    def write(self, progress: ProgressSink, threads: int) -> Mapping[str, Sequence[Part]]:
        """Write all rows; the files of each split."""
        names = split_names(self._spec.split)
        many = threads if threads > 1 else 0
        with (
            ThreadPoolExecutor(threads) if many else nullcontext() as pool,
            WriterPool(self._output, format_of(self._spec.output), threads=many) as writers,
        ):
            shards = Shards(writers, self._spec.output, self._assembly.schema, names)
            done, total = 0, self._assembly.rows
            for recording in self._sources:
                for batch in self._assembly.batches(recording, pool):
                    for number, rows in batch.items():
                        shards.write(names[number], rows)
                        done += rows.num_rows
                    progress(Progress("collect", done, total, {"rows": done}))
            return shards.close()

    def warnings(self) -> Iterator[Warn]:
        """What a person must know."""
        if self._left_out:
            names = ", ".join(one.name for one in self._left_out[:_MOST_NAMES])
            more = len(self._left_out) - _MOST_NAMES
            count = len(self._sources) + len(self._left_out)
            yield Warn(
                "recordings_left_out",
                f"{len(self._left_out)} of {count} recordings are not in the dataset: {names}"
                + (f" and {more} more." if more > 0 else "."),
            )
        yield from warn_of_copies(self._sources)
        for name, rows in self._rows.items():
            if not rows and self._assembly.rows:
                yield Warn(
                    "empty_split", f"The split {name!r} has no rows: there is too little to share out."
                )
        for recording in self._sources:
            for warning in recording.extracted.facts.warnings:
                about = f"{recording.name}: " if len(self._sources) > 1 else ""
                yield Warn(warning.code, about + warning.message, warning.where)

    def report(self, parts: Mapping[str, Sequence[Part]], warnings: Sequence[Warn]) -> Report:
        """Write what is not rows, and say what was done."""
        body = self._body(parts)
        yaml = dump_spec(self._spec)
        try:
            (self._output / SPEC_FILE).write_text(yaml, "utf-8")
            texts = [warning.message for warning in warnings]
            pages = write_report(self._output, body, yaml, self._assembly.traces, texts)
        except OSError as error:
            raise OutputFailed(
                f"writing failed: {error.strerror}", where={"path": shown(self._output)}
            ) from error
        files = [OutputFile(self._path(part), part.rows) for found in parts.values() for part in found]
        return Report(
            outputs=(*files, *map(OutputFile, (SPEC_FILE, *pages))),
            warnings=tuple(warnings),
            counters={
                "rows": body["rows"],
                "episodes": body["episodes"],
                "recordings": len(self._sources),
                "dropped": body["candidates"] - body["rows"],
            },
            body=body,
            complete=all(recording.extracted.facts.complete for recording in self._sources),
        )

    def _body(self, parts: Mapping[str, Sequence[Part]]) -> dict[str, Any]:
        body = dataset_facts(self._spec, self._sources, self._left_out, self._rows)
        body["splits"] = {
            name: {
                "rows": self._rows[name],
                "files": [
                    {"path": self._path(part), "rows": part.rows} for part in found if part.rows is not None
                ],
            }
            for name, found in parts.items()
        }
        columns = {column.name: column for column in self._columns}
        names = split_names(self._spec.split)
        body["features"] = {
            name: feature_facts(columns[name], self._sources, self._statistics.get(name, {}))
            for name in self._spec.features
        }
        body["labels"] = {
            name: label_facts(
                columns[name], self._sources, dict(zip(names, self._assembly.classes[name], strict=True))
            )
            for name in self._spec.labels
        }
        return body

    def _path(self, part: Part) -> str:
        return part.path.relative_to(self._output).as_posix()
