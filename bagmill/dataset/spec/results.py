"""The parts of a spec that say how a dataset is split, checked and written."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from bagmill.dataset.spec.base import Many, Part

SplitName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
Fraction = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False, strict=False)]
_CLOSE = 1e-9
MAX_PERCENT = 1.0


class Split(Part):
    """Which rows are for training and which for the rest."""

    by: Literal["time", "random", "recording", "episode"] = Field(
        description="`time`: the first rows of each recording train; `random`: rows, drawn; `recording` "
        "and `episode`: whole ones, drawn."
    )
    fractions: dict[SplitName, Fraction] = Field(
        min_length=1, description="Share of each split; they add up to 1, in this order for `time`."
    )
    seed: int = Field(
        0, ge=0, lt=1 << 63, description="Of `random`, `recording` and `episode`: another draw."
    )

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        total = sum(self.fractions.values())
        if abs(total - 1) > _CLOSE:
            raise ValueError(f"the fractions add up to {total:.6g}, not to 1")
        if "train" not in self.fractions:
            raise ValueError("one split must be named `train`")
        if self.by == "time" and self.seed:
            raise ValueError("`seed` goes with what is drawn, not with `by: time`")
        return self


class Output(Part):
    """The files of the dataset: `split=<name>/<prefix>-00000.parquet` and so on."""

    format: Literal["parquet", "tfrecord"] = "parquet"
    compression: Literal["zstd", "lz4", "snappy", "gzip", "none"] | None = Field(
        None, description="Null: `zstd` for Parquet, `none` for TFRecord, which takes `gzip` or `none` only."
    )
    prefix: str = Field(
        "part", pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$", description="How the names of the files begin."
    )
    shard_rows: int | None = Field(None, ge=1, description="Rows in a file, at most.")
    shard_bytes: int = Field(
        512 << 20, ge=1 << 16, description="Bytes of values in a file, about, before they are compressed."
    )

    @model_validator(mode="after")
    def _codec_of_the_format(self) -> Self:
        if self.format == "tfrecord" and self.compression not in (None, "gzip", "none"):
            raise ValueError("compression of tfrecord is `gzip` or `none`")
        return self


class Validation(Part):
    """What the rows must be like."""

    features: Many[str] = Field((), description="Features that must have a value in at least one row.")
    min_rows: int = Field(1, ge=0)
    max_rows: int | None = Field(None, ge=0)
    max_bad_share: float = Field(
        1.0,
        ge=0,
        le=MAX_PERCENT,
        strict=False,
        description="Share of rows, 0 to 1, that may be dropped or lack a feature, at most.",
    )
    nan: Literal["allow", "error", "drop_row", "null"] = Field(
        "allow",
        description="What is done with NaN and infinity in values: kept, refused, the row left out, or "
        "missing values (then `missing` of the feature decides).",
    )
    on_failure: Literal["fail", "report"] = Field(
        "fail", description="Fail at once, or finish with a warning and a report."
    )

    @model_validator(mode="after")
    def _bounds_in_order(self) -> Self:
        if self.max_rows is not None and self.max_rows < self.min_rows:
            raise ValueError("max_rows must not be below min_rows")
        return self
