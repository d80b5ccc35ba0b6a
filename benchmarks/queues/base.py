"""What a queue must do to be measured, and what stands in it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from models.base import utc_now
from models.queue import Job


class Contender(Protocol):
    """A queue in a folder of its own."""

    def fill(self, jobs: list[Job]) -> None:
        """Put jobs in, as fast as it can; not measured."""
        ...

    def enqueue(self, one: Job) -> None:
        """Add a job."""
        ...

    def claim(self) -> Any:
        """Take the oldest job for a worker."""
        ...

    def close(self) -> None:
        """Let go of the files."""
        ...


@runtime_checkable
class Acknowledging(Contender, Protocol):
    """One that keeps a job until it is told that it is done; the others forget it when it is claimed."""

    def complete(self, claimed: Any) -> None:
        """Take a job out for good; `claimed` is what `claim` has returned."""
        ...


@dataclass(frozen=True)
class Entrant:
    """Who takes part: its name in tables, what survives a power cut, and how it is made in a folder.

    `module` must be installed.
    """

    name: str
    durability: str
    make: Callable[[Path], Contender]
    module: str | None = None


def job(number: int) -> Job:
    """A job as a conversion has it."""
    workflow = f"01JD{number:022d}"
    return Job(
        id=f"{workflow}.convert", workflow=workflow, step="convert", kind="convert", enqueued_at=utc_now()
    )


def text(one: Job) -> str:
    """A job as the others store it: the same fields, as one line of JSON."""
    return one.model_dump_json(exclude_none=True, exclude={"state"})
