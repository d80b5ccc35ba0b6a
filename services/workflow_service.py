"""What the API can do, without HTTP: the one door through which routes reach the engine."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from loguru import logger

from bagmill.dataset.spec import Spec
from config import Settings
from models.api import (
    Health,
    Patch,
    TemplateInfo,
    TemplateList,
    TemplateStep,
    WorkflowPage,
)
from models.base import utc_now
from models.queue import QueueState
from models.request import FromTemplate, Request, RunOptions
from models.workflow import Event, SourceStamp, WorkflowState
from services.config_service import resolve
from services.control import Control
from services.deletion import Deletion
from services.errors import FileNotInWorkflow, StateUnreadable, WorkflowNotFound
from services.files import CommittedFile, committed_file
from services.health import check_health
from services.idempotency import Keys, check_key, payload_of
from services.ids import new_id
from services.listing import Listing, Query
from services.metrics import Metrics
from services.queue_service import FileQueue
from services.state_manager import StateManager, Version
from services.submission import examine
from services.templates import TEMPLATES, Template, build_state

MAX_NAME = 300


@dataclass(frozen=True, slots=True)
class Submitted:
    """An accepted workflow. `replayed`: it was there already, under the same Idempotency-Key."""

    state: WorkflowState
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class News:
    """Events of a run, and whether more can come by themselves."""

    events: list[Event]
    ended: bool


class _Examined(NamedTuple):
    """A request that can be accepted, the stamp of its recording, and the spec that it names a config of."""

    asked: FromTemplate
    source: SourceStamp | None
    spec: Spec | None


class WorkflowService:
    """The engine as the API sees it. Making one touches no file; `prepare` makes the folders."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._states = StateManager(settings)
        self._queue = FileQueue(settings)
        self._control = Control(self._states, self._queue)
        self._listing = Listing(self._states, self._queue)
        self._keys = Keys(settings, self._find_key)
        self._deletion = Deletion(self._states, self._queue, self._keys)
        self._metrics = Metrics(settings, self._listing, self._queue)

    def prepare(self) -> None:
        """Make the run-time folders. Raises StorageFailed, NetworkFileSystem."""
        self._states.prepare()
        try:
            self.settings.recordings_dir.mkdir(parents=True, exist_ok=True)
        except OSError as error:  # recordings can be named by absolute paths too
            logger.warning("RECORDINGS_DIR can't be made: {}", error)

    def finish(self) -> None:
        """Leave the files as people expect them; to be called when the API stops."""
        self._queue.finish()
        self._listing.finish()

    def templates(self) -> TemplateList:
        """All templates with the JSON Schema of their params, and of the options."""
        items = [_info(template) for template in TEMPLATES.values()]
        return TemplateList(items=items, options=RunOptions.model_json_schema())

    def submit(self, asked: FromTemplate, key: str | None = None) -> Submitted:
        """Accept a request: its folder is on disk when this returns.

        Raises:
            UnknownTemplate, InvalidRequest, RecordingError: it can't be accepted.
            IdempotencyConflict: the key stands for another request.
        """
        if key is None:
            return Submitted(self._make(new_id(), None, self._examine(asked)))
        payload = payload_of(asked)
        known = self._keys.known(check_key(key), payload)
        if known and self._states.exists(known):
            return Submitted(self._states.read(known), replayed=True)
        examined = self._examine(asked)
        with self._keys.held(key, payload) as workflow:
            if self._states.exists(workflow):
                return Submitted(self._states.read(workflow), replayed=True)
            return Submitted(self._make(workflow, key, examined))

    def page(self, query: Query) -> WorkflowPage:
        """A page of workflows, newest first. Raises InvalidRequest."""
        return self._listing.page(query)

    def get(self, workflow: str) -> WorkflowState:
        """The state of a workflow. Raises WorkflowNotFound, StateUnreadable."""
        return self._states.read(workflow)

    def version(self, workflow: str) -> Version:
        """What changes whenever the state does; cheap. Raises WorkflowNotFound, StateUnreadable."""
        return self._states.version(workflow)

    def cancel(self, workflow: str) -> WorkflowState:
        """Cancel a workflow; an ended one stays as it is. Raises WorkflowNotFound."""
        return self._control.cancel(workflow)

    def retry(self, workflow: str) -> WorkflowState:
        """Run again what failed. Raises WorkflowNotFound, IllegalOperation, RecordingError."""
        return self._control.retry(workflow)

    def change(self, workflow: str, patch: Patch) -> WorkflowState:
        """Set priority and pinned. Raises WorkflowNotFound."""
        return self._control.change(workflow, patch)

    def delete(self, workflow: str) -> None:
        """Remove an ended workflow from the disk. Raises WorkflowNotFound, IllegalOperation."""
        self._deletion.delete(workflow)

    def news(self, workflow: str, after: int) -> News:
        """The events after number `after`. Raises WorkflowNotFound, StateUnreadable."""
        ended = self._states.read(workflow).status.ended  # before the events, so that none is missed
        return News(self._states.events(workflow, after), ended)

    def file(self, workflow: str, spellings: Sequence[Sequence[str]]) -> CommittedFile:
        """A committed file by the names of its path: the first of the spellings that there is.

        Raises WorkflowNotFound, FileNotInWorkflow.
        """
        folder, steps = self._states.folder(workflow), self._steps(workflow)
        for parts in spellings:
            if found := committed_file(folder, steps, parts):
                return found
        name = "/".join(spellings[0])[:MAX_NAME]
        raise FileNotInWorkflow(f"There is no committed file {name!r}.", where={"workflow": workflow})

    def queue(self) -> QueueState:
        """The queue as it is. Raises QueueUnreadable."""
        return self._queue.snapshot()

    def pause(self) -> QueueState:
        """Hand out no more jobs; those that run go on."""
        self._queue.pause()
        return self._queue.snapshot()

    def resume(self) -> QueueState:
        """Hand out jobs again."""
        self._queue.resume()
        return self._queue.snapshot()

    def health(self) -> Health:
        """Whether the folders can be read and written, and who runs the jobs."""
        return check_health(self.settings, self._queue)

    def metrics(self) -> bytes:
        """Prometheus text."""
        return self._metrics.text()

    def _examine(self, asked: FromTemplate) -> _Examined:
        """Check a request; a saved config that it names is taken as it is now."""
        source, spec = examine(asked, self.settings.recordings_dir), None
        if (config := asked.params.get("config")) is not None:
            found = resolve(self.settings.configs_dir, config, asked.params.get("revision"), "/params")
            named = {"config": found.config, "revision": found.revision}
            asked, spec = asked.model_copy(update={"params": asked.params | named}), found.spec
        return _Examined(asked, source, spec)

    def _make(self, workflow: str, key: str | None, examined: _Examined) -> WorkflowState:
        """The intention first, the folder second, the jobs third."""
        asked = examined.asked
        request = Request(
            id=workflow,
            template_id=asked.template_id,
            params=asked.params,
            options=asked.options,
            idempotency_key=key,
            accepted_at=utc_now(),
        )
        state = build_state(request, examined.source, examined.spec)
        self._control.enqueue(self._states.create(state, request, intend=self._queue.intend))
        return state

    def _steps(self, workflow: str) -> set[str]:
        """The names of a workflow's steps; none if the state can't be read, but its log still can."""
        try:
            return {step.name for step in self._states.read(workflow).steps}
        except StateUnreadable:
            return set()

    def _find_key(self, key: str) -> str | None:
        for workflow in self._states.ids():
            try:
                if self._states.request(workflow).idempotency_key == key:
                    return workflow
            except (WorkflowNotFound, StateUnreadable):
                continue
        return None


def _info(template: Template) -> TemplateInfo:
    return TemplateInfo(
        id=template.id,
        title=template.title,
        description=template.description,
        steps=[
            TemplateStep(name=step.kind, kind=step.kind, needs=list(step.needs)) for step in template.steps
        ],
        params=template.params.model_json_schema(),
    )
