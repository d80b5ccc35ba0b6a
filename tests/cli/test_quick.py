"""A plain command line is read without typer, and means the same."""

import platform
import random
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.exceptions import TyperException
from typer.main import get_command

from bagmill import quick
from bagmill.choices import Choices
from bagmill.cli import app
from tests.support.processes import python

WORDS = [
    *("a.mcap", "dir/b.mcap", "", "x y", "ü", "-", "--", "-h", "--help", "--jso", "--verbose", "-o"),
    *(
        "--json",
        "--json",
        "--output",
        "--output",
        "--output",
        "--output=o",
        "--topics",
        "--topics",
        "--topics",
    ),
    *("--exclude-topics", "--exclude-topics", "--start-time", "--end-time", "--format", "--compression"),
    *("--on-corrupt", "/p", "*", "5", "2024-05-15T10:00:00Z", "zstd", "ZSTD", "fail", "parquet", "csv"),
]
"""Of these command lines are made."""


HEAVY = {
    "typer",
    "rich",
    "pydantic",
    "pandas",
    "google.protobuf",
    "numpy.ma",
    "pyarrow.compute",
    "pyarrow.dataset",
    "pyarrow.fs",
    "ssl",
    "cbor2",
}
"""What a conversion of ROS 2 messages does not need, and what takes long to load."""


def by_typer(arguments: list[str]) -> dict[str, Any] | None:
    """What typer makes of a command line; None if it complains or shows help."""
    command = getattr(get_command(app), "commands")[arguments[0]]  # noqa: B009
    try:
        found: dict[str, Any] = command.make_context(arguments[0], arguments[1:]).params
    except (typer.Exit, TyperException):
        return None
    return {name: list(value) if isinstance(value, tuple) else value for name, value in found.items()}


def by_quick(arguments: list[str]) -> dict[str, Any] | None:
    """The same from `quick`, with the names of typer's parameters."""
    call = quick.read(arguments)
    if call is None:
        return None
    if call.command != "convert":
        return {"file": call.files[0], "as_json": call.as_json}
    given: dict[str, Any] = {"topics": [], "exclude_topics": [], "start_time": None, "end_time": None}
    given |= {"format": Choices().format, "compression": None, "on_corrupt": "recover"}
    given |= {**call.once, **call.often, "output": Path(call.once["output"])}
    given["format_"] = given.pop("format")
    return {"files": call.files, "as_json": call.as_json, **given}


@pytest.mark.parametrize(
    "arguments",
    [
        ["info", "a.mcap"],
        ["info", "--json", "a.mcap"],
        ["doctor", "a.mcap", "--json"],
        ["convert", "a.mcap", "--output", "o"],
        ["convert", "--output", "o", "a.mcap", "b.mcap", "--json"],
        ["convert", "a", "--output", "o", "--topics", "/a", "--topics", "/b*", "--exclude-topics", "*c"],
        ["convert", "a", "--output", "o", "--start-time", "5", "--end-time", "2024-05-15T10:00:00Z"],
        ["convert", "a", "--output", "o", "--compression", "lz4", "--on-corrupt", "fail", "--format", "x"],
        ["convert", "a", "--output", "o", "--output", "p"],
    ],
)
def test_plain_command_lines_are_read_quickly(arguments: list[str]) -> None:
    found = by_quick(arguments)

    assert found is not None
    assert found == by_typer(arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--help"],
        ["unknown", "a"],
        ["info"],
        ["info", "a", "b"],
        ["info", "a", "--output", "o"],
        ["convert", "a"],
        ["convert", "--output", "o"],
        ["convert", "a", "--output"],
        ["convert", "a", "--output=o"],
        ["convert", "a", "--output", "-o"],
        ["convert", "a", "--output", "o", "--help"],
        ["convert", "a", "--output", "o", "--compression", "best"],
        ["convert", "a", "--output", "o", "--on-corrupt", "maybe"],
        ["convert", "--output", "o", "--", "-a"],
    ],
)
def test_all_else_is_left_to_typer(arguments: list[str]) -> None:
    assert quick.read(arguments) is None


def test_what_is_read_quickly_means_the_same() -> None:
    chance = random.Random(1)
    quickly = 0
    for _ in range(1500):
        command = chance.choice(["info", "doctor", "convert"])
        arguments = [command, *chance.choices(WORDS, k=chance.randint(1, 7))]
        found = by_quick(arguments)
        quickly += found is not None
        assert found is None or found == by_typer(arguments), arguments

    assert quickly > 50


def test_a_plain_command_line_loads_nothing_heavy(tmp_path: Path) -> None:
    from tests.convert.making import points, record

    recording = record(tmp_path / "a.mcap", points("/p", 3))
    code = (
        "import sys; from bagmill import __main__, quick, startup\n"
        "startup.start_light()\n"
        f"words = ['convert', {str(recording)!r}, '--output', {str(tmp_path / 'd')!r}]\n"
        "assert quick.run(quick.read(words)) == 0\n"
        f"print(sorted({HEAVY!r} & set(sys.modules)))"
    )

    done = python("-W", "error", "-c", code)

    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="others are left as they are")
def test_a_process_of_its_own_keeps_its_memory() -> None:
    code = (
        "from resource import RUSAGE_SELF, getrusage\n"
        "from bagmill.startup import start_light\n"
        "start_light()\n"
        "import numpy as np\n"
        "faults = [getrusage(RUSAGE_SELF).ru_minflt]\n"
        "for _ in range(20):\n"
        "    arrays = [np.ones(16 << 20, np.uint8) for _ in range(4)]\n"
        "    del arrays\n"
        "    faults.append(getrusage(RUSAGE_SELF).ru_minflt)\n"
        "print(faults[1] - faults[0], faults[-1] - faults[1])"
    )

    first, later = map(int, python("-c", code).stdout.split())

    assert later < first
