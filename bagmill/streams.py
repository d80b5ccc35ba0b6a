"""stdout and stderr as they may be: closed, full, read by nobody any more, or without Unicode."""

import os
import sys
from typing import TextIO

_failures: list[str] = []


def put_out(text: str) -> None:
    """Write a line of the result."""
    _put(sys.stdout, text)


def put_error(text: str) -> None:
    """Write a line of diagnostics."""
    _put(sys.stderr, text)


def speaks_unicode() -> bool:
    """Whether stdout takes any text."""
    return sys.stdout is None or sys.stdout.encoding.lower().replace("-", "") in {"utf8", "utf16", "utf32"}


def flush() -> str | None:
    """Write what waits in memory, at the end; why some of the result could not be written, if so."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            try:
                stream.flush()
            except OSError as error:
                _give_up(stream, error)
    return _failures[0] if _failures else None


def _put(stream: TextIO | None, text: str) -> None:
    if stream is None:  # closed before the program was started
        return
    try:
        stream.write(text.encode(stream.encoding, "backslashreplace").decode(stream.encoding) + "\n")
    except OSError as error:
        _give_up(stream, error)


def _give_up(stream: TextIO, error: OSError) -> None:
    """Let the rest go nowhere; a reader that went away (`| head`) is no failure, it has what it wanted."""
    if not isinstance(error, BrokenPipeError) and stream is sys.stdout:
        _failures.append(error.strerror or str(error))
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
