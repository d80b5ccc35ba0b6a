"""`workflows/{id}/state.json`: the truth about one run."""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field

from models.base import SCHEMA_VERSION, FileModel, Timestamp
from models.problem import Problem


class Status(StrEnum):
    """Where a workflow or a step stands."""

    PENDING = "pending"
    QUEUED = "queued"
    RUNNING = "running"
    CANCELLING = "cancelling"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"

    @property
    def ended(self) -> bool:
        """Whether nothing more happens by itself."""
        return self in ENDED


ENDED = frozenset({Status.COMPLETED, Status.FAILED, Status.CANCELLED, Status.SKIPPED})

TRANSITIONS: dict[Status, frozenset[Status]] = {
    Status.PENDING: frozenset({Status.QUEUED, Status.SKIPPED, Status.CANCELLED}),
    Status.QUEUED: frozenset({Status.RUNNING, Status.CANCELLED}),
    Status.RUNNING: frozenset({Status.COMPLETED, Status.FAILED, Status.CANCELLING, Status.QUEUED}),
    Status.CANCELLING: frozenset({Status.CANCELLED, Status.COMPLETED}),
    # A retry queues a step, or lets it wait if what it needs must run again first.
    Status.FAILED: frozenset({Status.QUEUED, Status.PENDING}),
    Status.CANCELLED: frozenset({Status.QUEUED, Status.PENDING}),
    Status.SKIPPED: frozenset({Status.QUEUED, Status.PENDING}),
    Status.COMPLETED: frozenset(),
}
"""Every legal move. Anything else is a bug and raises."""


class WarningNote(FileModel):
    """Something the user must know though the run goes on."""

    code: str
    message: str
    where: dict[str, Any] = Field(default_factory=dict)


class Output(FileModel):
    """A finished file of a step. `path` is relative to the workflow's folder."""

    path: str
    size: int = Field(description="Bytes.")
    sha256: str
    rows: int | None = None
    schema_: str | None = Field(None, alias="schema", serialization_alias="schema")


class SourceStamp(FileModel):
    """What the recording was when it was submitted."""

    path: str
    size: int = Field(description="Bytes.")
    mtime_ns: int
    inode: int


StepName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$")]
"""It names folders: nobody's state.json may lead a worker out of its own."""


class StepState(FileModel):
    """One step of a workflow."""

    name: StepName
    kind: str
    status: Status = Status.PENDING
    needs: list[str] = Field(
        default_factory=list,
        description="Steps that must be completed first; `children` stands for those of a batch.",
    )
    attempt: int = Field(0, description="How often it has been started since it was submitted or retried.")
    max_attempts: int = 1
    interruptions: int = Field(0, description="How often it ended because its worker or the machine did.")
    fence: int = Field(0, description="Fencing number: raised and on disk before each start.")
    timeout: float | None = Field(None, description="Seconds one attempt may take.")
    not_before: Timestamp | None = Field(None, description="A queued step waits until then.")
    reason: str | None = Field(None, description="Why a queued step waits, if not for its turn.")
    progress: float = Field(0.0, ge=0, le=1)
    stage: str = ""
    counters: dict[str, int] = Field(default_factory=dict)
    worker: str | None = Field(None, description="uuid of the worker that runs it.")
    warnings: list[WarningNote] = Field(default_factory=list)
    warnings_total: int = 0
    error: Problem | None = None
    outputs: list[Output] = Field(default_factory=list)
    outputs_total: int = 0
    manifest: str | None = Field(
        None, description="Path of the step's manifest.json, in the workflow's folder."
    )
    cached_from: str | None = Field(None, description="The workflow whose output answered this step.")
    started_at: Timestamp | None = None
    finished_at: Timestamp | None = None


class EventType(StrEnum):
    """What an event tells."""

    CREATED = "created"
    WORKFLOW = "workflow"
    STEP = "step"
    COMMITTED = "committed"
    CANCEL_REQUESTED = "cancel_requested"
    CHANGED = "changed"
    RECOVERED = "recovered"
    SET_ASIDE = "set_aside"


class Event(FileModel):
    """One line of `events.jsonl`."""

    seq: int
    at: Timestamp
    type: EventType
    step: str | None = None
    attempt: int | None = None
    fence: int | None = None
    from_: Status | None = Field(None, alias="from", serialization_alias="from")
    to: Status | None = None
    detail: str | None = None


class WorkflowState(FileModel):
    """The whole of `state.json`."""

    schema_version: int = SCHEMA_VERSION
    id: str
    revision: int = 0
    template: str
    params: dict[str, Any]
    status: Status = Status.PENDING
    progress: float = Field(0.0, ge=0, le=1)
    parent: str | None = None
    children: dict[Status, int] | None = Field(None, description="A batch's children by status.")
    priority: int = 0
    pinned: bool = False
    allow_failed: bool = False
    cancel_requested: bool = False
    source: SourceStamp | None = None
    spec_hash: str | None = Field(None, description="Of the dataset's spec: sha256 of what it means.")
    cached_from: str | None = Field(
        None, description="The earlier workflow whose output this one has, as it asked for the same."
    )
    steps: list[StepState]
    warnings: list[WarningNote] = Field(default_factory=list)
    warnings_total: int = 0
    error: Problem | None = None
    created_at: Timestamp
    started_at: Timestamp | None = None
    finished_at: Timestamp | None = None
    updated_at: Timestamp
    events_seq: int = Field(0, description="Number of the newest event.")
    last_events: list[Event] = Field(
        default_factory=list,
        description="Events of the newest change; a crash may have kept them out of events.jsonl.",
    )

    def step(self, name: str) -> StepState:
        """The step of this name; KeyError if there is none."""
        for step in self.steps:
            if step.name == name:
                return step
        raise KeyError(name)
