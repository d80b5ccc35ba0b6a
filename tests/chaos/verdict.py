"""What became of all the runs of a chaos run."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from config import Settings
from models.workflow import Status, WorkflowState
from services.queue_service import FileQueue
from services.state_manager import StateManager
from tests.crash.looking import of_run
from tests.support.results import commits, events

EXPECTED = {
    "batch": {Status.FAILED},
    "failing": {Status.FAILED},
    "cancelled": {Status.CANCELLED, Status.COMPLETED},
}


COUNTED = ("lost", "duplicates", "stuck", "different", "left over", "ended otherwise", "gaps in histories")
"""What is told also when there is none of it."""


@dataclass
class Verdict:
    """Counts, and a sentence for each thing that is not as it should be."""

    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def blame(self, count: str, what: str) -> None:
        self.counts[count] += 1
        self.wrong.append(f"{count}: {what}")


def judge(settings: Settings, accepted: Mapping[str, str]) -> Verdict:
    """Look at all folders and at the queue."""
    verdict, states = Verdict(), StateManager(settings)
    verdict.counts.update(dict.fromkeys(COUNTED, 0))
    for workflow, kind in accepted.items():
        if not states.exists(workflow):
            verdict.blame("lost", f"{kind} {workflow}")
    made: dict[str, set[str]] = defaultdict(set)
    for workflow in states.ids():
        state = states.read(workflow)
        _judge_run(settings, state, accepted.get(workflow), verdict)
        for name, digest in of_run(settings, state):
            made[f"{state.template}: {name}"].add(digest)
    for name, digests in made.items():
        if len(digests) > 1:
            verdict.blame("different", f"{name} has {len(digests)} versions")
    _judge_rest(settings, verdict)
    return verdict


def _judge_run(settings: Settings, state: WorkflowState, kind: str | None, verdict: Verdict) -> None:
    folder = settings.workflows_dir / state.id
    verdict.counts["workflows"] += 1
    verdict.counts["attempts repeated"] += sum(max(0, step.attempt - 1) for step in state.steps)
    verdict.counts["interruptions"] += sum(step.interruptions for step in state.steps)
    if not state.status.ended:
        verdict.blame("stuck", f"{kind} {state.id} {state.status}")
        return
    committed = commits(folder)
    verdict.counts["commits"] += sum(committed.values())
    completed = {step.name for step in state.steps if step.status is Status.COMPLETED}
    for step, times in committed.items():
        if times > 1:
            verdict.blame("duplicates", f"{state.id}.{step} was committed {times} times")
    if set(committed) != completed or any(not (folder / step).is_dir() for step in completed):
        verdict.blame("lost", f"{state.id}: completed {completed}, committed {set(committed)}")
    wanted = EXPECTED.get(kind or "", {Status.COMPLETED})
    bad = str(state.params.get("recording")) == "empty.mcap"
    if state.status not in ({Status.FAILED} if bad else wanted):
        verdict.blame("ended otherwise", f"{kind} {state.id} {state.status}: {_why(state)}")
    numbers = [event["seq"] for event in events(folder)]
    if numbers != list(range(1, len(numbers) + 1)):
        verdict.blame("gaps in histories", f"{state.id} {numbers}")


def _why(state: WorkflowState) -> list[Any]:
    return [step.error.detail for step in state.steps if step.error]


def _judge_rest(settings: Settings, verdict: Verdict) -> None:
    queue = FileQueue(settings)
    for job in queue.snapshot().jobs:
        verdict.blame("stuck", f"{job.id} is in the queue")
    for workflow in queue.open_workflows():
        verdict.blame("left over", f"{workflow} is open in the queue")
    queue.finish()
    left: list[Path] = [*settings.workflows_dir.rglob("*.partial"), *settings.workflows_dir.glob(".new-*")]
    for path in left:
        verdict.blame("left over", str(path.relative_to(settings.workflows_dir)))
