"""Workflow ids: ULIDs that grow within a process, so that `ls workflows/` is chronological."""

import re
import threading
import time

from ulid import ULID, ULIDGenerator

_FORM = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")
_MILLISECOND = 1_000_000


class _Ids:
    """ULIDs of one process, each greater than the one before, whatever the clock does."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._latest = 0
        self._generator = ULIDGenerator(clock=self._clock)

    def _clock(self) -> int:
        # A clock that is set back must not make a younger id sort before an older one.
        self._latest = max(self._latest, time.time_ns() // _MILLISECOND)
        return self._latest

    def new(self) -> str:
        with self._lock:
            return str(self._generator.generate())


_ids = _Ids()


def new_id() -> str:
    """A fresh ULID, 26 characters of Crockford's base 32; greater than all earlier ones of this process."""
    return _ids.new()


def is_id(text: str) -> bool:
    """Whether `text` is a ULID in its one canonical spelling (upper case, no I, L, O or U)."""
    return _FORM.fullmatch(text) is not None


def made_at(workflow: str) -> float:
    """When an id was made, in seconds since 1970. Raises ValueError for what is none."""
    return ULID.from_str(workflow).timestamp
