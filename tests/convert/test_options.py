"""Options: what they take, and what they refuse before any work."""

import pytest
from pydantic import ValidationError

from bagmill.options import ConvertOptions

NOON = 1_715_774_400_000_000_000


@pytest.mark.parametrize(
    "time",
    [
        NOON,
        str(NOON),
        "2024-05-15T12:00:00Z",
        "2024-05-15T12:00:00.000000000Z",
        "2024-05-15T14:00:00+02:00",
    ],
)
def test_a_time_is_nanoseconds_or_rfc_3339(time: object) -> None:
    assert ConvertOptions.model_validate({"start_time": time}).start_time == NOON


def test_fractions_are_exact_to_the_nanosecond() -> None:
    options = ConvertOptions.model_validate({"start_time": "2024-05-15T12:00:00.000000001Z"})

    assert options.start_time == NOON + 1


@pytest.mark.parametrize(
    "time",
    ["noon", "2024-05-15T12:00:00", "2024-05-15T12:00:00.1234567890Z", "1969-12-31T00:00:00Z", -1, 1.5, True],
)
def test_other_times_are_refused(time: object) -> None:
    with pytest.raises(ValidationError):
        ConvertOptions.model_validate({"start_time": time})


@pytest.mark.parametrize("end", [NOON - 1, NOON])
def test_an_end_that_is_not_after_the_start_is_refused_at_its_place(end: int) -> None:
    with pytest.raises(ValidationError) as caught:
        ConvertOptions.model_validate({"start_time": NOON, "end_time": end})

    assert [error["loc"] for error in caught.value.errors()] == [("end_time",)]
