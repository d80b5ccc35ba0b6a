"""Cancel, retry and change: each on a workflow and, for a batch, on its children.

One workflow's lock is held at a time. A batch is done child by child; what a crash leaves undone, sending the
same request again does.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import TypeVar

from loguru import logger

from bagmill.errors import BagmillError, RecordingError
from models.api import Patch
from models.queue import Job
from models.workflow import EventType, SourceStamp, Status, WorkflowState
from services import advance
from services.children import is_open_batch, read_children
from services.closing import close_ended
from services.errors import IllegalOperation, StateUnreadable, WorkflowNotFound
from services.queue_service import Queue
from services.state_manager import StateManager
from services.submission import restamp
from services.templates import TEMPLATES

Result = TypeVar("Result")

AGAIN = frozenset({Status.FAILED, Status.CANCELLED})


class Control:
    """What can be done to workflows of one set of folders."""

    def __init__(self, states: StateManager, queue: Queue) -> None:
        self._states = states
        self._queue = queue

    def enqueue(self, jobs: list[Job]) -> None:
        """Hand jobs to the queue. The folders have them on disk already, so a failure loses nothing."""
        try:
            self._queue.enqueue(jobs)
        except BagmillError as error:
            logger.error("not in the queue until a worker compares it with the folders: {}", error)

    def cancel(self, workflow: str) -> WorkflowState:
        """Cancel what has not ended; an ended run is returned unchanged. Raises WorkflowNotFound."""
        self._cancel_one(workflow)
        if any(self._for_each_child(workflow, self._cancel_one)):
            self._settle(workflow)
        return self._states.read(workflow)

    def retry(self, workflow: str) -> WorkflowState:
        """Run failed, cancelled and skipped steps again; of a batch, those of its children.

        Raises:
            WorkflowNotFound, IllegalOperation: there is nothing to do again.
            RecordingError: the recording can't be read, and no step had finished with it.
        """
        self._retry_one(workflow)
        self._for_each_child(workflow, self._retry_if_ended_badly)
        batch = self._states.read(workflow).parent or workflow
        if self._children(batch):
            self._reopen(batch)
            self._settle(batch)
        return self._states.read(workflow)

    def change(self, workflow: str, patch: Patch) -> WorkflowState:
        """Set priority and pinned, as far as the patch has them. Raises WorkflowNotFound."""
        self._change_one(workflow, patch)
        self._for_each_child(workflow, lambda child: self._change_one(child, patch))
        return self._states.read(workflow)

    def _cancel_one(self, workflow: str) -> bool:
        with self._states.edit(workflow) as edit:
            changed = advance.request_cancel(edit)
        if changed:
            self._queue.remove(workflow)
            close_ended(self._states, self._queue, workflow)
        return changed

    def _change_one(self, workflow: str, patch: Patch) -> None:
        with self._states.edit(workflow) as edit:
            for name in sorted(patch.model_fields_set):
                value = getattr(patch, name)
                if getattr(edit.state, name) != value:
                    setattr(edit.state, name, value)
                    edit.note(EventType.CHANGED, detail=f"{name}: {value}")
        if "priority" in patch.model_fields_set:
            self._queue.reprioritize(workflow, patch.priority)

    def _retry_if_ended_badly(self, workflow: str) -> None:
        if self._states.read(workflow).status in AGAIN:
            self._retry_one(workflow)

    def _retry_one(self, workflow: str) -> None:
        source = self._fresh_source(self._states.read(workflow))
        with self._states.edit(workflow) as edit:
            jobs = advance.retry(edit)
            edit.state.source = source
            self._queue.intend([workflow])
        self.enqueue(jobs)

    def _fresh_source(self, state: WorkflowState) -> SourceStamp | None:
        """A new stamp of the recording, unless a finished step has read it as it was before."""
        if state.source and any(step.status is Status.COMPLETED for step in state.steps):
            return state.source
        return restamp(TEMPLATES[state.template], state.params, self._states.settings.recordings_dir)

    def _children(self, workflow: str) -> list[str]:
        """The children of a batch whose folders are there."""
        listed = read_children(self._states.folder(workflow))
        return [child.id for child in listed if self._states.exists(child.id)]

    def _for_each_child(self, batch: str, action: Callable[[str], Result]) -> list[Result]:
        """Do something with each child that there is; one that can't be used does not hold up the others."""
        results = []
        for child in self._children(batch):
            try:
                results.append(action(child))
            except (WorkflowNotFound, StateUnreadable, IllegalOperation, RecordingError) as error:
                logger.warning("{} of batch {} is left as it is: {}", child, batch, error)
        return results

    def _reopen(self, batch: str) -> None:
        with self._states.edit(batch) as edit:
            if edit.state.status in AGAIN:
                advance.reopen(edit)
                self._queue.intend([batch])

    def _settle(self, batch: str) -> None:
        """Count the children here too: with no worker about, nobody else would."""
        counts = self._count(child.id for child in read_children(self._states.folder(batch)))
        with self._states.edit(batch) as edit:
            jobs = advance.settle_batch(edit, counts)
            if is_open_batch(edit.state):
                self._queue.intend([batch])
        self.enqueue(jobs)
        close_ended(self._states, self._queue, batch)

    def _count(self, children: Iterable[str]) -> Counter[Status]:
        counts: Counter[Status] = Counter()
        for child in children:
            try:
                counts[self._states.read(child).status] += 1
            except WorkflowNotFound:  # not made yet
                counts[Status.PENDING] += 1
            except StateUnreadable:
                counts[Status.FAILED] += 1
        return counts
