"""What must hold after a crash and a new start, looked for in the files."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from config import Settings
from models.workflow import Status, WorkflowState
from services.queue_service import FileQueue
from services.state_manager import StateManager
from tests.support.results import commits, events

Digests = dict[str, str]
"""By `recording/step/file`: what all committed files hold, but for what must differ between two runs."""

OF_ONE_RUN = {"job", "fence"}
"""Fields of a manifest that name the run."""


def digests(settings: Settings) -> Digests:
    """All that is committed."""
    return {name: digest for state in _states(settings) for name, digest in of_run(settings, state)}


def _states(settings: Settings) -> Iterator[WorkflowState]:
    states = StateManager(settings)
    for workflow in states.ids():
        yield states.read(workflow)


def of_run(settings: Settings, state: WorkflowState) -> Iterator[tuple[str, str]]:
    """What one run has committed: a name that is the same for equal runs, and its digest."""
    folder = settings.workflows_dir / state.id
    about = str(state.params.get("recording", "batch"))
    for step in state.steps:
        for path in sorted((folder / step.name).rglob("*")):
            if path.is_file():
                yield f"{about}/{path.relative_to(folder)}", _digest(path)


def _digest(path: Path) -> str:
    if path.suffix == ".rrd":
        return "an .rrd has ids of its own"
    content = path.read_bytes()
    if path.name == "manifest.json":
        manifest = {name: value for name, value in json.loads(content).items() if name not in OF_ONE_RUN}
        manifest["outputs"] = [_comparable(output) for output in manifest["outputs"]]
        content = json.dumps(manifest, sort_keys=True).encode()
    return hashlib.sha256(content).hexdigest()


def _comparable(output: dict[str, Any]) -> dict[str, Any]:
    mine = output["path"].endswith(".rrd")
    return {name: value for name, value in output.items() if not (mine and name in {"size", "sha256"})}


def check(settings: Settings, said: Iterable[str], undisturbed: Digests) -> None:
    """Raise AssertionError for anything that is not as it must be."""
    there = {state.id: state for state in _states(settings)}
    told = {(what, workflow) for what, workflow in (line.split() for line in said)}
    for what, workflow in told:
        if what == "deleted":
            assert workflow not in there, f"{workflow} was deleted"
        elif what == "accepted" and ("deleting", workflow) not in told:
            assert workflow in there, f"{workflow} was accepted, and is lost"
        elif what == "cancelled":
            assert there[workflow].status is Status.CANCELLED, there[workflow]
    for state in there.values():
        check_run(settings.workflows_dir / state.id, state)
    check_outputs(digests(settings), undisturbed)
    check_queue(settings)
    check_leftovers(settings)


def check_run(folder: Path, state: WorkflowState) -> None:
    """It has ended, each output was committed once, its history has no gap."""
    assert state.status.ended, state
    history = events(folder)
    assert [event["seq"] for event in history] == list(range(1, len(history) + 1)), history
    completed = {step.name for step in state.steps if step.status is Status.COMPLETED}
    assert commits(folder) == Counter(completed), (state, history)
    found = {path.parent.name for path in folder.glob("*/manifest.json")}
    assert found == completed, (found, state)
    if state.children is not None:
        assert state.status is Status.FAILED, state
    elif state.params.get("recording") != "empty.mcap" and not state.cancel_requested:
        assert state.status is Status.COMPLETED, state


def check_outputs(found: Digests, undisturbed: Digests) -> None:
    """All that was committed is what a run that nobody disturbs commits."""
    different = {name: digest for name, digest in found.items() if undisturbed.get(name, digest) != digest}
    assert not different, different


def check_queue(settings: Settings) -> None:
    """The queue is empty, and knows that nothing is open."""
    queue = FileQueue(settings)
    state = queue.snapshot()
    assert state.jobs == [], state.jobs
    assert not (open_ := queue.open_workflows()), open_
    queue.finish()


def check_leftovers(settings: Settings) -> None:
    """Nothing half-made is left, and nothing was taken for damaged."""
    folders = (settings.workflows_dir, settings.run_dir)
    names = ("*.partial", ".new-*", "*.unreadable*", ".*.tmp")
    left = {path for folder in folders for name in names for path in folder.rglob(name)}
    # What a writer of the queue's own files left is removed when the journal or the reserve is made anew.
    own = (settings.queue_state_file, settings.queue_journal, settings.queue_reserve)
    left -= {path for file in own for path in settings.run_dir.glob(f".{file.name}.*.tmp")}
    assert not left, left
    # The bell of a dead process goes when it is rung in vain.
    workers = [path for path in settings.workers_dir.iterdir() if path.suffix in {".lock", ".json"}]
    assert not workers, workers
