"""`bagmill draft` and `bagmill preview`: a spec for a recording, and what a spec makes of one."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bagmill.clioutput import describe_error, error_facts, print_table, say, say_json, warn
from bagmill.commands import BAD_USAGE, FAILED, FINE
from bagmill.errors import BagmillError, DatasetInvalid, SelectionError, SpecError
from bagmill.probe import shown


def draft(file: Path, *, as_json: bool) -> int:
    """Print a spec for a recording, and why it is so; the exit code."""

    def work() -> Mapping[str, Any]:
        from bagmill.dataset.draft import draft_spec

        return draft_spec(file).model_dump(mode="json")

    def tell(found: Mapping[str, Any]) -> None:
        for line in found["yaml"].splitlines():
            say(line)
        say("# why:")
        for one in found["choices"]:
            say(f"# {one['pointer']}: {one['reason']}")

    return _run(file, work, tell, as_json=as_json)


def preview(file: Path, spec: Path, rows: int, *, as_json: bool) -> int:
    """Print what a spec makes of the first part of a recording; the exit code."""

    def work() -> Mapping[str, Any]:
        from bagmill.dataset.preview import preview as previewed
        from bagmill.dataset.spec import load_spec

        return previewed(file, load_spec(spec), rows=rows)

    return _run(file, work, _print, as_json=as_json)


def _run(
    file: Path,
    work: Callable[[], Mapping[str, Any]],
    tell: Callable[[Mapping[str, Any]], None],
    *,
    as_json: bool,
) -> int:
    try:
        found = work()
    except BagmillError as error:
        describe_error(error)
        if as_json:
            say_json({"recording": shown(file), "error": error_facts(error)})
        usage = isinstance(error, SelectionError | SpecError) and not isinstance(error, DatasetInvalid)
        return BAD_USAGE if usage else FAILED
    if as_json:
        say_json(found)
    else:
        tell(found)
    return FINE


def _print(found: Mapping[str, Any]) -> None:
    window = found["window"]
    part = "all of it" if window["whole"] else f"its first {window['share']:.2%}, up to {window['end_time']}"
    say(f"{found['recording']}, {part}: {found['kept']} of {found['candidates']} rows are kept")
    print_table(("drop", "rows"), [(name, str(count)) for name, count in found["drops"].items()])
    columns = found["features"] | found["labels"]
    print_table(
        ("feature", "type", "missing", "source"),
        [(name, one["type"], f"{one['missing_share']:.2%}", one["source"]) for name, one in columns.items()],
    )
    for row in found["rows"]:
        say("  ".join(f"{name}={value}" for name, value in row.items()))
    warn([one["message"] for one in found["warnings"]])
