"""Templates: their steps, the states of their runs, the params of their jobs."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from bagmill.dataset.spec import make_spec, plain, spec_hash
from bagmill.errors import EmptyRecording
from bagmill.options import ConvertOptions, IndexOptions, VisualizeOptions
from models.base import utc_now
from models.request import Request, RunOptions
from models.workflow import SourceStamp, Status, WorkflowState
from services import advance
from services.edit import Edit
from services.errors import UnknownTemplate
from services.ids import new_id
from services.problems import problem_of
from services.steps import KINDS
from services.templates import TEMPLATES, build_state, child_request, get_template, refuse, step_params

BASE = Path("/recordings")
SOURCE = SourceStamp(path="/recordings/a.mcap", size=1, mtime_ns=2, inode=3)
ALL = {
    "topics": ["/imu"],
    "exclude_topics": "/tf",
    "start_time": 1,
    "end_time": "2024-05-15T10:00:00Z",
    "compression": "lz4",
    "on_corrupt": "fail",
    "format": "parquet",
}


def request(template: str, params: dict[str, Any], **options: Any) -> Request:
    return Request(
        id=new_id(),
        template_id=template,
        params=params,
        options=RunOptions(**options),
        accepted_at=utc_now(),
    )


def steps(state: WorkflowState) -> dict[str, list[str]]:
    return {step.name: step.needs for step in state.steps}


def test_runs_on_one_recording() -> None:
    one = {"recording": "a.mcap"}

    assert steps(build_state(request("index", one), SOURCE)) == {"index": []}
    assert steps(build_state(request("convert", one), SOURCE)) == {"convert": []}
    assert steps(build_state(request("visualize", one), SOURCE)) == {"visualize": []}
    assert steps(build_state(request("ingest", one), SOURCE)) == {
        "index": [],
        "convert": ["index"],
        "visualize": ["index"],
    }


@pytest.mark.parametrize("template", ["index", "convert", "visualize", "ingest"])
@pytest.mark.parametrize("recordings", [["a.mcap"], "folder", "*.mcap"])
def test_batches(template: str, recordings: object) -> None:
    state = build_state(request(template, {"recordings": recordings}))

    assert steps(state) == {"expand": []}
    assert step_params(state, state.step("expand"), BASE) == {
        "recordings": recordings,
        "base": "/recordings",
        "may_be_empty": False,
    }


def test_data_processing_takes_all_recordings() -> None:
    state = build_state(request("data_processing", {}))

    assert steps(state) == {"expand": []}
    assert step_params(state, state.step("expand"), BASE) == {
        "recordings": ".",
        "base": "/recordings",
        "may_be_empty": True,
    }


def test_every_kind_of_step_can_be_run() -> None:
    kinds = {step.kind for template in TEMPLATES.values() for step in (*template.steps, *template.then)}

    assert kinds | {"expand"} == set(KINDS)


def test_options_of_the_run_reach_its_steps() -> None:
    options = {"priority": 3, "max_attempts": 5, "timeout": 1.5, "pinned": True}

    state = build_state(request("ingest", {"recording": "a.mcap"}, **options), SOURCE)

    assert (state.priority, state.pinned) == (3, True)
    assert {(step.max_attempts, step.timeout) for step in state.steps} == {(5, 1.5)}


@pytest.mark.parametrize("template", ["ingest", "data_processing"])
def test_each_step_gets_the_params_that_it_knows(template: str) -> None:
    ingest = request("ingest", ALL | {"recording": "a.mcap"})
    state = build_state(ingest, SOURCE)
    get_template(template).params.model_validate(ALL if template == "data_processing" else ingest.params)

    convert = step_params(state, state.step("convert"), BASE)
    visualize = step_params(state, state.step("visualize"), BASE)

    assert convert == ALL
    assert {"compression", "format"} == set(ALL) - set(visualize)
    assert step_params(state, state.step("index"), BASE) == {}
    ConvertOptions.model_validate(convert)
    VisualizeOptions.model_validate(visualize)
    IndexOptions.model_validate(step_params(state, state.step("index"), BASE))


@pytest.mark.parametrize("template", TEMPLATES)
def test_unknown_params_are_refused(template: str) -> None:
    with pytest.raises(ValidationError, match="extra_forbidden"):
        get_template(template).params.model_validate({"recording": "a", "no_such_param": 1})


def test_an_unknown_template_has_a_suggestion() -> None:
    with pytest.raises(UnknownTemplate) as caught:
        get_template("visualise")

    assert "`visualize`" in caught.value.hint


@pytest.mark.parametrize("template", ["convert", "ingest", "data_processing"])
def test_a_child_is_a_run_on_one_recording(template: str) -> None:
    params = ALL if template == "data_processing" else ALL | {"recordings": "*.mcap"}
    asked = request(template, params, priority=2, max_attempts=4, timeout=9.0, allow_failed=True)
    parent = build_state(asked)
    parent.priority, parent.pinned = 7, True

    child = child_request(parent, asked.options, new_id(), "b/c.mcap")

    assert child.parent == parent.id
    assert child.template_id == ("convert" if template == "convert" else "ingest")
    assert child.params == ALL | {"recording": "b/c.mcap"}
    assert child.options == RunOptions(priority=7, max_attempts=4, timeout=9.0, pinned=True)
    get_template(child.template_id).params.model_validate(child.params)
    assert "expand" not in steps(build_state(child, SOURCE))


def test_a_child_without_a_usable_recording_has_failed_and_can_be_retried() -> None:
    problem = problem_of(EmptyRecording())

    state = refuse(build_state(request("ingest", {"recording": "a.mcap"})), problem)

    assert (state.status, state.error) == (Status.FAILED, problem)
    assert [step.status.value for step in state.steps] == ["failed", "skipped", "skipped"]
    edit = Edit(state)
    assert [job.step for job in advance.retry(edit)] == ["index"]
    assert edit.seal().error is None


def test_params_stay_as_they_were_sent() -> None:
    """What is shown is what was asked for; defaults are those of the program that runs it."""
    assert build_state(request("convert", {"recording": "a", "topics": "/imu"}), SOURCE).params == {
        "recording": "a",
        "topics": "/imu",
    }


SPEC = {"rows": {"kind": "rate", "hz": 30}, "features": {"n": {"source": {"count": "/imu"}}}}


def test_a_dataset_of_many_recordings_is_collected_from_its_children() -> None:
    asked = request("dataset", {"recordings": "*.mcap", "config": "arm", "revision": 2, "force": True})
    parent = build_state(asked, spec=make_spec(SPEC))

    assert steps(parent) == {"expand": [], "collect": ["expand", "children"]}
    assert parent.params == asked.params | {"spec": plain(make_spec(SPEC))}
    assert parent.spec_hash == spec_hash(make_spec(SPEC))
    assert step_params(parent, parent.step("collect"), BASE) == {"spec": plain(make_spec(SPEC))}
    child = child_request(parent, asked.options, new_id(), "b.mcap")
    assert child.template_id == "extract"
    # The config may be gone when the child is made: it has the spec itself.
    assert child.params == {"recording": "b.mcap", "spec": plain(make_spec(SPEC)), "force": True}
    get_template("extract").params.model_validate(child.params)
    state = build_state(child, SOURCE)
    assert steps(state) == {"extract": []}
    assert state.spec_hash == parent.spec_hash


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"spec": SPEC, "config": "arm"},
        {"spec": SPEC, "revision": 1},
        {"config": "arm", "revision": 0},
        {"spec": SPEC | {"rows": {"kind": "rate", "hz": 0}}},
    ],
)
def test_a_dataset_has_one_spec(params: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        get_template("dataset").params.model_validate({"recording": "a.mcap"} | params)
