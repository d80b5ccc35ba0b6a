"""The command line: `bagmill info`, `doctor` and `convert`, described in docs/cli.md.

Results go to stdout, diagnostics to stderr. Exit codes: 0 fine, 1 failed, 2 bad usage, 3 finished, but
messages are missing or unreadable.
"""

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from bagmill.clioutput import (
    describe_error,
    error_facts,
    fail,
    print_dataset,
    print_index,
    say_json,
    show_progress,
    warn,
)
from bagmill.errors import BagmillError, OutputExists, SelectionError
from bagmill.options import Compression, ConvertOptions, IndexOptions, OnCorrupt

FINE, FAILED, BAD_USAGE, INCOMPLETE = 0, 1, 2, 3

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Index, examine and convert MCAP robot recordings.",
)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
File = Annotated[Path, typer.Argument(help="An .mcap recording.")]
Files = Annotated[list[Path], typer.Argument(metavar="FILE...", help="One or more .mcap recordings.")]
Output = Annotated[
    Path, typer.Option(help="Folder to make the dataset in; for several recordings, one below it for each.")
]
Format = Annotated[str, typer.Option("--format", help="Format of the dataset: parquet.")]
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
Codec = Annotated[Compression, typer.Option(help="Codec of the Parquet pages.")]
Corrupt = Annotated[OnCorrupt, typer.Option(help="Recover what a damaged recording still holds, or fail.")]


@app.command()
def info(file: File, as_json: Json = False) -> None:
    """Say what is in a recording: times, topics, schemas, counts."""
    from bagmill.index import index

    try:
        with tempfile.TemporaryDirectory() as folder, show_progress(file.name) as progress:
            report = index(file, Path(folder), IndexOptions(), progress)
            facts = json.loads((Path(folder) / "index.json").read_text(encoding="utf-8"))
    except BagmillError as error:
        raise typer.Exit(_report_failure(error, as_json=as_json)) from None
    if as_json:
        say_json(facts)
    else:
        print_index(facts)
    warn([warning.message for warning in report.warnings])
    raise typer.Exit(FINE if report.complete else INCOMPLETE)


@app.command()
def doctor(file: File, as_json: Json = False) -> None:
    """Say what is wrong with a recording: damage, gaps, clocks, duplicates, unreadable messages."""
    from bagmill.clidoctor import print_diagnosis
    from bagmill.doctor import diagnose

    try:
        with show_progress(file.name) as progress:
            diagnosis = diagnose(file, progress)
    except BagmillError as error:
        raise typer.Exit(_report_failure(error, as_json=as_json)) from None
    if as_json:
        say_json(diagnosis.as_json())
    else:
        print_diagnosis(file, diagnosis)
    raise typer.Exit(FINE if diagnosis.complete else INCOMPLETE)


@app.command()
def convert(
    files: Files,
    output: Output,
    format_: Format = "parquet",
    topics: Topics = None,
    exclude_topics: Excluded = None,
    start_time: Start = None,
    end_time: End = None,
    compression: Codec = Compression.ZSTD,
    on_corrupt: Corrupt = OnCorrupt.RECOVER,
    as_json: Json = False,
) -> None:
    """Convert recordings to typed Parquet, one folder for each topic."""
    given = {
        "format": format_,
        "topics": topics or ["*"],
        "exclude_topics": exclude_topics or [],
        "start_time": start_time,
        "end_time": end_time,
        "compression": compression,
        "on_corrupt": on_corrupt,
    }
    options = _options(given)
    targets = _targets(files, output)
    results = [
        _convert_one(file, target, options, as_json=as_json)
        for file, target in zip(files, targets, strict=True)
    ]
    if as_json:
        objects = [result for result, _ in results]
        say_json(objects[0] if len(files) == 1 else {"recordings": objects})
    raise typer.Exit(_worst([code for _, code in results]))


def _options(given: dict[str, Any]) -> ConvertOptions:
    try:
        return ConvertOptions(**given)
    except ValidationError as error:
        for item in error.errors():
            flag = "--" + str(item["loc"][0]).replace("_", "-")
            fail(f"{flag}: {item['msg'].removeprefix('Value error, ')}", {}, "See `bagmill convert --help`.")
        raise typer.Exit(BAD_USAGE) from None


def _targets(files: Sequence[Path], output: Path) -> list[Path]:
    """The dataset folder of each file: the output itself, or for several files one below it for each name."""
    if len(files) == 1:
        return [output]
    targets = [output / file.name.removesuffix(".mcap") for file in files]
    names = [target.name.lower() for target in targets]
    for file, name in zip(files, names, strict=True):
        if names.count(name) > 1:
            fail(
                f"{file} and another recording would both become the dataset {name}",
                {},
                "Convert them one by one, each with its own --output.",
            )
            raise typer.Exit(BAD_USAGE)
    return targets


def _convert_one(
    file: Path, target: Path, options: ConvertOptions, *, as_json: bool
) -> tuple[dict[str, Any], int]:
    """Convert one file and print what came of it; the JSON object and the exit code."""
    from bagmill.convert import convert as convert_recording
    from bagmill.probe import shown
    from bagmill.staging import write_dataset

    try:
        with show_progress(file.name) as progress:
            manifest = write_dataset(
                target, "convert", lambda folder: convert_recording(file, folder, options, progress)
            )
    except BagmillError as error:
        describe_error(error)
        return {"recording": shown(file), "error": error_facts(error)}, _code(error)
    if not as_json:
        print_dataset(file, target, manifest)
    warn([warning["message"] for warning in manifest["warnings"]])
    facts = {"recording": shown(file), "output": shown(target), **manifest}
    return facts, FINE if manifest["complete"] else INCOMPLETE


def _report_failure(error: BagmillError, *, as_json: bool) -> int:
    describe_error(error)
    if as_json:
        say_json({"error": error_facts(error)})
    return _code(error)


def _code(error: BagmillError) -> int:
    """Another command line would do better after these; after the others, another file or disk."""
    return BAD_USAGE if isinstance(error, SelectionError | OutputExists) else FAILED


def _worst(codes: Sequence[int]) -> int:
    return next((code for code in (FAILED, BAD_USAGE, INCOMPLETE) if code in codes), FINE)


def main() -> None:
    """Run the command line."""
    app(prog_name="bagmill")
