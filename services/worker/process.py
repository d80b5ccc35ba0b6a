"""The worker as a process: signals, its life, and when an autostarted one has nobody to work for."""

import os
import signal
import time
from collections.abc import Sequence
from types import FrameType

from loguru import logger

from bagmill.errors import BagmillError
from config import LogLevel, Settings
from services.executors.local import ENTRY, LocalExecutor
from services.locks import is_locked
from services.logs import Action, say
from services.queue_service import FileQueue
from services.state_manager import StateManager
from services.worker.context import Context
from services.worker.life import WorkerLife
from services.worker.loop import Stop, Worker

ABANDONED_AFTER = 10.0
"""Seconds that no API process has held the autostart lock, after which an autostarted worker stops."""


def run_worker(
    settings: Settings, *, once: bool = False, autostarted: bool = False, command: Sequence[str] = ENTRY
) -> int:
    """Work until told to stop; the exit code. The first signal drains, the second stops at once.

    `command` is the entry point of the jobs.
    """
    stop = Stop()
    _listen(stop)
    life, queue = WorkerLife(settings), FileQueue(settings)
    try:
        ctx = Context(settings, StateManager(settings), queue, life)
        ctx.states.prepare()
        life.begin()
        about = f"worker {life.id} started: {settings.max_parallel_nodes} jobs at a time"
        say(Action.WORKER_STARTED, about, worker=life.id, pid=os.getpid())
        wanted = Employer(settings) if autostarted else _always
        executor = LocalExecutor(settings.max_parallel_nodes, command=command)
        Worker(ctx, executor, stop, once=once, wanted=wanted).run()
    except BagmillError as error:
        say(Action.WORKER_FAILED, f"the worker can't go on: {error} {error.hint}", level=LogLevel.ERROR)
        return 1
    except Exception:  # noqa: BLE001 - the process's boundary
        logger.exception("the worker can't go on")
        return 1
    finally:
        queue.finish()
        life.end()
    say(Action.WORKER_STOPPED, f"worker {life.id} stopped", worker=life.id)
    return 0


def _listen(stop: Stop) -> None:
    def ask(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the signature of handlers
        stop.ask()

    signal.signal(signal.SIGTERM, ask)
    signal.signal(signal.SIGINT, ask)


def _always() -> bool:
    return True


class Employer:
    """Whether any API process looks after the worker, or did a moment ago."""

    def __init__(self, settings: Settings, patience: float = ABANDONED_AFTER) -> None:
        self._lock = settings.autostart_lock
        self._patience = patience
        self._seen = time.monotonic()

    def __call__(self) -> bool:
        """False when nobody has held the autostart lock for `patience` seconds."""
        if is_locked(self._lock):
            self._seen = time.monotonic()
        return time.monotonic() - self._seen < self._patience
