"""The documents that show results, and their places for them."""

import re
from pathlib import Path

from benchmarks.measure import ROOT

BENCHMARKS, RELIABILITY = ROOT / "docs" / "benchmarks.md", ROOT / "docs" / "reliability.md"
README = ROOT / "README.md"


def replace(path: Path, text: str, mark: str) -> None:
    """Put text between the marks of a document, on lines of its own. Raises ValueError if it has none."""
    start, end = f"<!-- {mark} -->", f"<!-- /{mark} -->"
    pattern = re.compile(f"{re.escape(start)}.*?{re.escape(end)}", re.DOTALL)
    content, count = pattern.subn(lambda _: f"{start}\n{text.strip()}\n{end}", path.read_text("utf-8"))
    if not count:
        raise ValueError(f"{path.name} has no {start}")
    path.write_text(content, "utf-8")
