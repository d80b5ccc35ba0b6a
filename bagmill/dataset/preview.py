"""Preview: the first rows that a spec makes of a recording, without making the dataset."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from os import cpu_count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import pyarrow as pa

from bagmill.dataset.assembly import Assembly
from bagmill.dataset.columns import Column, finished_columns
from bagmill.dataset.extract import extract
from bagmill.dataset.extracted import Extracted
from bagmill.dataset.facts import dataset_facts, feature_facts, label_facts
from bagmill.dataset.fits import statistics_of
from bagmill.dataset.recordings import arrange, rows_of_splits
from bagmill.dataset.selecting import needed_topics, select
from bagmill.dataset.shown import shown
from bagmill.dataset.spec import Output, Spec
from bagmill.dataset.splits import ALL
from bagmill.dataset.values import ValueType
from bagmill.dataset.windows import Window, Windows
from bagmill.errors import SpecUnfit
from bagmill.recording import Recording
from bagmill.recording.times import rfc3339

SIZES = (4 << 20, 64 << 20)
"""Decompressed bytes that are read at first, and at most."""
_RESERVE, _LEAST_GROWTH, _GROWTH = 1.25, 2, 4


class _Found(NamedTuple):
    """What a window has."""

    window: Window
    extracted: Extracted


def preview(
    recording: Path,
    spec: Spec,
    *,
    rows: int = 20,
    threads: int | None = None,
    sizes: tuple[int, int] = SIZES,
) -> dict[str, Any]:
    """The first rows of a dataset, and what is missing in them, as plain data for JSON.

    Only a first part of the recording is read, the `window`: as much as the rows need, but no more than a
    bound. All counts and shares are those of a recording that ended there; a fitted `normalize` is fitted
    over its rows. Rows are not split, and `validation` is not applied but for `nan`.

    Args:
        recording: the file.
        spec: the spec.
        rows: how many to show, at most.
        threads: for images; None: as many as there are cores.
        sizes: decompressed bytes of the recording that are read at first, and at most.

    Raises:
        RecordingError: the file is no recording, or nothing of it can be read.
        SelectionError, SpecUnfit: the spec does not fit the recording.
        DatasetInvalid: a row lacks a feature whose `missing` is `error`.
    """
    simple = _simplified(spec)
    with TemporaryDirectory(prefix="bagmill-preview-") as folder:
        found = _search(recording, simple, Path(folder), rows, sizes, threads)
        return _told(recording.name, simple, found, rows, threads or cpu_count() or 1)


def _simplified(spec: Spec) -> Spec:
    """The spec without what concerns whole datasets only."""
    validation = type(spec.validation)(nan=spec.validation.nan, min_rows=0, on_failure="report")
    return spec.model_copy(update={"split": None, "validation": validation, "output": Output()})


def _search(
    recording: Path, spec: Spec, folder: Path, rows: int, sizes: tuple[int, int], threads: int | None
) -> _Found:
    """Extract ever longer windows until there are so many rows, or no more may be read."""
    cut, (size, most), number = _windows(recording, spec), sizes, 0
    while True:
        window = cut.of(size)
        last = window.whole or size >= most
        output = folder / str(number)
        output.mkdir()
        times = {"start_time": window.start, "end_time": window.end}
        part = spec.model_copy(update={"input": spec.input.model_copy(update=times)})
        count = 0
        try:
            extract(recording, output, part, threads=threads)
            found = _Found(window, Extracted.open(output))
            count = found.extracted.facts.rows
            if last or count >= rows:
                return found
        except SpecUnfit:
            if last:  # of JSON, a later message may have the field that is missing
                raise
        size, number = min(most, _next(size, count, rows)), number + 1


def _next(size: int, found: int, wanted: int) -> int:
    """The bytes to try next, after so many have made some of the rows that are wanted."""
    return int(size * max(_LEAST_GROWTH, _RESERVE * wanted / found)) if found else size * _GROWTH


def _windows(recording: Path, spec: Spec) -> Windows:
    with Recording.open(recording) as source:
        summary, topics = source.summary, needed_topics(spec)
        first, last = summary.start_time or 0, summary.end_time or 0
        selection = select(spec.input, summary.start_time, summary.end_time)
        start = first if selection.start_time is None else max(first, selection.start_time)
        end = last + 1 if selection.end_time is None else min(last + 1, selection.end_time)
        channels = {one.id for one in summary.channels.values() if one.topic in topics}
        return Windows(source, channels, start, end)


def _told(name: str, spec: Spec, found: _Found, rows: int, threads: int) -> dict[str, Any]:
    recordings = arrange([name], [found.extracted], None)
    statistics = statistics_of(recordings, None)
    columns = finished_columns(spec, recordings, statistics)
    facts = dataset_facts(spec, recordings, (), rows_of_splits(recordings, None))
    features, labels = {}, {}
    for column in columns:
        if column.name in spec.features:
            told = feature_facts(column, recordings, statistics.get(column.name, {}))
            features[column.name] = told | {"statistics": told["statistics"].get(ALL)}
        else:
            told = label_facts(column, recordings, {})
            labels[column.name] = {key: value for key, value in told.items() if key != "counts"}
    same = ("candidates", "bad", "drops", "messages", "episodes", "looks_ahead")
    return {
        "recording": name,
        "window": _window(found),
        "kept": facts["rows"],
        **{key: facts[key] for key in same},
        "features": features,
        "labels": labels,
        "rows": _rows(spec, columns, found.extracted, rows, threads),
        "warnings": [
            {"code": one.code, "message": one.message, "where": one.where}
            for one in found.extracted.facts.warnings
        ],
    }


def _window(found: _Found) -> dict[str, Any]:
    """Which part of the recording was read. `share`: of the time from its first message to its last."""
    window, source = found.window, found.extracted.facts.source
    length = (source.end_ns or 0) - (source.start_ns or 0)
    return {
        "start_time": rfc3339(window.start),
        "start_time_ns": str(window.start),
        "end_time": rfc3339(window.end),
        "end_time_ns": str(window.end),
        "share": min(1.0, (window.end - window.start) / length) if length else 1.0,
        "whole": window.whole,
    }


def _rows(
    spec: Spec, columns: Sequence[Column], extracted: Extracted, rows: int, threads: int
) -> list[dict[str, Any]]:
    assembly = Assembly(spec, columns, extracted.facts.rows)
    types = {column.name: column.final for column in columns}
    found: list[dict[str, Any]] = []
    with ThreadPoolExecutor(threads) as pool:
        for batches in assembly.batches(arrange([""], [extracted], None)[0], pool):
            for batch in batches.values():
                found += _plain_rows(batch.slice(0, rows - len(found)), types)
            if len(found) >= rows:
                break
    return found


def _plain_rows(batch: pa.RecordBatch, types: Mapping[str, ValueType]) -> Iterator[dict[str, Any]]:
    """Rows as plain data: without the name of the recording, which is the same in each."""
    names = [name for name in batch.schema.names if name != "recording"]
    columns = [_plain_column(batch.column(name), types.get(name)) for name in names]
    for values in zip(*columns, strict=True):
        yield dict(zip(names, values, strict=True))


def _plain_column(array: pa.Array, type_: ValueType | None) -> list[Any]:
    if pa.types.is_timestamp(array.type):
        return [None if one is None else rfc3339(one) for one in array.view(pa.int64()).to_pylist()]
    if array.type == pa.int64() and type_ is None:
        return [str(one) for one in array.to_pylist()]
    shape = type_.shape if type_ else ()
    return [shown(value, shape) for value in array]
