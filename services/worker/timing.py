"""Things that are done from time to time."""

import time


class Every:
    """True at most once in so many seconds; the first time at once."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._next = 0.0

    def due(self) -> bool:
        """Whether it is time; if so, the next time is counted from now."""
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + self.seconds
        return True

    def took(self, seconds: float, share: int) -> None:
        """Put off the next time, so that what took so long takes at most one part in `share` of the time."""
        self._next = max(self._next, time.monotonic() + seconds * share)
