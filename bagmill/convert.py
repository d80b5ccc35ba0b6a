"""Convert: a recording becomes a dataset, a folder of columnar files with one folder for each topic."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bagmill.choices import Compression, Converting, codec_of
from bagmill.conversion import Conversion
from bagmill.inspection import must_be_inspected, open_decoders, read_blocks
from bagmill.probe import shown
from bagmill.recording import Recording
from bagmill.report import Progress, ProgressSink, Report, silent
from bagmill.selection import check_times, select_topics
from bagmill.tables import Table, plan_tables, select_tables
from bagmill.writers.base import Format
from bagmill.writers.parquet import ParquetFormat
from bagmill.writers.pool import WriterPool


def convert(
    recording: Path,
    output: Path,
    options: Converting,
    progress: ProgressSink = silent,
    *,
    threads: int | None = None,
) -> Report:
    """Write a recording's messages as typed Parquet or TFRecord below `output`, an empty folder.

    With `threads` above 1 (None: as many as there are cores), reading, decoding and writing overlap. The same
    recording and options give byte-identical files, whatever the number of threads.

    Messages that can't be decoded are written to `unreadable/`, as Parquet; a topic without a decoder is
    written as bytes, its schema into `schemas/`.

    Raises:
        RecordingError: the file is no recording, or is damaged and `on_corrupt` is `fail`, or nothing can be
            read.
        SelectionError: a glob matches no topic, or the selection leaves nothing.
        FeatureCollision: two columns of a topic would become one feature of a TFRecord.
        OutputFailed: the files can't be written.
    """
    threads = threads or os.cpu_count() or 1
    with Recording.open(recording) as source:
        tables = _tables(source, options)
        steps = _Steps(progress, 2 if must_be_inspected(tables) else 1)
        decoders = open_decoders(source, tables, options, steps.sink, threads=threads)
        steps.next()
        aside = ParquetFormat(codec_of(options))
        files = aside if options.format == "parquet" else _tfrecord(options)
        with WriterPool(output, files, threads=threads if threads > 1 else 0) as pool:
            sources = list(zip(tables, decoders, strict=True))
            conversion = Conversion(pool, output, source.identity, sources, aside)
            for block in read_blocks(source, tables, options, ahead=threads > 1):
                conversion.take(block)
                done = source.done_bytes
                steps.sink(Progress("convert", done, source.size, conversion.counters | {"bytes": done}))
            return conversion.finish(source.losses, _body(source, options))


def _tfrecord(options: Converting) -> Format:
    from bagmill.writers.tfrecord import TFRecordFormat  # few need it

    return TFRecordFormat(gzip=codec_of(options) is Compression.GZIP)


def _tables(source: Recording, options: Converting) -> list[Table]:
    summary = source.summary
    tables = plan_tables(summary.channels, summary.schemas)
    wanted = select_topics({table.topic for table in tables}, options)
    check_times(summary.start_time, summary.end_time, options)
    return select_tables(tables, wanted)


def _body(source: Recording, options: Converting) -> Mapping[str, Any]:
    identity = source.identity
    return {
        "source": {"name": shown(source.path.name), "size": identity.size, "sha256": identity.sha256},
        "options": {
            "topics": list(options.topics),
            "exclude_topics": list(options.exclude_topics),
            "start_time": None if options.start_time is None else str(options.start_time),
            "end_time": None if options.end_time is None else str(options.end_time),
            "on_corrupt": options.on_corrupt.value,
            "format": options.format,
            "compression": codec_of(options).value,
        },
    }


class _Steps:
    """Joins the progress of several readings of the file into one."""

    def __init__(self, progress: ProgressSink, steps: int) -> None:
        self._progress = progress
        self._steps = steps
        self._before = 0

    def next(self) -> None:
        """The next reading begins."""
        self._before = self._steps - 1

    def sink(self, progress: Progress) -> None:
        """Pass on where one reading stands."""
        done = self._before * progress.total + progress.done
        self._progress(Progress(progress.stage, done, self._steps * progress.total, progress.counters))
