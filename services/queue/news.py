"""Which workflows one board was told of lately, for those who keep something of each in memory."""

import itertools

KEPT = 100_000
"""Names that are kept at least; whoever asks more seldom looks at the folders."""

_births = itertools.count()


class News:
    """Names in the order of their coming, the newest of them kept."""

    def __init__(self) -> None:
        self._birth = next(_births)
        self._names: list[str] = []
        self._dropped = 0

    def add(self, workflow: str) -> None:
        """Take in a name."""
        self._names.append(workflow)
        if len(self._names) > 2 * KEPT:
            del self._names[:KEPT]
            self._dropped += KEPT

    @property
    def mark(self) -> tuple[int, int]:
        """The present moment."""
        return self._birth, self._dropped + len(self._names)

    def since(self, mark: tuple[int, int] | None) -> list[str] | None:
        """The names after a mark; None if it is another board's, or too old."""
        if mark is None or mark[0] != self._birth or mark[1] < self._dropped:
            return None
        return self._names[mark[1] - self._dropped :]
