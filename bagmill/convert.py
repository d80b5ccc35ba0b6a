"""Convert: a recording becomes a dataset, a folder of columnar files with one folder for each topic."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bagmill.checkpoints import EVERY_BYTES, Checkpoints
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
    checkpoint_bytes: int = EVERY_BYTES,
) -> Report:
    """Write a recording's messages as typed Parquet or TFRecord below `output`.

    That is an empty folder, or one in which an earlier call was interrupted: if it was about the same
    recording with the same options, this one goes on from its last checkpoint, of which there is one after
    each `checkpoint_bytes` of messages. The result is the same.

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
        aside = ParquetFormat(codec_of(options), apart=threads > 1)
        files = aside if options.format == "parquet" else _tfrecord(options)
        checkpoints = Checkpoints(output, _body(source, options), checkpoint_bytes)
        earlier = checkpoints.take_up()
        lanes = threads if threads > 1 else 0
        with WriterPool(output, files, threads=lanes, going_on=earlier is not None) as pool:
            sources = list(zip(tables, decoders, strict=True))
            conversion = Conversion(pool, output, source.identity, sources, aside, in_place=files is aside)
            if earlier:
                conversion.restore(earlier)
            taken = earlier.blocks if earlier else 0
            for number, block in enumerate(read_blocks(source, tables, options, ahead=threads > 1), 1):
                due = checkpoints.is_due(block.buffer.nbytes)
                if number > taken:
                    conversion.take(block)
                    if due:
                        checkpoints.save(conversion.checkpoint(number))
                done = source.done_bytes
                steps.sink(Progress("convert", done, source.size, conversion.counters | {"bytes": done}))
            report = conversion.finish(source.losses, _body(source, options))
            checkpoints.remove()
            return report


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
