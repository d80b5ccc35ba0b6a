"""Labels: classes by the text of values, by names of constants, one or several."""

import json
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bagmill.columns import METADATA_KEY
from bagmill.dataset.labels import constants, label
from bagmill.dataset.spec import Label
from bagmill.dataset.transforms import Chain
from bagmill.dataset.values import ValueType
from bagmill.errors import SpecUnfit
from tests.dataset.columns import FEW, Row, kind, rows_of, values_of


def labelled(
    rows: list[Row], source: ValueType, names: dict[str, int] | None = None, **spec: Any
) -> list[Row]:
    op = label(Label.model_validate({"source": {"constant": 0}, **spec}), source, names or {}, "/labels/a")
    values = Chain(source, (("/labels/a", op),))(values_of(rows, source))
    assert values.type.element == (pa.int8() if spec.get("multi") else pa.int64())
    return rows_of(values)


@FEW
@given(st.lists(st.none() | st.sampled_from(["go", "stop", "other"]), min_size=1, max_size=8), st.booleans())
def test_one_class_a_row(rows: list[Row], known: bool) -> None:
    classes, unknown = {"go": 7, "stop": 3, "rest": 9}, "rest" if known else None

    found = labelled(rows, kind("string"), classes=classes, unknown=unknown)

    default = 9 if known else None
    assert found == [None if row is None else classes.get(row, default) for row in rows]


@FEW
@given(
    st.lists(st.none() | st.lists(st.sampled_from(["go", "stop", "?"]), max_size=3), min_size=1, max_size=8),
    st.booleans(),
)
def test_several_classes_a_row(rows: list[Row], known: bool) -> None:
    classes = ["go", "stop", "rest"]
    found = labelled(
        rows, kind("string", None), classes=classes, multi=True, unknown="rest" if known else None
    )

    def one(row: list[str] | None) -> Row:
        if row is None or (not known and "?" in row):
            return None
        return [int("go" in row), int("stop" in row), int("?" in row and known)]

    assert found == [one(row) for row in rows]


def test_booleans_and_integers_are_compared_as_text() -> None:
    assert labelled([True, False, None], kind("bool"), classes={"true": 1, "false": 0}) == [1, 0, None]
    assert labelled([-1, 2, 3], kind("int8"), classes=["2", "-1"]) == [1, 0, None]


def test_integers_have_the_names_of_constants_too() -> None:
    names = {"IDLE": 0, "MOVING": 4}

    assert labelled([0, 4, 5], kind("uint8"), names, classes=["MOVING", "IDLE", "5"]) == [1, 0, 2]


def test_names_come_from_the_enum_of_the_field_or_from_constants_of_messages() -> None:
    facts = {
        "enums": {"Mode": {"OFF": 0, "ON": 1}},
        "constants": {"a/B": {"LOW": 2, "TEXT": "x"}, "c/D": {"HIGH": 3}},
    }
    schema = pa.schema([("a", pa.int8())], metadata={METADATA_KEY: json.dumps(facts)})

    assert constants(schema, pa.field("a", pa.int8(), metadata={"enum": "Mode"})) == {"OFF": 0, "ON": 1}
    assert constants(schema, schema.field(0)) == {"LOW": 2, "HIGH": 3}
    assert constants(pa.schema([]), None) == {}


@pytest.mark.parametrize(
    ("source", "multi", "text"),
    [
        (kind("float64"), False, "float64 has no classes"),
        (kind("string", None), False, "takes single values"),
        (kind("string"), True, "takes lists"),
        (kind("binary"), False, "has no classes"),
        (kind("timestamp"), False, "has no classes"),
    ],
)
def test_what_has_no_classes_is_refused(source: ValueType, multi: bool, text: str) -> None:
    with pytest.raises(SpecUnfit, match=text) as caught:
        labelled([], source, classes=["a"], multi=multi)
    assert caught.value.items[0].pointer == "/labels/a/source"
