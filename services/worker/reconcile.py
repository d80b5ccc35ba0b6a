"""Folders against queue, both ways: what a crash left half-done is finished, taken back, or queued again.

The folders are the truth. A full look is taken when a worker starts, when one has gone, and when the queue
was begun anew; in between, a patrol looks at what has changed since. What has ended is not looked at: the
queue knows the workflows that have not. Only one that was begun anew does not, and has all folders read.
Every repair is checked again under the workflow's lock, so any number of workers may do this at a time.
"""

from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from datetime import timedelta

from config import LogLevel
from models.base import utc_now
from models.queue import Job, QueueState
from models.workflow import EventType, Status, StepState, WorkflowState
from services import advance, durable
from services.children import is_open_batch
from services.closing import close_ended
from services.edit import Edit
from services.errors import StateUnreadable, WorkflowNotFound
from services.logs import Action, say
from services.problems import problem_of
from services.process_errors import OutputRejected
from services.state_files import EVENTS, STATE
from services.state_manager import StateManager, Version
from services.worker.commit import adopt
from services.worker.context import Context
from services.worker.outcome import Verdict, lost
from services.worker.places import partials, resumable

SETTLING = timedelta(seconds=2)
"""A patrol leaves what changed so shortly ago to those who are changing it: folder first, queue second."""
_ACTIVE = frozenset({Status.RUNNING, Status.CANCELLING})


@dataclass(slots=True)
class _Look:
    """One look at everything, or at what has changed; `open` and `ended` are the workflows found so."""

    mine: Container[str]
    patient: bool = False
    jobs: list[Job] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    batches: list[str] = field(default_factory=list)
    dead: dict[str | None, bool] = field(default_factory=dict)


class Reconciler:
    """Looks through the folders and the queue of one worker's settings."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._seen: dict[str, Version] = {}
        self._unreadable: set[str] = set()
        self._names = Names(ctx.states)
        self._strangers: set[str] = set()

    def everything(self, mine: Container[str]) -> list[str]:
        """Look at all open workflows and all jobs, and bury dead workers; returns the open batches.

        What silent ones have is taken from them; they may live on.

        `mine` are the ids of the jobs that this worker has in its hands.
        """
        self._seen.clear()
        gone = {worker for worker in self._ctx.life.others() if self._ctx.life.is_dead(worker)}
        self._ctx.states.sweep()
        self._names.changed()
        queue = self._ctx.queue.snapshot()
        ids = self._ctx.queue.open_workflows()
        if queue.rebuild:
            ids.update(self._ctx.states.ids())
        look = self._look(ids, _Look(mine))
        self._ctx.queue.intend(look.open)
        self._enqueue_missing(look, tell=not queue.rebuild)
        self._settle_leases(queue, look)
        self._drop_stale(queue, look)
        known = self._ctx.queue.open_workflows()
        self._close(workflow for workflow in look.ended if workflow in known)
        if queue.rebuild:
            self._ctx.queue.rebuilt(queue.history or None)
            if look.jobs:
                say(Action.QUEUE_REBUILT, f"the queue was made anew from the folders: {len(look.jobs)} jobs")
        for worker in gone:
            self._ctx.life.bury(worker)
            say(Action.WORKER_GONE, f"worker {worker} was gone; what it had was looked after", worker=worker)
        return look.batches

    def changes(self, mine: Container[str]) -> list[str]:
        """Look at what has changed since the last look; returns the open batches among it."""
        if self._ctx.queue.status().rebuild:
            return self.everything(mine)
        self._strangers |= self._names.changed()
        ids = self._ctx.queue.open_workflows() | self._strangers
        look = self._look(ids, _Look(mine, patient=True))
        self._strangers -= self._seen.keys()
        self._ctx.queue.intend(look.open)
        self._enqueue_missing(look, tell=True)
        self._release_unknown(mine)
        self._close(look.ended)
        return look.batches

    def _look(self, ids: Iterable[str], look: _Look) -> _Look:
        ids = sorted(ids)
        self._seen = {workflow: seen for workflow in ids if (seen := self._seen.get(workflow))}
        for workflow in ids:
            try:
                version = self._ctx.states.version(workflow)
                if self._seen.get(workflow) != version and self._look_at(workflow, look):
                    self._seen[workflow] = version
            except WorkflowNotFound:
                self._strangers.discard(workflow)
                if not look.patient:  # otherwise it may be about to be made
                    look.ended.append(workflow)
            except Exception as error:  # noqa: BLE001 - one bad folder must not hold up the others
                look.open.append(workflow)
                self._skip(workflow, error)
        return look

    def _skip(self, workflow: str, error: Exception) -> None:
        """Say once that a workflow can't be looked after; it must not hold up the others."""
        if workflow not in self._unreadable:
            self._unreadable.add(workflow)
            message = f"{workflow} can't be looked after: {type(error).__name__}: {error}"
            say(Action.WORKFLOW_SKIPPED, message, level=LogLevel.ERROR, workflow=workflow)

    def _look_at(self, workflow: str, look: _Look) -> bool:
        """Put right what is wrong; False if it is too early to say."""
        try:
            state = self._ctx.states.read(workflow)
        except StateUnreadable:
            self._ctx.states.repair(workflow)  # sets the file aside, and raises
            raise
        if look.patient and timedelta() <= utc_now() - state.updated_at < SETTLING:
            return False
        if not look.patient:
            self._ctx.states.tidy(workflow)
        if state.status.ended:
            self._finish_events(workflow)
        else:
            # What changes in between is put right by those who change it, as long as they live.
            if not look.patient or any(self._is_orphan(workflow, step, look) for step in state.steps):
                state = self._recover(workflow, look)
            look.jobs += advance.queued_jobs(state)
        if is_open_batch(state):
            look.batches.append(workflow)
        self._remove_partials(state)
        open_ = is_open_batch(state) or not state.status.ended
        (look.open if open_ else look.ended).append(workflow)
        return True

    def _close(self, workflows: Iterable[str]) -> None:
        for workflow in workflows:
            close_ended(self._ctx.states, self._ctx.queue, workflow)

    def _finish_events(self, workflow: str) -> None:
        """Add the last events of an ended workflow, if a crash kept them out of its events.jsonl."""
        folder = self._ctx.states.folder(workflow)
        events, state = folder / EVENTS, folder / STATE
        if not events.exists() or events.stat().st_mtime_ns < state.stat().st_mtime_ns:
            self._ctx.states.repair(workflow)

    def _recover(self, workflow: str, look: _Look) -> WorkflowState:
        with self._ctx.states.edit(workflow) as edit:
            orphans = [step for step in edit.state.steps if self._is_orphan(workflow, step, look)]
            told = [(step, self._take_over(edit, step)) for step in orphans]
            advance.after_step(edit)
        for step, verdict in told:
            name = f"{step.name}[{workflow}]"
            self._ctx.tell(verdict.action, workflow, name, verdict.message, level=verdict.level)
        return edit.state

    def _is_orphan(self, workflow: str, step: StepState, look: _Look) -> bool:
        """Whether nobody runs this step, though it is said to run."""
        if step.status not in _ACTIVE:
            return False
        if step.worker == self._ctx.life.id:
            return f"{workflow}.{step.name}" not in look.mine
        if step.worker not in look.dead:
            look.dead[step.worker] = self._ctx.life.is_gone(step.worker)
        return look.dead[step.worker]

    def _take_over(self, edit: Edit, step: StepState) -> Verdict:
        """Decide about a step that nobody runs any more: what it has committed counts."""
        try:
            if adopt(edit, step, self._ctx.states.folder(edit.state.id)):
                verdict = Verdict(Status.COMPLETED, Action.JOB_ADOPTED, "had been committed; now told")
                edit.note(EventType.RECOVERED, step=step.name, detail=verdict.message)
                return verdict
            verdict = lost(step)
        except OutputRejected as error:
            verdict = Verdict(
                Status.FAILED,
                Action.JOB_FAILED,
                f"failed: {error.message}",
                LogLevel.ERROR,
                problem_of(error),
            )
        if step.status is Status.CANCELLING:
            verdict = Verdict(Status.CANCELLED, Action.JOB_CANCELLED, "cancelled; its worker had died")
        edit.note(EventType.RECOVERED, step=step.name, detail=verdict.message)
        edit.move_step(step.name, verdict.to, **verdict.fields(step))
        return verdict

    def _remove_partials(self, state: WorkflowState) -> None:
        """Remove what attempts left that are over. A number above the step's is being made right now."""
        fences = {step.name: step for step in state.steps}
        for folder, name, fence in partials(self._ctx.states.folder(state.id)):
            step = fences.get(name)
            if step and step.status is Status.QUEUED and folder == resumable(folder.parent, name):
                continue
            over = step and (fence < step.fence or (fence == step.fence and step.status not in _ACTIVE))
            if over:
                durable.remove_tree(folder, sync=True)
                say(Action.FOLDER_CLEANED, f"removed {folder.name} of {state.id}", workflow=state.id)

    def _enqueue_missing(self, look: _Look, *, tell: bool) -> None:
        missing = self._ctx.queue.enqueue(look.jobs)
        if missing and tell:
            say(Action.QUEUE_REPAIRED, f"enqueued what the queue did not have: {_names(missing)}")

    def _settle_leases(self, queue: QueueState, look: _Look) -> None:
        """Take out what dead workers held and nobody needs any more, and give the rest back."""
        wanted = {job.id for job in look.jobs}
        dead = [job for job in queue.jobs if job.lease and self._ctx.life.is_gone(job.lease.worker)]
        for job in dead:
            if job.lease and job.id not in wanted:
                self._ctx.queue.complete(job.id, job.lease.worker)
        if given := self._ctx.queue.dead_leases(lambda lease: self._ctx.life.is_gone(lease.worker)):
            say(Action.QUEUE_REPAIRED, f"given back, their worker was gone: {_names(given)}")
        self._release_unknown(look.mine)

    def _release_unknown(self, mine: Container[str]) -> None:
        """Give back what this worker has leased without knowing."""
        worker = self._ctx.life.id
        unknown = [job.id for job in self._ctx.queue.held(worker) if job.id not in mine]
        if unknown:
            self._ctx.queue.release(unknown, worker)

    def _drop_stale(self, queue: QueueState, look: _Look) -> None:
        """Take out waiting jobs whose step does not wait for them."""
        wanted = {job.id for job in look.jobs}
        stale = [job for job in queue.jobs if job.lease is None and job.id not in wanted]
        for workflow in sorted({job.workflow for job in stale}):
            self._ctx.queue.remove(workflow)
            # What was queued between the look and now went with the rest.
            self._ctx.queue.enqueue(self._queued_now(workflow))
        self._close({job.workflow for job in stale})
        if stale:
            say(Action.JOB_DROPPED, f"dropped, nobody waits for them: {_names(stale)}")

    def _queued_now(self, workflow: str) -> list[Job]:
        try:
            return advance.queued_jobs(self._ctx.states.read(workflow))
        except (WorkflowNotFound, StateUnreadable):
            return []


class Names:
    """The names of the workflow folders: read again only when one has come or gone."""

    def __init__(self, states: StateManager) -> None:
        self._states = states
        self._known: set[str] = set()
        self._version: int | None = None

    def changed(self) -> set[str]:
        """The names that have come since the last call: of folders that somebody has put there, too."""
        try:
            version = self._states.settings.workflows_dir.stat().st_mtime_ns
        except FileNotFoundError:
            return set()
        if version == self._version:
            return set()
        before, self._known = self._known, set(self._states.ids())
        self._version = version
        return self._known - before


def _names(jobs: list[Job]) -> str:
    """The first few ids, and how many more."""
    shown = ", ".join(job.id for job in jobs[:5])
    return shown if len(jobs) <= 5 else f"{shown} and {len(jobs) - 5} more"
