"""`workers/<uuid>.json`: what a living worker tells of itself."""

from models.base import SCHEMA_VERSION, FileModel, Timestamp


class WorkerRecord(FileModel):
    """Who holds `workers/<uuid>.lock`. The lock, not this file, says whether it lives."""

    schema_version: int = SCHEMA_VERSION
    id: str
    host: str
    pid: int
    process_started: str | None = None
    boot: str | None = None
    started_at: Timestamp
    version: str
