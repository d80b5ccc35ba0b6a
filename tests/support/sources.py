"""The checkout's own files, as text and as syntax trees."""

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from config import ROOT

CODE = ("app.py", "worker.py", "config.py", "bootstrap.py", "models", "routes", "services", "bagmill")
"""What the program is made of, without tests and benchmarks."""

RUN_TIME = {"recordings", "configs", "trash", "locks", "workers", "idempotency", "build", "dist"}


@cache
def own_files() -> tuple[Path, ...]:
    """All files that belong to the repository, relative to the checkout."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listed.returncode:
        return tuple(sorted(_walked()))
    names = listed.stdout.decode().split("\0")
    return tuple(sorted(Path(name) for name in names if name and (ROOT / name).is_file()))


def _walked() -> Iterator[Path]:
    """The same for a copy without git: everything but hidden folders and run-time files."""
    for path in ROOT.rglob("*"):
        place = path.relative_to(ROOT)
        hidden = any(part.startswith(".") or part == "__pycache__" for part in place.parts[:-1])
        in_a_run = place.parts[0] == "workflows" and len(place.parts) > 2
        if path.is_file() and not (hidden or in_a_run or place.parts[0] in RUN_TIME):
            yield place


def python_files(*places: str) -> list[Path]:
    """Python files at or below these places, relative to the checkout."""
    return [path for path in own_files() if path.suffix == ".py" and path.parts[0] in places]


@cache
def tree_of(path: Path) -> ast.Module:
    """The syntax tree of a file of the checkout."""
    return ast.parse((ROOT / path).read_text("utf-8"), str(path))


def module_name(path: Path) -> str:
    """The dotted name of a file: `services/steps/__init__.py` is `services.steps`."""
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def imports_of(path: Path) -> tuple[tuple[int, str], ...]:
    """(line, dotted name) of everything a file imports, wherever in the file; `from a import b` is `a.b`."""
    return tuple(_imports(path))


def _imports(path: Path) -> Iterator[tuple[int, str]]:
    package = module_name(path).split(".")
    if path.name != "__init__.py":
        package = package[:-1]
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            up = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*up, *([node.module] if node.module else [])])
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)
