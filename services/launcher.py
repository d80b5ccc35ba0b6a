"""`make run`: the API and the worker, started together and stopped together.

Each child has a process group of its own: Ctrl-C reaches only the launcher, which stops the API first, so
that nothing new comes in, and then lets the worker drain.
"""

import contextlib
import errno
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from http.client import HTTPException
from types import FrameType
from typing import IO, Self

from pydantic import ValidationError

from config import ROOT, Settings
from services.client import Client, ServerRefused
from services.process_errors import LaunchError, PortInUse, ProcessDied

START_SECONDS = 60.0
API_STOP_SECONDS = 10.0
WORKER_GRACE_SECONDS = 10.0
"""What a worker gets on top of `DRAIN_SECONDS` before it is killed."""
POLL_SECONDS = 0.1
STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopSignals:
    """SIGINT, SIGTERM and SIGHUP while it is entered: the first asks for a stop, the second for hurry."""

    def __init__(self) -> None:
        self.received = 0
        self.requested = threading.Event()

    @property
    def hurry(self) -> bool:
        """Whether somebody asked twice."""
        return self.received > 1

    def __enter__(self) -> Self:
        self._before = {number: signal.getsignal(number) for number in STOPPING}
        for number, handler in self._before.items():
            if (number, handler) != (signal.SIGHUP, signal.SIG_IGN):  # nohup means it
                signal.signal(number, self._receive)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _receive(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        self.received += 1
        self.requested.set()


class Child:
    """One process of the program."""

    def __init__(
        self, name: str, command: Sequence[str], settings: Settings, output: IO[bytes] | None
    ) -> None:
        self.name = name
        self.popen = subprocess.Popen(
            command,
            cwd=ROOT,
            env=os.environ | {"HOST": settings.host, "PORT": str(settings.port), "WORKER_AUTOSTART": "false"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            process_group=0,
        )

    def check(self) -> None:
        """Raise ProcessDied if it has ended."""
        code = self.popen.poll()
        if code is not None:
            reason = f"signal {-code}" if code < 0 else f"exit code {code}"
            raise ProcessDied(f"The {self.name} ended by itself ({reason}).")

    def stop(self, patience: float, signals: StopSignals) -> None:
        """SIGTERM; SIGKILL for its group after `patience` seconds, or when somebody is in a hurry."""
        self.popen.terminate()
        deadline = time.monotonic() + patience
        while self.popen.poll() is None and time.monotonic() < deadline and not signals.hurry:
            time.sleep(POLL_SECONDS)
        if self.popen.poll() is None:
            os.killpg(self.popen.pid, signal.SIGKILL)
            self.popen.wait()


class Program:
    """API and worker while it is entered; on leaving, both have ended.

    Raises:
        PortInUse: another program listens there.
        ProcessDied: one of the two ended by itself.
    """

    def __init__(self, settings: Settings, signals: StopSignals, output: IO[bytes] | None = None) -> None:
        self.settings = settings
        self.signals = signals
        self.output = output
        self.client = Client(settings.host, settings.port)
        self.children: list[Child] = []

    def __enter__(self) -> Self:
        require_free(self.settings)
        try:
            self._start()
            self._wait_until_up()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def check(self) -> None:
        """Raise ProcessDied if one of the two has ended."""
        for child in self.children:
            child.check()

    def stop(self) -> None:
        """Stop the API, then the worker."""
        patience = {"API": API_STOP_SECONDS, "worker": self.settings.drain_seconds + WORKER_GRACE_SECONDS}
        while self.children:
            child = self.children.pop(0)
            child.stop(patience[child.name], self.signals)

    def _start(self) -> None:
        place = ["--host", self.settings.host, "--port", str(self.settings.port)]
        quiet = ["--log-level", "warning"]  # the program's own lines tell what matters
        commands = {"API": ["-m", "uvicorn", "app:app", *place, *quiet], "worker": ["worker.py"]}
        for name, command in commands.items():
            self.children.append(Child(name, [sys.executable, *command], self.settings, self.output))

    def _wait_until_up(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self.signals.requested.is_set():
            self.check()
            with contextlib.suppress(OSError, HTTPException, ServerRefused):
                self.client.get("/api/health")
                return
            if time.monotonic() > deadline:
                raise LaunchError(f"The API did not answer within {START_SECONDS:g} s.")
            time.sleep(POLL_SECONDS)


def require_free(settings: Settings) -> None:
    """Raise PortInUse if somebody listens where the API shall."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            place = f"{settings.host}:{settings.port}"
            if error.errno == errno.EADDRINUSE:
                raise PortInUse(f"Another program listens on {place}.") from error
            raise LaunchError(f"Can't listen on {place}: {error.strerror}.") from error


def free_port(host: str) -> int:
    """A port that nobody listens on right now."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def said_in_words() -> Iterator[None]:
    """Turn what the user can mend into sentences on stderr and exit code 1."""
    try:
        yield
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, fault['loc'])).upper()}: {fault['msg']}" for fault in error.errors()]
        sys.exit("\n".join(["A setting is not accepted:", *faults, "See docs/settings.md."]))
    except LaunchError as error:
        sys.exit(f"{error.message}\n{error.hint}")


def main() -> int:
    """Run until Ctrl-C; returns 0 then, and 1 if one of the two ended by itself."""
    with said_in_words(), StopSignals() as signals:
        settings = Settings()
        settings = settings.model_copy(update={"port": settings.port or free_port(settings.host)})
        with Program(settings, signals) as program:
            say(f"Bagmill is up: {program.client.url}   API: {program.client.url}/docs   Ctrl-C stops it.")
            while not signals.requested.wait(POLL_SECONDS):
                program.check()
            say("Stopping; running jobs get a moment. Ctrl-C again stops at once.")
    return 0


def say(message: str) -> None:
    """Tell the user."""
    sys.stderr.write(message + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
