"""How a command ends: in order, by Ctrl-C, by SIGTERM, or with results that could not be written."""

import signal
from collections.abc import Callable
from types import FrameType

from bagmill.streams import flush, put_error

_OTHERS = (signal.SIGTERM, signal.SIGHUP)
_OUTPUT_LOST = 1


class Terminated(BaseException):
    """The process was asked to end; unwinds like KeyboardInterrupt."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(signal.Signals(number).name)


def guarded(run: Callable[[], int]) -> int:
    """Run a command and return the exit code: its own, or 128 plus the number of the signal that ended it.

    Whatever the command has unfinished is removed on the way out.
    """
    for number in _OTHERS:
        if signal.getsignal(number) is signal.SIG_DFL:  # nohup ignores one of them
            signal.signal(number, _terminate)
    try:
        code = run()
    except KeyboardInterrupt:
        code = _ended_by(signal.SIGINT)
    except Terminated as ended:
        code = _ended_by(ended.number)
    if (reason := flush()) is not None:
        put_error(f"error: the result could not be written: {reason}")
        flush()
        return _OUTPUT_LOST
    return code


def _terminate(number: int, _: FrameType | None) -> None:
    raise Terminated(number)


def _ended_by(number: int) -> int:
    put_error(f"interrupted by {signal.Signals(number).name}; what was unfinished is removed")
    return 128 + number
