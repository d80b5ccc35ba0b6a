"""`workflows/{id}/request.json` and the body of POST: what was asked for, exactly as accepted."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from models.base import SCHEMA_VERSION, FileModel, Timestamp


class RunOptions(BaseModel):
    """How to run a workflow; the same for all templates."""

    model_config = ConfigDict(extra="forbid", strict=True)

    priority: int = Field(0, ge=-100, le=100, description="Higher runs earlier.")
    max_attempts: int = Field(
        3, ge=1, le=100, description="Starts of each step, retries after lost workers included."
    )
    timeout: float | None = Field(None, gt=0, description="Seconds one attempt of a step may take.")
    pinned: bool = Field(False, description="Keep this run whatever its age.")
    allow_failed: bool = Field(
        False, description="A batch completes, with a warning, though recordings failed."
    )


class FromTemplate(BaseModel):
    """The JSON body of `POST /api/workflows/from-template`."""

    model_config = ConfigDict(extra="forbid", strict=True)

    template_id: str
    params: dict[str, Any] = Field(default_factory=dict)
    options: RunOptions = Field(default_factory=RunOptions)


class Request(FileModel):
    """The request as accepted. POSTing `template_id`, `params` and `options` again reruns the workflow."""

    schema_version: int = SCHEMA_VERSION
    id: str
    template_id: str
    params: dict[str, Any]
    options: RunOptions
    idempotency_key: str | None = None
    parent: str | None = None
    accepted_at: Timestamp
