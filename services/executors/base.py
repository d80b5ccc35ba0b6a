"""The seam between the worker and wherever jobs run.

The worker hands over a `JobRequest` and reads events; it never looks into the process. The local executor
starts child processes; a remote one can run the same request with the same entry point.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from models.job import JobEvent, JobRequest


@dataclass(frozen=True, slots=True)
class Exited:
    """The job has ended, and nothing of it runs any more; its process is gone, or has other things to do.

    `code`: of the process, negative for a signal; `tail`: the end of its stderr. `memory`: the bytes that it
    had taken when it was ended for that.
    """

    code: int
    tail: str
    memory: int | None = None


Happening = JobEvent | Exited


class Executor(Protocol):
    """Runs jobs. All calls are from one thread and return at once."""

    def capacity(self) -> int:
        """How many more jobs it takes now."""
        ...

    def start(self, request: JobRequest) -> None:
        """Begin a job. Its id is free to be started again after its `Exited`."""
        ...

    def listen(self, descriptor: int) -> None:
        """Return early from `events` when there is something to read from this, and read it empty."""
        ...

    def events(self, timeout: float) -> Sequence[tuple[str, Happening]]:
        """Wait up to `timeout` seconds for news and return it: (job id, what), oldest first.

        Each job's last one is `Exited`, after which it is forgotten.
        """
        ...

    def cancel(self, job: str) -> None:
        """Ask a job to end (SIGTERM), and make it after a short grace (SIGKILL of its group)."""
        ...

    def reattach(self, request: JobRequest) -> bool:
        """Take over a job that an earlier worker started; False where jobs die with their worker."""
        ...

    def drain(self, grace: float) -> Sequence[tuple[str, Happening]]:
        """Take no more jobs, wait `grace` seconds, end the rest; return what happened meanwhile."""
        ...
