"""Specs: what is read is what was written, and what is wrong is pointed at."""

import json
from pathlib import Path

import pytest

from bagmill.dataset.spec import Spec, dump_spec, load_spec, make_spec, parse_spec, spec_hash
from bagmill.errors import SpecError, SpecInvalid, SpecUnreadable

ROWS = "rows: {kind: rate, hz: 30}\n"
FEATURES = "features: {a: {source: {topic: /a, field: b}}}\n"

ALL = """
version: 1
name: arm
input: {topics: "/joint*", exclude_topics: [/x], start_time: +2.5s, max_messages: 7}
time: {source: field, field: header.stamp}
rows: {kind: trigger, topic: /camera}
features:
  observation.state:
    source: {concat: [{topic: /joint_states, field: "position[0:7]"}, {constant: [1, 2.5]}]}
    sync: {policy: linear, tolerance: 1, rotation: false}
    transforms: [{op: normalize}, {op: cast, dtype: float32}]
    shape: [9]
    missing: {policy: constant, value: 0}
    presence: true
  n: {source: {count: /camera}}
  robot: {source: {metadata: robot, key: name}}
labels:
  gear: {source: {topic: /gear, field: mode}, classes: [park, drive], unknown: park}
episodes: {by: field, topic: /gear, field: mode, values: [1, 2]}
split: {by: recording, fractions: {train: 0.8, test: 0.2}, seed: 7}
validation: {features: [n], nan: error}
output: {format: tfrecord, compression: gzip, shard_rows: 100}
"""


def test_a_spec_reads_back_as_it_was() -> None:
    spec = parse_spec(ALL)

    assert parse_spec(dump_spec(spec)) == spec
    assert make_spec(json.loads(spec.model_dump_json())) == spec


def test_yaml_and_json_are_the_same(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(parse_spec(ALL).model_dump_json())

    assert load_spec(tmp_path / "a.json") == parse_spec(ALL)


def test_the_hash_is_of_the_meaning() -> None:
    spec = parse_spec(ROWS + FEATURES)

    assert spec_hash(parse_spec(FEATURES + "name: other\n" + ROWS)) == spec_hash(spec)
    assert spec_hash(parse_spec(ROWS.replace("30", "31") + FEATURES)) != spec_hash(spec)


@pytest.mark.parametrize(
    ("text", "pointer", "hint"),
    [
        (ROWS + "features: {a: {source: {topic: /a, feild: b}}}", "/features/a/source/feild", "field"),
        (
            ROWS + "features: {a: {source: {concat: [{topic: /a, fild: b}]}}}",
            "/features/a/source/concat/0/fild",
            "field",
        ),
        (ROWS + "features: {a: {source: {topik: /a}}}", "/features/a/source", None),
        (
            ROWS + "features: {a: {source: {count: /a}, transforms: [{op: clmp}]}}",
            "/features/a/transforms/0",
            "clamp",
        ),
        (
            ROWS + "features: {a: {source: {count: /a}, dtype: flot32}}",
            "/features/a/dtype",
            "float32",
        ),
        (ROWS + FEATURES + "splt: 1", "/splt", "split"),
        (ROWS + FEATURES + "episodes: {by: field, topic: /a, feild: b}", "/episodes/feild", "field"),
        ("rows: {kind: rate, hz: 0}\n" + FEATURES, "/rows/hz", None),
        (ROWS + "features: {time_ns: {source: {count: /a}}}", "/features/time_ns", None),
        (ROWS + FEATURES + "output: {prefix: ../up}", "/output/prefix", None),
        (ROWS + FEATURES + "split: {by: time, fractions: {train: 0.8, test: 0.3}}", "/split", None),
        (ROWS + "features: {a: {source: {count: /a}}, A: {source: {count: /a}}}", "", None),
        ("rows: {kind: per_message, topic: /b}\n" + FEATURES, "", None),
        (ROWS + "features: {a: {source: {count: /a}, sync: {policy: exact}}}", "/features/a", None),
    ],
)
def test_what_is_wrong_is_pointed_at(text: str, pointer: str, hint: str | None) -> None:
    with pytest.raises(SpecInvalid) as caught:
        parse_spec(text)

    (fault,) = [fault for fault in caught.value.items if fault.pointer == pointer]
    assert hint is None or fault.hint == f"Did you mean `{hint}`?"


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "a: 1\na: 2",
        "a: &x [1]\nb: *x",
        "? [1]\n: 2",
        "version: 7",
        "version: true",
        b"\xff\xfe\x00",
        "!!python/object:os.system {}",
        "[" * 5000,
        "a" * (5 << 20),
    ],
)
def test_what_is_no_yaml_is_refused(text: str | bytes) -> None:
    with pytest.raises(SpecUnreadable):
        parse_spec(text)


@pytest.mark.parametrize("text", ["", "null", "[]", "3", "rows: 2020-01-01", "- a"])
def test_what_is_no_spec_is_refused(text: str) -> None:
    with pytest.raises(SpecInvalid):
        parse_spec(text)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SpecError) as caught:
        load_spec(tmp_path / "none.yaml")

    assert caught.value.where["path"] == str(tmp_path / "none.yaml")


def test_the_json_schema_describes_every_field() -> None:
    schema = Spec.model_json_schema()

    assert {"rows", "features", "labels", "split", "output"} <= schema["properties"].keys()
    json.dumps(schema, allow_nan=False)
