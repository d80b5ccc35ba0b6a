"""What a job says when it can't go on: a problem, whether another try may help, and what the log needs."""

import errno
import traceback
from collections.abc import Iterator

from bagmill.errors import BagmillError, OutputFailed, OutputUnverified
from models.job import FailedEvent
from services.errors import StorageFailed
from services.problems import problem_of
from services.process_errors import OutOfMemory

_NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT})
_MAY_PASS = (OutOfMemory, StorageFailed, OSError, OutputFailed, OutputUnverified)
"""What the machine lacked, and what was not written as it should be: not all call a full disk by its name."""


def failure_of(exc: Exception) -> FailedEvent:
    """The last event of a job that raised `exc`.

    Known errors say it all themselves; whatever is unforeseen carries its traceback. What the machine lacked
    (memory, disk) may be there next time, and then the output can be written; bad input stays bad.
    """
    known = _known(exc)
    return FailedEvent(
        problem=problem_of(known),
        traceback=None if isinstance(known, BagmillError) else "".join(traceback.format_exception(exc)),
        retryable=isinstance(known, _MAY_PASS) or _lacks_space(exc),
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
    return any(isinstance(cause, OSError) and cause.errno in _NO_SPACE for cause in _causes(exc))


def _causes(exc: BaseException | None) -> Iterator[BaseException]:
    while exc is not None:
        yield exc
        exc = exc.__cause__ or exc.__context__
