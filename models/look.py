"""Looks at a recording: what is asked of the process that does them, and what it answers.

On the wire each is one line of JSON; a `done` is followed by its result, a line of JSON of its own.
"""

from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from models.base import FileModel
from models.problem import Problem

MAX_ROWS = 1000
"""Rows that a preview shows, at most."""

Kind = Literal["inspect", "draft", "preview"]


class LookRequest(FileModel):
    """A look. `params` are the names of the function that does it."""

    kind: Kind
    recording: str = Field(description="Absolute path.")
    params: dict[str, Any] = Field(default_factory=dict)
    threads: int = Field(1, ge=1)


class LookAnswer(FileModel):
    """How a look ended."""

    problem: Problem | None = Field(None, description="Why there is no result; null if there is one.")
    traceback: str | None = Field(None, description="For the log, of what nobody foresaw.")


class LookBody(BaseModel):
    """The body of `POST /api/specs/inspect` and `/draft`, and what all bodies of looks have."""

    model_config = ConfigDict(extra="forbid", strict=True)

    recording: str = Field(
        min_length=1, description="Path of a recording; a relative one starts at RECORDINGS_DIR."
    )


class PreviewBody(LookBody):
    """The body of `POST /api/specs/preview`: a spec, or a saved config."""

    spec: dict[str, Any] | str | None = Field(
        None, description="The spec: an object, or a text of YAML or JSON."
    )
    config: str | None = Field(None, description="Name of a saved config, in place of `spec`.")
    revision: int | None = Field(None, ge=1, description="Its revision; null: the newest.")
    rows: int = Field(20, ge=0, le=MAX_ROWS, description="How many rows to show.")

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.spec is None) == (self.config is None):
            raise ValueError("give either `spec` or `config`")
        if self.revision is not None and self.config is None:
            raise ValueError("`revision` goes with `config`")
        return self
