"""The Makefile, run by make in a copy whose Python only tells what it was called with."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from config import ROOT

TELLER = f"""#!/bin/sh
exec '{sys.executable}' -c '
import json, os, sys
print(json.dumps({{"args": sys.argv[1:], "cwd": os.getcwd(), "env": dict(os.environ)}}))' "$@"
"""
FILES = (
    "Makefile",
    ".ci/run",
    "bootstrap.py",
    "requirements.txt",
    "requirements-dev.txt",
    "requirements-bench.txt",
)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A checkout with a space and an umlaut in its path, installed so far as make can tell."""
    folder = tmp_path / "a chëckout"
    (folder / ".ci").mkdir(parents=True)
    for name in FILES:
        shutil.copy(ROOT / name, folder / name)
    for venv in (".venv", ".venv-bench"):
        python = folder / venv / "bin" / "python"
        python.parent.mkdir(parents=True)
        python.write_text(TELLER)
        python.chmod(0o755)
    for stamp in (".venv/run.stamp", ".venv/dev.stamp", ".venv-bench/bench.stamp"):
        (folder / stamp).touch()
    return folder


def make(*args: str, cwd: Path, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run make as a user would, without what an outer make passes on."""
    clean = {
        name: value for name, value in os.environ.items() if name not in {"MAKEFLAGS", "MAKELEVEL", "PORT"}
    }
    clean |= {"PWD": str(cwd), **(env or {})}
    return subprocess.run(["make", *args], cwd=cwd, env=clean, capture_output=True, text=True, check=False)


class Call(NamedTuple):
    """What the interpreter was called with."""

    args: list[str]
    cwd: str
    env: dict[str, str]


def told(answer: subprocess.CompletedProcess[str]) -> Call:
    """The first call of the interpreter that make made."""
    assert answer.returncode == 0, answer.stderr
    return Call(**json.loads(next(line for line in answer.stdout.splitlines() if line.startswith("{"))))


@pytest.mark.parametrize(
    "recording", ["/data/drive.mcap", "../a b/Fahrt über Köln.mcap", "/x/$HOME $(shell id) 100%'\"#.mcap"]
)
def test_demo_passes_the_recording_as_it_is(copy: Path, recording: str) -> None:
    call = told(make("demo", f"RECORDING={recording}", cwd=copy))

    assert call.env["DEMO_RECORDING"] == recording
    assert call.args == ["-m", "services.demo"]


def test_it_works_from_elsewhere(copy: Path, tmp_path: Path) -> None:
    call = told(make("-s", "-C", str(copy), "demo", "RECORDING=drive.mcap", cwd=tmp_path))

    assert call.cwd == str(copy)
    assert call.env["DEMO_CWD"] == str(tmp_path)


def test_run_takes_settings_from_the_command_line(copy: Path) -> None:
    call = told(make("run", "PORT=8123", cwd=copy))

    assert call.env["PORT"] == "8123"
    assert call.args == ["-m", "services.launcher"]


def modules(answer: subprocess.CompletedProcess[str]) -> list[str]:
    """What the interpreter was asked to run, call by call."""
    assert answer.returncode == 0, answer.stderr
    calls = [json.loads(line) for line in answer.stdout.splitlines() if line.startswith("{")]
    return [call["args"][1] for call in calls]


def test_test_lints_first(copy: Path) -> None:
    assert modules(make("test", cwd=copy)) == ["ruff", "ruff", "mypy", "pytest"]


def test_what_runs_for_every_change_is_make_test(copy: Path, tmp_path: Path) -> None:
    command = [copy / ".ci" / "run"]
    answer = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert modules(answer) == modules(make("test", cwd=copy))


@pytest.mark.parametrize(("target", "module"), [("bench", "benchmarks"), ("bench-queue", "benchmarks.queue")])
def test_bench_runs_the_benchmarks(copy: Path, target: str, module: str) -> None:
    assert modules(make(target, cwd=copy)) == [module]


def test_each_slow_proof_has_its_target(copy: Path) -> None:
    core, crash = (set(told(make(target, cwd=copy)).args) for target in ("test-core", "test-crash"))

    left_out = {arg.removeprefix("--ignore=") for arg in core if arg.startswith("--ignore=")}
    assert left_out
    assert left_out == {arg for arg in crash if arg.startswith("tests/")}
    assert all((ROOT / place).is_dir() for place in left_out)


def test_clean_leaves_the_users_files(copy: Path) -> None:
    kept = [copy / "recordings" / "a.mcap", copy / "workflows" / "01J" / "__pycache__" / "b"]
    for path in kept:
        path.parent.mkdir(parents=True)
        path.touch()
    (copy / "models" / "__pycache__").mkdir(parents=True)

    assert make("clean", cwd=copy).returncode == 0
    assert all(path.exists() for path in kept)
    assert not (copy / "models" / "__pycache__").exists()
    assert not (copy / ".venv").exists()


def test_help_names_every_target(copy: Path) -> None:
    targets = (copy / "Makefile").read_text().split(".PHONY:")[1].splitlines()[0].split()
    shown = make(cwd=copy).stdout

    assert not [name for name in targets if f"make {name}" not in shown and name != "help"]


def test_a_missing_python_is_said(copy: Path) -> None:
    (copy / ".venv" / "run.stamp").unlink()
    answer = make("demo", "PYTHON=/nowhere/python3", cwd=copy)

    assert answer.returncode != 0
    assert "There is no /nowhere/python3 here" in answer.stdout


def test_no_path_is_made_absolute() -> None:
    assert "CURDIR" not in (ROOT / "Makefile").read_text("utf-8")
