"""What `make demo` shows: how the run gets on, and what came out of it."""

import json
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pyarrow.parquet as pq
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from models.problem import Problem
from models.workflow import Status, StepState, WorkflowState


class Shown(Protocol):
    """Something that shows how a run gets on."""

    def update(self, state: WorkflowState) -> None:
        """Show this state."""
        ...


@contextmanager
def follower(console: Console) -> Iterator[Shown]:
    """Bars on a terminal, lines elsewhere."""
    if not console.is_terminal:
        yield Lines(console)
        return
    columns = (
        TextColumn("{task.description:<10}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[stage]}", markup=False),
    )
    with Progress(*columns, console=console) as progress:
        yield Bars(progress)


class Bars:
    """One bar for each step."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.tasks: dict[str, TaskID] = {}

    def update(self, state: WorkflowState) -> None:
        """Show this state."""
        for step in state.steps:
            if step.name not in self.tasks:
                self.tasks[step.name] = self.progress.add_task(step.name, start=False, total=1.0, stage="")
            task = self.tasks[step.name]
            if step.started_at:
                self.progress.start_task(task)
            self.progress.update(task, completed=step.progress, stage=describe(step))
            if step.status.ended:
                self.progress.stop_task(task)


class Lines:
    """A line whenever a step gets to another status, stage or tenth."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.last: dict[str, str] = {}

    def update(self, state: WorkflowState) -> None:
        """Show this state."""
        for step in state.steps:
            line = f"{step.name:<10} {int(step.progress * 10) * 10:>3} %  {describe(step)}"
            if step.status is not Status.PENDING and self.last.get(step.name) != line:
                self.last[step.name] = line
                self.console.print(line, markup=False)


def describe(step: StepState) -> str:
    """The status of a step, or its stage while it runs."""
    return step.stage if step.status is Status.RUNNING and step.stage else step.status.value


@dataclass(frozen=True)
class Result:
    """An ended run and its folder."""

    folder: Path
    state: WorkflowState

    def json(self, path: str) -> dict[str, Any]:
        """A JSON file of the folder."""
        content: dict[str, Any] = json.loads((self.folder / path).read_text("utf-8"))
        return content


@dataclass(frozen=True)
class Topic:
    """What became of one topic: `rows` counted in the Parquet files just now."""

    name: str
    schema: str
    messages: int
    rows: int
    unreadable: int
    files: tuple[Path, ...]

    @property
    def whole(self) -> bool:
        """Whether there is a row for each message."""
        return self.rows == self.messages


def show_result(console: Console, result: Result) -> int:
    """Tell how the run ended and where its results are; the exit code."""
    if result.state.status is not Status.COMPLETED:
        for step in result.state.steps:
            if step.error:
                console.print(f"\n{step.name} failed", style="bold red")
                show_problem(console, step.error)
        console.print(f"\nIts folder: {result.folder}", markup=False)
        return 1
    topics = read_topics(result)
    console.print()
    console.print(table(topics))
    show_warnings(console, result.state)
    show_places(console, result, topics)
    return 0


def show_problem(console: Console, problem: Problem) -> None:
    """A problem in words: what, where, and what to do."""
    console.print(problem.title, style="bold red", markup=False)
    console.print(problem.detail, markup=False)
    for name, value in problem.where.items():
        console.print(f"  {name}: {value}", markup=False)
    for item in problem.errors:
        console.print(f"  {item.pointer}: {item.detail}", markup=False)
    console.print(problem.hint, markup=False)


def show_warnings(console: Console, state: WorkflowState) -> None:
    """Everything that the user must know though the run completed."""
    notes = [*state.warnings, *(note for step in state.steps for note in step.warnings)]
    for note in notes:
        console.print(f"[yellow]warning[/] {escape(note.message)}")
    total = state.warnings_total + sum(step.warnings_total for step in state.steps)
    if total > len(notes):
        console.print(f"[yellow]and {total - len(notes)} more[/] in the steps' manifest.json")


def show_places(console: Console, result: Result, topics: list[Topic]) -> None:
    """Where everything is, and how to open it."""
    rrd = result.folder / "visualize" / "recording.rrd"
    console.print(f"\nfolder   {result.folder}", markup=False)
    console.print(f"Parquet  {result.folder / 'convert'}", markup=False)
    console.print(f"Rerun    {rrd}", markup=False)
    console.print("\nOpen them:")
    if with_rows := [topic for topic in topics if topic.files]:
        console.print(f"  {duckdb_line(max(with_rows, key=lambda topic: topic.rows).files[0])}", markup=False)
    console.print(f"  {shlex.join([program('rerun'), str(rrd)])}", markup=False)


def duckdb_line(file: Path) -> str:
    """A shell command that shows the first rows of a Parquet file."""
    quoted = str(file).replace("'", "''")
    return shlex.join(["duckdb", "-c", f"FROM read_parquet('{quoted}') LIMIT 5"])


def program(name: str) -> str:
    """A program of this environment, by its path if it has one."""
    path = Path(sys.executable).parent / name
    return str(path) if path.exists() else name


def table(topics: list[Topic]) -> Table:
    """Messages of the recording beside rows of the dataset, topic by topic."""
    table = Table("topic", "schema", box=None, pad_edge=False)
    table.add_column("messages", justify="right")
    table.add_column("rows", justify="right")
    table.add_column("")
    for topic in topics:
        verdict = "" if topic.whole else f"{topic.messages - topic.rows} without a row"
        cells = (escape(topic.name), escape(topic.schema), f"{topic.messages:,}", f"{topic.rows:,}", verdict)
        table.add_row(*cells, style=None if topic.whole else "yellow")
    return table


def read_topics(result: Result) -> list[Topic]:
    """The topics of a completed run, from its index and from the Parquet files themselves."""
    indexed = {topic["name"]: topic for topic in result.json("index/index.json")["topics"]}
    converted = result.json("convert/manifest.json")["topics"]
    return [
        _topic(result.folder / "convert", name, indexed.get(name, {}), converted.get(name, {}))
        for name in sorted({*indexed, *converted})
    ]


def _topic(folder: Path, name: str, indexed: dict[str, Any], converted: dict[str, Any]) -> Topic:
    files = tuple(folder / file for file in converted.get("files", ()))
    return Topic(
        name=name,
        schema=converted.get("schema") or indexed.get("schema") or "",
        messages=indexed.get("count", 0),
        rows=sum(pq.read_metadata(file).num_rows for file in files),
        unreadable=converted.get("messages", {}).get("unreadable", 0),
        files=files,
    )
