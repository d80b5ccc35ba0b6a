"""Make `.venv` and install into it. The Makefile runs this with the machine's own Python.

    python3 bootstrap.py run     what the program needs (requirements.txt)
    python3 bootstrap.py dev     what tests and checks need on top (requirements-dev.txt)
    python3 bootstrap.py bench   for `make bench`, into `.venv-bench` (requirements-bench.txt)

Only the standard library, and nothing that an older Python could not at least read, so that it can say what
is missing. Two at once wait for each other. The stamp is written last: what was interrupted is done again.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

OLDEST = (3, 11)
ROOT = Path(__file__).resolve().parent
FILES = {
    "run": ("requirements.txt",),
    "dev": ("requirements-dev.txt", "requirements.txt"),
    "bench": ("requirements-bench.txt", "requirements.txt"),
}
VENVS = {"bench": ".venv-bench"}
"""Profiles with an environment of their own."""


def main(profile: str) -> None:
    """Bring the environment of a profile up to date with its requirements; at once if it is already."""
    check_python()
    venv = ROOT / VENVS.get(profile, ".venv")
    venv.mkdir(exist_ok=True)
    with (venv / "bootstrap.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stamp = venv / f"{profile}.stamp"
        wanted = digest(profile)
        if not works(venv):
            make(venv)
        if not stamp.exists() or stamp.read_text() != wanted:
            install(profile, venv)
        stamp.write_text(wanted)


def check_python() -> None:
    """End with a sentence if this Python is too old or can't make environments."""
    if sys.version_info < OLDEST:
        version = ".".join(str(part) for part in sys.version_info[:3])
        fail(f"Bagmill needs Python 3.11 or newer, and {sys.executable} is {version}. Say which one to use:\n"
             "    make demo PYTHON=python3.12")  # fmt: skip
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        fail(f"{sys.executable} comes without venv. On Debian and Ubuntu: sudo apt install python3-venv")


def digest(profile: str) -> str:
    """What the requirements of a profile are, so that only a change of them installs again."""
    content = b"".join((ROOT / name).read_bytes() for name in FILES[profile])
    return hashlib.sha256(content).hexdigest() + "\n"


def python_of(venv: Path) -> Path:
    """An environment's interpreter."""
    return venv / "bin" / "python"


def works(venv: Path) -> bool:
    """Whether the environment's interpreter starts and has pip."""
    python = python_of(venv)
    command = [str(python), "-c", "import pip"]
    return python.exists() and subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode == 0


def make(venv: Path) -> None:
    """Make the environment anew, keeping only the lock that is held."""
    say(f"Making {venv.name}")
    for entry in venv.iterdir():
        if entry.name != "bootstrap.lock":
            shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
    run([sys.executable, "-m", "venv", str(venv)])


def install(profile: str, venv: Path) -> None:
    """Install the requirements of a profile."""
    say(f"Installing {FILES[profile][0]} into {venv.name} (once; about a minute)")
    pip = [str(python_of(venv)), "-m", "pip", "install", "-qq", "--no-input", "--disable-pip-version-check"]
    run([*pip, "-r", str(ROOT / FILES[profile][0])])


def run(command: list) -> None:  # type: ignore[type-arg]  # older Pythons can't read list[str]
    """Run a command and end as it does if it fails. What would lead it elsewhere is not passed on."""
    misleading = {"PYTHONHOME", "PYTHONPATH", "PIP_USER", "PIP_TARGET", "PIP_PREFIX"}
    environment = {name: value for name, value in os.environ.items() if name not in misleading}
    code = subprocess.run(command, env=environment, check=False).returncode
    if code:
        fail(f"This failed: {' '.join(command)}")


def say(message: str) -> None:
    """Tell what happens now."""
    sys.stdout.write(message + "\n")
    sys.stdout.flush()


def fail(message: str) -> None:
    """End with a message."""
    raise SystemExit(message)


if __name__ == "__main__":
    main(sys.argv[1])
