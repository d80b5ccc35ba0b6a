"""Answers of the API that are no files."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from models.base import Timestamp
from models.problem import Problem
from models.queue import JobState
from models.worker import WorkerRecord
from models.workflow import Status, WorkflowState


class StepInfo(BaseModel):
    """A step in a list."""

    name: str
    kind: str
    status: Status
    progress: float


class WorkflowInfo(BaseModel):
    """A workflow in a list: its state without what grows with its outputs."""

    id: str
    revision: int
    template: str
    params: dict[str, Any]
    status: Status
    progress: float
    parent: str | None
    children: dict[Status, int] | None
    priority: int
    pinned: bool
    steps: list[StepInfo]
    warnings_total: int
    error: Problem | None
    created_at: Timestamp
    started_at: Timestamp | None
    finished_at: Timestamp | None
    updated_at: Timestamp

    @classmethod
    def of(cls, state: WorkflowState) -> "WorkflowInfo":
        """What a list tells of a workflow."""
        return cls.model_validate(state.model_dump())


class Unreadable(BaseModel):
    """A workflow whose files can't be read, and why."""

    id: str
    problem: Problem


class WorkflowPage(BaseModel):
    """Some of the workflows, newest first."""

    items: list[WorkflowInfo]
    next: str | None = Field(description="`cursor` of the following page; null at the end.")
    unreadable: list[Unreadable] = Field(
        description="Workflows of this stretch that can't be read; they never hide the others."
    )


class TemplateStep(BaseModel):
    """A step that a run of a template on one recording has."""

    name: str
    kind: str
    needs: list[str]


class TemplateInfo(BaseModel):
    """A template."""

    id: str
    title: str
    description: str
    steps: list[TemplateStep] = Field(
        description="Of a run on one recording; a batch has `expand`, and a child for each recording."
    )
    params: dict[str, Any] = Field(description="JSON Schema of its params.")


class TemplateList(BaseModel):
    """All templates, and the options that each of them takes."""

    items: list[TemplateInfo]
    options: dict[str, Any] = Field(description="JSON Schema of the options.")


class Patch(BaseModel):
    """The body of PATCH: at least one of both."""

    model_config = ConfigDict(extra="forbid", strict=True)

    priority: int = Field(0, ge=-100, le=100, description="Higher runs earlier. A batch's children follow.")
    pinned: bool = Field(False, description="Keep this run whatever its age. A batch's children follow.")


class WorkersHealth(BaseModel):
    """Whether somebody runs the jobs."""

    running: bool
    autostart: bool = Field(description="Whether the API starts a worker by itself (WORKER_AUTOSTART).")
    workers: list[WorkerRecord] = Field(description="Those that live now.")


class QueueHealth(BaseModel):
    """The queue in numbers."""

    paused: bool
    held: str | None = Field(description="Why no jobs are handed out for a while, such as a full disk.")
    counts: dict[JobState, int]


class DiskHealth(BaseModel):
    """The file system of the workflows."""

    free: int = Field(description="Bytes.")
    total: int = Field(description="Bytes.")
    needed: int = Field(description="Bytes; with less free ones, jobs wait (MIN_FREE_DISK).")


class Health(BaseModel):
    """`healthy` as long as the API can read and write its folders; whether a worker runs is a field."""

    status: Literal["healthy", "unhealthy"]
    version: str
    worker: WorkersHealth
    queue: QueueHealth | None = Field(description="Null if it can't be read.")
    disk: DiskHealth | None = Field(description="Null if the folder can't be read.")
    problems: list[Problem] = Field(description="Why it is unhealthy.")


class ProblemInfo(BaseModel):
    """A kind of problem: what the `type` of a problem object leads to."""

    code: str
    title: str
    hint: str
    status: int | None = Field(
        description="The HTTP status it comes with; null if it is no answer of the API."
    )
