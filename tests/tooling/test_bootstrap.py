"""bootstrap.py makes `.venv` by itself; here with requirements that need nothing from anywhere."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from config import ROOT


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A checkout, not installed yet, whose requirements are empty."""
    folder = tmp_path / "a chëckout"
    folder.mkdir()
    shutil.copy(ROOT / "bootstrap.py", folder)
    (folder / "requirements.txt").write_text("# nothing\n")
    (folder / "requirements-dev.txt").write_text("-r requirements.txt\n")
    return folder


def start(copy: Path, profile: str = "run") -> subprocess.Popen[str]:
    command = [sys.executable, str(copy / "bootstrap.py"), profile]
    return subprocess.Popen(
        command, cwd=copy.parent, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


@pytest.mark.slow
def test_two_at_once_make_one_environment(copy: Path) -> None:
    both = [start(copy), start(copy, "dev")]
    said = [process.communicate()[0] for process in both]

    assert [process.returncode for process in both] == [0, 0], said
    assert "".join(said).count("Making .venv") == 1
    assert (copy / ".venv" / "run.stamp").exists()
    assert (copy / ".venv" / "dev.stamp").exists()

    assert start(copy).communicate()[0] == ""

    (copy / "requirements.txt").write_text("# something else\n")
    assert "Installing" in start(copy).communicate()[0]


@pytest.mark.slow
def test_what_was_interrupted_is_begun_anew(copy: Path) -> None:
    (copy / ".venv" / "bin").mkdir(parents=True)
    (copy / ".venv" / "bin" / "python").symlink_to("/nowhere/python3")

    process = start(copy)
    said = process.communicate()[0]

    assert process.returncode == 0, said
    assert (copy / ".venv" / "run.stamp").exists()
