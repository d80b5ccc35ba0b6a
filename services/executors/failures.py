"""What a job says when it can't go on: a problem, whether another try may help, and what the log needs."""

import errno
import traceback
from collections.abc import Iterator

from bagmill.errors import BagmillError, OutputFailed
from models.job import FailedEvent
from services.errors import OutOfMemory, StorageFailed
from services.problems import problem_of

_NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT})
_NO_SPACE_TOLD = tuple(f"(os error {number})" for number in _NO_SPACE)
"""How libraries written in Rust tell it: in the text only."""


def failure_of(exc: Exception) -> FailedEvent:
    """The last event of a job that raised `exc`.

    Known errors say it all themselves; whatever is unforeseen carries its traceback. What the machine lacked
    (memory, disk) may be there next time; bad input stays bad.
    """
    known = _known(exc)
    return FailedEvent(
        problem=problem_of(known),
        traceback=None if isinstance(known, BagmillError) else "".join(traceback.format_exception(exc)),
        retryable=isinstance(known, OutOfMemory | StorageFailed | OSError) or _lacks_space(exc),
    )


def _known(exc: Exception) -> Exception:
    """The exception, or the one of ours that says the same."""
    if isinstance(exc, MemoryError):
        return OutOfMemory()
    if isinstance(exc, OSError) and exc.errno in _NO_SPACE:
        where = {"path": str(exc.filename)} if exc.filename else {}
        return OutputFailed("The disk is full.", where=where)
    return exc


def _lacks_space(exc: BaseException) -> bool:
    return any(
        cause.errno in _NO_SPACE
        if isinstance(cause, OSError)
        else any(text in str(cause) for text in _NO_SPACE_TOLD)
        for cause in _causes(exc)
    )


def _causes(exc: BaseException | None) -> Iterator[BaseException]:
    while exc is not None:
        yield exc
        exc = exc.__cause__ or exc.__context__
