"""Workflows as the API would leave them, and workers in this process or in one of their own."""

import sys
from collections.abc import Sequence
from pathlib import Path
from textwrap import dedent
from typing import Any

from config import Settings
from models.base import utc_now
from models.job import Manifest
from models.queue import Job, Lease
from models.request import Request, RunOptions
from models.workflow import Event, EventType, Output, Status, WorkflowState
from services import durable, templates
from services.executors.local import ENTRY, LocalExecutor
from services.ids import new_id
from services.queue_service import FileQueue
from services.sources import stamp
from services.state_manager import StateManager
from services.worker.context import Context
from services.worker.life import WorkerLife
from services.worker.loop import Stop, Worker
from services.worker.places import partial_folder
from tests.executors.children import program
from tests.support.processes import Process
from tests.support.waiting import wait_for

DONE = """
from pathlib import Path
output = Path(REQUEST["output"])
def finish(files=None, **changes):
    files = {"result.txt": b"result"} if files is None else files
    for name, data in files.items():
        (output / name).write_bytes(data)
    outputs = [{"path": n, "size": len(d), "sha256": ""} for n, d in files.items()]
    manifest = {"kind": REQUEST["kind"], "job": REQUEST["job"], "fence": REQUEST["fence"], "complete": True,
                "outputs": outputs} | changes
    (output / "manifest.json").write_text(json.dumps(manifest))
    say(type="done")
"""
"""The head of a program that can do its job: `finish()`."""


class House:
    """The folders of one test, and what the API does with them."""

    def __init__(self, settings: Settings, tmp_path: Path) -> None:
        self.settings = settings
        self.tmp_path = tmp_path
        self.states = StateManager(settings)
        self.queue = FileQueue(settings)
        self.states.prepare()
        self.lives: list[WorkerLife] = []

    def submit(
        self, template: str = "index", recording: Path | None = None, *, enqueue: bool = True, **params: Any
    ) -> str:
        """A workflow, accepted and queued; its id. `options` are among the params."""
        options = RunOptions(**params.pop("options", {}))
        named = {"recording": str(recording)} if recording else {}
        source = stamp(str(recording), self.settings.recordings_dir) if recording else None
        request = Request(
            id=new_id(),
            template_id=template,
            params=params | named,
            options=options,
            accepted_at=utc_now(),
        )
        state = templates.build_state(request, source)
        jobs = self.states.create(state, request, intend=self.queue.intend)
        if enqueue:
            self.queue.enqueue(jobs)
        return request.id

    def context(self) -> Context:
        """What a worker that has just begun to live works with."""
        life = WorkerLife(self.settings)
        life.begin()
        self.lives.append(life)
        return Context(self.settings, self.states, self.queue, life)

    def close(self) -> None:
        """End all lives."""
        for life in self.lives:
            life.end()
        self.queue.finish()

    def work(self, body: str | None = None, stop: Stop | None = None) -> None:
        """Work in this process until the queue is empty; `body` is what jobs do instead of their step."""
        ctx = self.context()
        command = program(self.tmp_path, DONE + dedent(body)) if body else ENTRY
        executor = LocalExecutor(self.settings.max_parallel_nodes, command=command, cancel_grace=0.3)
        Worker(ctx, executor, stop or Stop(), once=True).run()
        ctx.life.end()

    def worker(self, body: str | None = None, *options: str) -> Process:
        """A worker in a process of its own."""
        command: Sequence[str] = ["worker.py"]
        if body is not None:
            command = ["-m", "tests.worker.host", *program(self.tmp_path, DONE + dedent(body))]
        return Process([sys.executable, *command, *options], self.settings, "worker")

    def state(self, workflow: str) -> WorkflowState:
        """The state as it is now."""
        return self.states.read(workflow)

    def rewrite(self, workflow: str, **fields: Any) -> None:
        """Change a state past all rules."""
        state = self.state(workflow).model_copy(update=fields)
        durable.write_json(self.folder(workflow) / "state.json", state)

    def status(self, workflow: str) -> Status:
        """The workflow's status."""
        return self.state(workflow).status

    def wait(self, workflow: str) -> WorkflowState:
        """The state once the workflow has ended."""
        wait_for(lambda: self.status(workflow).ended, f"the end of {workflow}")
        return self.state(workflow)

    def wait_running(self, workflow: str, step: str = "index") -> None:
        """Wait until the step's process works in its folder."""
        wait_for(
            lambda: list(self.folder(workflow).glob(f"{step}.*.partial/working")), "the job's first deed"
        )

    def folder(self, workflow: str) -> Path:
        """The workflow's folder."""
        return self.states.folder(workflow)

    def events(self, workflow: str, kind: EventType | None = None) -> list[Event]:
        """The lines of events.jsonl itself."""
        lines = (self.folder(workflow) / "events.jsonl").read_bytes().splitlines()
        events = [Event.model_validate_json(line) for line in lines]
        return [event for event in events if kind is None or event.type is kind]

    def log(self, workflow: str) -> str:
        """The workflow's own log."""
        return (self.folder(workflow) / "worker.log").read_text("utf-8")

    def begin(self, workflow: str, worker: str, step: str = "index") -> Path:
        """Let a worker claim a job and start it, up to the moment its process would begin."""
        self.queue.claim(Lease(worker=worker, host="here", pid=1, since=utc_now()), 1)
        with self.states.edit(workflow) as edit:
            now = edit.state.step(step)
            edit.move_step(step, Status.RUNNING, attempt=now.attempt + 1, fence=now.fence + 1, worker=worker)
            fence = now.fence
        partial = partial_folder(self.folder(workflow), step, fence)
        partial.mkdir()
        return partial

    def jobs(self) -> list[Job]:
        """The queue's jobs."""
        return self.queue.snapshot().jobs


def fill(
    folder: Path, job: str, fence: int, files: dict[str, bytes] | None = None, **changes: Any
) -> Manifest:
    """Write a step's output with its manifest."""
    content = {"result.txt": b"result"} if files is None else files
    for name, data in content.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    outputs = [Output(path=name, size=len(data), sha256="", schema=None) for name, data in content.items()]
    values = {"kind": "index", "job": job, "fence": fence, "complete": True, "outputs": outputs} | changes
    manifest = Manifest.model_validate(values)
    durable.write_json(folder / "manifest.json", manifest)
    return manifest


DEAD = "00000000-0000-4000-8000-000000000000"
"""The id of a worker that lives no more."""
