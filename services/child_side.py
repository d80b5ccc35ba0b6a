"""What each child process of the engine does: take requests, end with its parent, stay within bounds."""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue

_STDIN = 0
_READ_SIZE = 64 * 1024
_LITTLE = 64 << 20
"""Bytes at most in use at a time: to get them anew costs more than a small job has to do beside its work."""


class Lines:
    """The lines of stdin, read in a thread.

    At stdin's other end is the parent: when stdin ends, it is gone, and this process's whole group ends,
    whatever it does, after `farewell`.
    """

    def __init__(self, farewell: Callable[[], None] | None = None) -> None:
        self._farewell = farewell
        self._lines: SimpleQueue[bytes] = SimpleQueue()
        threading.Thread(target=self._read, name="death-pipe", daemon=True).start()

    def next(self) -> bytes:
        """Wait for the next line."""
        return self._lines.get()

    def _read(self) -> None:
        line = b""
        while data := os.read(_STDIN, _READ_SIZE):
            *whole, line = (line + data).split(b"\n")
            for one in whole:
                self._lines.put(one)
        if self._farewell:
            self._farewell()
        if os.getpgrp() == os.getpid():
            os.killpg(0, signal.SIGKILL)
        os._exit(1)


def stay_in_bounds(threads: int, oom_score: int) -> None:
    """Bound the numbers of threads that Arrow, BLAS and Rerun start, and be among the first to go when the
    machine's memory ends. The numbers are read when the libraries are loaded, which is later.
    """
    with contextlib.suppress(OSError):  # Linux only
        Path("/proc/self/oom_score_adj").write_text(str(oom_score), "ascii")
    for name in ("OMP_NUM_THREADS", "ARROW_IO_THREADS", "RAYON_NUM_THREADS"):
        os.environ[name] = str(threads)
    os.environ["OPENBLAS_NUM_THREADS"] = "1"


def give_memory_back() -> None:
    """Return what Arrow keeps for later, which may be never; a little it may keep for the next job."""
    if "pyarrow" in sys.modules:
        pool = sys.modules["pyarrow"].default_memory_pool()
        if pool.max_memory() > _LITTLE:
            pool.release_unused()
