"""`bagmill dataset`: recordings and a spec become one dataset."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bagmill.clioutput import (
    describe_error,
    error_facts,
    fail,
    print_table,
    say,
    say_json,
    show_progress,
    warn,
)
from bagmill.commands import BAD_USAGE, FAILED, FINE, INCOMPLETE
from bagmill.errors import BagmillError, DatasetInvalid, OutputExists, SelectionError, SpecError
from bagmill.probe import shown
from bagmill.staging import write_dataset


def dataset(files: Sequence[Path], spec: Path, output: Path, *, allow_failed: bool, as_json: bool) -> int:
    """Make one dataset of recordings; the exit code."""
    from bagmill.dataset.make import make_dataset
    from bagmill.dataset.spec import load_spec

    twice = [file for number, file in enumerate(files) if file in files[:number]]
    if twice:
        fail(f"{twice[0]} is given twice", {}, "Give each recording once.")
        return BAD_USAGE
    try:
        plan = load_spec(spec)
        with show_progress(files[0].name) as progress:
            manifest = write_dataset(
                output,
                "dataset",
                lambda folder: make_dataset(files, folder, plan, progress, allow_failed=allow_failed),
            )
    except BagmillError as error:
        describe_error(error)
        if as_json:
            say_json({"recordings": [shown(file) for file in files], "error": error_facts(error)})
        return _code(error)
    if as_json:
        say_json({"output": shown(output), **manifest})
    else:
        _print(files, output, manifest)
    warn([warning["message"] for warning in manifest["warnings"]])
    return FINE if manifest["complete"] else INCOMPLETE


def _print(files: Sequence[Path], output: Path, manifest: Mapping[str, Any]) -> None:
    what = str(files[0]) if len(files) == 1 else f"{len(manifest['sources'])} of {len(files)} recordings"
    rows, episodes = manifest["rows"], manifest["episodes"]
    dropped = manifest["candidates"] - rows
    say(f"{what} -> {output}: {rows} rows, {episodes} episodes, {dropped} rows dropped")
    print_table(
        ("split", "rows", "files"),
        [(name, str(one["rows"]), str(len(one["files"]))) for name, one in manifest["splits"].items()],
    )
    columns = manifest["features"] | manifest["labels"]
    print_table(
        ("feature", "type", "missing", "source"),
        [(name, one["type"], f"{one['missing_share']:.2%}", one["source"]) for name, one in columns.items()],
    )


def _code(error: BagmillError) -> int:
    """Another command line or spec would do better after these; after the others, another file or disk."""
    usage = isinstance(error, SelectionError | OutputExists | SpecError)
    return BAD_USAGE if usage and not isinstance(error, DatasetInvalid) else FAILED
