"""`make docs`: writes docs/settings.md from the settings themselves; a test keeps the two equal."""

import json
from enum import Enum
from pathlib import Path
from typing import Any

from annotated_types import Ge, Le
from pydantic import ByteSize
from pydantic.fields import FieldInfo

from config import ROOT, Settings

PAGE = ROOT / "docs" / "settings.md"
HEAD = """# Settings

Each is an environment variable, or a line in the file `.env` in the checkout; the environment wins. With
make they can stand on the command line: `make run PORT=8123 LOG_LEVEL=DEBUG`. Relative paths start at the
checkout, wherever the program is started from. What is not accepted is said at the start, by name.

`make docs` writes this page from `config.py`.

| setting | default | what it is |
| --- | --- | --- |
"""


def page() -> str:
    """The whole page."""
    return HEAD + "".join(_row(name, field) for name, field in Settings.model_fields.items())


def _row(name: str, field: FieldInfo) -> str:
    words = [field.description or "", _accepted(field)]
    return f"| `{name.upper()}` | `{_text(field.default)}` | {' '.join(filter(None, words))} |\n"


def _text(value: Any) -> str:
    """A default as one would write it in `.env`."""
    if isinstance(value, ByteSize):
        if not value:
            return "0"
        return value.human_readable(decimal=value % 1000 == 0).removesuffix("B").replace(".0", "") + "B"
    if isinstance(value, Enum | Path | str):
        return str(value)
    return json.dumps(value)


def _accepted(field: FieldInfo) -> str:
    """What values there are, where the type says so."""
    kind = field.annotation
    if isinstance(kind, type) and issubclass(kind, Enum):
        return "One of " + ", ".join(f"`{member.value}`" for member in kind) + "."
    if kind is bool:
        return "`true` or `false`."
    bounds = {type(bound): bound for bound in field.metadata}
    low, high = bounds.get(Ge), bounds.get(Le)
    if isinstance(low, Ge) and isinstance(high, Le):
        return f"From {low.ge} to {high.le}."
    return f"At least {low.ge}." if isinstance(low, Ge) else ""


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
