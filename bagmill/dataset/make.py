"""Make: recordings become a dataset at one go, extracted into the output folder for as long as it takes."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bagmill.dataset.collect import collect
from bagmill.dataset.extract import extract
from bagmill.dataset.recordings import LeftOut, distinct_names
from bagmill.dataset.spec import Spec
from bagmill.errors import BagmillError, OutputError
from bagmill.report import Progress, ProgressSink, Report, silent

EXTRACTED = "extracted"
"""Folder below the output, removed at the end."""

_COLLECTING = 0.2
"""Share of the whole work that collecting counts as, in the progress that is told."""


def make_dataset(
    recordings: Sequence[Path],
    output: Path,
    spec: Spec,
    progress: ProgressSink = silent,
    *,
    allow_failed: bool = False,
    threads: int | None = None,
) -> Report:
    """Write the dataset of recordings below `output`, an empty folder.

    Args:
        recordings: their paths; their order is that of the rows.
        output: as in `collect`.
        spec: what a row is.
        progress: is told of both stages.
        allow_failed: leave out recordings that can't be extracted, and say so, as long as one is left.
        threads: None: as many as there are cores. No byte depends on it.

    Raises:
        RecordingError: a recording can't be read.
        SpecUnfit: the spec does not fit one of them, or they don't fit together.
        DatasetInvalid: the rows are not what the spec demands.
        OutputFailed: the files can't be written.
    """
    work = output / EXTRACTED
    work.mkdir()
    shares = _Shares(progress, [path.stat().st_size if path.exists() else 0 for path in recordings])
    folders: dict[str, Path] = {}
    left_out = []
    names = distinct_names([str(path) for path in recordings])
    for number, (path, name) in enumerate(zip(recordings, names, strict=True)):
        try:
            (folder := work / f"{number:06}").mkdir()
            extract(path, folder, spec, shares.of(number), threads=threads)
            folders[name] = folder
        except BagmillError as error:
            if not allow_failed or isinstance(error, OutputError):
                raise
            left_out.append(LeftOut(name, error.message))
    report = collect(folders, output, spec, shares.last(), left_out=left_out, threads=threads)
    shutil.rmtree(work)
    return report


@dataclass(slots=True)
class _Shares:
    """Joins the progress on several recordings and of collecting into one, in bytes of recordings."""

    progress: ProgressSink
    sizes: Sequence[int]

    def of(self, number: int) -> ProgressSink:
        """Takes the progress of extracting a recording."""
        return self._sink(sum(self.sizes[:number]), self.sizes[number])

    def last(self) -> ProgressSink:
        """Takes the progress of collecting."""
        before = sum(self.sizes)
        return self._sink(before, self._total - before)

    @property
    def _total(self) -> int:
        return round(sum(self.sizes) / (1 - _COLLECTING))

    def _sink(self, before: int, size: int) -> ProgressSink:
        def sink(one: Progress) -> None:
            done = before + size * one.done // max(1, one.total)
            self.progress(Progress(one.stage, done, self._total, one.counters))

        return sink
