"""Ruined recordings, converted whole: each ends in a dataset or in one of the project's errors.

`make test-core` tries 100,000; `BAGMILL_MUTATIONS` says how many, `BAGMILL_MUTATIONS_SEED` which.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from config import ROOT
from tests.mutations.cases import case

SEED = os.environ.get("BAGMILL_MUTATIONS_SEED", "bagmill")
COUNT = int(os.environ.get("BAGMILL_MUTATIONS", "100000"))
PORTIONS = 20
EACH = max(1, COUNT // PORTIONS)
PATIENCE = 300.0
"""Seconds that a process may try one case before it is taken for hanging without using the processor."""


def again(seed: str, number: int) -> str:
    """How to try one case again, and look at its recording."""
    return f"python -W error -m tests.mutations.run {seed} {number} 1 --keep ruined.mcap"


def told(failures: list[dict[str, Any]], seed: str) -> str:
    """Failures, each with how to make it again."""
    return "\n\n".join(
        f"case {failure['case']}: {failure['kind']}: {failure['what']}\nagain: {again(seed, failure['case'])}"
        for failure in failures
    )


def test_some_ruined_recordings(tmp_path: Path) -> None:
    failures, end = trial(tmp_path, "some", 0, 100)

    assert not failures, told(failures, "some")
    assert end == 100


def test_a_case_is_always_the_same() -> None:
    assert case("a", 5) == case("a", 5)
    assert case("a", 5).content != case("b", 5).content
    assert case("a", 5).content != case("a", 6).content


@pytest.mark.slow
@pytest.mark.parametrize("portion", range(PORTIONS))
def test_very_many_ruined_recordings(tmp_path: Path, portion: int) -> None:
    failures, first, end = [], portion * EACH, (portion + 1) * EACH
    while first < end:
        found, first = trial(tmp_path, SEED, first, end)
        failures += found

    assert not failures, told(failures, SEED)


def trial(folder: Path, seed: str, first: int, end: int) -> tuple[list[dict[str, Any]], int]:
    """Try cases in a process of their own, whose memory is theirs alone.

    Returns the failures, and the case to go on with if one took the process down.
    """
    at = folder / "at"
    at.write_text(str(first))
    command = [
        sys.executable,
        *("-W", "error", "-m", "tests.mutations.run"),
        seed,
        str(first),
        str(end - first),
        "--at",
        str(at),
    ]
    with (folder / "said").open("w+") as said, (folder / "complained").open("w+") as complained:
        process = subprocess.Popen(command, cwd=ROOT, stdout=said, stderr=complained)
        hung = not waited(process, at)
        said.seek(0)
        complained.seek(0)
        failures = [json.loads(line) for line in said]
        if process.returncode == 0:
            return failures, end
        number = int(at.read_text())
        kind = "hangs" if hung else f"ended with {process.returncode}"
        return [*failures, {"case": number, "kind": kind, "what": complained.read()[-2000:]}], number + 1


def waited(process: "subprocess.Popen[bytes]", at: Path) -> bool:
    """Wait for the end of a process as long as it goes on to other cases; else end it."""
    while True:
        number = at.read_text()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            if at.read_text() != number:
                continue
            process.kill()
            process.wait()
            return False
        return True
