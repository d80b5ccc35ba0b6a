"""What importing loads and does: little, and nothing on disk."""

import json
from pathlib import Path

import pytest

from config import Settings
from tests.support.places import environment
from tests.support.processes import python

HEAVY = {"numpy", "pandas", "pyarrow", "rerun", "duckdb", "polars", "mcap", "google.protobuf"}


def loaded_by(module: str) -> set[str]:
    """Heavy modules that are loaded once `module` is."""
    code = f"import {module}, sys, json; print(json.dumps(sorted(sys.modules)))"
    answer = python("-W", "error", "-c", code)
    assert answer.returncode == 0, answer.stderr
    return HEAVY & set(json.loads(answer.stdout))


@pytest.mark.parametrize("module", ["bagmill", "bagmill.errors", "bagmill.options", "bagmill.probe", "app"])
def test_importing_loads_nothing_heavy(module: str) -> None:
    assert loaded_by(module) == set()


@pytest.mark.parametrize("module", ["app", "worker", "bagmill", "services.launcher", "services.demo"])
def test_importing_leaves_nothing_on_disk(module: str, settings: Settings, tmp_path: Path) -> None:
    answer = python("-c", f"import {module}", env=environment(settings))

    assert answer.returncode == 0, answer.stderr
    assert answer.stdout == ""
    assert list(tmp_path.iterdir()) == []
