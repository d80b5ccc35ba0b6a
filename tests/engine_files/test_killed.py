"""SIGKILL at random moments: see killing.py, which looks at what is left after each."""

import json
from pathlib import Path

import pytest

from tests.support.places import environment, settings_in
from tests.support.processes import python


@pytest.mark.parametrize(("what", "work"), [("edits", "edits"), ("queue", "operations")])
def test_nothing_that_was_done_is_lost_to_a_kill(tmp_path: Path, what: str, work: str) -> None:
    settings = settings_in(tmp_path)

    told = python(
        "-m", "tests.engine_files.killing", what, str(tmp_path), "1", "40", env=environment(settings)
    )

    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout)[work] > 0
