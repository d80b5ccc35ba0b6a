"""Batches: making the children of a parent, and settling the parent when they have ended.

Everything here can be done again after a crash at any point: the ids of the children are in `children.jsonl`
before the first of them is made, and a child is made under exactly its id.

A workflow's lock is never held together with another's: children first, then their parent.
"""

import time
from collections import Counter
from dataclasses import dataclass, field

from bagmill.errors import OutputExists
from config import LogLevel
from models.batch import Child
from models.listed import LIST_FILE, Listed
from models.queue import Job
from models.request import RunOptions
from models.workflow import Status, WorkflowState
from services import advance, templates
from services.children import (
    CHILDREN_FILE,
    any_open,
    expand_step,
    is_open_batch,
    read_children,
    write_children,
)
from services.closing import close_ended
from services.errors import (
    LockTimeout,
    QueueUnreadable,
    StateUnreadable,
    StorageFailed,
    SyncFailed,
    WorkflowNotFound,
)
from services.ids import new_id
from services.logs import Action, say
from services.state_manager import Version
from services.worker.context import Context
from services.worker.places import committed_folder

SLICE = 0.1
"""Seconds that making or cancelling children may take at a time: running jobs are looked after in between."""
INTERVAL = 1.0
"""Least seconds between two counts of a parent's children."""
INTENDED = 100
"""Children that the queue is told of at a time."""
SHARE = 20
"""A count takes at most one part in so many of the worker's time."""


@dataclass(slots=True)
class _Batch:
    """An open parent: how many of its children were made, and of these, cancelled with it.

    `known` holds the last seen status of each child, with the version it was read from, if that is known.
    """

    id: str
    children: list[Child]
    listed: list[Listed]
    made: int = 0
    intended: int = 0
    cancelled: int = 0
    known: dict[str, tuple[Version | None, Status]] = field(default_factory=dict)
    next_count: float = 0.0

    @property
    def unfinished(self) -> bool:
        """Whether there are children to make, or more to cancel."""
        return self.made < len(self.children) or 0 < self.cancelled < self.made


class Batches:
    """The open parents that this worker looks after."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._waiting: set[str] = set()
        self._open: dict[str, _Batch] = {}

    @property
    def open(self) -> bool:
        """Whether any parent is looked after."""
        return bool(self._open or self._waiting)

    @property
    def busy(self) -> bool:
        """Whether there are children to make or to cancel, some in each slice."""
        return bool(self._waiting) or any(batch.unfinished for batch in self._open.values())

    def add(self, workflow: str) -> None:
        """Look after a parent from the next tick on, unless another living worker does."""
        if workflow not in self._open:
            self._waiting.add(workflow)

    def notice(self, state: WorkflowState) -> None:
        """A job of this workflow has ended: it may be a parent by now, or the last child of one."""
        if is_open_batch(state):
            self.add(state.id)
        if state.parent and state.status.ended:
            self.add(state.parent)
            if batch := self._open.get(state.parent):
                batch.known[state.id] = None, state.status

    def tick(self) -> None:
        """Do what is due, for not much longer than a slice for each parent.

        Raises StorageFailed, LockTimeout, QueueUnreadable, OSError, and all is done again at the next tick;
        SyncFailed.
        """
        for workflow in [*self._waiting, *self._open]:
            try:
                self._look_after(workflow)
            except (StorageFailed, SyncFailed, LockTimeout, QueueUnreadable, OSError):
                raise
            except Exception as error:  # noqa: BLE001 - one bad folder must not hold up the others
                self._open.pop(workflow, None)
                self._give_up(workflow, error)
            self._waiting.discard(workflow)

    def _look_after(self, workflow: str) -> None:
        if workflow in self._waiting and self._is_mine(workflow):
            self._open[workflow] = self._load(workflow)
        if batch := self._open.get(workflow):
            self._tend(batch)

    def _tend(self, batch: _Batch) -> None:
        due = time.monotonic() >= batch.next_count
        if due or batch.unfinished:
            parent = self._ctx.states.read(batch.id)
            if not self._is_still_mine(parent):
                del self._open[batch.id]
                return
            if parent.cancel_requested:
                self._cancel_some(batch)  # and make no more
            elif batch.made < len(batch.children):
                self._make_some(batch, parent)
        if due:
            self._count(batch)

    def _give_up(self, workflow: str, error: Exception) -> None:
        message = f"the batch {workflow} can't be looked after: {type(error).__name__}: {error}"
        say(Action.WORKFLOW_SKIPPED, message, level=LogLevel.ERROR, workflow=workflow)

    def _is_mine(self, workflow: str) -> bool:
        """Whether this worker looks after the parent: it listed the recordings, or who did is gone."""
        with self._ctx.states.edit(workflow) as edit:
            step = expand_step(edit.state)
            if step is None or not is_open_batch(edit.state):
                return False
            if self._ctx.life.is_gone(step.worker):
                step.worker = self._ctx.life.id
            return step.worker == self._ctx.life.id

    def _is_still_mine(self, parent: WorkflowState) -> bool:
        """Whether no other worker has taken the batch over: this one may have been stopped for long."""
        step = expand_step(parent)
        return step is not None and step.worker == self._ctx.life.id

    def _load(self, workflow: str) -> _Batch:
        folder = self._ctx.states.folder(workflow)
        step = expand_step(self._ctx.states.read(workflow))
        assert step
        lines = (committed_folder(folder, step.name) / LIST_FILE).read_bytes().splitlines()
        listed = [Listed.model_validate_json(line) for line in lines]
        children = [Child(id=new_id(), recording=one.recording) for one in listed]
        write_children(folder, children)
        children = read_children(folder)
        if len(children) != len(listed):
            raise StateUnreadable(
                f"{CHILDREN_FILE} has {len(children)} children of {len(listed)}", where={"path": str(folder)}
            )
        return _Batch(workflow, children, listed, self._made(children))

    def _made(self, children: list[Child]) -> int:
        """How many an earlier worker has made: in their order, so all up to the last that there is."""
        for number in range(len(children), 0, -1):
            if self._ctx.states.exists(children[number - 1].id):
                return number
        return 0

    def _make_some(self, batch: _Batch, parent: WorkflowState) -> None:
        until = time.monotonic() + SLICE
        options = self._ctx.states.request(batch.id).options
        jobs: list[Job] = []
        while batch.made < len(batch.children) and time.monotonic() < until:
            if batch.made >= batch.intended:
                self._intend_some(batch)
            child, listed = batch.children[batch.made], batch.listed[batch.made]
            if not self._ctx.states.exists(child.id):
                jobs += self._make(parent, options, child, listed)
            batch.made += 1
        self._ctx.queue.enqueue(jobs)
        if batch.made == len(batch.children):
            batch.next_count = 0.0
            say(Action.BATCH_EXPANDED, f"{batch.id} has {batch.made} children", workflow=batch.id)

    def _intend_some(self, batch: _Batch) -> None:
        """Tell the queue of the next children, many at once, before they are made."""
        batch.intended = min(batch.made + INTENDED, len(batch.children))
        self._ctx.queue.intend([child.id for child in batch.children[batch.made : batch.intended]])

    def _make(self, parent: WorkflowState, options: RunOptions, child: Child, listed: Listed) -> list[Job]:
        request = templates.child_request(parent, options, child.id, child.recording)
        state = templates.build_state(request, listed.source)
        if listed.problem:
            state = templates.refuse(state, listed.problem)
        try:
            jobs = self._ctx.states.create(state, request)  # the queue has been told of it
        except OutputExists:  # whoever takes this worker for silent has just made it
            return []
        if state.status.ended:
            close_ended(self._ctx.states, self._ctx.queue, state.id)
        return jobs

    def _cancel_some(self, batch: _Batch) -> None:
        """Cancel the children: whoever cancelled their parent may have been interrupted, or too early."""
        until = time.monotonic() + SLICE
        while batch.cancelled < batch.made and time.monotonic() < until:
            child = batch.children[batch.cancelled].id
            batch.cancelled += 1
            try:
                with self._ctx.states.edit(child) as edit:
                    advance.request_cancel(edit)
            except (WorkflowNotFound, StateUnreadable):
                continue
            self._ctx.queue.remove(child)
            close_ended(self._ctx.states, self._ctx.queue, child)

    def _count(self, batch: _Batch) -> None:
        """Take the children's statuses into the parent, and let go of it when it has ended."""
        begun = time.monotonic()
        counts = self._statuses(batch)
        if not any_open(counts):
            counts = self._statuses(batch, fresh=True)
        if self._settle(batch, counts):
            # One may have been retried at the same moment, when its parent was still open.
            retried = any_open(self._statuses(batch, fresh=True))
            if not (retried and self._reopen(batch)):
                del self._open[batch.id]
                close_ended(self._ctx.states, self._ctx.queue, batch.id)
        now = time.monotonic()
        batch.next_count = now + max(INTERVAL, SHARE * (now - begun))

    def _settle(self, batch: _Batch, counts: Counter[Status]) -> bool:
        """Write the counts; True if there is nothing more to wait for."""
        with self._ctx.states.edit(batch.id) as edit:
            state, was_open = edit.state, not edit.state.status.ended
            if state.cancel_requested and (waiting := counts.pop(Status.PENDING, 0)):
                counts[Status.CANCELLED] += waiting
            jobs = advance.settle_batch(edit, counts)
        self._ctx.queue.enqueue(jobs)
        if was_open and state.status.ended:
            told = ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))
            name = f"{state.template}[{batch.id}]"
            message = f"{state.status}; recordings: {told or 'none'}"
            self._ctx.tell(Action.BATCH_SETTLED, batch.id, name, message)
        return not is_open_batch(state)

    def _reopen(self, batch: _Batch) -> bool:
        with self._ctx.states.edit(batch.id) as edit:
            if edit.state.status is Status.COMPLETED:
                return False
            if edit.state.status.ended:
                advance.reopen(edit)
                self._ctx.queue.intend([batch.id])
            return True

    def _statuses(self, batch: _Batch, *, fresh: bool = False) -> Counter[Status]:
        """How many children have which status: `pending` are those not made yet, deleted ones don't count."""
        if fresh:  # some may have been deleted or retried after their end; who retries tells the queue first
            opened, known = self._ctx.queue.open_workflows(), batch.known.items()
            batch.known = {one: it for one, it in known if one not in opened and self._ctx.states.exists(one)}
        counts: Counter[Status] = Counter()
        for child in batch.children[: batch.made]:
            if status := self._status(batch, child.id):
                counts[status] += 1
        if waiting := len(batch.children) - batch.made:
            counts[Status.PENDING] = waiting
        return counts

    def _status(self, batch: _Batch, child: str) -> Status | None:
        """A child's status; read again only if it had not ended and its file is another by now."""
        known = batch.known.get(child)
        if known and known[1].ended:
            return known[1]
        try:
            version = self._ctx.states.version(child)
            if known is None or known[0] != version:
                known = batch.known[child] = version, self._ctx.states.read(child).status
        except WorkflowNotFound:
            return None
        except StateUnreadable:
            return Status.FAILED
        return known[1]
