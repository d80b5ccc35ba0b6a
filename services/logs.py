"""Log lines: for people on a terminal, as JSON for machines, and in each workflow's own `worker.log`.

The API and the worker call `configure` once at their start. A line that machines shall find carries an
`action`, one of a closed set; a line about a job starts with the job's canonical name,
`convert[01JD…](drive.mcap)`.
"""

import json
import logging
import sys
import traceback
from collections.abc import Mapping
from datetime import UTC
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loguru import logger

from config import LogFormat, LogLevel, Settings
from models.base import utc_now

if TYPE_CHECKING:
    from loguru import Message

HUMAN_LINE = "{time:YYYY-MM-DD HH:mm:ss.SSS} <level>{level: <7}</level> {message}"
QUIET_LIBRARIES = ("asyncio", "watchfiles")


class Action(StrEnum):
    """What a log line tells: the closed set of `action` values in the JSON format."""

    WORKER_STARTED = "worker_started"
    WORKER_DRAINING = "worker_draining"
    WORKER_STOPPED = "worker_stopped"
    WORKER_FAILED = "worker_failed"
    WORKER_GONE = "worker_gone"
    WORKER_SILENT = "worker_silent"
    PROCESS_ENDED = "process_ended"
    QUEUE_REBUILT = "queue_rebuilt"
    QUEUE_REPAIRED = "queue_repaired"
    QUEUE_HELD = "queue_held"
    FOLDER_CLEANED = "folder_cleaned"
    WORKFLOW_SKIPPED = "workflow_skipped"
    WORKFLOW_ENDED = "workflow_ended"
    WORKFLOW_DELETED = "workflow_deleted"
    JOB_STARTED = "job_started"
    JOB_LOG = "job_log"
    JOB_COMPLETED = "job_completed"
    JOB_FAILED = "job_failed"
    JOB_RETRIED = "job_retried"
    JOB_RELEASED = "job_released"
    JOB_CANCELLING = "job_cancelling"
    JOB_CANCELLED = "job_cancelled"
    JOB_ADOPTED = "job_adopted"
    JOB_RECOVERED = "job_recovered"
    JOB_DROPPED = "job_dropped"
    BATCH_EXPANDED = "batch_expanded"
    BATCH_SETTLED = "batch_settled"
    REQUEST_REFUSED = "request_refused"
    REQUEST_FAILED = "request_failed"
    WORKER_AUTOSTARTED = "worker_autostarted"
    WORKER_ENDED = "worker_ended"


def configure(settings: Settings) -> None:
    """Send this process's log lines to stderr as the settings want them, the standard library's included."""
    logger.remove()
    level = settings.log_level.value
    if settings.log_format is LogFormat.JSON:
        logger.add(_write_json, level=level, format="{message}", backtrace=False, diagnose=False)
    else:
        logger.add(sys.stderr, level=level, format=HUMAN_LINE, backtrace=False, diagnose=False)
    logging.basicConfig(handlers=[_ToLoguru()], level=logging.getLevelNamesMapping()[level], force=True)
    for name in QUIET_LIBRARIES:
        logging.getLogger(name).setLevel(logging.WARNING)


def take_over(*names: str) -> None:
    """Send what these loggers of the standard library say the same way, instead of their own."""
    for name in names:
        library = logging.getLogger(name)
        library.handlers.clear()
        library.propagate = True


def say(action: Action, message: str, *, level: LogLevel = LogLevel.INFO, **fields: object) -> None:
    """Write one log line. `fields` (`job`, `workflow`, `step`, ...) stand beside it in the JSON format."""
    logger.bind(action=action.value, **fields).opt(depth=1).log(level.value, "{}", message)


def _write_json(message: "Message") -> None:
    sys.stderr.write(json.dumps(_fields(message.record), ensure_ascii=False, default=str) + "\n")
    sys.stderr.flush()


def _fields(record: Mapping[str, Any]) -> dict[str, object]:
    """The members of one JSON line: `at`, `level`, `action` (null for other libraries' lines), ..."""
    line: dict[str, object] = {
        "at": record["time"].astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "level": record["level"].name,
        "action": None,
        "message": record["message"],
        "logger": record["name"],
    }
    line |= record["extra"]
    if caught := record["exception"]:
        line["traceback"] = "".join(traceback.format_exception(caught.type, caught.value, caught.traceback))
    return line


class _ToLoguru(logging.Handler):
    """Takes what libraries say through the standard library's logging."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            level: str | int = logger.level(record.levelname).name
        except ValueError:
            level = record.levelno
        named = logger.patch(lambda line: line.__setitem__("name", record.name))
        named.opt(exception=record.exc_info).log(level, "{}", record.getMessage())


class WorkflowLog:
    """`worker.log` in a workflow's folder: human lines, appended whole; gone folders are left alone."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "worker.log"

    def line(self, message: str, *, level: LogLevel = LogLevel.INFO, detail: str | None = None) -> None:
        """Append a line and, below it, a traceback or the end of a job's stderr. Never raises OSError."""
        stamp = utc_now().isoformat(sep=" ", timespec="milliseconds").replace("+00:00", "Z")
        text = f"{stamp} {level.value: <7} {message}\n"
        if detail:
            text += "".join(f"    {line}\n" for line in detail.rstrip("\n").splitlines())
        try:
            with self.path.open("ab", buffering=0) as log:
                log.write(text.encode("utf-8", "backslashreplace"))
        except OSError as error:
            logger.warning("{} can't be written: {}", self.path, error)
