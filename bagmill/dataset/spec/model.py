"""The spec of a dataset as a whole."""

from typing import Final, Literal, Self

from pydantic import Field, model_validator

from bagmill.dataset.spec.base import Part
from bagmill.dataset.spec.features import PRESENT, ColumnName, Feature, Label
from bagmill.dataset.spec.results import Output, Split, Validation
from bagmill.dataset.spec.sources import topics_of
from bagmill.dataset.spec.timing import Episodes, Input, PerMessage, Rows, TimeSource, WholeRecording

VERSION: Final = 1
MAX_COLUMNS = 4096


class Spec(Part):
    """How recordings become rows: what is read, when there is a row, and what stands in it.

    The same recordings, spec and version of the program give byte-identical files.
    """

    version: Literal[1] = Field(
        VERSION, description="Of the form of specs; older ones are brought up to date."
    )
    name: str = Field(
        "dataset",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]{0,127}$",
        description="For people; stands in manifest and report.",
    )
    description: str = Field("", max_length=4096)
    input: Input = Input()
    time: TimeSource = TimeSource()
    rows: Rows
    features: dict[ColumnName, Feature] = Field(min_length=1, max_length=MAX_COLUMNS)
    labels: dict[ColumnName, Label] = Field({}, max_length=MAX_COLUMNS)
    episodes: Episodes = WholeRecording()
    split: Split | None = Field(None, description="Null: one split, `all`.")
    validation: Validation = Validation()
    output: Output = Output()

    @model_validator(mode="after")
    def _columns_are_distinct(self) -> Self:
        seen: dict[str, str] = {}
        for name in self.columns:
            if earlier := seen.get(name.lower()):
                raise ValueError(f"the columns {earlier!r} and {name!r} have one name when case is ignored")
            seen[name.lower()] = name
        return self

    @model_validator(mode="after")
    def _features_exist(self) -> Self:
        if unknown := [
            name for name in self.validation.features if name not in (self.features | self.labels)
        ]:
            raise ValueError(f"validation.features names {unknown[0]!r}, which is no feature or label")
        return self

    @model_validator(mode="after")
    def _per_message_has_one_topic(self) -> Self:
        if isinstance(self.rows, PerMessage):
            for name, column in (self.features | self.labels).items():
                if others := set(topics_of(column.source)) - {self.rows.topic}:
                    raise ValueError(
                        f"rows per message of {self.rows.topic} can't have {min(others)}, which {name!r} "
                        "takes: use `kind: trigger` to join other topics"
                    )
        return self

    @property
    def columns(self) -> list[str]:
        """Names of all columns of the spec: features with their presence columns, then labels."""
        named = [
            each
            for name, feature in self.features.items()
            for each in ((name, name + PRESENT) if feature.presence else (name,))
        ]
        return [*named, *self.labels]
