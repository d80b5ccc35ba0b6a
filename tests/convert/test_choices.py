"""The two forms of the options are one: the command line's without pydantic, and the API's models."""

from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bagmill.choices import FORMATS, BadChoices, Choices, choose
from bagmill.options import ConvertOptions

VALUES: dict[str, list[Any]] = {
    "topics": [["*"], ["/a", "/b*"], [""], ["\ud800"], []],
    "exclude_topics": [[], ["/a"], ["", "x"]],
    "start_time": [None, 0, 5, "7", "2024-05-15T10:00:00Z", "2024-05-15", "x", -1, 2**63, "1.5", True],
    "end_time": [None, 0, 6, "7", "2024-05-15T10:00:00.123456789+02:00", "2300-01-01T00:00:00Z"],
    "on_corrupt": ["recover", "fail", "maybe", ""],
    "format": ["parquet", "tfrecord", "csv", ""],
    "compression": [None, "zstd", "lz4", "snappy", "gzip", "none", "best"],
}


def listed(choices: Choices) -> dict[str, Any]:
    return {
        name: list(value) if isinstance(value, tuple) else value for name, value in choices._asdict().items()
    }


def test_the_defaults_are_the_same() -> None:
    assert listed(Choices()) == ConvertOptions().model_dump()


def test_the_formats_are_the_same() -> None:
    assert get_args(ConvertOptions.model_fields["format"].annotation) == FORMATS


def by_model(given_values: dict[str, Any]) -> dict[str, Any] | set[str]:
    """The options, or the names of those that are refused."""
    try:
        return ConvertOptions(**given_values).model_dump()
    except ValidationError as error:
        return {str(item["loc"][0]) for item in error.errors()}


def by_choices(given_values: dict[str, Any]) -> dict[str, Any] | set[str]:
    """The same from the command line's form."""
    try:
        return listed(choose(given_values))
    except BadChoices as error:
        return {name for name, _ in error.problems}


@given(st.fixed_dictionaries({}, optional={name: st.sampled_from(values) for name, values in VALUES.items()}))
def test_the_same_is_taken_and_refused(given_values: dict[str, Any]) -> None:
    assert by_choices(given_values) == by_model(given_values)


@pytest.mark.parametrize("name", ["start_time", "end_time"])
def test_the_reasons_are_the_same(name: str) -> None:
    for value in ("2024-05-15", -1, True):
        with pytest.raises(ValidationError) as by_model:
            ConvertOptions.model_validate({name: value})
        with pytest.raises(BadChoices) as by_choice:
            choose({name: value})
        assert by_model.value.errors()[0]["msg"] == f"Value error, {by_choice.value.problems[0][1]}"
