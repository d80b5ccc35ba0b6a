"""What all models share."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, PlainSerializer

SCHEMA_VERSION = 1
"""Version of every JSON file; grows when a reader of the old one would misread the new one."""


def utc_now() -> datetime:
    """The current time, aware, in UTC, in whole microseconds."""
    return datetime.now(UTC)


def _rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


Timestamp = Annotated[AwareDatetime, PlainSerializer(_rfc3339, return_type=str, when_used="json")]
"""RFC 3339 in UTC, always with six digits, so that text order is time order."""


class FileModel(BaseModel):
    """A model that is a file: fields of a newer version are ignored; NaN and infinity are refused."""

    # "constants": what is not finite reaches the writer, which refuses it, instead of becoming null unseen.
    model_config = ConfigDict(extra="ignore", allow_inf_nan=False, ser_json_inf_nan="constants")
