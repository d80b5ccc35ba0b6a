"""Real processes of the program: started, stopped, killed; none outlives its test."""

import contextlib
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

import psutil

from config import ROOT, Settings
from tests.support.places import environment
from tests.support.waiting import wait_for

STOP_PATIENCE = 30.0
"""Seconds a process has to end after SIGTERM before the test fails."""


class Process:
    """A child process in a session of its own, its output in a file beside the settings' folders."""

    def __init__(self, args: Sequence[str], settings: Settings, name: str, **more: str) -> None:
        self.log = settings.run_dir / f"{name}.log"
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self.popen = subprocess.Popen(
                args,
                cwd=ROOT,
                env=environment(settings, **more),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        return self.popen.poll() is None

    @property
    def output(self) -> str:
        """All it has written so far."""
        return self.log.read_text("utf-8", "replace")

    def family(self) -> list[psutil.Process]:
        """The process and all below it, as they are now."""
        try:
            process = psutil.Process(self.popen.pid)
            return [process, *process.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process alone."""
        if self.running:
            self.popen.send_signal(number)

    def stop(self) -> int:
        """SIGTERM, and wait for the end. Returns the exit code; fails if it does not end."""
        self.signal(signal.SIGTERM)
        return self.wait()

    def wait(self, patience: float = STOP_PATIENCE) -> int:
        """Wait for the end and return the exit code; fails, and kills it, if it does not come."""
        try:
            return self.popen.wait(patience)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.popen.args!r} did not end\n{self.output}") from None

    def kill(self) -> None:
        """SIGKILL to it and to all below it."""
        kill(self.family())
        self.popen.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.running:
            self.kill()


def kill(processes: Sequence[psutil.Process]) -> None:
    """SIGKILL to all of them at once."""
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


def start_worker(settings: Settings, **more: str) -> Process:
    """Start `worker.py`."""
    return Process([sys.executable, "worker.py"], settings, "worker", **more)


def start_api(settings: Settings, *options: str, **more: str) -> Process:
    """Start `uvicorn app:app` and wait until its port is open; it starts no worker unless told to."""
    command = [
        sys.executable,
        "-m",
        "uvicorn",
        "app:app",
        "--host",
        settings.host,
        "--port",
        str(settings.port),
    ]
    process = Process([*command, *options], settings, "api", **({"WORKER_AUTOSTART": "false"} | more))
    try:
        wait_for(lambda: listening(settings.port) or not process.running, "the API's port")
        assert process.running, f"the API did not start\n{process.output}"
    except BaseException:
        process.kill()
        raise
    return process


def listening(port: int) -> bool:
    """Whether somebody accepts connections on 127.0.0.1:port."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def python(
    *args: str, env: Mapping[str, str] | None = None, patience: float = 120.0
) -> subprocess.CompletedProcess[str]:
    """Run the interpreter in the checkout to its end and return what it said."""
    return subprocess.run(
        [sys.executable, *args],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        check=False,
        timeout=patience,
    )
