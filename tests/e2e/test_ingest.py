"""A recording goes in; an index, typed Parquet and an .rrd come out, with all messages in them."""

import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.conftest import Sample
from tests.support.results import commits, ended, read_json, rows_by_topic, verified
from tests.support.server import Server
from tests.support.waiting import wait_for


@pytest.fixture(scope="module")
def run(shared_server: Server, sample: Sample, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """An ended run on a recording whose path has spaces and letters beyond ASCII."""
    recording = tmp_path_factory.mktemp("a röbot's data") / "Fahrt über Köln [1].mcap"
    shutil.copy(sample.path, recording)
    accepted = shared_server.submit("ingest", {"recording": str(recording)})
    return shared_server.wait(accepted["id"])


def test_it_completes_without_warnings(run: dict[str, Any]) -> None:
    assert run["status"] == "completed", run
    assert run["progress"] == 1
    assert [step["name"] for step in run["steps"]] == ["index", "convert", "visualize"]
    assert {step["status"] for step in run["steps"]} == {"completed"}
    assert not [step["warnings"] for step in run["steps"] if step["warnings"]]


def test_the_index_counts_every_message(shared_server: Server, run: dict[str, Any], sample: Sample) -> None:
    index = read_json(shared_server.folder(run["id"]) / "index" / "index.json")

    assert {name: topic["messages"] for name, topic in index["topics"].items()} == sample.messages


def test_there_is_a_row_for_each_message(shared_server: Server, run: dict[str, Any], sample: Sample) -> None:
    assert rows_by_topic(shared_server.folder(run["id"]) / "convert") == sample.messages


def test_the_columns_are_typed(shared_server: Server, run: dict[str, Any]) -> None:
    files = shared_server.folder(run["id"]) / "convert" / "topic=%2Fimu%2Fdata" / "*.parquet"
    columns = duckdb.execute(f"DESCRIBE FROM '{files}'").fetchall()
    kinds = {name: kind for name, kind, *_ in columns}

    assert kinds["log_time_ns"] == "BIGINT"
    assert kinds["orientation"] == "STRUCT(x DOUBLE, y DOUBLE, z DOUBLE, w DOUBLE)"


def test_the_rerun_recording_verifies(shared_server: Server, run: dict[str, Any]) -> None:
    assert verified(shared_server.folder(run["id"]) / "visualize" / "recording.rrd")


def test_each_step_is_committed_once_and_nothing_else_is_left(
    shared_server: Server, run: dict[str, Any]
) -> None:
    folder = shared_server.folder(run["id"])
    wait_for(lambda: ended(folder), "the event that ends the run")

    assert commits(folder) == {"index": 1, "convert": 1, "visualize": 1}
    assert not list(folder.glob("*.partial"))
    assert {path.name for path in folder.iterdir() if path.is_dir()} == {"index", "convert", "visualize"}


def test_outputs_are_served(shared_server: Server, run: dict[str, Any]) -> None:
    output = next(step for step in run["steps"] if step["name"] == "index")["outputs"][0]
    answer = shared_server.http.get(f"/api/workflows/{run['id']}/files/{output['path']}")

    assert answer.status_code == 200
    assert answer.content == (shared_server.folder(run["id"]) / output["path"]).read_bytes()


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty_recording"),
        (b"not a recording at all\n", "not_mcap"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n", "lfs_pointer"),
    ],
)
def test_what_is_no_recording_says_so(
    shared_server: Server, tmp_path: Path, content: bytes, code: str
) -> None:
    recording = tmp_path / "drive.mcap"
    recording.write_bytes(content)
    body = {"template_id": "ingest", "params": {"recording": str(recording)}}
    answer = shared_server.http.post("/api/workflows/from-template", json=body)

    problem = answer.json()
    if answer.status_code == 202:
        problem = next(step["error"] for step in shared_server.wait(problem["id"])["steps"] if step["error"])
    assert problem["code"] == code
    assert problem["hint"]


def test_a_cut_recording_completes_and_says_what_is_missing(
    shared_server: Server, sample: Sample, tmp_path: Path
) -> None:
    recording = tmp_path / "cut.mcap"
    content = sample.path.read_bytes()
    recording.write_bytes(content[: len(content) * 3 // 4])

    state = shared_server.wait(shared_server.submit("ingest", {"recording": str(recording)})["id"])

    assert state["status"] == "completed", state
    convert = next(step for step in state["steps"] if step["name"] == "convert")
    assert convert["warnings"]
    folder = shared_server.folder(state["id"])
    assert read_json(folder / "convert" / "manifest.json")["complete"] is False
    rows = rows_by_topic(folder / "convert")
    assert 0 < sum(rows.values()) < sum(sample.messages.values())


def test_real_recordings(shared_server: Server, shared_recordings: Path) -> None:
    facts = read_json(shared_recordings / "FACTS.json")
    names = [
        "ros1/sample.mcap",
        "json/depthai_lz4.mcap",
        "protobuf/rplidar_laserscan.mcap",
        "ros2/talker.mcap",
    ]
    accepted = [
        shared_server.submit("ingest", {"recording": str(shared_recordings / name)})["id"] for name in names
    ]

    for name, workflow in zip(names, accepted, strict=True):
        state = shared_server.wait(workflow)
        assert state["status"] == "completed", (name, state)
        rows = rows_by_topic(shared_server.folder(workflow) / "convert")
        assert sum(rows.values()) == facts[name]["messages"], name
