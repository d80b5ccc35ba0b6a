"""A job in progress, as the worker knows it."""

import time
from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import Path

from models.job import FailedEvent, JobRequest, ProgressEvent
from models.queue import Job
from models.workflow import Status, StepState, WorkflowState
from services.executors.base import Exited
from services.process_errors import StaleFence
from services.state_manager import Version


class Why(Enum):
    """Why the worker has asked a job to end."""

    CANCELLED = auto()
    TIMED_OUT = auto()
    STALLED = auto()
    RELEASED = auto()
    TAKEN_OVER = auto()


@dataclass(slots=True)
class Running:
    """A job that this worker has started.

    `progress` is the newest that is not written yet; `version` is that of the state it was last looked up in;
    `next_jobs` are to be enqueued, once its end is recorded.
    """

    request: JobRequest
    max_attempts: int
    begun: float = field(default_factory=time.monotonic)
    last_news: float = field(default_factory=time.monotonic)
    progress: ProgressEvent | None = None
    version: Version | None = None
    why: Why | None = None
    done: bool = False
    failure: FailedEvent | None = None
    exited: Exited | None = None
    next_jobs: list[Job] | None = None

    @property
    def name(self) -> str:
        """The canonical name of the job."""
        return self.request.name

    @property
    def partial(self) -> Path:
        """The folder it writes to."""
        return Path(self.request.output)

    @property
    def seconds(self) -> float:
        """How long it has been running."""
        return time.monotonic() - self.begun

    @property
    def overdue(self) -> bool:
        """Whether it has taken longer than it may."""
        return self.request.timeout is not None and self.seconds > self.request.timeout

    @property
    def silent_for(self) -> float:
        """How many seconds ago it last said anything."""
        return time.monotonic() - self.last_news

    def step_in(self, state: WorkflowState) -> StepState:
        """The job's step, if it still is this attempt's. Raises StaleFence."""
        try:
            step = state.step(self.request.step)
        except KeyError:
            raise StaleFence(where={"workflow": state.id}) from None
        if step.fence != self.request.fence or step.status not in {Status.RUNNING, Status.CANCELLING}:
            raise StaleFence(where={"workflow": state.id, "step": step.name})
        return step
