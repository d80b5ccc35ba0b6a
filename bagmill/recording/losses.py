"""What was found missing or damaged while a recording was read."""

from collections.abc import Mapping
from typing import Any, NamedTuple

MAX_LOSSES = 1000
"""More than these are added up in the last one, so that a ruined file costs no memory."""


class Loss(NamedTuple):
    """A damaged place.

    `offset` and `length` are bytes of the file (`length` None: not known). `messages` counts what is known to
    be lost, by topic, within the selection that was read; empty where it is not known. `harmless` says that
    no message is missing for it. `code` is the kind of damage, for machines: docs/doctor.md lists them.
    """

    offset: int
    length: int | None
    reason: str
    messages: Mapping[str, int] = {}
    harmless: bool = False
    code: str = "damaged"

    def facts(self) -> dict[str, Any]:
        """Say the same as JSON."""
        return {
            "offset": self.offset,
            "length": self.length,
            "reason": self.reason,
            "messages": dict(self.messages),
            "harmless": self.harmless,
        }

    def __str__(self) -> str:
        place = (
            f"byte {self.offset}"
            if self.length is None
            else f"bytes {self.offset} to {self.offset + self.length}"
        )
        known = sum(self.messages.values())
        count = f" {known} messages are lost." if known else ""
        return f"{self.reason[:1].upper()}{self.reason[1:]} ({place}).{count}"


class LossLog:
    """Losses in the order they were found, bounded in number."""

    def __init__(self) -> None:
        self.entries: list[Loss] = []

    def add(self, loss: Loss) -> None:
        """Keep a loss; past the bound, add its counts to the last entry."""
        if len(self.entries) < MAX_LOSSES:
            self.entries.append(loss)
            return
        last = self.entries[-1]
        self.entries[-1] = Loss(
            last.offset,
            None,
            "many more places are damaged from here on",
            _sum(last.messages, loss.messages),
            last.harmless and loss.harmless,
        )

    @property
    def harmless(self) -> bool:
        """Whether nothing is missing."""
        return all(loss.harmless for loss in self.entries)


def _sum(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return {topic: one.get(topic, 0) + other.get(topic, 0) for topic in [*one, *(other.keys() - one.keys())]}
