"""Some space that is kept for a full disk: what has been done can still be told."""

import errno
import os
from pathlib import Path

from services import disk, durable

SIZE = 256 * 1024
FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class Reserve:
    """A file of no use but its size."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def keep(self) -> None:
        """Make the file, if it was given up; under the queue's lock. Raises StorageFailed on a full disk."""
        if not self._path.exists():
            durable.sweep_temporaries(self._path)
            # Not zeros: some file systems store none.
            durable.write_bytes(self._path, os.urandom(SIZE))

    def give_up(self) -> bool:
        """Remove the file; whether there was one. Raises OSError."""
        there = self._path.exists()
        disk.unlink(self._path)
        return there
