"""The page on datasets: what it shows to type is typed here, on the real recording that it speaks of."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bagmill.dataset.spec import Spec, parse_spec
from config import ROOT
from tests.cli.test_cli import run
from tests.dataset.test_every_field import fields

PAGE = (ROOT / "docs" / "dataset.md").read_text("utf-8")
BLOCKS = re.findall(r"```(yaml|console|python)\n(.*?)```", PAGE, re.DOTALL)
(SPEC,) = [text for kind, text in BLOCKS if kind == "yaml"]
PYTHON = [text for kind, text in BLOCKS if kind == "python"]


@pytest.fixture(scope="module")
def place(shared_recordings: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the recording, the spec and the dataset."""
    folder = tmp_path_factory.mktemp("walk")
    shutil.copy(shared_recordings / "ros2" / "robot_imu_jointstate.mcap", folder / "robot.mcap")
    (folder / "arm.yaml").write_text(SPEC)
    done = run("dataset", folder / "robot.mcap", "--spec", folder / "arm.yaml", "--output", folder / "arm")
    assert (done.exit_code, done.stderr) == (0, "")
    return folder


def test_the_line_of_the_console_is_the_one_that_was_run() -> None:
    lines = [text.strip() for kind, text in BLOCKS if kind == "console"]

    assert lines[0] == "$ bagmill dataset robot.mcap --spec arm.yaml --output arm"


def test_what_came_out_is_what_the_page_says(place: Path) -> None:
    names = {path.relative_to(place / "arm").as_posix() for path in (place / "arm").rglob("*.*")}
    (listing,) = re.findall(r"\narm/\n(.*?)```", PAGE, re.DOTALL)
    told = {line.split()[0] for line in listing.strip().splitlines()}

    assert told <= names | {"..."}
    assert names - told == {f"report/00{number}.svg" for number in (1, 2, 3)}


def test_the_lines_of_python(place: Path) -> None:
    shown = "\n".join(
        "\n".join([*lines[:-1], f"print({lines[-1]})"] if not lines[-1].startswith("print(") else lines)
        for lines in (block.strip().splitlines() for block in PYTHON)
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", shown], cwd=place, capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert "train" in done.stdout
    assert "observation.gyro" in done.stdout
    assert "9) float32" in done.stdout


def test_there_is_a_line_for_each_reader() -> None:
    assert [name for name in ("duckdb", "pandas", "pyarrow", "torch") if name not in "".join(PAGE)] == []


def test_every_field_of_a_spec_is_on_the_page() -> None:
    names = {name.partition(".")[2] for name in fields(Spec, set())} - {"version", "name", "description"}
    spans = re.findall(r"`([^`\n]+)`|^### (.+)$", PAGE, re.MULTILINE)
    told = {word for pair in spans for text in pair for word in re.findall(r"\w+", text)}

    assert parse_spec(SPEC).name == "robot arm"
    assert names - told == set()
