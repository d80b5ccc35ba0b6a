"""List the recordings of a batch, each with what its path and first bytes tell."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from bagmill.errors import RecordingError, RecordingNotFound
from bagmill.options import Options
from bagmill.report import OutputFile, Progress, ProgressSink, Report, Warn
from models.job import JobRequest
from models.listed import LIST_FILE, Listed
from services import durable, sources
from services.problems import problem_of


class ExpandOptions(Options):
    """What to list. `base` is where relative paths start; an empty list is an error unless `may_be_empty`."""

    recordings: list[str] | str
    base: str
    may_be_empty: bool = False


def run(request: JobRequest, progress: ProgressSink) -> Report:
    """Write `recordings.jsonl`, one `Listed` a line, in the order of the list or of the names.

    Raises:
        RecordingNotFound: there is nothing to list, and there must be.
        RecordingUnreadable: the glob is none.
    """
    options = ExpandOptions.model_validate(request.params)
    base = Path(options.base)
    found = _found(options, base)
    if not (found.recordings or found.unnamed or options.may_be_empty):
        raise RecordingNotFound(
            f"No *.mcap file matches {options.recordings!r}.", where={"path": options.base}
        )
    with (Path(request.output) / LIST_FILE).open("wb") as file:
        file.writelines(map(durable.json_line, _looked_at(found.recordings, base, progress)))
    count = len(found.recordings)
    return Report(
        outputs=(OutputFile(LIST_FILE, rows=count),),
        warnings=tuple(_warnings(found, base)),
        counters={"recordings": count},
        complete=not found.unnamed,
    )


def _found(options: ExpandOptions, base: Path) -> sources.Found:
    if options.may_be_empty and not base.exists():  # a fresh checkout has no recordings folder yet
        return sources.Found(())
    return sources.find(options.recordings, base)


def _looked_at(recordings: Iterable[str], base: Path, progress: ProgressSink) -> Iterator[Listed]:
    all_of_them = list(recordings)
    for number, recording in enumerate(all_of_them):
        progress(Progress("listing", number, len(all_of_them), {"recordings": number}))
        yield _listed(recording, base)


def _listed(recording: str, base: Path) -> Listed:
    try:
        return Listed(recording=recording, source=sources.stamp(recording, base))
    except RecordingError as error:
        return Listed(recording=recording, problem=problem_of(error))


def _warnings(found: sources.Found, base: Path) -> Iterator[Warn]:
    if not found.recordings:
        yield Warn(
            "no_recordings", f"There is no *.mcap file in {base}: nothing was done.", {"path": str(base)}
        )
    for name in found.unnamed:
        yield Warn("name_not_utf8", f"{name} was left out: its name is not UTF-8. Rename it.", {"path": name})
