"""Waiting for a condition. The deadline only keeps a broken test from hanging; no test measures time."""

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")

PATIENCE = 60.0
"""Seconds until something that never comes is given up."""


def wait_for(probe: Callable[[], Found | None], what: str, patience: float = PATIENCE) -> Found:
    """Call `probe` until it returns something true; AssertionError, naming `what`, if it never does."""
    deadline = time.monotonic() + patience
    while not (found := probe()):
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {patience:g} s in vain for {what}")
        time.sleep(0.02)
    return found
