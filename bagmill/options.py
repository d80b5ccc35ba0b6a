"""What can be asked of the core: the params of the templates and the flags of the command line."""

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

from bagmill.choices import (
    MAX_TIME_NS,
    NO_CODEC_OF_TFRECORD,
    NOT_AFTER,
    Compression,
    OnCorrupt,
    is_after,
    is_codec_of,
    parse_time,
    usable_glob,
)

__all__ = [
    "MAX_TIME_NS",
    "Compression",
    "ConvertOptions",
    "IndexOptions",
    "OnCorrupt",
    "Options",
    "Selection",
    "VisualizeOptions",
    "parse_time",
]


def one_or_many(value: object) -> object:
    """One text as a list of it; all else as it is."""
    return [value] if isinstance(value, str) else value


Time = Annotated[
    int,
    BeforeValidator(parse_time, json_schema_input_type=str | int),
]
Globs = Annotated[
    list[Annotated[str, AfterValidator(usable_glob)]],
    BeforeValidator(one_or_many, json_schema_input_type=str | list[str]),
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
        if not is_after(start, end):
            raise ValueError(NOT_AFTER)
        return end


class IndexOptions(Options):
    """Options of index: there are none, an index is always of the whole recording."""


class ConvertOptions(Selection):
    """Options of convert."""

    format: Literal["parquet", "tfrecord"] = Field("parquet", description="Format of the dataset.")
    compression: Annotated[Compression | None, Field(strict=False)] = Field(
        None,
        description="Codec of the dataset's files: by default `zstd` in `parquet` and `none` in `tfrecord`, "
        "which takes `gzip` or `none` only.",
    )

    @field_validator("compression")
    @classmethod
    def _of_the_format(cls, compression: Compression | None, info: ValidationInfo) -> Compression | None:
        if not is_codec_of(info.data.get("format", ""), compression):
            raise ValueError(NO_CODEC_OF_TFRECORD)
        return compression


class VisualizeOptions(Selection):
    """Options of visualize."""
