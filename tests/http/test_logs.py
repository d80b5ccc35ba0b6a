"""What the API says of itself: to people, to machines, and when it can not start."""

import json
import sys
from pathlib import Path

import httpx2
import pytest

from config import LogFormat, LogLevel
from tests.support.places import settings_in
from tests.support.processes import Process, start_api


def test_machines_get_json(tmp_path: Path) -> None:
    settings = settings_in(tmp_path, log_format=LogFormat.JSON, log_level=LogLevel.INFO)
    with start_api(settings) as api, httpx2.Client(trust_env=False) as http:
        http.get(f"http://127.0.0.1:{settings.port}/api/nothing")
        settings.workflows_dir.rename(tmp_path / "moved")
        settings.workflows_dir.write_text("in the way")
        http.post(f"http://127.0.0.1:{settings.port}/api/workflows/from-template?template_id=test")
        api.stop()
        lines = api.output.split("Waiting for application startup.\n")[1].splitlines()

    told = [json.loads(line) for line in lines if line.startswith("{")]
    actions = {line["action"]: line for line in told}
    assert len(told) >= len(lines) - 1
    assert actions["request_refused"]["code"] == "no_such_route"
    assert actions["request_failed"]["code"] == "storage_failed"
    assert "Traceback" in actions["request_failed"]["traceback"]
    assert any("GET /api/nothing" in line["message"] and line["action"] is None for line in told)


def test_a_request_cannot_write_lines_into_the_log(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    with start_api(settings) as api, httpx2.Client(trust_env=False) as http:
        http.get(f"http://127.0.0.1:{settings.port}/%0aERROR%20forged%0d%0a")
        http.post(
            f"http://127.0.0.1:{settings.port}/api/workflows/from-template?template_id=%0aERROR%20forged"
        )
        api.stop()

    assert not [line for line in api.output.splitlines() if line.startswith("ERROR forged")]


@pytest.mark.parametrize("name", ["WORKFLOWS_DIR", "TRASH_DIR", "QUEUE_STATE_FILE"])
def test_a_start_that_fails_says_why(tmp_path: Path, name: str) -> None:
    settings = settings_in(tmp_path / "state")
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where a folder should be")
    command = [sys.executable, "-m", "uvicorn", "app:app", "--port", str(settings.port)]

    with Process(command, settings, "api", **{name: str(blocked / "below")}) as api:
        code = api.wait()

    assert code != 0
    assert "the API can't start: " in api.output
    assert str(blocked) in api.output


def test_recordings_that_cannot_be_there_do_not_stop_it(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where a folder should be")

    with start_api(settings, RECORDINGS_DIR=str(blocked / "below")) as api:
        answer = httpx2.get(f"http://127.0.0.1:{settings.port}/api/health", trust_env=False)

    assert answer.json()["status"] == "healthy"
    assert "RECORDINGS_DIR can't be made" in api.output
