"""The entry point of jobs, run as the worker runs it."""

import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from bagmill.report import Progress
from config import ROOT
from models.job import DoneEvent, FailedEvent, JobRequest, Manifest, ProgressEvent, Resources
from models.workflow import SourceStamp
from services.executors.base import Exited, Happening
from services.executors.entry import ALMOST, Events, Reporter
from services.executors.local import ENTRY, LocalExecutor
from tests.conftest import Sample
from tests.executors.children import of, program, until_exited
from tests.support.waiting import wait_for

JOB = "01JABC.expand"


def request(folder: Path, kind: str = "expand", source: Path | None = None, **params: Any) -> JobRequest:
    """A request of a real step, with its output folder made."""
    output = folder / "out.1.partial"
    output.mkdir()
    return JobRequest(
        job=JOB,
        workflow="01JABC",
        step=kind,
        kind=kind,
        attempt=1,
        fence=1,
        params=params,
        source=stamp(source) if source else None,
        output=str(output),
        resources=Resources(threads=1),
    )


def stamp(path: Path) -> SourceStamp:
    facts = path.stat()
    return SourceStamp(path=str(path), size=facts.st_size, mtime_ns=facts.st_mtime_ns, inode=facts.st_ino)


def run(job: JobRequest) -> list[Happening]:
    """All that happens when a job runs by itself."""
    executor = LocalExecutor(1)
    executor.start(job)
    happened = until_exited(executor)
    executor.drain(0.0)
    return of(JOB, happened)


def failure(happened: list[Happening]) -> FailedEvent:
    """The failure that a job told before it exited."""
    told, exited = happened[-2:]
    assert isinstance(told, FailedEvent)
    assert exited == Exited(1, "")
    return told


def test_a_done_job_leaves_a_manifest_of_all_its_files(tmp_path: Path, sample: Sample) -> None:
    job = request(tmp_path, recordings=[str(sample.path), "not there.mcap"], base=str(tmp_path))

    happened = run(job)

    assert happened[-2:] == [DoneEvent(), Exited(0, "")]
    output = Path(job.output)
    manifest = Manifest.model_validate_json((output / "manifest.json").read_bytes())
    content = (output / "recordings.jsonl").read_bytes()
    (listed,) = manifest.outputs
    assert (manifest.kind, manifest.job, manifest.fence, manifest.complete) == ("expand", JOB, 1, True)
    assert (listed.path, listed.rows) == ("recordings.jsonl", 2)
    assert (listed.size, listed.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert [json.loads(line)["recording"] for line in content.splitlines()] == [
        str(sample.path),
        "not there.mcap",
    ]


def test_progress_is_told_and_stays_below_the_commit(tmp_path: Path, sample: Sample) -> None:
    happened = run(request(tmp_path, recordings=[str(sample.path)], base=str(tmp_path)))

    told = [what for what in happened if isinstance(what, ProgressEvent)]
    assert [event.stage for event in told] == ["listing", "sealing"]
    assert all(event.progress <= ALMOST for event in told)


def test_what_the_core_finds_wrong_is_told_without_a_traceback(tmp_path: Path) -> None:
    recording = tmp_path / "notes.mcap"
    recording.write_text("just a text file", "utf-8")

    told = failure(run(request(tmp_path, "convert", recording)))

    assert told.problem.code == "not_mcap"
    assert told.traceback is None
    assert not told.retryable


def test_a_bug_is_told_with_its_traceback(tmp_path: Path) -> None:
    told = failure(run(request(tmp_path, "dance")))

    assert told.problem.code == "internal_error"
    assert told.traceback is not None
    assert "KeyError" in told.traceback
    assert not told.retryable


@pytest.mark.parametrize("how", ["written to", "bytes", "another file"])
def test_a_recording_that_changed_is_refused(tmp_path: Path, sample: Sample, how: str) -> None:
    recording = tmp_path / "drive.mcap"
    recording.write_bytes(sample.path.read_bytes())
    job = request(tmp_path, "convert", recording)
    if how == "written to":
        os.utime(recording, ns=(0, 0))
    elif how == "bytes":
        with recording.open("ab") as file:
            file.write(b"more")
    else:
        copy = tmp_path / "copy"
        copy.write_bytes(sample.path.read_bytes())
        copy.replace(recording)

    told = failure(run(job))

    assert told.problem.code == "recording_changed"
    assert how in told.problem.detail
    assert told.problem.where == {"path": str(recording)}


def test_a_recording_that_is_gone_is_told(tmp_path: Path, sample: Sample) -> None:
    recording = tmp_path / "drive.mcap"
    recording.write_bytes(sample.path.read_bytes())
    job = request(tmp_path, "convert", recording)
    recording.unlink()

    assert failure(run(job)).problem.code == "recording_not_found"


def test_an_output_folder_that_is_gone_fails_the_job_alone(tmp_path: Path, sample: Sample) -> None:
    job = request(tmp_path, recordings=[str(sample.path)], base=str(tmp_path))
    Path(job.output).rmdir()

    told = failure(run(job))

    assert told.problem.code == "storage_failed"
    assert told.retryable


def spawn(*command: str) -> "tuple[subprocess.Popen[bytes], int]":
    """The process of an entry point, and the reading end of its events."""
    ours, theirs = os.pipe()
    try:
        process = subprocess.Popen(
            [*command, str(theirs)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            pass_fds=(theirs,),
            start_new_session=True,
        )
    finally:
        os.close(theirs)
    return process, ours


@pytest.mark.parametrize("sent", [b"", b'{"job": "01J'])
def test_without_a_whole_request_there_is_nothing_to_do(sent: bytes) -> None:
    process, events = spawn(*ENTRY)
    assert process.stdin

    process.stdin.write(sent)
    process.stdin.close()

    assert process.wait(60) == -signal.SIGKILL
    assert os.read(events, 100) == b""
    os.close(events)


DEATH_PIPE = """
sys.path.insert(0, REQUEST["root"])
from services.executors.entry import Requests

requests = Requests()
grandchild = subprocess.Popen(["sleep", "600"])
os.write(EVENTS, str(grandchild.pid).encode())
time.sleep(600)
"""


def test_the_end_of_stdin_ends_the_job_and_all_it_has_started(tmp_path: Path) -> None:
    process, events = spawn(*program(tmp_path, DEATH_PIPE))
    assert process.stdin
    process.stdin.write(json.dumps({"root": str(ROOT)}).encode() + b"\n")
    process.stdin.flush()
    grandchild = psutil.Process(int(os.read(events, 100)))

    process.stdin.close()

    assert process.wait(60) == -signal.SIGKILL
    wait_for(lambda: not grandchild.is_running() or grandchild.status() == "zombie", "the grandchild's end")
    os.close(events)


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """A pipe, closed at the end."""
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


def test_progress_of_one_stage_is_thinned_out(pipe: tuple[int, int]) -> None:
    report = Reporter(Events(pipe[1]))

    for done in range(1000):
        report(Progress("reading", done, 1000))
    report(Progress("writing", 5, 0, {"messages": 7}))

    lines = [json.loads(line) for line in os.read(pipe[0], 1 << 16).splitlines()]
    stages = [line["stage"] for line in lines]
    assert stages[0] == "reading"
    assert stages.count("reading") < 100
    assert lines[-1] == {
        "type": "progress",
        "progress": 0.0,
        "stage": "writing",
        "counters": {"messages": 7},
    }


def test_the_number_of_threads_is_known_before_anything_is_loaded(tmp_path: Path) -> None:
    code = (
        "import services.executors.entry as entry, os; entry.be_modest(3);"
        "import pyarrow; print(pyarrow.cpu_count(), pyarrow.io_thread_count(), os.nice(0) > 0)"
    )

    answer = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert answer.stdout.split() == ["3", "3", "True"]
