"""What can be asked of the core: the params of the templates and the flags of the command line."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
)

MAX_TIME_NS = 2**63 - 1


class OnCorrupt(StrEnum):
    """What to do with a damaged recording."""

    RECOVER = "recover"
    FAIL = "fail"


class Compression(StrEnum):
    """Codec of Parquet pages."""

    ZSTD = "zstd"
    LZ4 = "lz4"
    SNAPPY = "snappy"
    GZIP = "gzip"
    NONE = "none"


def parse_time(value: object) -> int:
    """Read a time as integer ns since the epoch, or as RFC 3339 with an offset.

    Raises:
        ValueError: it is neither, or outside 1970 to 2262.
    """
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError("a time is RFC 3339 text with an offset, or integer nanoseconds since the epoch")  # noqa: TRY004
    nanoseconds = (
        int(value) if isinstance(value, int) or (value.isascii() and value.isdigit()) else _rfc3339(value)
    )
    if not 0 <= nanoseconds <= MAX_TIME_NS:
        raise ValueError("a time must lie between 1970 and 2262")
    return nanoseconds


def _rfc3339(text: str) -> int:
    """Nanoseconds since the epoch; fractions beyond the 9th digit are refused."""
    head, dot, tail = text.partition(".")
    digits = tail[: len(tail) - len(tail.lstrip("0123456789"))]
    if dot and not 1 <= len(digits) <= 9:
        raise ValueError("a fraction of a second has 1 to 9 digits")
    moment = datetime.fromisoformat(head + tail[len(digits) :])
    if moment.tzinfo is None:
        raise ValueError("a time needs an offset: write 2024-05-15T10:00:00Z")
    whole = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (whole.days * 86_400 + whole.seconds) * 1_000_000_000 + int(digits.ljust(9, "0") or 0)


def _usable(glob: str) -> str:
    if not glob:
        raise ValueError("a glob is not empty")
    if any("\ud800" <= letter <= "\udfff" for letter in glob):
        raise ValueError("a glob is valid Unicode text")
    return glob


def _one_or_many(value: object) -> object:
    return [value] if isinstance(value, str) else value


Time = Annotated[
    int,
    BeforeValidator(parse_time, json_schema_input_type=str | int),
]
Globs = Annotated[
    list[Annotated[str, AfterValidator(_usable)]],
    BeforeValidator(_one_or_many, json_schema_input_type=str | list[str]),
]


class Options(BaseModel):
    """Base of all options: unknown names are refused, nothing is coerced, nothing changes later."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, validate_default=True)


class Selection(Options):
    """Which messages of a recording."""

    topics: Globs = Field(["*"], description="Globs of the topics to take; `*` also matches `/`.")
    exclude_topics: Globs = Field([], description="Globs of the topics to leave out; wins over `topics`.")
    start_time: Time | None = Field(
        None, description="First log time to take: RFC 3339 with an offset, or ns since the epoch."
    )
    end_time: Time | None = Field(
        None, description="Log time to stop before: RFC 3339 with an offset, or ns since the epoch."
    )
    on_corrupt: Annotated[OnCorrupt, Field(strict=False)] = Field(
        OnCorrupt.RECOVER, description="`recover` what a damaged recording still holds, or `fail`."
    )

    @field_validator("end_time")
    @classmethod
    def _after_start(cls, end: int | None, info: ValidationInfo) -> int | None:
        start = info.data.get("start_time")
        if end is not None and start is not None and end <= start:
            raise ValueError("the end lies after the start")
        return end


class IndexOptions(Options):
    """Options of index: there are none, an index is always of the whole recording."""


class ConvertOptions(Selection):
    """Options of convert."""

    format: Literal["parquet"] = Field("parquet", description="Format of the dataset.")
    compression: Annotated[Compression, Field(strict=False)] = Field(
        Compression.ZSTD, description="Codec of the Parquet pages."
    )


class VisualizeOptions(Selection):
    """Options of visualize."""
