"""`bagmill dataset`: what it makes, prints, and refuses."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from bagmill.staging import MANIFEST
from tests.cli.test_cli import run
from tests.convert.making import points, record

SPEC = """
rows: {kind: per_message, topic: /p}
features: {x: {source: {topic: /p, field: x}}}
split: {by: time, fractions: {train: 0.75, test: 0.25}}
"""


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    return record(tmp_path / "drive.mcap", points("/p", 4), points("/q", 2))


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "spec.yaml"
    path.write_text(SPEC)
    return path


def test_one_recording_becomes_a_dataset(recording: Path, spec: Path, tmp_path: Path) -> None:
    done = run("dataset", recording, "--spec", spec, "--output", tmp_path / "d")

    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        f"{recording} -> {tmp_path / 'd'}: 4 rows, 1 episodes, 0 rows dropped",
        "  split  rows  files",
        "  train  3     1",
        "  test   1     1",
        "  feature  type     missing  source",
        "  x        float64  0.00%    /p x",
    ]
    assert pq.ParquetFile(tmp_path / "d" / "split=train" / "part-00000.parquet").metadata.num_rows == 3
    assert {path.name for path in (tmp_path / "d").iterdir()} == {
        *("split=train", "split=test", "report", "report.md", "spec.yaml", MANIFEST)
    }


def test_json_is_the_manifest(recording: Path, spec: Path, tmp_path: Path) -> None:
    done = run("dataset", recording, "--spec", spec, "--output", tmp_path / "d", "--json")

    printed = json.loads(done.stdout)
    assert printed == {
        "output": str(tmp_path / "d"),
        **json.loads((tmp_path / "d" / MANIFEST).read_text("utf-8")),
    }
    assert (printed["kind"], printed["rows"], printed["sources"][0]["name"]) == ("dataset", 4, "drive.mcap")


def test_several_recordings_become_one(recording: Path, spec: Path, tmp_path: Path) -> None:
    other = record(tmp_path / "other.mcap", points("/p", 8))
    done = run("dataset", recording, other, "--spec", spec, "--output", tmp_path / "d")

    assert done.exit_code == 0
    head = f"2 of 2 recordings -> {tmp_path / 'd'}: 12 rows, 2 episodes, 0 rows dropped"
    assert done.stdout.splitlines()[0] == head
    train = pq.ParquetFile(tmp_path / "d" / "split=train" / "part-00000.parquet").read()
    assert train.column("recording").to_pylist() == ["drive.mcap"] * 3 + ["other.mcap"] * 6


def test_a_recording_that_fails_is_left_out_only_if_that_is_allowed(
    recording: Path, spec: Path, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.mcap"
    bad.write_bytes(b"no recording")
    line = ("dataset", recording, bad, "--spec", spec, "--output", tmp_path / "d")
    refused = run(*line)
    made = run(*line, "--allow-failed")

    assert refused.exit_code == 1
    assert "not an MCAP" in refused.stderr
    assert made.exit_code == 0
    assert made.stderr == "warning: 1 of 2 recordings are not in the dataset: bad.mcap.\n"
    manifest = json.loads((tmp_path / "d" / MANIFEST).read_text("utf-8"))
    assert [one["name"] for one in manifest["left_out"]] == ["bad.mcap"]
    assert run(*line[:1], bad, *line[3:5], "--output", tmp_path / "e", "--allow-failed").exit_code == 1
    assert not (tmp_path / "e").exists()


WRONG = {
    "no spec": ("{", "spec"),
    "a fault": (SPEC.replace("field: x", "feild: x"), "Did you mean `field`?"),
    "no such field": (SPEC.replace("field: x", "field: xx"), "/features/x/source/field"),
    "no such topic": (SPEC.replace("/p", "/pp"), "`/p`"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_spec_that_does_not_fit_is_refused(name: str, recording: Path, spec: Path, tmp_path: Path) -> None:
    text, told = WRONG[name]
    spec.write_text(text)
    done = run("dataset", recording, "--spec", spec, "--output", tmp_path / "d", "--json")

    assert done.exit_code == 2
    assert told in done.stderr
    error = json.loads(done.stdout)["error"]
    assert error["code"] in {"spec_unreadable", "spec_invalid", "spec_unfit"}
    assert {path.name for path in tmp_path.iterdir()} == {"drive.mcap", "spec.yaml"}


def test_each_of_several_faults_is_told(recording: Path, spec: Path, tmp_path: Path) -> None:
    spec.write_text(SPEC.replace("field: x", "feild: x") + "output: {prefix: ../up}\n")
    done = run("dataset", recording, "--spec", spec, "--output", tmp_path / "d", "--json")

    assert "  /output/prefix: " in done.stderr
    assert "  /features/x/source/feild: " in done.stderr
    pointers = [item["pointer"] for item in json.loads(done.stdout)["error"]["errors"]]
    assert sorted(pointers) == ["/features/x/source/feild", "/output/prefix"]


def test_rows_that_the_spec_does_not_allow_are_a_failure(recording: Path, spec: Path, tmp_path: Path) -> None:
    spec.write_text(SPEC + "validation: {min_rows: 5}\n")
    done = run("dataset", recording, "--spec", spec, "--output", tmp_path / "d")

    assert done.exit_code == 1
    assert "There are 4 rows" in done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"drive.mcap", "spec.yaml"}


def test_what_is_there_or_given_twice_is_refused(recording: Path, spec: Path, tmp_path: Path) -> None:
    assert run("dataset", recording, recording, "--spec", spec, "--output", tmp_path / "d").exit_code == 2
    (tmp_path / "d").mkdir()
    done = run("dataset", recording, "--spec", spec, "--output", tmp_path / "d")

    assert done.exit_code == 2
    assert "already there" in done.stderr
