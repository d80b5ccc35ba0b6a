"""One change of a workflow's state: moves by the transition table, events, capped lists.

Pure: it changes the model and collects events; the state manager reads and writes the files.
"""

from datetime import datetime
from typing import Any, TypeVar

from models.base import utc_now
from models.workflow import (
    TRANSITIONS,
    Event,
    EventType,
    Status,
    StepState,
    WarningNote,
    WorkflowState,
)
from services.errors import IllegalTransition

CAP = 100
"""Warnings and outputs kept in state.json for each list; `*_total` counts all, the manifest names them."""

_T = TypeVar("_T")


class Edit:
    """A workflow's state in the making. `state` may be changed freely, but statuses only by the moves."""

    def __init__(self, state: WorkflowState) -> None:
        self.state = state
        self.events: list[Event] = []
        self._before = state.model_dump_json()
        self._statuses = _statuses(state)

    @property
    def changed(self) -> bool:
        """Whether there is anything to write."""
        return bool(self.events) or self.state.model_dump_json() != self._before

    def note(self, kind: EventType, *, step: str | None = None, detail: str | None = None) -> None:
        """Add an event that is no move."""
        self._add(kind, self.state.step(step) if step else None, detail=detail)

    def warn(self, warning: WarningNote, *, step: str | None = None) -> None:
        """Add a warning to the workflow, or to one of its steps."""
        (self.state.step(step) if step else self.state).warnings.append(warning)

    def move_step(self, name: str, to: Status, *, detail: str | None = None, **fields: Any) -> StepState:
        """Move a step and set `fields` on it; times and what no longer holds are set by the move itself.

        The first running step moves a queued workflow to running. Raises IllegalTransition; ValueError for
        a field that a step does not have; KeyError if there is no such step.
        """
        step = self.state.step(name)
        self._check(name, step.status, to)
        before, step.status = step.status, to
        self._statuses[name] = to
        _stamp_step(step, to, utc_now())
        for field, value in fields.items():
            setattr(step, field, value)
        self._add(EventType.STEP, step, before=before, to=to, detail=detail)
        if to is Status.RUNNING and self.state.status is Status.QUEUED:
            self.move(Status.RUNNING)
        return step

    def move(self, to: Status, *, detail: str | None = None, **fields: Any) -> None:
        """Move the workflow and set `fields` on it. Raises IllegalTransition; ValueError as `move_step`."""
        state = self.state
        self._check(state.id, state.status, to)
        before, state.status = state.status, to
        self._statuses[""] = to
        _stamp_workflow(state, to, utc_now())
        for field, value in fields.items():
            setattr(state, field, value)
        self._add(EventType.WORKFLOW, None, before=before, to=to, detail=detail)

    def seal(self) -> WorkflowState:
        """The new revision, ready to be written. Raises IllegalTransition for a status changed by hand."""
        state = self.state
        if _statuses(state) != self._statuses:
            raise IllegalTransition("A status was changed without a move", where={"workflow": state.id})
        state.revision += 1
        state.updated_at = utc_now()
        if self.events:
            state.last_events = self.events
        state.warnings, state.warnings_total = _capped(state.warnings, state.warnings_total)
        for step in state.steps:
            step.warnings, step.warnings_total = _capped(step.warnings, step.warnings_total)
            step.outputs, step.outputs_total = _capped(step.outputs, step.outputs_total)
        return state

    def _check(self, what: str, before: Status, to: Status) -> None:
        if to not in TRANSITIONS[before]:
            raise IllegalTransition(
                f"{what} can't move from {before} to {to}", where={"workflow": self.state.id}
            )

    def _add(
        self,
        kind: EventType,
        step: StepState | None,
        *,
        before: Status | None = None,
        to: Status | None = None,
        detail: str | None = None,
    ) -> None:
        self.state.events_seq += 1
        event = Event(seq=self.state.events_seq, at=utc_now(), type=kind, to=to, detail=detail)
        event.from_ = before
        if step:
            event.step, event.attempt, event.fence = step.name, step.attempt, step.fence
        self.events.append(event)


def _statuses(state: WorkflowState) -> dict[str, Status]:
    return {"": state.status} | {step.name: step.status for step in state.steps}


def _stamp_step(step: StepState, to: Status, now: datetime) -> None:
    step.reason = None
    if to in {Status.QUEUED, Status.PENDING}:  # nothing of an earlier attempt holds any more
        step.progress, step.stage, step.counters = 0.0, "", {}
        step.worker = step.error = step.manifest = step.started_at = step.finished_at = step.not_before = None
        step.warnings, step.warnings_total, step.outputs, step.outputs_total = [], 0, [], 0
    elif to is Status.RUNNING:
        step.started_at, step.not_before = now, None
    elif to.ended:
        step.finished_at, step.stage, step.not_before = now, "", None
        step.progress = 1.0 if to is Status.COMPLETED else step.progress


def _stamp_workflow(state: WorkflowState, to: Status, now: datetime) -> None:
    if to is Status.QUEUED:
        state.error = state.finished_at = None
    elif to is Status.RUNNING:
        state.started_at = state.started_at or now
    elif to.ended:
        state.finished_at = now
        state.progress = 1.0 if to is Status.COMPLETED else state.progress


def _capped(items: list[_T], total: int) -> tuple[list[_T], int]:
    """The first CAP of the items, and how many there were in all."""
    if len(items) > CAP:  # CAP of the total were cut and counted before
        return items[:CAP], max(total - CAP, 0) + len(items)
    return items, total if len(items) == CAP and total > CAP else len(items)
