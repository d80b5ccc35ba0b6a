"""`bagmill draft` and `bagmill preview` as a user calls them."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from bagmill.cli import app
from bagmill.dataset.draft import draft_spec
from bagmill.dataset.preview import preview
from bagmill.dataset.spec import load_spec, make_spec
from tests.conftest import Sample


def run(*arguments: str | Path) -> Result:
    """Call the program in this process."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def spec(sample: Sample, tmp_path: Path) -> Path:
    """What `bagmill draft` prints, in a file."""
    path = tmp_path / "spec.yaml"
    path.write_text(run("draft", sample.path).stdout, "utf-8")
    return path


def test_what_draft_prints_is_a_spec_with_its_reasons(sample: Sample, spec: Path) -> None:
    drafted = draft_spec(sample.path)

    assert load_spec(spec) == make_spec(drafted.spec)
    assert all(f"# {one.pointer}: {one.reason}" in spec.read_text("utf-8") for one in drafted.choices)


def test_draft_prints_all_of_it_as_json(sample: Sample) -> None:
    done = run("draft", sample.path, "--json")

    assert (done.exit_code, done.stderr) == (0, "")
    assert json.loads(done.stdout) == draft_spec(sample.path).model_dump(mode="json")


def test_preview_shows_columns_and_rows(sample: Sample, spec: Path) -> None:
    done = run("preview", sample.path, "--spec", spec, "--rows", "2")

    lines = done.stdout.splitlines()
    assert (done.exit_code, done.stderr) == (0, "")
    assert lines[0].startswith("sample.mcap, all of it: ")
    assert sum(line.startswith("time=") for line in lines) == 2
    assert all(any(line.split()[:1] == [name] for line in lines) for name in load_spec(spec).features)


def test_preview_prints_all_of_it_as_json(sample: Sample, spec: Path) -> None:
    done = run("preview", sample.path, "--spec", spec, "--json")

    assert json.loads(done.stdout) == preview(sample.path, load_spec(spec), rows=5)


def test_what_does_not_fit_is_bad_usage(sample: Sample, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("rows: {kind: trigger, topic: /imu}\nfeatures: {a: {source: {topic: /imu, field: x}}}\n")

    done = run("preview", sample.path, "--spec", wrong, "--json")

    assert done.exit_code == 2
    assert json.loads(done.stdout)["error"]["code"] == "spec_unfit"
    assert "/imu/data" in done.stderr


@pytest.mark.parametrize("command", ["draft", "preview"])
def test_a_file_that_is_no_recording_fails(spec: Path, command: str) -> None:
    more = ["--spec", str(spec)] if command == "preview" else []

    assert run(command, spec, *more).exit_code == 1
