"""Log lines for people, for machines, and in a workflow's own log."""

import json
from pathlib import Path

import pytest

from config import LogFormat, LogLevel, Settings
from services.logs import Action, WorkflowLog
from tests.support.places import environment
from tests.support.processes import python
from tests.worker.making import House

SPEAK = """
import logging
from loguru import logger
from config import Settings
from services.logs import Action, configure, say
configure(Settings())
say(Action.JOB_STARTED, "convert[01J](a {drive} <red>.mcap) started", workflow="01J", job="convert[01J]")
logging.getLogger("a.library").warning("odd: %s", 7)
logging.getLogger("a.library").debug("not shown")
try:
    1 / 0
except ZeroDivisionError:
    logger.exception("fell")
"""


def speak(settings: Settings, **more: str) -> list[str]:
    answer = python("-c", SPEAK, env=environment(settings, **more))
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout == ""
    return answer.stderr.splitlines()


def test_people_get_lines(settings: Settings) -> None:
    lines = speak(settings, LOG_LEVEL="INFO")

    assert lines[0].endswith(" INFO    convert[01J](a {drive} <red>.mcap) started")
    assert lines[1].endswith(" WARNING odd: 7")
    assert "not shown" not in "\n".join(lines)
    assert lines[-1] == "ZeroDivisionError: division by zero"


def test_machines_get_one_object_a_line(settings: Settings) -> None:
    lines = [json.loads(line) for line in speak(settings, LOG_FORMAT="json", LOG_LEVEL="INFO")]

    started, odd, fell = lines
    assert (started["action"], started["level"]) == ("job_started", "INFO")
    assert (started["workflow"], started["job"]) == ("01J", "convert[01J]")
    assert (odd["action"], odd["logger"], odd["message"]) == (None, "a.library", "odd: 7")
    assert fell["traceback"].endswith("ZeroDivisionError: division by zero\n")


def test_the_level_is_the_least_severe_shown(settings: Settings) -> None:
    assert "odd" not in "\n".join(speak(settings, LOG_LEVEL="ERROR"))


def test_a_workflow_s_log_is_for_people(tmp_path: Path) -> None:
    log = WorkflowLog(tmp_path)

    log.line("index[01J] started")
    log.line("index[01J] failed", level=LogLevel.ERROR, detail="Traceback:\n  line 1\n")

    lines = (tmp_path / "worker.log").read_text("utf-8").splitlines()
    assert lines[0].endswith("Z INFO    index[01J] started")
    assert lines[1].endswith("Z ERROR   index[01J] failed")
    assert lines[2:] == ["    Traceback:", "      line 1"]


def test_the_log_of_a_deleted_workflow_is_not_made_again(tmp_path: Path) -> None:
    WorkflowLog(tmp_path / "deleted").line("too late")

    assert list(tmp_path.iterdir()) == []


def test_a_line_with_undecodable_bytes_is_kept(tmp_path: Path) -> None:
    WorkflowLog(tmp_path).line("a\udcff.mcap")

    assert "a\\udcff.mcap" in (tmp_path / "worker.log").read_text("utf-8")


def test_the_name_of_a_job_is_one_line(house: House, tmp_path: Path) -> None:
    recording = tmp_path / "a\nb\x1b[31m ü.mcap"
    recording.write_bytes(b"\x89MCAP0\r\n")
    workflow = house.submit("index", recording)

    house.work("finish()")

    lines = house.log(workflow).splitlines()
    assert len(lines) == 2
    assert all(f"index[{workflow}](a\\nb\\x1b[31m ü.mcap) " in line for line in lines)


def test_actions_are_a_closed_set_of_words() -> None:
    assert all(action.value == action.name.lower() for action in Action)


@pytest.mark.parametrize("format_", list(LogFormat))
def test_a_worker_whose_terminal_is_gone_works_on(settings: Settings, format_: LogFormat) -> None:
    code = f"import os; os.close(2)\n{SPEAK}\nopen({str(settings.run_dir / 'end')!r}, 'w')"

    answer = python("-c", code, env=environment(settings, LOG_FORMAT=format_.value))

    assert answer.returncode == 0
    assert (settings.run_dir / "end").exists()
