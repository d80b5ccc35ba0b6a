"""`make demo`, from its start to its end."""

import os
import shlex
import signal
import sys
from pathlib import Path

import duckdb
import pytest

from config import Settings
from tests.conftest import Sample
from tests.support.processes import Process
from tests.support.results import read_json, rows_by_topic
from tests.support.waiting import wait_for

COMMAND = [sys.executable, "-m", "services.demo"]


def demo(settings: Settings, recording: str = "", cwd: str = "", **more: str) -> Process:
    """Start the demo as make does."""
    return Process(
        COMMAND,
        settings,
        "demo",
        DEMO_RECORDING=recording,
        DEMO_CWD=cwd,
        COLUMNS="200",
        **({"PORT": ""} | more),
    )


def only_run(settings: Settings) -> Path:
    """The folder of the one run there is."""
    (state,) = settings.workflows_dir.glob("*/state.json")
    return state.parent


def test_the_sample_goes_all_the_way(settings: Settings) -> None:
    with demo(settings) as process:
        assert process.wait(120) == 0, process.output
    folder = only_run(settings)

    assert read_json(folder / "state.json")["status"] == "completed"
    assert sum(rows_by_topic(folder / "convert").values()) > 1000
    assert str(folder) in process.output
    line = next(line for line in process.output.splitlines() if "duckdb -c" in line)
    assert duckdb.execute(f"SELECT count(*) FROM ({shlex.split(line)[-1]})").fetchone() == (5,)
    assert (settings.recordings_dir / "sample.mcap").exists()


def test_the_users_own_recording_by_a_relative_path(
    settings: Settings, sample: Sample, tmp_path: Path
) -> None:
    folder = tmp_path / "my röbot [2]"
    folder.mkdir()
    recording = folder / "Fahrt 'eins'.mcap"
    recording.write_bytes(sample.path.read_bytes())

    with demo(settings, recording.name, str(folder)) as process:
        assert process.wait(120) == 0, process.output

    assert read_json(only_run(settings) / "request.json")["params"]["recording"] == str(recording)
    assert not list(settings.recordings_dir.glob("*.mcap"))


@pytest.mark.parametrize(
    ("content", "said"), [(None, "There is no file at this path"), (b"garbage", "MCAP")], ids=["none", "text"]
)
def test_a_bad_recording_is_an_honest_problem(
    settings: Settings, tmp_path: Path, content: bytes | None, said: str
) -> None:
    recording = tmp_path / "drive.mcap"
    if content is not None:
        recording.write_bytes(content)

    with demo(settings, str(recording)) as process:
        assert process.wait(120) == 1

    assert said in process.output
    assert "Traceback" not in process.output


def test_a_name_that_is_no_text_is_said(settings: Settings, sample: Sample, tmp_path: Path) -> None:
    recording = os.fsdecode(os.fsencode(tmp_path) + b"/drive\xff.mcap")
    try:
        Path(recording).write_bytes(sample.path.read_bytes())
    except OSError:
        return  # this file system has only names that are text

    with demo(settings, recording) as process:
        assert process.wait(120) == 1

    assert "The path is not valid UTF-8." in process.output


@pytest.mark.slow
def test_ctrl_c_leaves_nothing_running(settings: Settings) -> None:
    with demo(settings) as process:
        wait_for(lambda: "index" in process.output, "the first step")
        family = process.family()
        process.signal(signal.SIGINT)

        assert process.wait() in {0, 130}, process.output
        assert not [member for member in family if member.is_running()]
