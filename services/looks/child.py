"""A process for looks, as the API sees it: requests go to its stdin, answers come from its stdout."""

import asyncio
import contextlib
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import psutil
from loguru import logger
from pydantic import ValidationError

from config import ROOT
from models.look import LookAnswer, LookRequest
from services.executors.memory import LOOK, MemoryGuard
from services.problems import error_of
from services.process_errors import LookCrashed, LookOutOfMemory, LookTimedOut

LINE_BYTES = 64 << 20
"""The longest answer that is taken."""
_TAIL_BYTES = 4096
_READ_SIZE = 64 * 1024


class LookChild:
    """A process that does one look after the other.

    `looks`: how many it was given; `killed`: it is of no use any more. It may write into `folder`, which goes
    with it.
    """

    def __init__(self, process: asyncio.subprocess.Process, folder: Path) -> None:
        self.looks = 0
        self.killed = False
        self._process, self._folder = process, folder
        self._memory = MemoryGuard(process.pid)
        self._tail = bytearray()
        self._listening = asyncio.get_running_loop().create_task(self._listen())

    @classmethod
    async def start(cls, command: Sequence[str]) -> "LookChild":
        """Start the process. Raises LookCrashed if the system has none to give."""
        folder = tempfile.mkdtemp(prefix="bagmill-look-")
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                folder,
                cwd=ROOT,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                limit=LINE_BYTES,
                start_new_session=True,
            )
        except BaseException as error:
            shutil.rmtree(folder, ignore_errors=True)
            if isinstance(error, OSError):
                raise LookCrashed(f"No process could be made for it: {error.strerror}.") from error
            raise
        return cls(process, Path(folder))

    @property
    def fit(self) -> bool:
        """Whether it can do another look. The event loop may not have heard of its death yet."""
        try:
            alive = psutil.Process(self._process.pid).status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            alive = False
        return alive and not self.killed and self._process.returncode is None

    @property
    def memory(self) -> int:
        """Bytes of memory that it takes now."""
        return self._memory.bytes()

    async def look(self, request: LookRequest, seconds: float, memory: int | None) -> bytes:
        """The result of a look as JSON. Whatever else ends this, ends the process.

        Raises:
            LookTimedOut, LookOutOfMemory, LookCrashed: it took too long or too much, or its process died.
            BagmillError: what the look itself raised.
        """
        self.looks += 1
        self._memory.watch(memory)
        reading = asyncio.create_task(self._ask(request))
        try:
            await self._watched(reading, seconds)
            answer, result = reading.result()
        except BaseException:
            reading.cancel()
            self.kill()
            raise
        if answer.traceback:
            logger.error("what went wrong in a look:\n{}", answer.traceback)
        if answer.problem:
            raise error_of(answer.problem)
        return result

    async def _listen(self) -> None:
        """Keep the end of what it writes to stderr."""
        stderr = self._process.stderr
        assert stderr is not None
        while data := await stderr.read(_READ_SIZE):
            self._tail += data
            del self._tail[:-_TAIL_BYTES]

    async def _ask(self, request: LookRequest) -> tuple[LookAnswer, bytes]:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        try:
            stdin.write(request.model_dump_json().encode() + b"\n")
            await stdin.drain()
            answer = LookAnswer.model_validate_json(await stdout.readline())
            result = b"" if answer.problem else await stdout.readline()
            if answer.problem or result.endswith(b"\n"):
                return answer, result
        except (OSError, ValueError, ValidationError) as error:
            raise await self._crashed() from error
        raise await self._crashed()

    async def _watched(self, reading: "asyncio.Task[tuple[LookAnswer, bytes]]", seconds: float) -> None:
        deadline = time.monotonic() + seconds if seconds else None
        while not (await asyncio.wait({reading}, timeout=LOOK))[0]:
            if await asyncio.to_thread(self._memory.exceeded):
                raise LookOutOfMemory(f"It took {self._memory.over:,} bytes of memory.")
            if deadline is not None and time.monotonic() > deadline:
                raise LookTimedOut(f"It took more than {seconds:g} s.")

    async def _crashed(self) -> LookCrashed:
        self.kill()
        code = await self._process.wait()
        await asyncio.wait({self._listening}, timeout=1)
        if self._tail:
            logger.error("the last words of a look:\n{}", self._tail.decode("utf-8", "replace"))
        how = f"by signal {-code}" if code < 0 else f"with code {code}"
        return LookCrashed(f"Its process ended {how}.")

    def kill(self) -> None:
        """SIGKILL its group now."""
        self.killed = True
        # A group of zombies only answers EPERM on macOS.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)

    async def end(self) -> None:
        """Kill it and wait until it is gone, with what it has written."""
        self.kill()
        await self._process.wait()
        await self._listening
        await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)
