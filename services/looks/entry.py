"""The entry point of looks: `python -m services.looks.entry <folder of its own>`.

It reads a `LookRequest` from stdin, does it, and writes a `LookAnswer` and the result to stdout; then it
waits for the next. At stdin's other end is the API: when stdin ends, the API is gone, and so is this process,
with the folder, where it writes what it needs for a moment.
"""

import faulthandler
import os
import shutil
import sys
import tempfile
import traceback
from functools import partial
from pathlib import Path
from typing import BinaryIO

from bagmill.errors import BagmillError
from models.look import LookAnswer, LookRequest
from services.child_side import Lines, give_memory_back, stay_in_bounds
from services.looks.tasks import TASKS
from services.problems import problem_of
from services.process_errors import LookOutOfMemory

_STDOUT = 1
_STDERR = 2
_OOM_SCORE = 900


def run(request: LookRequest) -> tuple[LookAnswer, bytes]:
    """Do a look; what goes wrong is told in the answer. The result is one line of JSON."""
    try:
        result = TASKS[request.kind](Path(request.recording), request.params, request.threads)
        return LookAnswer(), result.encode() + b"\n"
    except MemoryError:
        return LookAnswer(problem=problem_of(LookOutOfMemory())), b""
    except Exception as error:  # noqa: BLE001 - the boundary
        told = None if isinstance(error, BagmillError) else traceback.format_exc()
        return LookAnswer(problem=problem_of(error), traceback=told), b""


def answers() -> BinaryIO:
    """Where answers go. What libraries print goes to stderr instead, where it does no harm."""
    pipe = os.fdopen(os.dup(_STDOUT), "wb")
    os.dup2(_STDERR, _STDOUT)
    return pipe


def main() -> None:
    """Do the looks that come on stdin."""
    faulthandler.enable()
    tempfile.tempdir = sys.argv[1]
    pipe, lines = answers(), Lines(partial(shutil.rmtree, sys.argv[1], ignore_errors=True))
    request = LookRequest.model_validate_json(lines.next())
    stay_in_bounds(request.threads, _OOM_SCORE)  # not at a low priority: somebody waits for it
    while True:
        answer, result = run(request)
        pipe.write(answer.model_dump_json().encode() + b"\n" + result)
        pipe.flush()
        give_memory_back()
        request = LookRequest.model_validate_json(lines.next())


if __name__ == "__main__":
    main()
