"""Datasets as workflows: one of many recordings, kills, failures, and what was asked for before."""

import json
import shutil
from collections.abc import Iterator, Mapping
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bagmill.sample import write_sample
from config import Settings
from models.workflow import EventType, Status
from services.children import read_children
from services.control import Control
from tests.support.waiting import wait_for
from tests.worker.making import House

SPEC: dict[str, Any] = {
    "rows": {"kind": "trigger", "topic": "/joint_states"},
    "features": {
        "position": {
            "source": {"topic": "/joint_states", "field": "position"},
            "transforms": [{"op": "length", "size": 2, "mode": "truncate"}, {"op": "normalize"}],
            "dtype": "float32",
        },
        "gyro": {"source": {"topic": "/imu/data", "field": "angular_velocity"}},
    },
    "split": {"by": "recording", "fractions": {"train": 0.8, "test": 0.2}},
}


@pytest.fixture
def house(settings: Settings, tmp_path: Path) -> Iterator[House]:
    """Folders with nothing in them. Jobs run one by one, all in one process, which takes less time."""
    house = House(settings.model_copy(update={"max_parallel_nodes": 1}), tmp_path)
    yield house
    house.close()


def recordings(house: House, count: int) -> Path:
    """A recordings folder with recordings of different lengths."""
    folder = house.settings.recordings_dir
    folder.mkdir()
    for number in range(count):
        write_sample(folder / f"{number:02}.mcap", seconds=0.1 + number / 100)
    return folder


def files(folder: Path) -> dict[str, str]:
    """All of an output but its manifest, which names the job."""
    return {
        path.relative_to(folder).as_posix(): sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "manifest.json"
    }


def manifest(house: House, workflow: str, step: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((house.folder(workflow) / step / "manifest.json").read_bytes())
    return found


def body(house: House, workflow: str, step: str) -> Mapping[str, Any]:
    """What a manifest says, without whose it is."""
    own = {"job", "fence", "cached_from", "reuse_key"}
    return {name: value for name, value in manifest(house, workflow, step).items() if name not in own}


def extracts(house: House, parent: str) -> dict[str, dict[str, str]]:
    children = read_children(house.folder(parent))
    return {child.recording: files(house.folder(child.id) / "extract") for child in children}


def committed(house: House) -> int:
    folders = house.settings.workflows_dir.glob("[!.]*")  # others vanish while they are looked at
    return sum(len(list(folder.glob("[!.]*/manifest.json"))) for folder in folders)


def reached(house: House, count: int) -> bool:
    return committed(house) >= count


def rows_of(folder: Path, split: str) -> pa.Table:
    return pq.ParquetFile(folder / f"split={split}" / "part-00000.parquet").read()


TWENTY = 20


@pytest.mark.parametrize(
    ("count", "kills"), [(4, [2]), pytest.param(TWENTY, [7, 15], marks=pytest.mark.slow)], ids=["few", "many"]
)
def test_many_recordings_become_one_dataset_whatever_is_killed(
    house: House, count: int, kills: list[int]
) -> None:
    recordings(house, count)
    quiet = house.submit("dataset", recordings="*.mcap", spec=SPEC, force=True)
    house.work()
    killed = house.submit("dataset", recordings="*.mcap", spec=SPEC, force=True)
    before = committed(house)
    for more in kills:
        worker = house.worker()
        wait_for(partial(reached, house, before + more), "some committed steps")
        worker.kill()
    house.work()

    for workflow in (quiet, killed):
        state = house.state(workflow)
        assert state.status is Status.COMPLETED, state.error
        assert state.children == {Status.COMPLETED: count}
        assert [step.status for step in state.steps] == [Status.COMPLETED] * 2
        assert state.cached_from is None
        assert len(house.events(workflow, EventType.COMMITTED)) == 2
    one, other = house.folder(quiet) / "collect", house.folder(killed) / "collect"
    assert files(one) == files(other)
    assert body(house, quiet, "collect") == body(house, killed, "collect")
    assert extracts(house, quiet) == extracts(house, killed)
    check_rows(one, manifest(house, quiet, "collect"), count)


def check_rows(folder: Path, facts: Mapping[str, Any], count: int) -> None:
    """Whole recordings in each split, and normalized by those that train."""
    train, test = rows_of(folder, "train"), rows_of(folder, "test")
    names = [set(table.column("recording").to_pylist()) for table in (train, test)]
    tested = round(count / 5)
    assert [len(found) for found in names] == [count - tested, tested]
    assert not names[0] & names[1]
    assert len(train) + len(test) == facts["rows"] == sum(10 + number for number in range(count))
    positions = np.stack(train.column("position").to_numpy())
    assert positions.mean(axis=0) == pytest.approx(0, abs=1e-6)
    assert positions.std(axis=0) == pytest.approx(1, abs=1e-6)
    index = sorted([*train.column("index").to_pylist(), *test.column("index").to_pylist()])
    assert index == list(range(facts["rows"]))
    assert [source["name"] for source in facts["sources"]] == [f"{number:02}.mcap" for number in range(count)]
    assert len({source["first_episode"] for source in facts["sources"]}) == count


@pytest.mark.slow
def test_a_recording_that_fails_fails_the_dataset_until_it_is_mended(house: House) -> None:
    folder = recordings(house, 2)
    (folder / "bad.mcap").write_bytes(b"\x89MCAP0\r\n" + bytes(100))
    workflow = house.submit("dataset", recordings="*.mcap", spec=SPEC)

    house.work()

    state = house.state(workflow)
    assert state.status is Status.FAILED
    assert state.error
    assert state.error.code == "recordings_failed"
    assert state.step("collect").status is Status.SKIPPED
    assert not (house.folder(workflow) / "collect").exists()

    write_sample(folder / "bad.mcap", seconds=0.4)
    Control(house.states, house.queue).retry(workflow)
    house.work()

    state = house.state(workflow)
    assert (state.status, state.children) == (Status.COMPLETED, {Status.COMPLETED: 3})
    names = [source["name"] for source in manifest(house, workflow, "collect")["sources"]]
    assert names == ["00.mcap", "01.mcap", "bad.mcap"]


def test_failed_recordings_are_left_out_by_name_if_that_is_allowed(house: House) -> None:
    folder = recordings(house, 3)
    (folder / "bad.mcap").write_bytes(b"\x89MCAP0\r\n" + bytes(100))
    workflow = house.submit("dataset", recordings="*.mcap", spec=SPEC, options={"allow_failed": True})

    house.work()

    state = house.state(workflow)
    assert state.status is Status.COMPLETED
    assert state.children == {Status.COMPLETED: 3, Status.FAILED: 1}
    facts = manifest(house, workflow, "collect")
    assert [one["name"] for one in facts["left_out"]] == ["bad.mcap"]
    assert len(facts["sources"]) == 3
    (told,) = [warning.message for warning in state.step("collect").warnings]
    assert told == "1 of 4 recordings are not in the dataset: bad.mcap."
    assert "bad.mcap" in (house.folder(workflow) / "collect" / "report.md").read_text("utf-8")


@pytest.mark.slow
def test_children_stay_as_they_are(house: House) -> None:
    recordings(house, 2)
    workflow = house.submit("dataset", recordings="*.mcap", spec=SPEC)
    house.work()
    before = extracts(house, workflow)
    again = house.submit("dataset", recordings="*.mcap", spec=SPEC)
    house.work()

    assert extracts(house, workflow) == before
    assert extracts(house, again) == before
    assert house.state(again).cached_from == workflow


def test_the_same_again_is_answered_from_the_first(house: House) -> None:
    recording = recordings(house, 1) / "00.mcap"
    first = house.submit("dataset", recording, spec=SPEC)
    house.work()
    second = house.submit("dataset", recording, spec=SPEC)
    forced = house.submit("dataset", recording, spec=SPEC, force=True)
    other = house.submit("dataset", recording, spec=SPEC | {"name": "other"})

    house.work()

    assert [house.state(one).status for one in (first, second, forced, other)] == [Status.COMPLETED] * 4
    assert house.state(first).cached_from is None
    assert house.state(second).cached_from == first
    assert house.state(second).step("dataset").cached_from == first
    assert manifest(house, second, "dataset")["cached_from"] == first
    assert house.state(forced).cached_from is None
    assert house.state(other).cached_from is None
    assert body(house, first, "dataset") == body(house, second, "dataset") == body(house, forced, "dataset")
    assert files(house.folder(first) / "dataset") == files(house.folder(forced) / "dataset")
    part = Path("dataset") / "split=train" / "part-00000.parquet"
    assert (house.folder(first) / part).samefile(house.folder(second) / part)
    assert not (house.folder(first) / part).samefile(house.folder(forced) / part)


@pytest.mark.slow
def test_what_is_gone_or_changed_is_made_anew(house: House) -> None:
    recording = recordings(house, 1) / "00.mcap"
    first = house.submit("dataset", recording, spec=SPEC)
    house.work()
    report = house.folder(first) / "dataset" / "report.md"
    report.write_text("somebody wrote here")
    second = house.submit("dataset", recording, spec=SPEC)
    house.work()
    shutil.rmtree(house.folder(first))
    third = house.submit("dataset", recording, spec=SPEC)
    house.work()
    write_sample(recording, seconds=0.3)
    fourth = house.submit("dataset", recording, spec=SPEC)
    house.work()

    assert house.state(second).cached_from is None
    assert "somebody" not in (house.folder(second) / "dataset" / "report.md").read_text("utf-8")
    assert house.state(third).cached_from == second
    assert house.state(fourth).cached_from is None
    assert manifest(house, fourth, "dataset")["rows"] == 30


def test_what_does_not_fit_is_pointed_at_in_the_request(house: House) -> None:
    recording = recordings(house, 1) / "00.mcap"
    features = {"x": {"source": {"topic": "/joint_states", "field": "positio"}}}
    workflow = house.submit("dataset", recording, spec=SPEC | {"features": features})

    house.work()

    error = house.state(workflow).error
    assert error
    assert error.code == "spec_unfit"
    assert [item.pointer for item in error.errors] == ["/params/spec/features/x/source/field"]
    assert "position" in str(error.errors[0].hint)


def test_a_workflow_records_the_hash_of_its_spec(house: House) -> None:
    recordings(house, 2)
    workflow = house.submit("dataset", recordings=["00.mcap", "01.mcap"], spec=SPEC)
    house.work()
    found = house.state(workflow).spec_hash

    assert found == manifest(house, workflow, "collect")["spec_hash"]
    assert {house.state(child.id).spec_hash for child in read_children(house.folder(workflow))} == {found}
