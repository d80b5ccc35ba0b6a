"""The stop of the server, as seen by answers that would otherwise go on: streams and long polls.

A server that is told to stop waits for its open answers before it ends the app's lifespan, so the lifespan's
end comes too late for them. Hence the stop signal itself is heard too: whoever handles it (uvicorn, gunicorn,
a plain asyncio loop) still does, afterwards.
"""

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT)


class Stopping:
    """Set once the server is about to stop."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    @property
    def begun(self) -> bool:
        """Whether the stop has begun."""
        return self._event.is_set()

    async def within(self, seconds: float) -> bool:
        """Wait, at most so long, for the stop; True if it has begun."""
        try:
            await asyncio.wait_for(self._event.wait(), seconds)
        except TimeoutError:
            return False
        return True

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Hear the stop signals while this block runs on the server's event loop; its end is a stop too."""
        loop = asyncio.get_running_loop()
        with ExitStack() as undo:
            if threading.current_thread() is threading.main_thread():  # the only one that can handle signals
                for number in STOP_SIGNALS:
                    undo.callback(self._before(number, loop))
            try:
                yield
            finally:
                self._event.set()

    def _before(self, number: signal.Signals, loop: asyncio.AbstractEventLoop) -> Callable[[], None]:
        """Put a handler before the one that there is; returns what takes it away again."""
        then = signal.getsignal(number)
        if not callable(then):
            return lambda: None  # the default action: the process just ends

        def heard(received: int, frame: FrameType | None) -> None:
            loop.call_soon_threadsafe(self._event.set)
            then(received, frame)

        def undo() -> None:
            if signal.getsignal(number) is heard:
                signal.signal(number, then)

        signal.signal(number, heard)
        return undo
