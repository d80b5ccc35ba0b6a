"""Small programs in the place of a job's entry point, to misbehave as no real step should."""

import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from models.job import JobRequest, Resources
from services.executors.base import Exited, Happening
from services.executors.local import LocalExecutor
from tests.support.waiting import PATIENCE, wait_for

HEAD = """\
import json, os, signal, subprocess, sys, time
EVENTS = int(sys.argv[1])
REQUEST = json.loads(sys.stdin.buffer.readline())

def say(**event):
    os.write(EVENTS, json.dumps(event).encode() + b"\\n")
"""


def program(folder: Path, body: str, name: str = "job.py") -> list[str]:
    """The command of a program; it has `REQUEST`, `say(**event)` and the number of the pipe, `EVENTS`."""
    path = folder / name
    path.write_text(HEAD + textwrap.dedent(body), "utf-8")
    return [sys.executable, str(path)]


def request(job: str = "01J.convert", **params: Any) -> JobRequest:
    """A request that small programs may read from."""
    workflow, _, step = job.partition(".")
    return JobRequest(
        job=job,
        workflow=workflow,
        step=step,
        kind="convert",
        attempt=1,
        fence=1,
        params=params,
        output="nowhere",
        resources=Resources(threads=1),
    )


def until_exited(executor: LocalExecutor, jobs: int = 1) -> list[tuple[str, Happening]]:
    """All that happens until so many jobs have exited."""
    happened: list[tuple[str, Happening]] = []

    def gone() -> bool:
        happened.extend(executor.events(0.05))
        return sum(isinstance(what, Exited) for _, what in happened) == jobs

    wait_for(gone, "the end of the jobs", PATIENCE)
    return happened


def of(job: str, happened: Sequence[tuple[str, Happening]]) -> list[Happening]:
    """What one job did."""
    return [what for name, what in happened if name == job]
