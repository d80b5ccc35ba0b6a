"""Rules of style that ruff and mypy do not know."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from config import ROOT
from tests.support.sources import CODE, imports_of, own_files, python_files, tree_of

LONGEST_MODULE = 500
LONGEST_FUNCTION = 60
EVERYWHERE = (*CODE, "tests", "benchmarks")
CLOCKS = {"time", "monotonic", "perf_counter", "monotonic_ns", "perf_counter_ns", "time_ns"}


def test_no_module_is_long() -> None:
    lengths = {path: len((ROOT / path).read_text("utf-8").splitlines()) for path in python_files(*EVERYWHERE)}

    assert not {path: lines for path, lines in lengths.items() if lines > LONGEST_MODULE}


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    nodes = ast.walk(tree_of(path))
    return (node for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def test_no_function_is_long() -> None:
    long = [
        f"{path}:{function.lineno}: {function.name}"
        for path in python_files(*CODE)
        for function in functions(path)
        if (function.end_lineno or 0) - function.lineno >= LONGEST_FUNCTION
    ]

    assert not long, "\n".join(long)


def test_tests_replace_nothing_inside_the_program() -> None:
    wrong = [
        f"{path}:{line}: {name}"
        for path in python_files("tests")
        for line, name in [*imports_of(path), *replacements(path)]
        if {"mock", "pytest_mock", "mocker", "monkeypatch.setattr", "monkeypatch.delattr"}
        & {name, *name.split(".")}
    ]

    assert not wrong, "\n".join(wrong)


def replacements(path: Path) -> Iterator[tuple[int, str]]:
    """Fixtures and calls that put something else in the place of the program's own."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            yield node.lineno, f"{node.value.id}.{node.attr}"


def test_no_test_measures_time() -> None:
    wrong = [
        f"{path}:{node.lineno}"
        for path in python_files("tests")
        for function in functions(path)
        for node in ast.walk(function)
        if isinstance(node, ast.Assert) and times(node) | (names(node) & measured(function))
    ]

    assert not wrong, "\n".join(wrong)


def times(node: ast.AST) -> set[str]:
    """Calls of a clock below a node: `time.monotonic()`."""
    calls = (call.func for call in ast.walk(node) if isinstance(call, ast.Call))
    return {
        call.attr
        for call in calls
        if isinstance(call, ast.Attribute)
        and isinstance(call.value, ast.Name)
        and call.value.id == "time"
        and call.attr in CLOCKS
    }


def names(node: ast.AST) -> set[str]:
    """Names of variables below a node."""
    return {name.id for name in ast.walk(node) if isinstance(name, ast.Name)}


def measured(function: ast.AST) -> set[str]:
    """Variables that a function sets from a clock."""
    assignments = (node for node in ast.walk(function) if isinstance(node, ast.Assign))
    return {
        name for node in assignments if times(node.value) for target in node.targets for name in names(target)
    }


def test_no_file_names_a_place_of_one_machine() -> None:
    place = re.compile(r"(?<![\w.}])/(?:home|Users|root|work|opt|mnt|tmp/v)/[\w.-]+")
    wrong = [
        f"{path}:{number}: {line.strip()[:80]}"
        for path in own_files()
        if path.suffix not in {".mcap", ".jpg", ".png", ".jpeg", ".bfbs", ".bin"}
        for number, line in enumerate((ROOT / path).read_text("utf-8").splitlines(), 1)
        if place.search(line)
    ]

    assert not wrong, "\n".join(wrong)


def test_nothing_is_left_undone() -> None:
    mark = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|X" + r"XX)\b")
    wrong = [
        f"{path}: {mark.findall(text)}"
        for path in python_files(*EVERYWHERE)
        if mark.search(text := (ROOT / path).read_text("utf-8"))
    ]

    assert not wrong, "\n".join(wrong)


def test_workflows_holds_data_not_code() -> None:
    committed = {path.name for path in own_files() if path.parts[0] == "workflows"}

    assert committed == {"README.md", ".gitignore"}


@pytest.mark.parametrize("folder", ["workflows", "recordings", "configs", "trash", ".venv"])
def test_run_time_folders_are_ignored_by_git(folder: str) -> None:
    files = {path for path in own_files() if path.parts[0] == folder}

    assert files <= {Path("workflows/README.md"), Path("workflows/.gitignore")}
