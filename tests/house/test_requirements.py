"""What is installed is what is used, and exactly that."""

import re
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

from config import ROOT
from tests.support.sources import CODE, imports_of, python_files

OWN = {
    "app",
    "worker",
    "config",
    "bootstrap",
    "models",
    "routes",
    "services",
    "bagmill",
    "tests",
    "benchmarks",
}
PIN = re.compile(r"([A-Za-z0-9_.-]+)==([\w.]+)")
USED_OTHERWISE = {"uvicorn", "watchfiles"}
"""Started as a program; loaded by `uvicorn --reload`, which else would look at every file again and again."""
TOOLS = {"gunicorn", "mypy", "pytest-xdist", "ruff", "types-pyyaml"}
PINNED_BY = {"pydantic-core": "pydantic", "annotated-types": "pydantic"}
"""What another requirement brings along and shows in its own interface."""


def pins(name: str) -> dict[str, str]:
    """Distributions of a requirements file with their versions; each line must be an exact pin."""
    lines = [line.strip() for line in (ROOT / name).read_text("utf-8").splitlines()]
    wanted = [line for line in lines if line and not line.startswith(("#", "-r"))]
    matches = [PIN.fullmatch(line) for line in wanted]
    assert all(matches), f"{name}: not an exact pin: {wanted[matches.index(None)]}"
    return {match[1].lower().replace("_", "-"): match[2] for match in matches if match}


PEERS = {Path("benchmarks/peers"), Path("benchmarks/queues")}
"""They run in an environment of their own, with packages that are not installed here."""
MODULES = {
    "mcap-protobuf-support": "mcap_protobuf",
    "opencv-python-headless": "cv2",
    "mcap-ros1-support": "mcap_ros1",
    "pybag-sdk": "pybag",
    "mcap-ros2-support": "mcap_ros2",
    "persist-queue": "persistqueue",
    "rerun-sdk": "rerun",
    "roboto-mcap-codec": "mcap_codec",
}
"""Modules of the packages there whose name is another one."""


def imported(*places: str) -> set[str]:
    """Distributions whose modules are imported there."""
    owners = packages_distributions()
    names = {name.split(".")[0] for path in python_files(*places) for _, name in imports_of(path)} - OWN
    return {owner.lower().replace("_", "-") for name in names for owner in owners.get(name, [])}


def test_every_requirement_is_an_exact_pin() -> None:
    assert pins("requirements.txt")
    assert pins("requirements-dev.txt")


def test_what_the_program_imports_is_required() -> None:
    assert {PINNED_BY.get(name, name) for name in imported(*CODE)} <= set(pins("requirements.txt"))


def test_what_is_required_is_used() -> None:
    assert set(pins("requirements.txt")) <= imported(*CODE) | USED_OTHERWISE


def test_what_tests_use_is_what_is_installed_for_them() -> None:
    used = {PINNED_BY.get(name, name) for name in imported("tests", "benchmarks")}

    assert used <= set(pins("requirements.txt") | pins("requirements-dev.txt"))
    assert set(pins("requirements-dev.txt")) <= used | TOOLS


def test_what_is_compared_shares_the_versions_of_what_it_shares() -> None:
    installed, compared = (
        pins("requirements.txt") | pins("requirements-dev.txt"),
        pins("requirements-bench.txt"),
    )

    assert not {
        name: version for name, version in compared.items() if installed.get(name, version) != version
    }


def test_what_is_compared_is_what_is_installed_for_it() -> None:
    files = [path for path in python_files("benchmarks") if path.parent in PEERS]
    used = {name.split(".")[0] for path in files for _, name in imports_of(path)} - OWN
    installed, added = (
        {MODULES.get(name, name.replace("-", "_")) for name in pins(file)}
        for file in ("requirements.txt", "requirements-bench.txt")
    )

    assert used - sys.stdlib_module_names <= installed | added
    assert added <= used
