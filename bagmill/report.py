"""What a run of the core says about itself: progress while it runs, a report when it ends."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from bagmill.errors import Where

CHECKPOINT = ".checkpoint.json"
"""A file in the output folder of an interrupted run that can be taken up, by a run with the same output."""


class Progress(NamedTuple):
    """Where a run stands. `done` and `total` are bytes of the recording (stored, not decompressed)."""

    stage: str
    done: int
    total: int
    counters: Mapping[str, int] = {}


ProgressSink = Callable[[Progress], None]


def silent(progress: Progress) -> None:
    """Take progress and say nothing."""


class Warn(NamedTuple):
    """Something the user must know though the run goes on: a stable code, a sentence, a place."""

    code: str
    message: str
    where: Where = {}


class OutputFile(NamedTuple):
    """One finished file; `path` is relative to the output folder, `rows` counts messages."""

    path: str
    rows: int | None = None
    schema: str | None = None


class Report(NamedTuple):
    """What index, convert and visualize return.

    `body` is what they add to `manifest.json` (JSON-ready, deterministic); `complete` is False when messages
    are missing or unreadable (exit code 3 on the command line, a warning in a workflow).
    """

    outputs: tuple[OutputFile, ...]
    warnings: tuple[Warn, ...] = ()
    counters: Mapping[str, int] = {}
    body: Mapping[str, Any] = {}
    complete: bool = True
