"""Where the values of a feature come from, how they are joined to rows, and what is done where there are
none.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from bagmill.dataset.spec.base import FieldPath, Many, Part, Scalar, SecondsOrZero, Topic

SOURCES = ("topic", "constant", "metadata", "concat", "stack", "count")
"""The names that tell the kinds of sources apart: each stands in one of them, and in no other."""


class TopicSource(Part):
    """A field of the messages of a topic."""

    topic: Topic
    field: FieldPath | None = Field(None, description="Path of the field; without it, the whole message.")


class ConstantSource(Part):
    """The same in each row."""

    constant: Scalar | Many[Scalar]


class MetadataSource(Part):
    """Text from the recording's metadata records, the same in each row."""

    metadata: str = Field(min_length=1, description="Name of the metadata record.")
    key: str = Field(min_length=1, description="Which of its values.")


class ConcatSource(Part):
    """Several sources end to end: along the first axis, a number counting as one element."""

    concat: Many["Source"] = Field(min_length=1)


class StackSource(Part):
    """Several sources of the same shape on top of each other: a new first axis."""

    stack: Many["Source"] = Field(min_length=1)


class CountSource(Part):
    """How many messages of a topic came since the row before, up to the row's time (int64).

    The row before counts also if it is dropped; the first row counts all messages before it.
    """

    count: Topic


def _kind(value: Any) -> str | None:
    names = value if isinstance(value, dict) else getattr(type(value), "model_fields", {})
    return next((name for name in SOURCES if name in names), None)


Source = Annotated[
    Annotated[TopicSource, Tag("topic")]
    | Annotated[ConstantSource, Tag("constant")]
    | Annotated[MetadataSource, Tag("metadata")]
    | Annotated[ConcatSource, Tag("concat")]
    | Annotated[StackSource, Tag("stack")]
    | Annotated[CountSource, Tag("count")],
    Discriminator(
        _kind,
        custom_error_type="no_source",
        custom_error_message="a source has one of topic, constant, metadata, concat, stack, count",
    ),
]
ConcatSource.model_rebuild()
StackSource.model_rebuild()


class Sync(Part):
    """How the messages of a topic are joined to the time of a row.

    `last`: the newest message not later than the row. `exact`: the same, but of no other time unless a
    tolerance says how much older it may be. `nearest`: the message nearest in time, before or after; of two
    equally near the earlier one. `linear`: between the messages before and after; quaternions turn along the
    shortest arc (slerp). Of several messages with one time the one that stands last in the file counts.
    """

    policy: Literal["last", "nearest", "linear", "exact"] = "last"
    tolerance: SecondsOrZero | None = Field(
        None,
        description="Seconds between the row and a message that it takes, on either side (`linear`: both "
        "of them), at most; a row without one is missing the feature. Null is no limit, and 0 for `exact`.",
    )
    staleness: SecondsOrZero | None = Field(
        None,
        description="Seconds that a message may be older than a row that has its value in any way, "
        "`forward_fill` included, at most. Null is no limit.",
    )
    rotation: bool | None = Field(
        None,
        description="With `linear`: the four numbers are a quaternion x, y, z, w. Null: they are if the "
        "type of the field is a quaternion.",
    )

    @model_validator(mode="after")
    def _rotation_is_linear(self) -> Self:
        if self.rotation is not None and self.policy != "linear":
            raise ValueError("`rotation` goes with `policy: linear` only")
        return self


class Missing(Part):
    """What is done with a row that has no value for a feature.

    Rows are dropped first; then `forward_fill` takes the value of the newest row before, in the same episode.
    """

    policy: Literal["error", "drop_row", "null", "zeros", "forward_fill", "constant"] = "null"
    value: Scalar | Many[Scalar] | None = Field(
        None,
        description="With `constant`: the value, of the shape of the feature or one number for all.",
    )

    @model_validator(mode="after")
    def _constant_has_a_value(self) -> Self:
        if (self.value is not None) != (self.policy == "constant"):
            raise ValueError("`value` goes with `policy: constant`, and only with it")
        return self


def topics_of(source: Source) -> list[str]:
    """All topics that a source takes messages of, in the order in which they stand in it."""
    match source:
        case TopicSource():
            return [source.topic]
        case CountSource():
            return [source.count]
        case ConcatSource():
            return [topic for one in source.concat for topic in topics_of(one)]
        case StackSource():
            return [topic for one in source.stack for topic in topics_of(one)]
    return []


def is_joined(source: Source) -> bool:
    """Whether a source takes values of messages, so that it matters how they are joined to rows."""
    match source:
        case ConcatSource():
            return any(map(is_joined, source.concat))
        case StackSource():
            return any(map(is_joined, source.stack))
    return isinstance(source, TopicSource)
