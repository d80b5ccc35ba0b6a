"""Features and labels: the columns of a dataset."""

from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from bagmill.dataset.spec.base import Many, Part
from bagmill.dataset.spec.sources import Missing, Source, Sync, is_joined
from bagmill.dataset.spec.transforms import DType, Transform

INDEX_COLUMNS = ("time", "time_ns", "recording", "episode_index", "frame_index", "index")
"""Columns that each row has beside its features: no feature or label may take their names.

`time` (timestamp[ns, UTC]) and `time_ns` (int64) of the row; `recording` (string), its source's name;
`episode_index` and `index` (int64), which count over the whole dataset; `frame_index` (int64), which counts
within the episode.
"""
PARTITION = "split"
"""The folders of a dataset are named by it, so readers make a column of it."""
PRESENT = ".present"
"""The name of a presence column is that of its feature and this."""


def _usable(name: str) -> str:
    if name.lower() in (*INDEX_COLUMNS, PARTITION):
        raise ValueError(f"{name!r} is the name of a column that each dataset has")
    if name.lower().endswith(PRESENT):
        raise ValueError(f"names that end with {PRESENT!r} are for presence columns")
    return name


ColumnName = Annotated[
    str,
    Field(pattern=r"^[A-Za-z_][A-Za-z0-9_./-]{0,127}$"),
    AfterValidator(_usable),
]

Axis = Annotated[int, Field(ge=0, le=1 << 24)]


class Feature(Part):
    """One typed column: values from a source, joined to each row, transformed."""

    source: Source
    sync: Sync = Sync()
    transforms: Many[Transform] = Field(())
    dtype: DType | None = Field(
        None,
        description="Type of the elements in the dataset; what has another one is cast. Null: as it comes.",
    )
    shape: Many[Axis] | None = Field(
        None,
        description="Shape of a value, [] for a number. Values of as many elements take it, others are "
        "refused. Null: as it comes.",
    )
    missing: Missing = Missing()
    presence: bool = Field(
        False,
        description="Add a column `<name>.present`: whether the row had a value before `missing` was "
        "applied.",
    )

    @model_validator(mode="after")
    def _sync_is_of_use(self) -> Self:
        _check_sync(self.source, self.sync)
        return self


class Label(Part):
    """A column of classes: int64, or with `multi` a vector of 0 and 1 (int8)."""

    source: Source
    sync: Sync = Sync()
    classes: dict[str, int] | Many[str] = Field(
        min_length=1,
        description="Names of the classes, each with its number; a list numbers them from 0. Values of the "
        "source are compared as text (booleans as true and false, enums also by the names of their "
        "constants).",
    )
    multi: bool = Field(False, description="The source is a list, and each of its elements a class.")
    unknown: str | None = Field(
        None, description="The class of values that are none. Null: such a row is missing the label."
    )
    missing: Missing = Missing()

    @model_validator(mode="after")
    def _sync_is_of_use(self) -> Self:
        _check_sync(self.source, self.sync)
        return self

    @model_validator(mode="after")
    def _numbers_fit(self) -> Self:
        names = tuple(self.numbers)
        if len(set(self.numbers.values())) != len(self.classes) and not isinstance(self.classes, dict):
            raise ValueError("a class stands twice")
        if self.unknown is not None and self.unknown not in names:
            raise ValueError(f"`unknown` names no class: {self.unknown!r}")
        if self.multi and set(self.numbers.values()) != set(range(len(set(self.numbers.values())))):
            raise ValueError("with `multi`, the numbers of the classes must be 0, 1, 2 and so on")
        return self

    @property
    def numbers(self) -> dict[str, int]:
        """The number of each class."""
        if isinstance(self.classes, dict):
            return self.classes
        return {name: number for number, name in enumerate(self.classes)}


def _check_sync(source: Source, sync: Sync) -> None:
    if sync != Sync() and not is_joined(source):
        raise ValueError("`sync` joins messages, and the source has no field of any")
