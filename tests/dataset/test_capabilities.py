"""What can be said in a spec is told whole, and only that."""

import json
from typing import get_args

import pytest

from bagmill.dataset.capabilities import Choice, capabilities
from bagmill.dataset.spec import Output, Spec, make_spec
from bagmill.dataset.spec.transforms import Transform
from tests.support.processes import python

ALL = capabilities()


def names(choices: list[Choice]) -> list[str]:
    return [choice.name for choice in choices]


def test_every_transform_is_told_with_the_schema_of_its_params() -> None:
    members = get_args(get_args(Transform)[0])

    assert names(ALL.transforms) == [get_args(model.model_fields["op"].annotation)[0] for model in members]
    for choice, model in zip(ALL.transforms, members, strict=True):
        assert set(choice.params["properties"]) == set(model.model_fields)
        assert choice.params["properties"]["op"]["const"] == choice.name
        assert choice.description


def test_every_strategy_is_told() -> None:
    assert names(ALL.rows) == ["per_message", "trigger", "rate"]
    assert names(ALL.episodes) == ["recording", "gap", "field"]
    assert names(ALL.sources) == ["topic", "constant", "metadata", "concat", "stack", "count"]
    assert [one.name for one in ALL.sync_policies] == ["last", "nearest", "linear", "exact"]
    assert [one.name for one in ALL.splits] == ["time", "random", "recording", "episode"]
    assert {"error", "drop_row", "null", "zeros", "forward_fill", "constant"} == {
        one.name for one in ALL.missing_policies
    }
    assert ALL.spec == Spec.model_json_schema()


def spec_of(part: dict[str, object]) -> dict[str, object]:
    whole: dict[str, object] = {
        "rows": {"kind": "rate", "hz": 1},
        "features": {"one": {"source": {"constant": 1}}},
    }
    return whole | part


@pytest.mark.parametrize("time", [one.name for one in ALL.time_sources])
def test_what_is_told_is_taken(time: str) -> None:
    facts = {"source": time} | ({"field": "stamp"} if time == "field" else {})

    assert make_spec(spec_of({"time": facts})).time.source == time


@pytest.mark.parametrize("format_", ALL.formats, ids=lambda one: one.name)
def test_each_format_takes_its_compressions_and_no_others(format_: object) -> None:
    assert format_ in ALL.formats
    one = next(each for each in ALL.formats if each == format_)
    assert one.default_compression in one.compressions
    for codec in ("zstd", "lz4", "snappy", "gzip", "none"):
        facts = {"format": one.name, "compression": codec}
        if codec in one.compressions:
            assert Output.model_validate(facts).compression == codec
        else:
            with pytest.raises(ValueError, match="gzip"):
                Output.model_validate(facts)


def test_it_is_json() -> None:
    text = ALL.model_dump_json()

    assert len(text) < 1 << 18
    assert json.loads(text)["version"] == 1


def test_it_loads_nothing_heavy() -> None:
    code = (
        "import sys, bagmill.dataset.capabilities as made; made.capabilities();"
        "print({'numpy', 'pyarrow', 'cv2'} & set(sys.modules))"
    )

    assert python("-c", code).stdout.strip() == "set()"
