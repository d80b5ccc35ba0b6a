"""What crosses between the worker and a job's process: a request in, events out, a manifest at the end."""

from enum import StrEnum
from typing import Any, Literal

from pydantic import Field

from models.base import SCHEMA_VERSION, FileModel
from models.problem import Problem
from models.workflow import Output, SourceStamp, WarningNote


class Resources(FileModel):
    """What a job may use."""

    threads: int = Field(description="Threads of Arrow, BLAS and Rerun.")
    memory: int | None = Field(None, description="Bytes of memory that the job and its children may take.")


class Reuse(FileModel):
    """A finished output that answers the same request."""

    workflow: str
    folder: str = Field(description="The step's folder, with its manifest.")


def _printable(name: str) -> str:
    """A file's name without line ends and what else steers a terminal."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in name)


class JobRequest(FileModel):
    """A job as one JSON object: whoever has it and the files can run it, wherever it lands."""

    schema_version: int = SCHEMA_VERSION
    job: str
    workflow: str
    step: str
    kind: str
    attempt: int
    fence: int
    params: dict[str, Any]
    source: SourceStamp | None = Field(None, description="The recording, where the step reads one.")
    inputs: dict[str, str] = Field(
        default_factory=dict, description="Folders of the steps it needs, by step name."
    )
    output: str = Field(description="The `.partial` folder: the only place the job writes to.")
    reuse_key: str | None = Field(None, description="What its output depends on, as a hash; null: not known.")
    reuse: Reuse | None = None
    resources: Resources
    timeout: float | None = None
    log_level: str = "INFO"

    @property
    def name(self) -> str:
        """The canonical human name of a job in log lines: `convert[01JD…](drive.mcap)`, always one line."""
        recording = f"({_printable(self.source.path.rpartition('/')[2])})" if self.source else ""
        return f"{self.step}[{self.workflow}]{recording}"


class Manifest(FileModel):
    """`manifest.json` of a step's folder, written last; fields of the step's kind stand beside these."""

    model_config = FileModel.model_config | {"extra": "allow"}

    schema_version: int = SCHEMA_VERSION
    kind: str
    job: str
    fence: int
    complete: bool = Field(description="False when messages are missing or unreadable.")
    outputs: list[Output]
    counters: dict[str, int] = Field(default_factory=dict)
    warnings: list[WarningNote] = Field(default_factory=list)


class JobEventType(StrEnum):
    """What a running job can say."""

    PROGRESS = "progress"
    LOG = "log"
    DONE = "done"
    FAILED = "failed"
    IDLE = "idle"


class ProgressEvent(FileModel):
    """Where the job stands; `progress` stays below 1 until the commit."""

    type: Literal[JobEventType.PROGRESS] = JobEventType.PROGRESS
    progress: float = Field(ge=0, le=1)
    stage: str
    counters: dict[str, int] = Field(default_factory=dict)


class LogEvent(FileModel):
    """A line for the workflow's log."""

    type: Literal[JobEventType.LOG] = JobEventType.LOG
    level: str
    message: str


class DoneEvent(FileModel):
    """The `.partial` folder is complete and its manifest is on disk."""

    type: Literal[JobEventType.DONE] = JobEventType.DONE


class FailedEvent(FileModel):
    """The job failed for a reason it knows."""

    type: Literal[JobEventType.FAILED] = JobEventType.FAILED
    problem: Problem
    traceback: str | None = None
    retryable: bool = False


class IdleEvent(FileModel):
    """The process has nothing to do any more and can take another request. Not an event of a job's."""

    type: Literal[JobEventType.IDLE] = JobEventType.IDLE


JobEvent = ProgressEvent | LogEvent | DoneEvent | FailedEvent
