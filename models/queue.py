"""The queue: its live jobs, slim; params and results stand in the workflow folders."""

from enum import StrEnum

from pydantic import BaseModel, Field

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
    process_started: str | None = Field(
        None, description="When that process began, as the system tells it: pids are used again."
    )
    boot: str | None = Field(None, description="The boot of the machine that it began in.")
    fence: int = Field(0, description="The job's fencing number.")
    renewals: int = Field(0, description="Grows while the worker is well; judged by standing still.")


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


class QueueStatus(BaseModel):
    """The queue in numbers."""

    history: str
    seq: int
    paused: bool
    held: str | None
    rebuild: bool
    counts: dict[JobState, int]


class QueueState(FileModel):
    """The whole queue. `seq` grows by one with each operation."""

    schema_version: int = SCHEMA_VERSION
    history: str = Field("", description="Another one each time that the queue was begun anew.")
    seq: int = 0
    paused: bool = False
    held: str | None = Field(None, description="Why no jobs are handed out for a while, such as a full disk.")
    rebuild: bool = Field(
        False, description="Begun anew: jobs may be missing until a worker has looked through the folders."
    )
    updated_at: Timestamp
    counts: dict[JobState, int] = Field(default_factory=dict)
    open: list[str] = Field(
        default_factory=list, description="Workflows that have not ended and have no job here."
    )
    jobs: list[Job] = Field(default_factory=list)
