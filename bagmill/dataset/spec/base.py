"""What all parts of a spec are made of: strict models, and the small types that they share."""

from typing import Annotated, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, Strict

from bagmill.choices import parse_time, usable_glob
from bagmill.options import Options, one_or_many


class Part(Options):
    """Base of the parts of a spec, as strict as all options."""


Item = TypeVar("Item")
Many = Annotated[tuple[Item, ...], Strict(strict=False)]
"""Several; a list in YAML and JSON."""


Globs = Annotated[
    Many[Annotated[str, AfterValidator(usable_glob)]],
    BeforeValidator(one_or_many, json_schema_input_type=str | list[str]),
]
"""Globs of topics; one may stand for a list of one."""

Topic = Annotated[str, Field(min_length=1, description="Name of a topic, exactly as in the recording.")]

FieldPath = Annotated[
    str,
    Field(
        min_length=1,
        description="Path of a field in the message: names joined by dots, with `[3]` for one element of "
        "an array (`[-1]` is the last), `[2:5]` for several and `[*]` for all: `pose.position.x`, "
        "`position[0:7]`, `transforms[*].transform.translation.x`. A field whose name holds a dot or "
        "bracket stands in backticks.",
    ),
]

Seconds = Annotated[float, Field(gt=0, le=1e9, allow_inf_nan=False, strict=False)]
"""A duration; integers are taken too."""

SecondsOrZero = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False, strict=False)]

Number = Annotated[float, Field(allow_inf_nan=False, strict=False)]
"""A finite number; integers are taken too."""

Scalar = bool | int | Annotated[float, Field(allow_inf_nan=False)] | str
"""A constant: of YAML's own types, nothing is made of it."""


def relative_or_absolute(value: object) -> object:
    """A time: `+2.5s` from the start of the recording stays text, all others become ns since the epoch.

    Raises:
        ValueError: it is neither.
    """
    if isinstance(value, str) and value[:1] in {"+", "-"} and value.endswith("s"):
        try:
            float(value[:-1])
        except ValueError:
            raise ValueError(f"{value!r} is no time relative to the start, such as `+2.5s`") from None
        return value
    return parse_time(value)


Time = Annotated[
    int | str,
    BeforeValidator(relative_or_absolute, json_schema_input_type=int | str),
    Field(
        description="RFC 3339 with an offset, ns since the epoch, or seconds from the start of the "
        "recording as `+2.5s` (`-2.5s`: before its end)."
    ),
]


def distinct(values: tuple[bool | int | str, ...]) -> tuple[bool | int | str, ...]:
    """The values, of which none may stand twice; 1 and true are two.

    Raises:
        ValueError: one does.
    """
    seen: set[tuple[type, bool | int | str]] = set()
    for value in values:
        if (type(value), value) in seen:
            raise ValueError(f"{value!r} stands twice")
        seen.add((type(value), value))
    return values
