"""What the executor in the worker's own process and the real one have in common."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from models.job import DoneEvent, FailedEvent, JobRequest, ProgressEvent
from services.executors.base import Executor, Exited, Happening
from services.executors.local import LocalExecutor
from tests.crash.inline import InlineExecutor
from tests.executors.test_entry import request
from tests.support.waiting import wait_for

MAKERS: list[Callable[[], Executor]] = [lambda: LocalExecutor(1), InlineExecutor]


@pytest.fixture(params=MAKERS, ids=["real", "inline"])
def executor(request: pytest.FixtureRequest) -> Iterator[Executor]:
    made: Executor = request.param()
    yield made
    made.drain(0.0)


def until_exited(executor: Executor) -> list[Happening]:
    happened: list[Happening] = []

    def gone() -> bool:
        happened.extend(what for _, what in executor.events(0.05))
        return bool(happened) and isinstance(happened[-1], Exited)

    wait_for(gone, "the end of the job")
    return happened


@pytest.fixture
def job(tmp_path: Path) -> JobRequest:
    return request(tmp_path, recordings=["not there.mcap"], base=str(tmp_path))


def test_a_job_that_is_done(executor: Executor, job: JobRequest) -> None:
    executor.start(job)
    assert executor.capacity() == 0
    with pytest.raises(ValueError, match="running already"):
        executor.start(job)

    happened = until_exited(executor)

    assert isinstance(happened[0], ProgressEvent)
    assert happened[-2:] == [DoneEvent(), Exited(0, "")]
    assert (Path(job.output) / "manifest.json").exists()
    assert executor.events(0.0) == []
    assert executor.capacity() == 1


def test_a_job_that_fails(executor: Executor, tmp_path: Path) -> None:
    recording = tmp_path / "text.mcap"
    recording.write_text("no recording", "utf-8")
    executor.start(request(tmp_path, "index", recording))

    failed, exited = until_exited(executor)[-2:]

    assert isinstance(failed, FailedEvent)
    assert failed.problem.code == "not_mcap"
    assert exited == Exited(1, "")


def test_a_job_that_is_cancelled(executor: Executor, job: JobRequest) -> None:
    executor.start(job)

    executor.cancel(job.job)

    (exited,) = (what for what in until_exited(executor) if isinstance(what, Exited))
    assert exited.code < 0
    executor.cancel("01J.nothing")
    assert executor.reattach(job) is False


def test_what_is_drained_at_once_does_not_go_on(executor: Executor, job: JobRequest) -> None:
    executor.start(job)

    ((_, exited),) = executor.drain(0.0)

    assert isinstance(exited, Exited)
    assert exited.code < 0
    assert executor.capacity() == 0
