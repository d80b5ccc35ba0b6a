"""The command line: `bagmill info`, `doctor`, `convert`, `draft`, `preview` and `dataset`: see docs/cli.md.

Results go to stdout, diagnostics to stderr; `bagmill.commands` does the work.
"""

from pathlib import Path
from typing import Annotated

import typer

from bagmill import commands
from bagmill.choices import Compression, OnCorrupt
from bagmill.interrupts import guarded

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Index, examine and convert MCAP robot recordings, and make datasets of them.",
)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
File = Annotated[Path, typer.Argument(help="An .mcap recording.")]
Files = Annotated[list[Path], typer.Argument(metavar="FILE...", help="One or more .mcap recordings.")]
Output = Annotated[
    Path, typer.Option(help="Folder to make the dataset in; for several recordings, one below it for each.")
]
Format = Annotated[str, typer.Option("--format", help="Format of the dataset: parquet or tfrecord.")]
Topics = Annotated[
    list[str] | None, typer.Option(help="Glob of the topics to take; several times for more. [default: *]")
]
Excluded = Annotated[
    list[str] | None, typer.Option(help="Glob of the topics to leave out; several times for more; wins.")
]
Start = Annotated[
    str | None, typer.Option(help="First log time to take: RFC 3339 with an offset, or ns since the epoch.")
]
End = Annotated[
    str | None, typer.Option(help="Log time to stop before: RFC 3339 with an offset, or ns since the epoch.")
]
Codec = Annotated[
    Compression | None,
    typer.Option(help="Codec of the files; tfrecord: gzip or none. [default: zstd; tfrecord: none]"),
]
SpecFile = Annotated[Path, typer.Option("--spec", help="The spec of the dataset: YAML or JSON.")]
Made = Annotated[Path, typer.Option(help="Folder to make the dataset in.")]
AllowFailed = Annotated[
    bool, typer.Option("--allow-failed", help="Leave out recordings that fail, and say which.")
]
Shown = Annotated[int, typer.Option("--rows", min=0, max=1000, help="How many rows to show, at most.")]
Corrupt = Annotated[OnCorrupt, typer.Option(help="Recover what a damaged recording still holds, or fail.")]


@app.command()
def info(file: File, as_json: Json = False) -> None:
    """Say what is in a recording: times, topics, schemas, counts."""
    raise typer.Exit(guarded(lambda: commands.info(file, as_json=as_json)))


@app.command()
def doctor(file: File, as_json: Json = False) -> None:
    """Say what is wrong with a recording: damage, gaps, clocks, duplicates, unreadable messages."""
    raise typer.Exit(guarded(lambda: commands.doctor(file, as_json=as_json)))


@app.command()
def convert(
    files: Files,
    output: Output,
    format_: Format = "parquet",
    topics: Topics = None,
    exclude_topics: Excluded = None,
    start_time: Start = None,
    end_time: End = None,
    compression: Codec = None,
    on_corrupt: Corrupt = OnCorrupt.RECOVER,
    as_json: Json = False,
) -> None:
    """Convert recordings to typed Parquet or TFRecord, one folder for each topic."""
    given = {
        "format": format_,
        "topics": topics or ["*"],
        "exclude_topics": exclude_topics or [],
        "start_time": start_time,
        "end_time": end_time,
        "compression": compression,
        "on_corrupt": on_corrupt,
    }
    raise typer.Exit(guarded(lambda: commands.convert(files, output, given, as_json=as_json)))


@app.command()
def draft(file: File, as_json: Json = False) -> None:
    """Propose the spec of a dataset for a recording, with reasons."""
    from bagmill import clidraft

    raise typer.Exit(guarded(lambda: clidraft.draft(file, as_json=as_json)))


@app.command()
def preview(file: File, spec: SpecFile, rows: Shown = 5, as_json: Json = False) -> None:
    """Show what a spec makes of the first part of a recording; nothing is written."""
    from bagmill import clidraft

    raise typer.Exit(guarded(lambda: clidraft.preview(file, spec, rows, as_json=as_json)))


@app.command()
def dataset(
    files: Files, spec: SpecFile, output: Made, allow_failed: AllowFailed = False, as_json: Json = False
) -> None:
    """Make one dataset of typed, aligned rows of recordings, as a spec says."""
    from bagmill import clidataset

    raise typer.Exit(
        guarded(lambda: clidataset.dataset(files, spec, output, allow_failed=allow_failed, as_json=as_json))
    )
