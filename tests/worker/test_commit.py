"""The check before the commit, and the commit itself."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from models.job import JobRequest, Resources
from models.workflow import EventType, Status
from services import advance
from services.process_errors import OutputRejected, StaleFence
from services.worker.commit import commit, verify
from services.worker.context import Context
from services.worker.running import Running
from tests.worker.making import House, fill

FILES = {"topic=%2Fimu/part-00000.parquet": b"12345", "topic=%2Ftf/part-00000.parquet": b"6", "a.txt": b""}


def change(path: Path, **fields: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | fields), "utf-8")


def link(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/null")


TAMPERINGS: dict[str, tuple[Callable[[Path], object], str]] = {
    "no manifest": (lambda f: (f / "manifest.json").unlink(), "can't be read"),
    "half a manifest": (lambda f: os.truncate(f / "manifest.json", 40), "can't be read"),
    "an empty manifest": (lambda f: (f / "manifest.json").write_text("{}", "utf-8"), "can't be read"),
    "another job's": (lambda f: change(f / "manifest.json", job="01K.index"), "is that of 01K.index"),
    "another attempt's": (lambda f: change(f / "manifest.json", fence=2), "fence 2"),
    "a missing file": (lambda f: (f / "a.txt").unlink(), "a.txt is listed"),
    "a shorter file": (lambda f: os.truncate(f / next(iter(FILES)), 4), "5 bytes, and has 4"),
    "a longer file": (lambda f: (f / "a.txt").write_bytes(b"x"), "0 bytes, and has 1"),
    "one file more": (lambda f: (f / "b.txt").touch(), "b.txt is there, but not listed"),
    "one file more below": (lambda f: (f / "topic=%2Fimu/x").touch(), "x is there, but not listed"),
    "a hidden file more": (lambda f: (f / ".hidden").touch(), ".hidden is there"),
    "a link for a file": (lambda f: link(f / "a.txt"), "a.txt should have"),
    "a link to a folder": (lambda f: (f / "more").symlink_to("topic=%2Fimu"), "more is there"),
    "a path that leads out": (
        lambda f: change(
            f / "manifest.json", outputs=[{"path": "../out.1.partial/a.txt", "size": 0, "sha256": ""}]
        ),
        "listed in the manifest",
    ),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "out.1.partial"
    folder.mkdir()
    fill(folder, "01J.index", 1, FILES)
    return folder


def test_a_folder_that_holds_what_its_manifest_says_is_accepted(folder: Path) -> None:
    (folder / "an empty folder").mkdir()

    assert {output.path for output in verify(folder, "01J.index", 1).outputs} == set(FILES)


@pytest.mark.parametrize("how", TAMPERINGS)
def test_any_other_folder_is_rejected(folder: Path, how: str) -> None:
    tamper, told = TAMPERINGS[how]
    tamper(folder)

    with pytest.raises(OutputRejected, match=told) as caught:
        verify(folder, "01J.index", 1)

    assert str(folder) in str(caught.value.where["path"])


def test_a_folder_that_is_not_there_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(OutputRejected):
        verify(tmp_path / "none", "01J.index", 1)


@pytest.fixture
def ctx(house: House) -> Context:
    return house.context()


@pytest.fixture
def running(house: House, ctx: Context) -> Running:
    """A job that is done: its folder is complete, and nothing is committed."""
    workflow = house.submit("ingest", recordings=None)
    partial = house.begin(workflow, ctx.life.id)
    fill(partial, f"{workflow}.index", 1, FILES)
    request = JobRequest(
        job=f"{workflow}.index",
        workflow=workflow,
        step="index",
        kind="index",
        attempt=1,
        fence=1,
        params={},
        output=str(partial),
        resources=Resources(threads=1),
    )
    return Running(request, 3)


def test_a_commit_renames_tells_and_goes_on(house: House, ctx: Context, running: Running) -> None:
    workflow = running.request.workflow

    status, jobs = commit(ctx, running)

    step = house.state(workflow).step("index")
    assert status is step.status is Status.COMPLETED
    assert [job.step for job in jobs] == ["convert", "visualize"]
    assert {output.path for output in step.outputs} == {f"index/{path}" for path in FILES}
    assert step.outputs_total == len(FILES)
    assert step.manifest == "index/manifest.json"
    assert step.progress == 1.0
    assert (house.folder(workflow) / step.manifest).is_file()
    assert not running.partial.exists()
    assert len(house.events(workflow, EventType.COMMITTED)) == 1


def test_a_cancel_before_the_rename_wins(house: House, ctx: Context, running: Running) -> None:
    workflow = running.request.workflow
    with house.states.edit(workflow) as edit:
        advance.request_cancel(edit)

    status, jobs = commit(ctx, running)

    assert status is Status.CANCELLED
    assert jobs == []
    assert house.status(workflow) is Status.CANCELLED
    assert not (house.folder(workflow) / "index").exists()
    assert house.events(workflow, EventType.COMMITTED) == []


def test_a_cancel_after_the_rename_is_too_late(house: House, ctx: Context, running: Running) -> None:
    workflow = running.request.workflow
    running.partial.rename(house.folder(workflow) / "index")
    with house.states.edit(workflow) as edit:
        advance.request_cancel(edit)

    status, _ = commit(ctx, running)

    state = house.state(workflow)
    assert status is state.step("index").status is Status.COMPLETED
    assert state.step("convert").status is state.status is Status.CANCELLED
    assert len(house.events(workflow, EventType.COMMITTED)) == 1


def test_a_commit_that_was_interrupted_can_be_repeated(house: House, ctx: Context, running: Running) -> None:
    workflow = running.request.workflow
    running.partial.rename(house.folder(workflow) / "index")

    status, _ = commit(ctx, running)

    assert status is Status.COMPLETED
    assert len(house.events(workflow, EventType.COMMITTED)) == 1


@pytest.mark.parametrize("fence", [0, 2])
def test_another_attempt_that_took_over_is_left_alone(
    house: House, ctx: Context, running: Running, fence: int
) -> None:
    workflow = running.request.workflow
    with house.states.edit(workflow) as edit:
        edit.state.step("index").fence = fence

    with pytest.raises(StaleFence):
        commit(ctx, running)

    assert not (house.folder(workflow) / "index").exists()
    assert house.state(workflow).step("index").status is Status.RUNNING


def test_nothing_is_ever_replaced(house: House, ctx: Context, running: Running) -> None:
    standing = house.folder(running.request.workflow) / "index"
    standing.mkdir()
    (standing / "precious.txt").write_text("mine", "utf-8")

    with pytest.raises(Exception, match="already there"):
        commit(ctx, running)

    assert (standing / "precious.txt").read_text("utf-8") == "mine"
    assert house.state(running.request.workflow).step("index").status is Status.RUNNING
