"""The templates: which params a kind of workflow takes, and which steps a run of it has."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bagmill.dataset.spec import Spec, make_spec, plain, spec_hash
from bagmill.options import ConvertOptions, IndexOptions, Options, VisualizeOptions
from bagmill.suggestions import did_you_mean
from models.base import utc_now
from models.problem import Problem
from models.request import Request, RunOptions
from models.workflow import SourceStamp, Status, StepState, WorkflowState
from services.advance import CHILDREN
from services.errors import UnknownTemplate
from services.params import (
    ConvertParams,
    DataProcessingParams,
    DatasetOptions,
    DatasetParams,
    IndexParams,
    IngestParams,
    SelfCheckParams,
    VisualizeParams,
)

EXPAND = "expand"
SAMPLE = "sample"


@dataclass(frozen=True, slots=True)
class StepSpec:
    """A step of a template: its name is its kind."""

    kind: str
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Template:
    """A named kind of workflow.

    `steps` are those of a run on one recording. `child` names the template of a batch's children, and `then`
    are the steps of the batch itself once they have ended. `all_of` is the folder, below RECORDINGS_DIR,
    whose recordings a template takes by itself.
    """

    id: str
    title: str
    description: str
    params: type[Options]
    steps: tuple[StepSpec, ...]
    child: str | None
    all_of: str | None = None
    then: tuple[StepSpec, ...] = ()

    def recordings(self, params: Mapping[str, Any]) -> list[str] | str | None:
        """What a batch works on; None for a run on one recording."""
        chosen: list[str] | str | None = params.get("recordings")
        return self.all_of if chosen is None else chosen


INDEX = StepSpec("index")
INGEST = (INDEX, StepSpec("convert", ("index",)), StepSpec("visualize", ("index",)))
OPTIONS_OF: Mapping[str, type[Options]] = {
    "index": IndexOptions,
    "convert": ConvertOptions,
    "visualize": VisualizeOptions,
    "extract": DatasetOptions,
    "dataset": DatasetOptions,
    "collect": DatasetOptions,
}

_ALL = (
    Template(
        "index",
        "Index",
        "Lists what is in a recording: topics, schemas, counts, times, chunks, attachments.",
        IndexParams,
        (INDEX,),
        child="index",
    ),
    Template(
        "convert",
        "Convert",
        "Converts the messages of a recording to typed Parquet or TFRecord, one folder for each topic.",
        ConvertParams,
        (StepSpec("convert"),),
        child="convert",
    ),
    Template(
        "visualize",
        "Visualize",
        "Makes a Rerun recording (.rrd) of a recording.",
        VisualizeParams,
        (StepSpec("visualize"),),
        child="visualize",
    ),
    Template(
        "ingest",
        "Ingest",
        "Indexes a recording, then converts and visualizes it side by side.",
        IngestParams,
        INGEST,
        child="ingest",
    ),
    Template(
        "dataset",
        "Dataset",
        "Makes one dataset of typed, aligned rows of a recording, or of many, as a spec says.",
        DatasetParams,
        (StepSpec("dataset"),),
        child="extract",
        then=(StepSpec("collect", (EXPAND, CHILDREN)),),
    ),
    Template(
        "extract",
        "Extract",
        "Extracts a recording's rows and their statistics: what a dataset of many is made of.",
        DatasetParams,
        (StepSpec("extract"),),
        child="extract",
    ),
    Template(
        "data_processing",
        "Data processing",
        "Ingests every *.mcap in the recordings folder and the folders below it.",
        DataProcessingParams,
        (),
        child="ingest",
        all_of=".",
    ),
    Template(
        "test",
        "Self-check",
        "Makes a small recording and ingests it: shows that everything works on this machine.",
        SelfCheckParams,
        (
            StepSpec(SAMPLE),
            StepSpec("index", (SAMPLE,)),
            StepSpec("convert", (SAMPLE, "index")),
            StepSpec("visualize", (SAMPLE, "index")),
        ),
        child=None,
    ),
)
TEMPLATES: Mapping[str, Template] = {template.id: template for template in _ALL}


def get_template(template_id: str) -> Template:
    """The template of this id.

    Raises:
        UnknownTemplate: there is none; the hint names the nearest ones.
    """
    if template := TEMPLATES.get(template_id):
        return template
    raise UnknownTemplate(
        f"There is no template {template_id!r}.",
        where={"pointer": "/template_id"},
        hint=did_you_mean(template_id, TEMPLATES),
    )


def build_state(
    request: Request, source: SourceStamp | None = None, spec: Spec | None = None
) -> WorkflowState:
    """The first state of a run, nothing of it queued yet.

    `source` is the stamp of the recording of a run on one; a batch and the self-check have none. `spec` is
    that of a dataset, where the request only names a config.
    """
    given = request.params.get("spec")
    if spec is None and given is not None:
        spec = make_spec(given)
    specs = _specs(request)
    options, now = request.options, request.accepted_at
    return WorkflowState(
        id=request.id,
        template=request.template_id,
        params=request.params if spec is None else request.params | {"spec": given or plain(spec)},
        spec_hash=None if spec is None else spec_hash(spec),
        parent=request.parent,
        priority=options.priority,
        pinned=options.pinned,
        allow_failed=options.allow_failed,
        source=source,
        steps=[_step(spec, options) for spec in specs],
        created_at=now,
        updated_at=now,
    )


def refuse(state: WorkflowState, problem: Problem) -> WorkflowState:
    """The first state of a run that can't begin, such as a batch's child without a usable recording."""
    failed, *skipped = state.steps
    failed.status, failed.error, failed.finished_at = Status.FAILED, problem, state.created_at
    for step in skipped:
        step.status = Status.SKIPPED
    state.status, state.error, state.finished_at = Status.FAILED, problem, state.created_at
    return state


def child_request(parent: WorkflowState, options: RunOptions, child: str, recording: str) -> Request:
    """The request of one child of a batch, as if the user had asked for this recording alone.

    `options` are those of the batch's own request; what PATCH changed since then is taken from its state.
    """
    # What stands for others: the recordings for one, a config for the spec that it was.
    left = {"recordings"} | ({"config", "revision"} if "spec" in parent.params else set())
    params = {name: value for name, value in parent.params.items() if name not in left}
    return Request(
        id=child,
        template_id=TEMPLATES[parent.template].child or parent.template,
        params=params | {"recording": recording},
        options=options.model_copy(
            update={"priority": parent.priority, "pinned": parent.pinned, "allow_failed": False}
        ),
        parent=parent.id,
        accepted_at=utc_now(),
    )


def step_params(state: WorkflowState, step: StepState, recordings_dir: Path) -> dict[str, Any]:
    """The params of a step's job, from what stands in `state.json`.

    For `expand`: `recordings` (a list, a folder or a glob), `base` (where relative paths start) and
    `may_be_empty`. For the others: those of the run's params that the step knows.
    """
    if step.kind == EXPAND:
        template = TEMPLATES[state.template]
        return {
            "recordings": template.recordings(state.params),
            "base": str(recordings_dir),
            "may_be_empty": template.all_of is not None,
        }
    known = OPTIONS_OF[step.kind].model_fields if step.kind in OPTIONS_OF else {}
    return {name: value for name, value in state.params.items() if name in known}


def _specs(request: Request) -> tuple[StepSpec, ...]:
    template = TEMPLATES[request.template_id]
    if template.recordings(request.params) is None:
        return template.steps
    return (StepSpec(EXPAND), *template.then)


def _step(spec: StepSpec, options: RunOptions) -> StepState:
    return StepState(
        name=spec.kind,
        kind=spec.kind,
        needs=list(spec.needs),
        max_attempts=options.max_attempts,
        timeout=options.timeout,
    )
