"""The entry point of looks: `python -m services.looks.entry <folder of its own>`.

It reads a `LookRequest` from stdin, does it, and writes a `LookAnswer` and the result to stdout; then it
waits for the next. At stdin's other end is the API: when stdin ends, the API is gone, and so is this process,
with the folder, where it writes what it needs for a moment.
"""

import contextlib
import faulthandler
import os
import shutil
import signal
import sys
import tempfile
import threading
import traceback
from pathlib import Path
from queue import SimpleQueue
from typing import BinaryIO

from bagmill.errors import BagmillError
from models.look import LookAnswer, LookRequest
from services.errors import LookOutOfMemory
from services.looks.tasks import TASKS
from services.problems import problem_of

_STDIN = 0
_STDOUT = 1
_STDERR = 2
_READ_SIZE = 64 * 1024
_OOM_SCORE = 900


class Requests:
    """What comes on stdin, read in a thread. At its end this process's whole group ends, whatever it does,
    and `folder` goes.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lines: SimpleQueue[bytes] = SimpleQueue()
        threading.Thread(target=self._read, name="death-pipe", daemon=True).start()

    def next(self) -> LookRequest:
        """Wait for the next request."""
        return LookRequest.model_validate_json(self._lines.get())

    def _read(self) -> None:
        line = b""
        while data := os.read(_STDIN, _READ_SIZE):
            *whole, line = (line + data).split(b"\n")
            for one in whole:
                self._lines.put(one)
        shutil.rmtree(self._folder, ignore_errors=True)
        if os.getpgrp() == os.getpid():
            os.killpg(0, signal.SIGKILL)
        os._exit(1)


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


def prepare(threads: int) -> None:
    """Bound the threads that Arrow and BLAS start when they are loaded; be the first to go when the machine's
    memory ends. Not the last to run: somebody waits for it.
    """
    with contextlib.suppress(OSError):  # Linux only
        Path("/proc/self/oom_score_adj").write_text(str(_OOM_SCORE), "ascii")
    for name in ("OMP_NUM_THREADS", "ARROW_IO_THREADS"):
        os.environ[name] = str(threads)
    os.environ["OPENBLAS_NUM_THREADS"] = "1"


def give_memory_back() -> None:
    """Return what Arrow keeps for later, which may be never."""
    if "pyarrow" in sys.modules:
        sys.modules["pyarrow"].default_memory_pool().release_unused()


def main() -> None:
    """Do the looks that come on stdin."""
    faulthandler.enable()
    tempfile.tempdir = sys.argv[1]
    pipe, requests = answers(), Requests(Path(sys.argv[1]))
    request = requests.next()
    prepare(request.threads)
    while True:
        answer, result = run(request)
        pipe.write(answer.model_dump_json().encode() + b"\n" + result)
        pipe.flush()
        give_memory_back()
        request = requests.next()


if __name__ == "__main__":
    main()
