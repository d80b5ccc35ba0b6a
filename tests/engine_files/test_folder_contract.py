"""workflows/README.md is the published contract: it names all that the files hold, and nothing else moves."""

import re

import pytest
from pydantic import BaseModel

from config import ROOT
from models.batch import Child
from models.job import Manifest
from models.request import Request
from models.workflow import (
    TRANSITIONS,
    Event,
    EventType,
    Output,
    SourceStamp,
    Status,
    StepState,
    WorkflowState,
)
from services import durable, state_files

TEXT = (ROOT / "workflows" / "README.md").read_text("utf-8")


def section(title: str) -> str:
    """The text below a heading, up to the next one of its level."""
    level = title.split(" ", maxsplit=1)[0]
    start = TEXT.index(f"{title}\n")
    following = re.search(rf"^#{{1,{len(level)}}} ", TEXT[start + len(title) :], re.MULTILINE)
    return TEXT[start : start + len(title) + following.start()] if following else TEXT[start:]


@pytest.mark.parametrize(
    ("model", "title"),
    [
        (WorkflowState, "## state.json"),
        (StepState, "## state.json"),
        (Output, "## state.json"),
        (SourceStamp, "## state.json"),
        (Request, "## request.json"),
        (Event, "## events.jsonl"),
        (Child, "## children.jsonl"),
        (Manifest, "## manifest.json"),
    ],
)
def test_every_field_is_described(model: type[BaseModel], title: str) -> None:
    described = set(re.findall(r"`(\w+)`", section(title)))
    fields = {field.serialization_alias or name for name, field in model.model_fields.items()}

    assert not fields - described


def test_the_moves_are_those_of_the_code() -> None:
    rows = re.findall(r"^\| `(\w+)` \|[^|]*\|([^|]*)\|$", section("### Statuses"), re.MULTILINE)
    described = {before: set(re.findall(r"`(\w+)`", after)) for before, after in rows}

    assert described == {before.value: {to.value for to in TRANSITIONS[before]} for before in Status}


def test_every_type_of_event_is_described() -> None:
    assert set(re.findall(r"^\| `(\w+)` \|", section("## events.jsonl"), re.MULTILINE)) == set(EventType)


def test_the_names_of_files_are_those_of_the_code() -> None:
    for name in (state_files.STATE, state_files.REQUEST, state_files.EVENTS, f"{durable.BORN}<id>"):
        assert name in TEXT
