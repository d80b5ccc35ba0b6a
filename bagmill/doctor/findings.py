"""What a diagnosis says: findings, each of a kind that has a severity and a remedy."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from bagmill.doctor.remedies import REMEDIES
from bagmill.recording.times import rfc3339


class Severity(StrEnum):
    """How bad it is: messages are missing or unreadable; worth a look; good to know."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


ORDER = list(Severity)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found.

    `where` says the place: any of `offset` and `length` (bytes of the file), `log_time` and `log_time_ns`,
    `channel` and `schema` (ids). `facts` are the numbers that stand in the message, for machines; durations
    in seconds.
    """

    severity: Severity
    code: str
    message: str
    topic: str | None = None
    where: Mapping[str, str | int] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def remedy(self) -> str:
        """What to do about findings of this code."""
        return REMEDIES[self.code]

    def as_json(self) -> dict[str, Any]:
        """The finding, ready for JSON."""
        return {
            "severity": self.severity.value,
            "code": self.code,
            "topic": self.topic,
            "where": dict(self.where),
            "message": self.message,
            "remedy": self.remedy,
            "facts": dict(self.facts),
        }


def at_time(nanoseconds: int) -> dict[str, str | int]:
    """A log time as the place of a finding."""
    return {"log_time": rfc3339(nanoseconds), "log_time_ns": str(nanoseconds)}


def seconds(nanoseconds: int) -> float:
    """A duration as JSON has it."""
    return round(nanoseconds / 1e9, 9)


def spoken(nanoseconds: int) -> str:
    """A duration (ns) as people say it: `12.3 ms`."""
    size = abs(nanoseconds)
    for unit, name in ((86_400 * 10**9, "days"), (10**9, "s"), (10**6, "ms"), (10**3, "µs")):
        if size >= unit:
            return (
                f"{nanoseconds / unit:.3g} {name}"
                if size < 1000 * unit
                else f"{nanoseconds / unit:.0f} {name}"
            )
    return f"{nanoseconds} ns"


def counted(number: int, noun: str) -> str:
    """`1 message`, `2 messages`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
