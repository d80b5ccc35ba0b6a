"""The queue in memory. `apply` is the one way to change it: by a record, as it stands in the journal.

No operation looks at all jobs: each finds its own by id, workflow or worker, or at the head of the line.
"""

import itertools
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from models.base import now_text
from models.queue import Job, JobState, Lease, QueueState, QueueStatus
from services.queue.entries import Entry, Picture, reason_of, state_of
from services.queue.groups import Groups
from services.queue.news import News
from services.queue.waiting import Waiting

Clock = Callable[[], str]
"""Tells the time as `models.base.rfc3339` does."""

Record = dict[str, Any]
"""One operation: its name as `op`, and what it is about."""


class Board:
    """The live jobs, and the workflows that have not ended."""

    def __init__(self, history: str = "", *, rebuild: bool = False, now: Clock = now_text) -> None:
        self.now = now
        self.history = history
        self.seq = 0
        self.paused = False
        self.held: str | None = None
        self.rebuild = rebuild
        self.updated_at = self.now()
        self.entries: dict[str, Entry] = {}
        self.news = News()
        self._open: dict[str, None] = {}
        self._of_workflow = Groups()
        self._of_worker = Groups()
        self._renewals: dict[str, int] = {}
        self._waiting = Waiting()
        self._orders = itertools.count()
        self._appliers: dict[str, Callable[[Record], None]] = {
            "enqueue": self._enqueue,
            "claim": self._claim,
            "renew": self._renew,
            "release": self._release,
            "complete": self._take_out,
            "fail": self._take_out,
            "remove": self._take_out,
            "reprioritize": self._reprioritize,
            "delay": self._delay,
            "intend": self._intend,
            "close": self._close,
            "pause": lambda _: self._set_paused(True),
            "resume": lambda _: self._set_paused(False),
            "hold": self._hold,
            "rebuilt": self._rebuilt,
        }

    def apply(self, record: Record, seq: int, at: str) -> None:
        """Carry out operation number `seq`. Raises KeyError, TypeError for a record that is none."""
        self._appliers[record["op"]](record)
        self.seq, self.updated_at = seq, at

    def put(self, fields: Mapping[str, Any], lease: Mapping[str, Any] | None = None) -> None:
        """Take in a job as it stands in a file, in the place of an older one of this id."""
        old = self.entries.get(fields["id"])
        if old:
            self._forget(old)
        entry = Entry(
            fields["id"],
            fields["workflow"],
            fields["step"],
            fields["kind"],
            fields.get("priority", 0),
            fields.get("attempt", 1),
            fields.get("fence", 1),
            fields["enqueued_at"],
            fields.get("not_before"),
            fields.get("reason"),
            lease,
            old.order if old else next(self._orders),
        )
        self._open.pop(entry.workflow, None)
        self._of_workflow.add(entry.workflow, entry.id)
        self._settle(entry)
        if lease:
            self._renewals[lease["worker"]] = lease.get("renewals", 0)

    def open(self, workflow: str) -> None:
        """Note that a workflow has not ended."""
        if workflow not in self._of_workflow:
            self._open[workflow] = None

    # What there is.

    def is_open(self, workflow: str) -> bool:
        """Whether the workflow has not ended, as far as the queue knows."""
        return workflow in self._open or workflow in self._of_workflow

    def is_without_jobs(self, workflow: str) -> bool:
        """Whether the workflow is open, and has no job here."""
        return workflow in self._open

    def holds(self, worker: str) -> bool:
        """Whether a worker has leased anything."""
        return worker in self._of_worker

    def open_workflows(self) -> set[str]:
        """The workflows that have not ended."""
        return {*self._open, *self._of_workflow}

    def first(self, limit: int) -> list[str]:
        """The ids of the jobs whose turn it is."""
        return self._waiting.first(limit, self.now())

    def of_workflow(self, workflow: str) -> list[Entry]:
        """The jobs of a workflow."""
        return [self.entries[job] for job in self._of_workflow.members(workflow)]

    def of_worker(self, worker: str) -> list[Entry]:
        """The jobs that a worker has leased, in the order of their coming."""
        held = [self.entries[job] for job in self._of_worker.members(worker)]
        return sorted(held, key=lambda entry: entry.order)

    def leases(self) -> list[Lease]:
        """One lease of each worker that has any: its newest."""
        held = (self.of_worker(worker) for worker in self._of_worker)
        newest = (max(entries, key=_since) for entries in held)
        return [Lease.model_validate(lease) for entry in newest if (lease := self._lease(entry))]

    def job(self, entry: Entry, now: str) -> Job:
        """The job as others see it."""
        state = state_of(entry, now)
        return Job.model_validate(
            {
                "id": entry.id,
                "workflow": entry.workflow,
                "step": entry.step,
                "kind": entry.kind,
                "priority": entry.priority,
                "attempt": entry.attempt,
                "fence": entry.fence,
                "enqueued_at": entry.enqueued_at,
                "not_before": entry.not_before,
                "state": state,
                "reason": reason_of(entry, state, paused=self.paused, held=self.held),
                "lease": self._lease(entry),
            }
        )

    def jobs(self, entries: Iterable[Entry]) -> list[Job]:
        """Jobs as they are now."""
        now = self.now()
        return [self.job(entry, now) for entry in entries]

    def status(self) -> QueueStatus:
        """The queue in numbers."""
        self._waiting.ripen(self.now())
        late, waiting = self._waiting.late, len(self._waiting)
        counts = {JobState.READY: waiting - late, JobState.DELAYED: late}
        counts[JobState.LEASED] = len(self.entries) - waiting
        return QueueStatus(
            history=self.history,
            seq=self.seq,
            paused=self.paused,
            held=self.held,
            rebuild=self.rebuild,
            counts=counts,
        )

    def state(self) -> QueueState:
        """The whole queue."""
        status = self.status()
        return QueueState(
            history=self.history,
            seq=self.seq,
            paused=self.paused,
            held=self.held,
            rebuild=self.rebuild,
            updated_at=datetime.fromisoformat(self.updated_at),
            counts=status.counts,
            open=list(self._open),
            jobs=self.jobs(self.entries.values()),
        )

    def picture(self) -> Picture:
        """The queue as it is at this moment, to be written down later."""
        return Picture(
            self.now(),
            self.history,
            self.seq,
            self.paused,
            self.held,
            self.rebuild,
            self.updated_at,
            list(self.entries.values()),
            list(self._open),
            dict(self._renewals),
        )

    def _lease(self, entry: Entry) -> dict[str, Any] | None:
        lease = entry.lease
        if lease is None:
            return None
        return {**lease, "fence": entry.fence, "renewals": self._renewals.get(lease["worker"], 0)}

    # What the records do.

    def _enqueue(self, record: Record) -> None:
        for fields in record["jobs"]:
            self.put(fields)
            self.news.add(fields["workflow"])

    def _claim(self, record: Record) -> None:
        lease = record["lease"]
        for job in record["jobs"]:
            self._settle(self.entries[job]._replace(lease=lease))
        self._renewals.setdefault(lease["worker"], 0)

    def _renew(self, record: Record) -> None:
        self._renewals[record["worker"]] += 1

    def _release(self, record: Record) -> None:
        for job in record["jobs"]:
            entry = self.entries[job]
            self._unlease(entry)
            self._settle(entry._replace(lease=None))

    def _take_out(self, record: Record) -> None:
        for job in record["jobs"]:
            entry = self.entries.pop(job)
            self._forget(entry)
            if entry.workflow not in self._of_workflow:
                self._open[entry.workflow] = None  # until it is closed

    def _reprioritize(self, record: Record) -> None:
        for entry in self.of_workflow(record["workflow"]):
            self._settle(entry._replace(priority=record["priority"]))

    def _delay(self, record: Record) -> None:
        time, reason = record["not_before"], record["reason"]
        for job in record["jobs"]:
            self._settle(self.entries[job]._replace(not_before=time, reason=reason))

    def _intend(self, record: Record) -> None:
        for workflow in record["workflows"]:
            self.open(workflow)
            self.news.add(workflow)

    def _close(self, record: Record) -> None:
        for workflow in record["workflows"]:
            self._open.pop(workflow, None)

    def _set_paused(self, paused: bool) -> None:
        self.paused = paused

    def _hold(self, record: Record) -> None:
        self.held = record["reason"]

    def _rebuilt(self, _: Record) -> None:
        self.rebuild = False

    # The indexes.

    def _settle(self, entry: Entry) -> None:
        """Put an entry in its place: with its worker, or in the line."""
        self.entries[entry.id] = entry
        if entry.lease:
            self._waiting.drop(entry.id)
            self._of_worker.add(entry.lease["worker"], entry.id)
        else:
            self._waiting.put(entry.id, entry.priority, entry.enqueued_at, entry.order, entry.not_before)

    def _unlease(self, entry: Entry) -> None:
        if entry.lease is None:
            return
        worker = entry.lease["worker"]
        self._of_worker.remove(worker, entry.id)
        if worker not in self._of_worker:
            del self._renewals[worker]

    def _forget(self, entry: Entry) -> None:
        self._waiting.drop(entry.id)
        self._unlease(entry)
        self._of_workflow.remove(entry.workflow, entry.id)


def _since(entry: Entry) -> str:
    return str(entry.lease["since"]) if entry.lease else ""
