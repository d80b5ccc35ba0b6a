"""The parts of a spec that say what is read, what time is, and when there is a row."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from bagmill.dataset.spec.base import FieldPath, Globs, Many, Part, Seconds, Time, Topic


class Input(Part):
    """Which messages there are: all others do not exist for the dataset."""

    topics: Globs = Field(("*",), description="Globs of the topics to take; `*` also matches `/`.")
    exclude_topics: Globs = Field((), description="Globs of the topics to leave out; wins over `topics`.")
    start_time: Time | None = Field(None, description="First log time to take.")
    end_time: Time | None = Field(None, description="Log time to stop before.")
    max_messages: int | None = Field(
        None, ge=1, description="Of each topic, take so many messages at most: the first ones in the file."
    )
    on_corrupt: Literal["recover", "fail"] = Field(
        "recover", description="`recover` what a damaged recording still holds, or `fail`."
    )

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        start, end = self.start_time, self.end_time
        if isinstance(start, int) and isinstance(end, int) and end <= start:
            raise ValueError("end_time must be after start_time")
        return self


class TimeSource(Part):
    """Which time of a message counts for rows and joins."""

    source: Literal["log_time", "publish_time", "field"] = Field(
        "log_time", description="Log time, publish time, or a stamp in the message."
    )
    field: FieldPath | None = Field(
        None,
        description="With `field`: path of the stamp in the message, such as `header.stamp`. A struct of "
        "seconds and nanoseconds, a timestamp, integer ns, or seconds as a float. A topic without it is "
        "refused if it is used.",
    )

    @model_validator(mode="after")
    def _has_its_field(self) -> Self:
        if (self.field is not None) != (self.source == "field"):
            raise ValueError("`field` goes with `source: field`, and only with it")
        return self


class PerMessage(Part):
    """One row for each message of one topic, with features of this topic alone."""

    kind: Literal["per_message"]
    topic: Topic


class Trigger(Part):
    """One row for each message of one topic, at its time; features of other topics are joined.

    Features of the topic itself are those of the row's own message.
    """

    kind: Literal["trigger"]
    topic: Topic


class Rate(Part):
    """Rows on a grid: from the first time that all topics of the features have had a message, each 1/hz s, up
    to the last message of any of them. Topics that are only counted do not matter.
    """

    kind: Literal["rate"]
    hz: Annotated[float, Field(gt=0, le=1e6, allow_inf_nan=False, strict=False)]


Rows = Annotated[PerMessage | Trigger | Rate, Field(discriminator="kind")]


class WholeRecording(Part):
    """One episode a recording."""

    by: Literal["recording"] = "recording"


class ByGap(Part):
    """A new episode where there is no row, or no message of a topic, for some time.

    Rows that were dropped make gaps, too. By a topic, the message that ends the gap begins the episode, and
    rows within the gap belong to the one before.
    """

    by: Literal["gap"]
    seconds: Seconds = Field(description="A longer time without one ends the episode.")
    topic: Topic | None = Field(None, description="Look at the messages of this topic instead of the rows.")


class ByField(Part):
    """An episode for each run of rows over which a boolean or enum field keeps a value that counts."""

    by: Literal["field"]
    topic: Topic
    field: FieldPath
    values: Many[bool | int | str] | None = Field(
        None,
        min_length=1,
        description="Values that make an episode; rows with others are left out. Without it: true, or for "
        "an enum every value but the first constant (zero).",
    )


Episodes = Annotated[WholeRecording | ByGap | ByField, Field(discriminator="by")]
