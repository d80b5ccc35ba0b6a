"""Reads a plain command line without typer, whose loading costs more than a small conversion.

Whatever is not plain (help, mistakes, abbreviations, a value that begins with a dash) is left to typer, so
there is one place that explains and complains. The tests compare the two.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bagmill.choices import Compression, OnCorrupt
from bagmill.startup import loading

_ONCE = {
    "--output": "output",
    "--format": "format",
    "--start-time": "start_time",
    "--end-time": "end_time",
    "--compression": "compression",
    "--on-corrupt": "on_corrupt",
}
_OFTEN = {"--topics": "topics", "--exclude-topics": "exclude_topics"}
_CLOSED: Mapping[str, Collection[str]] = {"compression": set(Compression), "on_corrupt": set(OnCorrupt)}
"""Values that typer would refuse are left to it."""


@dataclass(slots=True)
class Call:
    """A command with what it was given; `once` and `often` hold the options of convert that were named."""

    command: str
    files: list[Path] = field(default_factory=list)
    as_json: bool = False
    once: dict[str, str] = field(default_factory=dict)
    often: dict[str, list[str]] = field(default_factory=dict)


def read(arguments: Sequence[str]) -> Call | None:
    """Read a command line; None if typer is to do it."""
    if not arguments or arguments[0] not in {"info", "doctor", "convert"}:
        return None
    call = Call(arguments[0])
    words = iter(arguments[1:])
    for word in words:
        if word == "--json":
            call.as_json = True
        elif not word.startswith("-"):
            call.files.append(Path(word))
        elif not _take_option(call, word, next(words, "-")):
            return None
    return call if _is_whole(call) else None


def _take_option(call: Call, flag: str, value: str) -> bool:
    if value.startswith("-") or call.command != "convert":
        return False
    if name := _OFTEN.get(flag):
        call.often.setdefault(name, []).append(value)
        return True
    name = _ONCE.get(flag, "")
    if not name or value not in _CLOSED.get(name, {value}):
        return False
    call.once[name] = value
    return True


def _is_whole(call: Call) -> bool:
    if call.command == "convert":
        return bool(call.files) and "output" in call.once
    return len(call.files) == 1


def run(call: Call) -> int:
    """Do what a command line says, and return the exit code."""
    with loading():
        from bagmill import commands

        if call.command == "convert":
            import bagmill.convert  # noqa: F401 - it takes most of the time
    match call.command:
        case "info":
            return commands.info(call.files[0], as_json=call.as_json)
        case "doctor":
            return commands.doctor(call.files[0], as_json=call.as_json)
    output = Path(call.once.pop("output"))
    given = {**call.once, **call.often}
    return commands.convert(call.files, output, given, as_json=call.as_json)
