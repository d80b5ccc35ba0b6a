"""A process for jobs, as its parent sees it: three pipes and an exit code, all without blocking.

It does one job after the other, as long as it says after each that it is idle.

- stdin: requests, each one line of JSON; held open for life. Its end tells the child that the worker is gone
  (a death pipe: PR_SET_PDEATHSIG is bound to a thread and exists on Linux only).
- events: a pipe of its own, JSON lines from the child. Its number is the child's last argument.
- stdout and stderr: one pipe, of which only the end is kept.
"""

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

from config import ROOT
from models.job import DoneEvent, IdleEvent, JobEvent, JobRequest, LogEvent
from services.executors.memory import MemoryGuard

READ_SIZE = 64 * 1024
ROUND_READS = 16
"""Reads a pipe gets in one round, so that a child that floods it does not starve the others."""
FINAL_READS = 256
"""Reads a pipe gets after the child's death; far more than a pipe holds."""
TAIL_BYTES = 16 * 1024
LINE_BYTES = 4 * 1024 * 1024
"""The longest event that is understood."""


_EVENT: TypeAdapter[JobEvent | IdleEvent] = TypeAdapter(
    Annotated[JobEvent | IdleEvent, Field(discriminator="type")]
)


class Child:
    """A process with a job, or without one (`job` is None). Every method returns at once.

    `jobs` is how many it has been given so far.
    """

    def __init__(self, command: Sequence[str], selector: selectors.BaseSelector) -> None:
        """Start the process.

        Raises:
            OSError: there are no more processes, memory or descriptors.
        """
        self.job: str | None = None
        self.jobs = 0
        self._selector = selector
        self._kill_at: float | None = None
        self._line = bytearray()
        self._tail = bytearray()
        self._events: list[JobEvent] = []
        self._idle = self._succeeded = False
        self._unsent = memoryview(b"")
        self._event_pipe, theirs = os.pipe()
        try:
            self._process = self._spawn([*command, str(theirs)], theirs)
        except BaseException:
            os.close(self._event_pipe)
            raise
        finally:
            os.close(theirs)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._request_pipe = self._process.stdin.fileno()
        self._output_pipe = self._process.stdout.fileno()
        self._memory = MemoryGuard(self._process.pid)
        self._watch(self._event_pipe, selectors.EVENT_READ, self._read_events)
        self._watch(self._output_pipe, selectors.EVENT_READ, self._read_output)

    @staticmethod
    def _spawn(command: Sequence[str], events: int) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            command,
            cwd=ROOT,
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            close_fds=True,
            pass_fds=(events,),
            start_new_session=True,
        )

    def assign(self, request: JobRequest) -> None:
        """Give it a job; it must have none."""
        assert self.job is None
        self.job = request.job
        self.jobs += 1
        self._idle = self._succeeded = False
        self._tail.clear()
        self._memory.watch(request.resources.memory)
        self._unsent = memoryview(request.model_dump_json().encode() + b"\n")
        self._watch(self._request_pipe, selectors.EVENT_WRITE, self._send_request)

    def finished(self) -> int | None:
        """The exit code of the job that it has done, None while it has not; it has no job from then on."""
        if self.job is None or not self._idle:
            return None
        self.job = None
        return 0 if self._succeeded else 1

    @property
    def memory(self) -> int:
        """Bytes of memory that it takes now, without its descendants'."""
        return self._memory.bytes()

    @property
    def over_memory(self) -> int | None:
        """How much memory the job had taken when it was ended for that."""
        return self._memory.over

    @property
    def silent(self) -> bool:
        """Whether its event pipe has ended: it is about to exit."""
        return self._event_pipe not in self._selector.get_map()

    @property
    def tail(self) -> str:
        """The end of what it wrote to stdout and stderr."""
        return self._tail.decode("utf-8", "replace")

    def take_events(self) -> list[JobEvent]:
        """What it has said since the last call."""
        events, self._events = self._events, []
        return events

    def terminate(self, grace: float) -> None:
        """SIGTERM its group now; `enforce` sends SIGKILL when `grace` seconds are over."""
        if self._kill_at is None:
            self._kill_at = time.monotonic() + grace
            self._signal(signal.SIGTERM)

    def enforce(self) -> None:
        """SIGKILL its group if it was told to end and did not, or takes more memory than it may."""
        late = self._kill_at is not None and time.monotonic() >= self._kill_at
        if late or (self.job is not None and self._memory.exceeded()):
            self._signal(signal.SIGKILL)

    def kill(self) -> None:
        """SIGKILL its group now."""
        self._signal(signal.SIGKILL)

    @property
    def told_to_end(self) -> bool:
        """Whether it was asked to end."""
        return self._kill_at is not None

    def exit_code(self) -> int | None:
        """Its exit code (negative: a signal), None while it lives.

        When it is gone, so are its own children and all it has written has been read.
        """
        code = self._process.poll()
        if code is None:
            return None
        self._signal(signal.SIGKILL)
        self._drain(self._event_pipe, self._take_lines, FINAL_READS)
        self._drain(self._output_pipe, self._take_output, FINAL_READS)
        return code

    def close(self) -> None:
        """Give its pipes back."""
        for pipe in (self._request_pipe, self._event_pipe, self._output_pipe):
            self._unwatch(pipe)
        os.close(self._event_pipe)
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            stream.close()

    def _signal(self, number: signal.Signals) -> None:
        # A group of zombies only answers EPERM on macOS.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

    def _watch(self, pipe: int, what: int, ready: Callable[[], None]) -> None:
        os.set_blocking(pipe, False)
        self._selector.register(pipe, what, ready)

    def _unwatch(self, pipe: int) -> None:
        if pipe in self._selector.get_map():
            self._selector.unregister(pipe)

    def _send_request(self) -> None:
        """Send as much as fits; the pipe stays open afterwards."""
        try:
            self._unsent = self._unsent[os.write(self._request_pipe, self._unsent) :]
        except BlockingIOError:
            return
        except BrokenPipeError:
            self._unsent = self._unsent[:0]
        if not self._unsent:
            self._unwatch(self._request_pipe)

    def _read_events(self) -> None:
        self._drain(self._event_pipe, self._take_lines, ROUND_READS)

    def _read_output(self) -> None:
        self._drain(self._output_pipe, self._take_output, ROUND_READS)

    def _drain(self, pipe: int, take: Callable[[bytes], None], reads: int) -> None:
        for _ in range(reads):
            try:
                data = os.read(pipe, READ_SIZE)
            except BlockingIOError:
                return
            if not data:
                self._unwatch(pipe)
                return
            take(data)

    def _take_output(self, data: bytes) -> None:
        self._tail += data
        del self._tail[:-TAIL_BYTES]

    def _take_lines(self, data: bytes) -> None:
        *lines, rest = (bytes(self._line) + data).split(b"\n")
        for line in lines:
            self._take_event(_parse(line))
        if len(rest) > LINE_BYTES:
            self._events.append(_garbled("an event of more than 4 MiB"))
            rest = b""
        self._line = bytearray(rest)

    def _take_event(self, event: JobEvent | IdleEvent) -> None:
        if isinstance(event, IdleEvent):
            self._idle = True
        else:
            self._succeeded = isinstance(event, DoneEvent)
            self._events.append(event)


def _parse(line: bytes) -> JobEvent | IdleEvent:
    try:
        return _EVENT.validate_json(line)
    except ValidationError:
        return _garbled(repr(line[:200]))


def _garbled(what: str) -> LogEvent:
    return LogEvent(level="WARNING", message=f"the job sent something that is no event: {what}")
