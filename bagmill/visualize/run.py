"""Visualize: a recording becomes a Rerun recording."""

from pathlib import Path

from bagmill.options import VisualizeOptions
from bagmill.recording import Recording
from bagmill.report import Progress, ProgressSink, Report, silent
from bagmill.visualize.account import account
from bagmill.visualize.attempt import Attempt
from bagmill.visualize.plan import plan
from bagmill.visualize.verify import verify

FILE_NAME = "recording.rrd"


def visualize(
    recording: Path, output: Path, options: VisualizeOptions, progress: ProgressSink = silent
) -> Report:
    """Write `recording.rrd` below `output`, an empty folder.

    The same recording and options give a file whose data is equal (`rerun rrd compare --unordered`). The file
    has been read back: it holds every row that was meant to be in it. Its timelines are in ns.

    Raises:
        RecordingError: the file is no recording, or is damaged and `on_corrupt` is `fail`, or nothing is
            readable.
        SelectionError: a glob matches no topic, or the selection leaves nothing.
        OutputFailed: the file can't be written.
        OutputUnverified: what was written is not what was read.
    """
    target = output / FILE_NAME
    with Recording.open(recording) as source:
        try:
            attempt = _write(source, options, target, progress)
            progress(Progress("verify", source.size, source.size, attempt.counters))
            verify(target, attempt.tally)
        except BaseException:
            target.unlink(missing_ok=True)
            raise
        return account(attempt.outcomes(), source, options, FILE_NAME)


def _write(source: Recording, options: VisualizeOptions, target: Path, progress: ProgressSink) -> Attempt:
    """Write the file, again where the SDK's reader miscounted: without the topics it did that with."""
    parts = plan(source, options)
    by_sdk = frozenset(number for number, part in enumerate(parts) if part.parts is not None)
    attempt = Attempt(source, options, parts, by_sdk, progress)
    while miscounted := attempt.write(target):
        target.unlink()
        attempt = Attempt(source, options, parts, attempt.by_sdk - miscounted, progress)
    return attempt
