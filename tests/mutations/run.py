"""Tries many cases in one process that watches itself: `python -m tests.mutations.run SEED FIRST COUNT`.

Each failure is one JSON object in a line of stdout. The number of the case that is being tried stands in a
file, so that a case that takes the process down is known too. `--keep FILE` keeps the recording of the first.
"""

import argparse
import json
import resource
import shutil
import signal
import sys
import tempfile
import traceback
from pathlib import Path
from types import FrameType
from typing import Any

from bagmill.startup import start_light

CPU_SECONDS = 10
"""A case may take so long, measured in CPU time: a busy machine does no harm."""

ADDRESS_SPACE = 4 << 30
PEAK_BYTES = 600 << 20
"""The process may never have more memory, whatever a file of some KB claims."""

CLOSELY = 4
"""Every fourth case is looked at closely."""


class TooLong(BaseException):
    """A case hangs."""


def _too_long(_: int, __: FrameType | None) -> None:
    raise TooLong


def peak() -> int:
    """Most memory that the process ever had, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def try_case(seed: str, number: int, folder: Path) -> dict[str, Any] | None:
    """Try one case; what went wrong, if anything."""
    from tests.mutations.cases import case
    from tests.mutations.trial import attempt

    before = peak()
    made = case(seed, number)
    signal.signal(signal.SIGPROF, _too_long)
    signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
    try:
        attempt(made, folder, closely=number % CLOSELY == 0)
    except (Exception, TooLong) as error:  # noqa: BLE001  whatever it is, it is what is looked for
        return {"kind": type(error).__name__, "what": "".join(traceback.format_exception(error)[-4:])}
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    if peak() > max(PEAK_BYTES, before):
        return {"kind": "memory", "what": f"the peak rose from {before} to {peak()} bytes"}
    return None


def main() -> None:
    """Try the cases that the command line names."""
    parser = argparse.ArgumentParser()
    parser.add_argument("seed")
    parser.add_argument("first", type=int)
    parser.add_argument("count", type=int)
    parser.add_argument("--at", type=Path, help="file for the number of the case that is being tried")
    parser.add_argument("--keep", type=Path, help="keep the recording of the first case here")
    asked = parser.parse_args()
    start_light()
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    with tempfile.TemporaryDirectory(prefix="bagmill-mutations-") as scratch:
        for number in range(asked.first, asked.first + asked.count):
            if asked.at:
                asked.at.write_text(str(number))
            folder = Path(scratch) / "case"
            folder.mkdir()
            failure = try_case(asked.seed, number, folder)
            if asked.keep and number == asked.first:
                shutil.copyfile(folder / "ruined.mcap", asked.keep)
            shutil.rmtree(folder)
            if failure:
                print(json.dumps({"case": number, **failure}), flush=True)


if __name__ == "__main__":
    main()
