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
    """The status of a step, or its stage while it runs, or why it does not."""
    if step.reason:
        return f"{step.status.value}: {step.reason}"
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
        console.print(f"\nfolder  {result.folder}", markup=False)
        console.print(f"log     {result.folder / 'worker.log'}", markup=False)
        return 1
    topics = read_topics(result)
    console.print()
    console.print(table(topics))
    notes = warnings(result.state)
    for line in notes:
        console.print(f"[yellow]warning[/] {escape(line)}")
    show_places(console, result, topics)
    if not notes and not all(topic.whole for topic in topics):
        console.print("\nMessages are missing and no step has told of it: please report this as a bug.")
        return 1
    return 0


def show_problem(console: Console, problem: Problem) -> None:
    """A problem in words: what, where, and what to do."""
    if problem.title.rstrip(".") != problem.detail.rstrip("."):
        console.print(problem.title, style="bold red", markup=False)
    console.print(problem.detail, markup=False)
    for name, value in problem.where.items():
        if name != "pointer":
            console.print(f"  {name}: {value}", markup=False)
    for item in problem.errors:
        if item.detail != problem.detail:
            console.print(f"  {item.pointer}: {item.detail}", markup=False)
    console.print(problem.hint, markup=False)


def warnings(state: WorkflowState) -> list[str]:
    """Everything that the user must know though the run completed; what several steps say, once."""
    said: dict[str, list[str]] = {note.message: [] for note in state.warnings}
    for step in state.steps:
        for note in step.warnings:
            said.setdefault(note.message, []).append(step.name)
    lines = [f"({', '.join(steps)}) {message}" if steps else message for message, steps in said.items()]
    untold = state.warnings_total - len(state.warnings)
    untold += sum(step.warnings_total - len(step.warnings) for step in state.steps)
    return [*lines, *([f"and {untold} more, in the steps' manifest.json"] if untold > 0 else [])]


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
    escaped = str(file).replace("'", "''").replace("[", "[[]").replace("*", "[*]").replace("?", "[?]")
    query = f"FROM '{escaped}' LIMIT 5"
    plain = not set(query) & set('"$`\\!')
    return f'duckdb -c "{query}"' if plain else shlex.join(["duckdb", "-c", query])


def program(name: str) -> str:
    """A program of this environment, by its path if it has one."""
    path = Path(sys.executable).parent / name
    return str(path) if path.exists() else name


def table(topics: list[Topic]) -> Table:
    """Messages of the recording beside rows of the dataset, topic by topic."""
    messages, rows = sum(topic.messages for topic in topics), sum(topic.rows for topic in topics)
    table = Table(box=None, pad_edge=False, show_footer=True)
    table.add_column("topic", "all", overflow="fold")
    table.add_column("schema", overflow="fold")
    table.add_column("messages", f"{messages:,}", justify="right")
    table.add_column("rows", f"{rows:,}", justify="right")
    for topic in topics:
        cells = (escape(topic.name), escape(topic.schema), f"{topic.messages:,}", f"{topic.rows:,}")
        table.add_row(*cells, style=None if topic.whole else "yellow")
    return table


def read_topics(result: Result) -> list[Topic]:
    """The topics of a completed run, from its index and from the Parquet files themselves."""
    indexed = result.json("index/index.json")["topics"]
    tables: dict[str, list[dict[str, Any]]] = {name: [] for name in indexed}
    for table in result.json("convert/manifest.json")["topics"].values():
        tables.setdefault(table["topic"], []).append(table)
    folder = result.folder / "convert"
    return [_topic(folder, name, indexed.get(name, {}), tables[name]) for name in sorted(tables)]


def _topic(folder: Path, name: str, indexed: dict[str, Any], tables: list[dict[str, Any]]) -> Topic:
    """One topic, which has a table for each of its schemas."""
    files = tuple(folder / file for table in tables for file in table["files"])
    read = sum(table["messages"]["read"] for table in tables)
    counted = indexed.get("messages")
    return Topic(
        name=name,
        schema=", ".join(sorted({table["schema"] or "" for table in tables})),
        messages=read if counted is None else counted,
        rows=sum(pq.read_metadata(file).num_rows for file in files),
        files=files,
    )
