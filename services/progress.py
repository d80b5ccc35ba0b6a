"""Progress between two writes of state.json: kept in memory, so that no step's is forgotten for another's."""

import math
import threading
import time

from models.job import ProgressEvent
from models.workflow import Status, WorkflowState
from services.advance import progress

PROGRESS_SECONDS = 1.0
"""Progress of a workflow is written at most this often."""
_BELOW_COMMIT = 0.99
"""A step is not shown as done before its output is committed."""


class PendingProgress:
    """The progress of running steps that is not written yet: the newest event of each step."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._written: dict[str, float] = {}
        self._waiting: dict[str, dict[str, tuple[int, ProgressEvent]]] = {}

    def due(self, workflow: str, step: str, fence: int, event: ProgressEvent) -> bool:
        """Keep the event; whether it is time to write this workflow's."""
        now = time.monotonic()
        with self._lock:
            self._waiting.setdefault(workflow, {})[step] = (fence, event)
            if now - self._written.get(workflow, -math.inf) < PROGRESS_SECONDS:
                return False
            # Whatever is older holds nobody back any more: the memory stays bounded.
            self._written = {key: at for key, at in self._written.items() if now - at < PROGRESS_SECONDS}
            self._written[workflow] = now
            return True

    def forget(self, workflow: str) -> None:
        """Drop what waits: the workflow has ended."""
        with self._lock:
            self._waiting.pop(workflow, None)

    def apply(self, state: WorkflowState) -> bool:
        """Put what waits into the state; whether any of it is about a step that runs."""
        with self._lock:
            waiting = self._waiting.pop(state.id, {})
        changed = False
        for step in state.steps:
            fence, event = waiting.get(step.name, (-1, None))
            if event and step.status is Status.RUNNING and step.fence == fence:
                step.progress, step.stage = min(event.progress, _BELOW_COMMIT), event.stage
                step.counters = event.counters
                changed = True
        if changed:
            state.progress = progress(state)
        return changed
