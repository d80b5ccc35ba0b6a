"""What can be used is documented, and what the documents point at exists."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.routing import APIRoute
from typer.main import get_command

import bagmill
import services.errors
import services.process_errors  # noqa: F401
from bagmill.errors import BagmillError
from config import ROOT, Settings
from tests.support.settings_page import PAGE, page
from tests.support.sources import own_files

DOCS = ROOT / "docs"
PAGES = [path for path in own_files() if path.suffix == ".md"]
LINK = re.compile(r"\]\(([^)\s]+)\)")


def text_of(name: str) -> str:
    return (DOCS / name).read_text("utf-8")


def test_the_page_of_settings_is_what_the_settings_say() -> None:
    assert PAGE.read_text("utf-8") == page(), "run: make docs"


def test_the_readme_names_every_setting() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")

    assert not [name for name in Settings.model_fields if f"`{name.upper()}`" not in readme]


def routes(settings: Settings) -> Iterator[tuple[str, str]]:
    """(method, path) of everything the API answers to, in its schema or not."""
    from app import create_app

    app = create_app(settings)
    for path, operations in app.openapi()["paths"].items():
        yield from ((method.upper(), path) for method in operations)
    for route in app.routes:
        if isinstance(route, APIRoute):
            yield from ((method, route.path) for method in route.methods or ())


def test_every_route_is_documented(settings: Settings) -> None:
    documented = text_of("http.md")
    offered = list(routes(settings))

    assert offered
    assert not [f"{method} {path}" for method, path in offered if f"{method} {path}" not in documented]


def test_every_template_is_documented() -> None:
    from services.templates import TEMPLATES

    documented = text_of("templates.md")

    assert TEMPLATES
    assert not [name for name in TEMPLATES if f"`{name}`" not in documented]


def kinds_of_error(root: type[BagmillError] = BagmillError) -> Iterator[type[BagmillError]]:
    yield root
    for child in root.__subclasses__():
        yield from kinds_of_error(child)


def test_every_error_code_is_documented() -> None:
    documented = text_of("errors.md")

    assert not [kind.code for kind in kinds_of_error() if f"`{kind.code}`" not in documented]


def test_every_error_has_a_code_of_its_own() -> None:
    kinds = [kind for kind in kinds_of_error() if kind.__module__.startswith(("bagmill", "services"))]
    codes = [kind.code for kind in kinds]

    assert sorted(set(codes)) == sorted(codes)


def test_every_command_is_documented() -> None:
    from bagmill.cli import app

    documented = text_of("cli.md")
    group = get_command(app)
    names = list(getattr(group, "commands", {}))

    assert names
    assert not [name for name in names if f"bagmill {name}" not in documented]


@pytest.mark.parametrize("path", PAGES, ids=str)
def test_links_lead_somewhere(path: Path) -> None:
    text = (ROOT / path).read_text("utf-8")
    inside = (link for link in LINK.findall(text) if "://" not in link and not link.startswith("mailto:"))

    assert not [link for link in inside if not leads_somewhere(ROOT / path, link)]


def leads_somewhere(page: Path, link: str) -> bool:
    """Whether a relative link has its file, and the file its heading."""
    name, _, anchor = link.partition("#")
    target = page.parent / name if name else page
    return target.exists() and (not anchor or anchor in anchors(target.read_text("utf-8")))


def anchors(text: str) -> set[str]:
    """The headings of a page, as they appear in links."""
    headings = re.findall(r"^#+ +(.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


def test_the_index_names_every_page() -> None:
    index = text_of("README.md")
    pages = {path.name for path in PAGES if path.parts[0] == "docs"} - {"README.md"}

    assert not [name for name in pages if f"({name})" not in index]


def test_the_changelog_tells_of_this_version() -> None:
    assert f"## {bagmill.__version__}" in (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert f'version = "{bagmill.__version__}"' in (ROOT / "pyproject.toml").read_text("utf-8")
