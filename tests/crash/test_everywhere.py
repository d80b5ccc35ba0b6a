"""SIGKILL at the calls to the disk of whole stories: see everywhere.py, which counts the calls itself."""

import json
from pathlib import Path

import pytest

from tests.crash.stories import STORIES
from tests.support.processes import python

SAMPLE = {"steps": (20, 131), "batch": (60, 151)}
"""The first point of each story that is tried every time, and how many come before the next."""
PARTS = 12


def points(folder: Path, story: str, first: int, every: int) -> int:
    """At how many points the story died, and all was well afterwards."""
    told = python("-m", "tests.crash.everywhere", str(folder), story, str(first), str(every), patience=3600)
    assert told.returncode == 0, told.stderr[-5000:]
    return int(json.loads(told.stdout)["points"])


@pytest.mark.parametrize("story", ["steps", "batch"])
def test_some_kills_lose_nothing(tmp_path: Path, story: str) -> None:
    assert points(tmp_path, story, *SAMPLE[story]) >= 2


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("story", STORIES)
def test_a_kill_at_any_call_loses_nothing(tmp_path: Path, story: str, part: int) -> None:
    assert points(tmp_path, story, 1 + part, PARTS) >= 5
