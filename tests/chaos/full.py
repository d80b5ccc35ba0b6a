"""A disk that gets full: a small file system in memory where that may be mounted, else a limit of file sizes.

The limit (RLIMIT_FSIZE of the workers) is a substitute: writes fail as they do on a full disk, with EFBIG.
"""

import contextlib
import resource
import subprocess
from pathlib import Path
from typing import Self

import psutil

from tests.chaos.crew import Crew

SIZE = "256m"
_LIMIT = 2048


class Disk:
    """The file system at `place`, while it is entered."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self._filler = place / "filler"
        self.real = False

    def __enter__(self) -> Self:
        self.place.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(self.place)]
        with contextlib.suppress(OSError):
            self.real = subprocess.run(command, capture_output=True, check=False).returncode == 0
        return self

    def __exit__(self, *_: object) -> None:
        if self.real:
            subprocess.run(["umount", "-l", str(self.place)], check=False)

    @property
    def kind(self) -> str:
        """What makes it full."""
        return f"a tmpfs of {SIZE}" if self.real else "RLIMIT_FSIZE of the workers"

    def fill(self, crew: Crew) -> None:
        """Leave no room."""
        if not self.real:
            self._limit(crew, _LIMIT)
            return
        block = b"x" * (1 << 20)
        with contextlib.suppress(OSError), self._filler.open("ab", buffering=0) as file:
            while len(block) > 256:
                if file.write(block) < len(block):
                    block = block[: len(block) // 2]

    def free(self, crew: Crew) -> None:
        """Make room again."""
        if self.real:
            self._filler.unlink(missing_ok=True)
        else:
            self._limit(crew, resource.RLIM_INFINITY)

    def _limit(self, crew: Crew, size: int) -> None:
        for process in crew.ours():
            with contextlib.suppress(psutil.Error, AttributeError, OSError):
                process.rlimit(psutil.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
