"""A job as the queue keeps it in memory, what can be told of it, and how it stands in a record."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from models.base import rfc3339
from models.queue import Job, JobState

PAUSED = "The queue is paused."
NEXT_FREE = "Waits for a free worker."


class Entry(NamedTuple):
    """A job, slim. Never changed but replaced, so that a list of entries is a picture of one moment."""

    id: str
    workflow: str
    step: str
    kind: str
    priority: int
    attempt: int
    fence: int
    enqueued_at: str
    not_before: str | None
    reason: str | None
    lease: Mapping[str, Any] | None
    order: int


class Picture(NamedTuple):
    """The queue at one moment, to be written down in peace."""

    now: str
    history: str
    seq: int
    paused: bool
    held: str | None
    rebuild: bool
    updated_at: str
    entries: list[Entry]
    open: list[str]
    renewals: dict[str, int]


def state_of(entry: Entry, now: str) -> JobState:
    """Where a job stands at a time."""
    if entry.lease:
        return JobState.LEASED
    return JobState.DELAYED if entry.not_before and entry.not_before > now else JobState.READY


def reason_of(entry: Entry, state: JobState, *, paused: bool, held: str | None) -> str | None:
    """Why a job waits; nothing for one that does not."""
    if state is JobState.LEASED:
        return None
    if state is JobState.DELAYED:
        return entry.reason or f"Not before {entry.not_before}."
    return entry.reason or (PAUSED if paused else held or NEXT_FREE)


def fields_of(jobs: Sequence[Job]) -> list[dict[str, Any]]:
    """Jobs as they stand in an `enqueue` record; what is not set is left out."""
    return [_fields(job) for job in jobs]


def _fields(job: Job) -> dict[str, Any]:
    fields = {
        "id": job.id,
        "workflow": job.workflow,
        "step": job.step,
        "kind": job.kind,
        "priority": job.priority,
        "attempt": job.attempt,
        "fence": job.fence,
        "enqueued_at": rfc3339(job.enqueued_at),
    }
    if job.not_before:
        fields["not_before"] = rfc3339(job.not_before)
    if job.reason:
        fields["reason"] = job.reason
    return fields
