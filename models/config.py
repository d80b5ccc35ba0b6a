"""Saved configs: the lines of `configs/{name}/log.jsonl`, and the bodies and answers of the API."""

from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from models.api import Unreadable
from models.base import SCHEMA_VERSION, FileModel, Timestamp

MAX_CHANGED = 50
"""Pointers kept of one change; `changed_total` counts all."""


class Action(StrEnum):
    """How a revision came to be."""

    CREATED = "created"
    CHANGED = "changed"
    RESTORED = "restored"
    DUPLICATED = "duplicated"


class Origin(FileModel):
    """The revision that another one is a copy of."""

    config: str
    revision: int


class LogEntry(FileModel):
    """One line of `log.jsonl`: who made a revision, and what is different in it."""

    schema_version: int = SCHEMA_VERSION
    revision: int
    at: Timestamp
    author: str
    action: Action
    note: str = ""
    hash: str = Field(description="sha256 of what the spec means; name and description do not count.")
    changed: list[str] = Field(
        default_factory=list, description="JSON pointers to what differs from the revision before."
    )
    changed_total: int = 0
    origin: Origin | None = Field(None, description="What it is a copy of.")


class _Body(BaseModel):
    """What the bodies of all writes have."""

    model_config = ConfigDict(extra="forbid", strict=True)

    author: str | None = Field(
        None,
        min_length=1,
        max_length=200,
        description="Who does this; null: the user that the API runs as.",
    )
    note: str = Field("", max_length=2000, description="Why; stands in the log.")


class NewConfig(_Body):
    """The body of `POST /api/configs`."""

    name: str = Field(description="Letters, digits, `.`, `_` and `-`; unique whatever the case.")
    spec: dict[str, Any] | str = Field(
        description="The spec of a dataset: an object, or a text of YAML or JSON, which is kept as it is."
    )


class ChangedConfig(_Body):
    """The body of `PATCH /api/configs/{name}`: `spec`, `description` or both."""

    spec: dict[str, Any] | str | None = Field(None, description="The whole spec that shall be from now on.")
    description: str | None = Field(
        None, max_length=4096, description="The spec's description, where that alone shall be another one."
    )
    revision: int | None = Field(
        None, ge=1, description="The revision that this is a change of; refused if there is a newer one."
    )


class RestoredConfig(_Body):
    """The body of `POST /api/configs/{name}/restore`."""

    revision: int = Field(ge=1, description="The revision to have again, as a new one.")


class DuplicatedConfig(_Body):
    """The body of `POST /api/configs/{name}/duplicate`."""

    name: str = Field(description="Name of the new config.")
    revision: int | None = Field(None, ge=1, description="The revision to copy; null: the newest.")


class ConfigInfo(BaseModel):
    """A config in a list: what its newest revision is."""

    name: str
    description: str
    revision: int
    hash: str = Field(description="sha256 of what the spec means; name and description do not count.")
    author: str | None = Field(description="Who made this revision; null where the log does not say.")
    at: Timestamp | None = Field(description="When; null where the log does not say.")
    note: str


class ConfigList(BaseModel):
    """All configs, by name."""

    items: list[ConfigInfo]
    unreadable: list[Unreadable] = Field(
        description="Configs whose newest revision can't be read; they never hide the others."
    )


class Config(ConfigInfo):
    """One revision of a config, with its spec."""

    newest: int = Field(description="The newest revision of this config.")
    spec: dict[str, Any] = Field(description="The spec, without parts that are as by default.")
    text: str = Field(description="The file of this revision, as it is.")


class RevisionInfo(BaseModel):
    """A revision in a list: what the log says of it; nulls where it says nothing."""

    revision: int
    action: Action | None
    author: str | None
    at: Timestamp | None
    note: str
    hash: str | None
    changed: list[str]
    changed_total: int
    origin: Origin | None


class RevisionList(BaseModel):
    """The revisions of a config, newest first."""

    name: str
    items: list[RevisionInfo]


class ChangeKind(StrEnum):
    """What happened to a place of a spec."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


class Change(BaseModel):
    """One place at which two specs differ."""

    pointer: str = Field(description="JSON pointer (RFC 6901) into the spec.")
    kind: ChangeKind
    before: Any = Field(None, description="What stands there in the earlier one; null if nothing does.")
    after: Any = Field(None, description="What stands there in the later one; null if nothing does.")


class Diff(BaseModel):
    """What is different between two revisions of a config."""

    name: str
    before: int = Field(description="Revision.")
    after: int = Field(description="Revision.")
    same_meaning: bool = Field(description="Whether both make the same dataset.")
    changes: list[Change] = Field(description="Where the specs differ; what is as by default stands nowhere.")
    text: str = Field(description="The two files as a unified diff.")
