"""Settings: every knob of Bagmill, read from the environment and from `.env` in the checkout.

`docs/settings.md` is generated from this class; a test keeps the two equal.
"""

from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, ByteSize, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parent
"""The checkout. Relative paths in settings resolve against it, never against the cwd."""


def _resolve(path: Path) -> Path:
    return ROOT / path.expanduser()


CheckoutPath = Annotated[Path, AfterValidator(_resolve)]


class LogFormat(StrEnum):
    """How log lines look on stderr."""

    HUMAN = "human"
    JSON = "json"


class LogLevel(StrEnum):
    """The least severe log line that is shown."""

    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"


class Settings(BaseSettings):
    """All settings, with their defaults. Environment variables win over `.env`."""

    model_config = SettingsConfigDict(
        env_file=ROOT / ".env",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        validate_default=True,
    )

    host: str = Field(
        "127.0.0.1",
        description="Address the API listens on. Anything but loopback opens it to others.",
    )
    port: int = Field(8000, ge=0, le=65535, description="Port the API listens on.")
    allowed_hosts: list[str] = Field(
        [],
        description='More host names that requests may be addressed to, as a JSON list: `["robot-lab"]`.',
    )
    workflows_dir: CheckoutPath = Field(Path("workflows"), description="One folder per workflow run.")
    recordings_dir: CheckoutPath = Field(
        Path("recordings"),
        description="Relative recording paths start here; `data_processing` takes what is in it.",
    )
    configs_dir: CheckoutPath = Field(
        Path("configs"), description="Saved specs of datasets: one folder per config."
    )
    queue_state_file: CheckoutPath = Field(
        Path("queue-state.json"),
        description="The queue. Locks and worker files stand in the same folder.",
    )
    trash_dir: CheckoutPath = Field(
        Path("trash"),
        description="Where a deleted run goes first; on the same file system as `WORKFLOWS_DIR`.",
    )
    allow_network_fs: bool = Field(
        False,
        description="Accept state folders on NFS, SMB and the like; safe only while one machine uses them.",
    )
    max_parallel_nodes: int = Field(4, ge=1, le=256, description="Jobs that run at a time.")
    min_free_disk: ByteSize = Field(
        ByteSize(2 * 1000**3),
        description="With less free space than this on the disk of `WORKFLOWS_DIR`, jobs wait; 0: they do "
        "not look.",
    )
    task_threads: int = Field(
        0, ge=0, le=1024, description="Threads that one job may use; 0: the cores, shared by the jobs."
    )
    task_timeout: float = Field(
        6 * 3600.0, ge=0, description="Longest that one attempt at a step may take (seconds); 0: no limit."
    )
    stall_timeout: float = Field(
        900.0,
        ge=0,
        description="Longest that a job may say nothing of its progress (seconds); 0: no limit.",
    )
    job_memory_limit: ByteSize = Field(
        ByteSize(0),
        description="Memory that one job may take, such as `4GB`; 0: three quarters of the machine's, shared "
        "by the jobs, but 2 GiB at least.",
    )
    lease_seconds: float = Field(
        60.0,
        ge=1,
        description="Silence after which a worker that hangs, or was stopped, loses its jobs to the others "
        "(seconds).",
    )
    retention_days: int = Field(
        30,
        ge=0,
        le=36_500,
        description="Days after its end that a run is kept, unless it is pinned; 0: for ever.",
    )
    max_body: ByteSize = Field(
        ByteSize(4 << 20), ge=1024, description="Longest body of a request that is read, such as `4MiB`."
    )
    look_timeout: float = Field(
        30.0, ge=1, description="Longest that an inspect, a draft or a preview may take (seconds)."
    )
    look_memory_limit: ByteSize = Field(
        ByteSize(2 << 30), description="Memory that each of them may take, such as `4GB`; 0: no limit."
    )
    worker_autostart: bool = Field(True, description="The API starts a worker process if none is running.")
    drain_seconds: float = Field(
        10.0,
        ge=0,
        description="How long a stopping worker waits for running jobs before it gives them back (seconds).",
    )
    log_level: LogLevel = Field(LogLevel.INFO, description="Least severe log line shown.")
    log_format: LogFormat = Field(
        LogFormat.HUMAN, description="`human` lines for a terminal, or `json` for machines."
    )

    @cached_property
    def run_dir(self) -> Path:
        """The folder of the queue file, which also holds locks, worker and idempotency files."""
        return self.queue_state_file.parent

    @property
    def lock_timeout(self) -> float:
        """Seconds that a lock is waited for: locks are held for milliseconds, and leases outlive a wait."""
        return min(30.0, self.lease_seconds / 2)

    @property
    def queue_journal(self) -> Path:
        """What was done to the queue since the snapshot in the queue file."""
        return self.run_dir / "queue-journal.jsonl"

    @property
    def queue_reserve(self) -> Path:
        """A file that is given up for the last lines of the journal when the disk is full."""
        return self.run_dir / "queue-reserve"

    @property
    def queue_lock(self) -> Path:
        """Lock file of the queue."""
        return self.run_dir / "queue.lock"

    @property
    def listing_cache(self) -> Path:
        """What lists need to know of all workflows; can be deleted."""
        return self.run_dir / "listing-cache.json"

    @property
    def autostart_lock(self) -> Path:
        """Held for life by the one API process that looks after the worker."""
        return self.run_dir / "autostart.lock"

    @property
    def locks_dir(self) -> Path:
        """The striped locks of workflow folders."""
        return self.run_dir / "locks"

    @property
    def workers_dir(self) -> Path:
        """`<uuid>.lock` (held for the worker's life) and `<uuid>.json` (who it is)."""
        return self.run_dir / "workers"

    @property
    def reuse_dir(self) -> Path:
        """One file for what has been asked of datasets: the workflows that have it. Safe to delete."""
        return self.run_dir / "reuse"

    @property
    def idempotency_dir(self) -> Path:
        """One file per Idempotency-Key."""
        return self.run_dir / "idempotency"

    @property
    def keys_lock(self) -> Path:
        """Lock file of the Idempotency-Keys."""
        return self.idempotency_dir / "keys.lock"
