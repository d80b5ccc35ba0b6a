"""What all models share."""

import time
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, PlainSerializer
from pydantic_core import to_json

SCHEMA_VERSION = 1
"""Version of every JSON file; grows when a reader of the old one would misread the new one."""


def utc_now() -> datetime:
    """The current time, aware, in UTC, in whole microseconds."""
    return datetime.now(UTC)


@lru_cache(maxsize=1024)  # a state's times are written each time it changes
def rfc3339(moment: datetime) -> str:
    """A time as text: UTC, always with six digits, so that text order is time order."""
    # This is done for each operation of the queue. One that is in UTC already need not be brought there, and
    # to_json takes a third of isoformat's time; but it leaves out digits that are all 0.
    there = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    text = to_json(there)[1:-1].decode()
    return text if there.microsecond else f"{text[:-1]}.000000Z"


def now_text() -> str:
    """The current time as `rfc3339` would say it, faster."""
    seconds, nanoseconds = divmod(time.time_ns(), 1_000_000_000)
    return f"{_second(seconds)}.{nanoseconds // 1000:06d}Z"


@lru_cache(maxsize=4)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


Timestamp = Annotated[AwareDatetime, PlainSerializer(rfc3339, return_type=str, when_used="json")]
"""RFC 3339 in UTC on disk and on the wire, see `rfc3339`."""


class FileModel(BaseModel):
    """A model that is a file: fields of a newer version are ignored; NaN and infinity are refused."""

    # "constants": what is not finite reaches the writer, which refuses it, instead of becoming null unseen.
    model_config = ConfigDict(extra="ignore", allow_inf_nan=False, ser_json_inf_nan="constants")
