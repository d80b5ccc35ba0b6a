"""How many messages are read at once: as many as can be, and one by one where that fails."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bagmill.decoders.json.lines import Lines, Numbers

_LEAST = 16
"""Lines that are not worth the start of the fast parser."""

_GROWTH = 4
_MOST_SLOW = 4096


@dataclass(frozen=True, slots=True)
class Window:
    """Lines `first` to `last`, and the messages `begin` to `end`: those lines, and what could be no line."""

    first: int
    last: int
    begin: int
    end: int

    def others(self, number: Numbers) -> Numbers:
        """The messages of the window but for some."""
        rest = np.ones(self.end - self.begin, np.bool_)
        rest[number - self.begin] = False
        return np.flatnonzero(rest) + self.begin


def sweep(
    lines: Lines,
    messages: int,
    *,
    most: Callable[[], int],
    known: Callable[[int], int] = lambda _: 0,
    fast: Callable[[Window], bool],
    slow: Callable[[Window], None],
) -> None:
    """Give all messages, in order, to `fast` or, where that says no, to `slow`.

    Windows shrink where `fast` fails, so that few messages are read slowly for one that is bad. Where it
    fails again and again, more and more are read slowly before the next attempt: in the end that costs little
    more than reading all slowly. `most`: the most lines to give to `fast` now, 0 for none. `known`: how many
    lines from one on to give to `fast` first, 0 for as many as will do.
    """
    at, size, run = 0, known(0) or len(lines), _LEAST
    while at < len(lines):
        size = min(size, most(), len(lines) - at)
        if size >= _LEAST and fast(_window(lines, messages, at, at + size)):
            run = _LEAST if size >= _GROWTH * run else run
            at += size
            size = known(at) or size * _GROWTH
        elif size > _LEAST:
            size = max(size // _GROWTH, _LEAST)
        else:
            last = min(at + run, len(lines))
            slow(_window(lines, messages, at, last))
            at, size, run = last, known(last) or _LEAST * _GROWTH, min(2 * run, _MOST_SLOW)
    if not len(lines):
        slow(Window(0, 0, 0, messages))


def _window(lines: Lines, messages: int, first: int, last: int) -> Window:
    begin = int(lines.number[first]) if first else 0
    end = int(lines.number[last]) if last < len(lines) else messages
    return Window(first, last, begin, end)
