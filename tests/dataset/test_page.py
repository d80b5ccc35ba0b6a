"""The page on datasets: what it shows to type is typed here, on the real recording that it speaks of."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bagmill.dataset.spec import Spec, parse_spec
from config import ROOT
from tests.dataset.test_every_field import fields

PAGE = (ROOT / "docs" / "dataset.md").read_text("utf-8")
BLOCKS = re.findall(r"```(yaml|console|python)\n(.*?)```", PAGE, re.DOTALL)
(SPEC,) = [text for kind, text in BLOCKS if kind == "yaml"]
LINE, TOLD = next(text for kind, text in BLOCKS if kind == "console").split("\n", 1)
PYTHON = [text for kind, text in BLOCKS if kind == "python"]


@pytest.fixture(scope="module")
def place(shared_recordings: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the recording, the spec and the dataset."""
    folder = tmp_path_factory.mktemp("walk")
    shutil.copy(shared_recordings / "ros2" / "robot_imu_jointstate.mcap", folder / "robot.mcap")
    (folder / "arm.yaml").write_text(SPEC)
    done = called(folder, "-m", *LINE.removeprefix("$ ").split())
    (folder / "told").write_text(done)
    return folder


def called(place: Path, *arguments: str) -> str:
    """What Python prints, which must be all."""
    done = subprocess.run(
        [sys.executable, "-W", "error", *arguments],
        cwd=place,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_the_console_shows_what_it_is_said_to_show(place: Path) -> None:
    assert (place / "told").read_text() == TOLD


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
    told = called(place, "-c", shown)

    assert "train" in told
    assert "observation.gyro" in told
    assert "9) float32" in told


def test_there_is_a_line_for_each_reader() -> None:
    assert [name for name in ("duckdb", "pandas", "pyarrow", "torch") if name not in "".join(PAGE)] == []


def test_every_field_of_a_spec_is_on_the_page() -> None:
    names = {name.partition(".")[2] for name in fields(Spec, set())} - {"version", "name", "description"}
    spans = re.findall(r"`([^`\n]+)`|^### (.+)$", PAGE, re.MULTILINE)
    told = {word for pair in spans for text in pair for word in re.findall(r"\w+", text)}

    assert parse_spec(SPEC).name == "robot arm"
    assert names - told == set()
