"""The problem object (RFC 9457): the body of every HTTP error, and `error` in `state.json`."""

from typing import Any

from pydantic import Field

from models.base import FileModel


class ProblemItem(FileModel):
    """One of several faults in one request."""

    pointer: str = Field(description="JSON pointer (RFC 6901) into the JSON form of the request.")
    detail: str
    hint: str | None = None


class Problem(FileModel):
    """What is wrong, where, and what to do (RFC 9457 section 3)."""

    type: str = Field(description="A URI reference that names the kind of problem: `/problems/<code>`.")
    title: str = Field(description="The kind of problem in words; the same for every occurrence.")
    status: int | None = Field(None, description="The HTTP status; null where no HTTP was involved.")
    detail: str = Field(description="What went wrong this time.")
    code: str = Field(description="Stable name of the kind of problem.")
    hint: str = Field(description="What to do about it.")
    where: dict[str, Any] = Field(default_factory=dict, description="Path, offset in bytes, topic, pointer.")
    errors: list[ProblemItem] = Field(default_factory=list)
