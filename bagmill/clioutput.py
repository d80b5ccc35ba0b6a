"""What the command line prints: results on stdout, diagnostics on stderr."""

import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bagmill.errors import BagmillError
from bagmill.report import Progress, ProgressSink, silent
from bagmill.streams import put_error, put_out, speaks_unicode

_MOST_WARNINGS = 20
_LONGEST = 2000
"""Letters of a line of diagnostics: names in damaged files may be longer than anybody reads."""
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]")


def say(text: str) -> None:
    """Print a line of the result."""
    put_out(printable(text))


def say_json(value: Mapping[str, Any]) -> None:
    """Print one JSON object in one line."""
    put_out(json.dumps(value, ensure_ascii=not speaks_unicode(), allow_nan=False))


def _complain(text: str) -> None:
    put_error(printable(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."))


def printable(text: str) -> str:
    """Text that any output takes: bytes of a path that are not UTF-8, and controls, become `\\xff`."""
    plain = text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return _CONTROL.sub(lambda found: f"\\x{ord(found.group()):02x}", plain)


def fail(what: str, where: Mapping[str, str | int], hint: str) -> None:
    """Print an error: what is wrong, where, and what to do."""
    _complain(f"error: {what}")
    # A JSON pointer leads into a request, and here is none.
    places = [f"{name} {value}" for name, value in where.items() if name != "pointer"]
    if places:
        _complain(f"  where: {', '.join(places)}")
    _complain(f"  what to do: {hint}")


def describe_error(error: BagmillError) -> None:
    """Print one of the project's errors, and each fault where it tells of several."""
    fail(error.message, error.where, error.hint)
    for item in error.items if len(error.items) > 1 else ():
        _complain(f"  {item.pointer or 'the whole'}: {item.detail}" + (f" {item.hint}" if item.hint else ""))


def error_facts(error: BagmillError) -> dict[str, Any]:
    """An error, ready for JSON."""
    facts = {"code": error.code, "message": error.message, "where": error.where, "hint": error.hint}
    return facts | ({"errors": [item._asdict() for item in error.items]} if error.items else {})


def warn(messages: Sequence[str]) -> None:
    """Print warnings, not more than a person reads."""
    for message in messages[:_MOST_WARNINGS]:
        _complain(f"warning: {message}")
    if len(messages) > _MOST_WARNINGS:
        _complain(f"warning: and {len(messages) - _MOST_WARNINGS} more; --json has all.")


def print_dataset(file: Path, target: Path, manifest: Mapping[str, Any]) -> None:
    """Print what a conversion made."""
    topics = manifest["topics"]
    rows = sum(topic["rows"] for topic in topics.values())
    say(f"{file} -> {target}: {len(topics)} topics, {rows} rows")
    print_table(
        ("topic", "rows", "schema"),
        [
            (name, str(topic["rows"]), (topic["schema"] or "") + ("" if topic["decoded"] else " (raw bytes)"))
            for name, topic in topics.items()
        ],
    )


def print_index(facts: Mapping[str, Any]) -> None:
    """Print what is in a recording, from the content of `index.json`."""
    chunks = facts["chunks"]
    codecs = ", ".join(f"{codec['count']} {name}" for name, codec in chunks["compression"].items())
    duration = facts["duration_seconds"]
    lines = {
        "recording": facts["recording"],
        "size": f"{facts['size']} bytes",
        "written by": " ".join(filter(None, [facts["library"], f"(profile {facts['profile'] or 'none'})"])),
        "start": facts["start_time"] or "no messages",
        "end": facts["end_time"] or "no messages",
        "duration": "none" if duration is None else f"{duration:.3f} s",
        "messages": facts["messages"],
        "chunks": f"{chunks['count']} ({codecs})" if codecs else "none",
        "attachments": _listed(facts["attachments"]),
        "metadata": _listed(facts["metadata"]),
    }
    for name, value in lines.items():
        say(f"{name + ':':<13}{value}")
    rows = [
        (topic, str(found["messages"]), _rate(found["rate_hz"]), _schemas(found))
        for topic, found in facts["topics"].items()
    ]
    print_table(("topic", "messages", "Hz", "schema"), rows)


def _listed(items: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(item["name"] for item in items) or "none"


def _rate(hertz: float | None) -> str:
    return "" if hertz is None else f"{hertz:.2f}"


def _schemas(topic: Mapping[str, Any]) -> str:
    names = ", ".join(schema["name"] for schema in topic["schemas"]) or "no schema"
    return f"{names} [{', '.join(topic['message_encodings'])}]"


def print_table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    """Print rows below their heads, in columns."""
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    for row in [head, *rows]:
        say("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


@contextmanager
def show_progress(name: str) -> Iterator[ProgressSink]:
    """Draw a bar on stderr while something runs, if stderr is a terminal."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield silent
        return
    from rich.console import Console
    from rich.progress import Progress as Bars

    with Bars(console=Console(stderr=True), transient=True) as bars:
        bar = bars.add_task(name)

        def show(progress: Progress) -> None:
            bars.update(
                bar, completed=progress.done, total=progress.total, description=f"{name} {progress.stage}"
            )

        yield show
