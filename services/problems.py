"""From exceptions to problem objects (RFC 9457): the same for HTTP answers and for `state.json`."""

import os
from collections.abc import Iterator, Mapping
from functools import singledispatch
from typing import Any

from bagmill.errors import BagmillError
from bagmill.faults import Fault
from models.problem import Problem, ProblemItem
from services.errors import InternalError, StorageFailed


def problem_of(exc: BaseException) -> Problem:
    """The problem object of an exception; `status` is left for HTTP to fill.

    The text of an exception that is not Bagmill's own is never shown: only the log has it.
    """
    error = _known(exc)
    return Problem(
        type=f"/problems/{error.code}",
        title=title_of(type(error)),
        detail=printable(error.message),
        code=error.code,
        hint=error.hint,
        where={name: _printable(value) for name, value in error.where.items()},
        errors=_items(error),
    )


def error_of(problem: Problem) -> BagmillError:
    """The exception that a problem object of another process was made of."""
    known = kinds().get(problem.code, InternalError)
    error = known(problem.detail, where=problem.where, hint=problem.hint)
    error.items = tuple(Fault(item.pointer, item.detail, item.hint) for item in problem.errors)
    return error


def title_of(kind: type[BagmillError]) -> str:
    """The first line of a class's docstring, without its full stop."""
    return (kind.__doc__ or "").strip().splitlines()[0].removesuffix(".")


def kinds() -> Mapping[str, type[BagmillError]]:
    """All kinds of problems whose classes have been imported, by code, in the order of the alphabet."""
    return dict(sorted((kind.code, kind) for kind in _tree(BagmillError)))


def printable(text: str) -> str:
    """The text with what UTF-8 can't carry (undecodable bytes of file names) written as escapes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _tree(root: type[BagmillError]) -> Iterator[type[BagmillError]]:
    yield root
    for kind in root.__subclasses__():
        yield from _tree(kind)


def _printable(value: str | int) -> str | int:
    return printable(value) if isinstance(value, str) else value


@singledispatch
def _known(exc: BaseException) -> BagmillError:
    """The exception as one of Bagmill's own."""
    return InternalError(f"An unexpected {type(exc).__name__} stopped this.")


@_known.register
def _(exc: BagmillError) -> BagmillError:
    return exc


@_known.register
def _(exc: OSError) -> BagmillError:
    where: dict[str, Any] = (
        {"path": os.fsdecode(exc.filename)} if isinstance(exc.filename, str | bytes) else {}
    )
    return StorageFailed(f"{os.strerror(exc.errno)}." if exc.errno else None, where=where)


def _items(error: BagmillError) -> list[ProblemItem]:
    if error.items:
        return [
            ProblemItem(pointer=item.pointer, detail=printable(item.detail), hint=item.hint)
            for item in error.items
        ]
    if pointer := error.where.get("pointer"):
        return [ProblemItem(pointer=str(pointer), detail=printable(error.message), hint=error.hint)]
    return []
