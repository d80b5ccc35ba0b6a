"""The pages about templates, calls and errors say what the code does."""

import re

import pytest

from bagmill.options import ConvertOptions
from config import ROOT
from models.request import RunOptions
from services.templates import TEMPLATES
from tests.support.errors_page import PAGE, page

DOCS = ROOT / "docs"


def test_the_page_of_errors_is_what_the_exceptions_say() -> None:
    assert PAGE.read_text("utf-8") == page(), "run: make docs"


def test_every_param_is_documented() -> None:
    text = (DOCS / "templates.md").read_text("utf-8")
    params = {name for template in TEMPLATES.values() for name in template.params.model_fields}

    assert params
    assert not [name for name in params if f"| `{name}` |" not in text]


def test_no_other_param_is_documented() -> None:
    text = (DOCS / "templates.md").read_text("utf-8").partition("## Params")[2].partition("## Batches")[0]
    params = {name for template in TEMPLATES.values() for name in template.params.model_fields}

    assert set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)) == params


@pytest.mark.parametrize("name", ["format", "on_corrupt"])
def test_defaults_are_documented(name: str) -> None:
    row = next(
        line
        for line in (DOCS / "templates.md").read_text("utf-8").splitlines()
        if line.startswith(f"| `{name}` |")
    )

    assert f"| `{ConvertOptions.model_fields[name].default}` |" in row


def test_every_option_is_documented() -> None:
    text = (DOCS / "http.md").read_text("utf-8")

    assert not [name for name in RunOptions.model_fields if f"| `{name}` |" not in text]
