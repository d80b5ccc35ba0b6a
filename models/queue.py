"""`queue-state.json`: the live jobs, slim; params and results stand in the workflow folders."""

from enum import StrEnum

from pydantic import Field

from models.base import SCHEMA_VERSION, FileModel, Timestamp


class JobState(StrEnum):
    """Where a job stands in the queue: other words than a step's status, for it is another thing."""

    READY = "ready"
    DELAYED = "delayed"
    LEASED = "leased"


class Lease(FileModel):
    """Who holds a job."""

    worker: str = Field(description="uuid of the worker; its life-long lock is `workers/<uuid>.lock`.")
    host: str
    pid: int
    since: Timestamp


class Job(FileModel):
    """One queued execution of one step. Its id is `<workflow>.<step>`: a step has one job at most."""

    id: str
    workflow: str
    step: str
    kind: str
    priority: int = 0
    attempt: int = Field(1, description="The attempt this execution will be.")
    fence: int = Field(1, description="The fencing number it will have; a higher one makes a job newer.")
    enqueued_at: Timestamp
    not_before: Timestamp | None = None
    state: JobState = JobState.READY
    reason: str | None = Field(None, description="Why it waits.")
    lease: Lease | None = None


class QueueState(FileModel):
    """The whole queue. `seq` grows by one with each operation."""

    schema_version: int = SCHEMA_VERSION
    seq: int = 0
    paused: bool = False
    rebuild: bool = Field(
        False, description="Begun anew: jobs may be missing until a worker has looked through the folders."
    )
    updated_at: Timestamp
    counts: dict[JobState, int] = Field(default_factory=dict)
    jobs: list[Job] = Field(default_factory=list)
