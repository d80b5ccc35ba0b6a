"""The jobs that nobody has leased, in the order of their turn.

Two heaps whose outdated items are passed over when they come up: no change costs more than the logarithm of
how many jobs wait.
"""

import heapq
import itertools
from typing import NamedTuple

SLACK = 64
"""Outdated items that a heap may hold beside as many again as there are jobs."""


class Place(NamedTuple):
    """A job's place in the line: high priority first, then age, then the order of coming."""

    rank: int
    since: str
    order: int
    token: int
    job: str


class Waiting:
    """The line, and beside it the jobs whose time has not come. Times are RFC 3339 texts of equal length."""

    def __init__(self) -> None:
        self._places: dict[str, Place] = {}
        self._times: dict[str, str] = {}
        self._late: set[str] = set()
        self._line: list[Place] = []
        self._clock: list[tuple[str, int, str]] = []
        self._tokens = itertools.count()
        self._now = ""

    def __len__(self) -> int:
        return len(self._places)

    @property
    def late(self) -> int:
        """How many wait for their time, as of the last `ripen`."""
        return len(self._late)

    def put(self, job: str, priority: int, since: str, order: int, not_before: str | None) -> None:
        """Give a job a place, a new one if it has one; not before its time, if it has that."""
        self.drop(job)
        place = self._places[job] = Place(-priority, since, order, next(self._tokens), job)
        if not_before is not None:
            self._times[job] = not_before
        if not_before is not None and not_before > self._now:
            self._delay(place, not_before)
        else:
            heapq.heappush(self._line, place)
        self._compact()

    def drop(self, job: str) -> None:
        """Take a job out, if it is there."""
        self._places.pop(job, None)
        self._times.pop(job, None)
        self._late.discard(job)

    def ripen(self, now: str) -> None:
        """Let the jobs into the line whose time has come; and out of it again, if the clock was set back."""
        if now < self._now:
            for job, time in self._times.items():
                if time > now and job not in self._late:
                    self._delay(self._places[job], time)
        self._now = now
        while self._clock and self._clock[0][0] <= now:
            _, token, job = heapq.heappop(self._clock)
            place = self._places.get(job)
            if place and place.token == token and job in self._late:
                self._late.discard(job)
                heapq.heappush(self._line, place)

    def first(self, limit: int, now: str) -> list[str]:
        """Whose turn it is: at most `limit` jobs, in order. They stay where they are."""
        self.ripen(now)
        found: dict[str, Place] = {}
        while self._line and len(found) < limit:
            place = self._line[0]
            if self._places.get(place.job) is place and place.job not in self._late:
                # A second item of one job, after the clock was set back, is the same.
                found[place.job] = place
                if len(found) == limit:
                    break
            heapq.heappop(self._line)
        for place in list(found.values())[: limit - 1]:  # the one at the limit was never taken out
            heapq.heappush(self._line, place)
        return list(found)

    def _delay(self, place: Place, time: str) -> None:
        self._late.add(place.job)
        heapq.heappush(self._clock, (time, place.token, place.job))

    def _compact(self) -> None:
        """Make a heap anew that has become mostly outdated; paid for by the changes that made it so."""
        if len(self._line) > 2 * len(self._places) + SLACK:
            self._line = [place for job, place in self._places.items() if job not in self._late]
            heapq.heapify(self._line)
        if len(self._clock) > 2 * len(self._times) + SLACK:
            late = [self._places[job] for job in self._late]
            self._clock = [(self._times[place.job], place.token, place.job) for place in late]
            heapq.heapify(self._clock)
