"""From exceptions to problem objects (RFC 9457): the same for HTTP answers and for `state.json`."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import singledispatch
from typing import Any

from bagmill.errors import BagmillError
from models.problem import Problem, ProblemItem
from services.errors import InternalError, InvalidRequest, StorageFailed


@dataclass(frozen=True, slots=True)
class ProblemKind:
    """One kind of problem: what `/problems/<code>` tells, and a section of `docs/errors.md`."""

    code: str
    title: str
    hint: str


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


def title_of(kind: type[BagmillError]) -> str:
    """The first line of a class's docstring, without its full stop."""
    return (kind.__doc__ or "").strip().splitlines()[0].removesuffix(".")


def kinds() -> Mapping[str, ProblemKind]:
    """All kinds of problems whose classes have been imported, by code, in the order of the alphabet."""
    found = {kind.code: ProblemKind(kind.code, title_of(kind), kind.default_hint) for kind in all_kinds()}
    return dict(sorted(found.items()))


def all_kinds(root: type[BagmillError] = BagmillError) -> Iterator[type[BagmillError]]:
    """All classes of exceptions that have been imported, the general ones first."""
    yield root
    for kind in root.__subclasses__():
        yield from all_kinds(kind)


def printable(text: str) -> str:
    """The text with what UTF-8 can't carry (undecodable bytes of file names) written as escapes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


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
    if isinstance(error, InvalidRequest):
        return [
            ProblemItem(pointer=item.pointer, detail=printable(item.detail), hint=item.hint)
            for item in error.items
        ]
    if pointer := error.where.get("pointer"):
        return [ProblemItem(pointer=str(pointer), detail=printable(error.message), hint=error.hint)]
    return []
