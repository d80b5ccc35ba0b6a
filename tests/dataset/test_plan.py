"""Plans of columns: sources, what is left for later, and everything that is refused before reading."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bagmill.dataset.plan import ColumnPlan, CountLeaf, MessageLeaf, plan_column, plan_columns, plan_rest
from bagmill.dataset.spec import Feature, Label, make_spec
from bagmill.dataset.values import Values, ValueType
from bagmill.errors import SpecUnfit
from tests.dataset.columns import FEW, Row, rows_of
from tests.dataset.images import file_of, scene

XYZW = pa.struct([(name, pa.float64()) for name in "xyzw"])
JOINTS = pa.schema(
    [
        ("name", pa.list_(pa.string())),
        ("position", pa.list_(pa.float64())),
        ("gains", pa.list_(pa.float32(), 2)),
        ("turn", XYZW),
        ("mode", pa.int8()),
        ("flag", pa.bool_()),
    ]
)
IMAGE = pa.schema([("format", pa.string()), ("data", pa.binary())])
SCHEMAS = {"/joints": JOINTS, "/camera": IMAGE}
RECORDS = {"robot": {"name": "spot"}}
MESSAGES: list[dict[str, Any]] = [
    {
        "name": ["a", "b"],
        "position": [1.0, 2.0],
        "gains": [5.0, 6.0],
        "turn": dict.fromkeys("xyz", 0.0) | {"w": 1.0},
        "mode": 3,
        "flag": True,
    },
    {"name": [], "position": [3.0], "gains": [7.0, 8.0], "turn": None, "mode": 4, "flag": False},
    {
        "name": ["c"],
        "position": None,
        "gains": [9.0, 10.0],
        "turn": dict.fromkeys("xyzw", 1.0),
        "mode": 5,
        "flag": None,
    },
]
BATCH = pa.RecordBatch.from_pylist(MESSAGES, schema=JOINTS)


def field(name: str) -> dict[str, str]:
    return {"topic": "/joints", "field": name}


def plan(source: dict[str, Any], **facts: Any) -> ColumnPlan:
    feature = Feature.model_validate({"source": source, **facts})
    return plan_column("a", feature, "/features/a", SCHEMAS, RECORDS)


def joined(column: ColumnPlan, batch: pa.RecordBatch = BATCH) -> Values:
    """One row for each message."""
    parts: list[Values] = []
    for leaf in column.leaves:
        assert not isinstance(leaf, CountLeaf)
        parts.append(leaf.extract(batch) if isinstance(leaf, MessageLeaf) else leaf.rows(batch.num_rows))
    return column.combine(parts)


def rows(column: ColumnPlan) -> list[Row]:
    values = column.before(joined(column))
    assert values.type == column.stored
    return rows_of(values)


@pytest.mark.parametrize(
    ("source", "type_", "expected"),
    [
        (field("mode"), "int8", [3, 4, 5]),
        ({"constant": 2}, "int64", [2, 2, 2]),
        ({"constant": [1, 2.5]}, "float64[2]", [[1.0, 2.5]] * 3),
        ({"constant": ["x", "y"]}, "string[2]", [["x", "y"]] * 3),
        ({"metadata": "robot", "key": "name"}, "string", ["spot"] * 3),
        ({"concat": [field("gains"), field("mode")]}, "float32[3]", [[5, 6, 3], [7, 8, 4], [9, 10, 5]]),
        ({"concat": [field("position"), {"constant": 0}]}, "float64[any]", [[1, 2, 0], [3, 0], None]),
        ({"concat": [field("name"), field("name")]}, "string[any]", [["a", "b"] * 2, [], ["c", "c"]]),
        ({"concat": [field("name[0]"), {"constant": ["z"]}]}, "string[2]", [["a", "z"], None, ["c", "z"]]),
        (
            {"stack": [field("gains"), field("gains")]},
            "float32[2, 2]",
            [[[5, 6]] * 2, [[7, 8]] * 2, [[9, 10]] * 2],
        ),
        ({"stack": [field("mode"), field("mode")]}, "int8[2]", [[3, 3], [4, 4], [5, 5]]),
        ({"stack": [{"constant": ["x"]}, {"constant": ["y"]}]}, "string[2, 1]", [[["x"], ["y"]]] * 3),
        ({"concat": [{"stack": [field("gains")]}, {"constant": 1}]}, None, None),
    ],
)
def test_sources(source: dict[str, Any], type_: str | None, expected: list[Row] | None) -> None:
    if type_ is None:
        with pytest.raises(SpecUnfit, match="can't stand behind"):
            plan(source)
        return
    column = plan(source)

    assert str(column.final) == str(column.stored) == type_
    assert rows(column) == expected


def test_counts_are_integers_and_name_their_topic() -> None:
    column = plan({"count": "/camera"}, dtype="float32")

    (leaf,) = column.leaves
    assert isinstance(leaf, CountLeaf)
    assert (leaf.topic, str(column.joined), str(column.final)) == ("/camera", "int64", "float32")


@FEW
@given(
    st.lists(st.tuples(*[st.none() | st.lists(st.integers(0, 9), max_size=3)] * 2), min_size=1, max_size=6)
)
def test_lists_are_joined_end_to_end(drawn: list[tuple[Row, Row]]) -> None:
    schema = pa.schema([("a", pa.list_(pa.int32())), ("b", pa.list_(pa.int32()))])
    batch = pa.RecordBatch.from_pylist([{"a": a, "b": b} for a, b in drawn], schema=schema)
    source = {"concat": [{"topic": "/t", "field": name} for name in "ab"]}
    column = plan_column("a", Feature.model_validate({"source": source}), "", {"/t": schema}, {})

    found = rows_of(joined(column, batch))

    assert found == [None if a is None or b is None else a + b for a, b in drawn]


def test_quaternions_are_known_by_type_or_declared() -> None:
    linear = {"policy": "linear"}

    def rotation(source: dict[str, Any], **sync: Any) -> bool:
        (leaf,) = plan(source, sync=linear | sync).leaves
        return leaf.type.rotation

    assert rotation(field("turn"))
    assert not rotation(field("turn"), rotation=False)
    assert rotation(field("position[0:4]"), rotation=True)
    assert not rotation(field("position[0:4]"))


def test_what_is_fitted_splits_the_chain() -> None:
    column = plan(
        field("gains"),
        transforms=[{"op": "scale", "factor": 2}, {"op": "normalize"}, {"op": "clamp", "max": 0.5}],
        dtype="float64",
        shape=[2, 1],
    )

    assert column.fitted is not None
    assert (str(column.stored), str(column.final)) == ("float32[2]", "float64[2, 1]")
    stored = column.before(joined(column))
    assert rows_of(stored) == [[10, 12], [14, 16], [18, 20]]
    fit = {"mean": np.array([10.0, 10.0]), "std": np.array([4.0, 0.0])}
    rest = plan_rest(column.column, column.pointer, ValueType.from_json(stored.type.to_json()))
    assert rows_of(rest.chain(fit)(stored)) == [[[0.0], [0.0]], [[0.5], [0.0]], [[0.5], [0.0]]]


def test_a_fitted_range() -> None:
    column = plan(field("gains"), transforms=[{"op": "normalize", "method": "range", "low": 0, "high": 10}])
    fit = {"min": np.array([5.0, 6.0]), "max": np.array([9.0, 6.0])}

    assert rows_of(column.rest.chain(fit)(column.before(joined(column)))) == [[0, 0], [5, 0], [10, 0]]


def test_shapes_and_types_come_last() -> None:
    assert rows(plan(field("gains"), dtype="int64", shape=[2, 1])) == [[[5], [6]], [[7], [8]], [[9], [10]]]
    assert rows(plan(field("position[0:1]"), shape=[])) == [1.0, 3.0, None]
    assert rows(plan(field("name[0:2]"), shape=[1, 2])) == [[["a", "b"]], None, None]


@pytest.mark.parametrize(
    ("source", "facts", "missing", "filler"),
    [
        (field("gains"), {}, {"policy": "zeros"}, [0, 0]),
        (field("gains"), {}, {"policy": "constant", "value": 1.5}, [1.5, 1.5]),
        (field("gains"), {}, {"policy": "constant", "value": [1, 2]}, [1, 2]),
        (field("gains"), {"dtype": "uint8", "shape": [2, 1]}, {"policy": "constant", "value": 7}, [[7], [7]]),
        (field("flag"), {}, {"policy": "constant", "value": True}, True),
        (field("name[0]"), {}, {"policy": "constant", "value": "none"}, "none"),
        (field("name[0:2]"), {}, {"policy": "constant", "value": "?"}, ["?", "?"]),
    ],
)
def test_values_for_what_is_missing(
    source: dict[str, Any], facts: dict[str, Any], missing: dict[str, Any], filler: Row
) -> None:
    found = plan(source, missing=missing, **facts).rest.filler

    assert found is not None
    assert rows_of(found) == [filler]


@pytest.mark.parametrize(
    ("source", "facts", "pointer", "text"),
    [
        ({"topic": "/joint", "field": "mode"}, {}, "/source/topic", "there is no topic '/joint'"),
        (field("modes"), {}, "/source/field", "has no field 'modes'"),
        ({"concat": [field("mode"), field("nam")]}, {}, "/source/concat/1/field", "no field 'nam'"),
        ({"concat": [field("mode"), field("name")]}, {}, "/source/concat/1", "no common type"),
        ({"stack": [field("mode"), field("gains")]}, {}, "/source/stack/1", "can't be stacked"),
        ({"stack": [field("position"), field("position")]}, {}, "/source/stack/0", "one fixed shape"),
        ({"stack": [{"topic": "/camera"}]}, {}, "/source/stack/0", "images can't be joined"),
        ({"metadata": "robt", "key": "name"}, {}, "/source/metadata", "no metadata record 'robt'"),
        ({"metadata": "robot", "key": "nam"}, {}, "/source/key", "no value 'nam'"),
        ({"count": "/nothing"}, {}, "/source/count", "no topic '/nothing'"),
        ({"constant": []}, {}, "/source/constant", "is empty"),
        ({"constant": [1, "a"]}, {}, "/source/constant", "of one kind"),
        ({"constant": 1 << 70}, {}, "/source/constant", "64 bits"),
        (field("name"), {"sync": {"policy": "linear"}}, "/sync/policy", "can't be interpolated"),
        (field("gains"), {"sync": {"policy": "linear", "rotation": True}}, "/sync/rotation", "4 numbers"),
        (field("gains"), {"shape": [3]}, "/shape", "has 2 elements, and the shape"),
        (field("gains"), {"shape": [0]}, "/shape", "without elements"),
        (field("turn"), {"dtype": "binary"}, "/dtype", "can't be cast to binary"),
        (field("name[0]"), {"missing": {"policy": "zeros"}}, "/missing/policy", "has no zeros"),
        (field("position"), {"missing": {"policy": "zeros"}}, "/missing/policy", "has no zeros"),
        (
            field("gains"),
            {"missing": {"policy": "constant", "value": [1]}},
            "/missing/value",
            "[1] is its shape",
        ),
        (field("gains"), {"missing": {"policy": "constant", "value": "a"}}, "/missing/value", "is no value"),
        (field("mode"), {"missing": {"policy": "constant", "value": 900}}, "/missing/value", "is no value"),
        (field("mode"), {"missing": {"policy": "constant", "value": 1.5}}, "/missing/value", "is no value"),
        (field("flag"), {"missing": {"policy": "constant", "value": 1}}, "/missing/value", "is no value"),
        (
            field("gains"),
            {"transforms": [{"op": "flatten"}, {"op": "one_hot", "classes": [1]}]},
            "/transforms/1",
            "single values",
        ),
        (
            field("gains"),
            {"transforms": [{"op": "normalize"}, {"op": "normalize"}]},
            "/transforms/1",
            "only one",
        ),
        (
            {"topic": "/camera"},
            {"transforms": [{"op": "image_decode"}]},
            "/transforms/0",
            "size of the images",
        ),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(
    source: dict[str, Any], facts: dict[str, Any], pointer: str, text: str
) -> None:
    with pytest.raises(SpecUnfit) as caught:
        plan(source, **facts)

    (fault,) = caught.value.items
    assert fault.pointer == f"/features/a{pointer}"
    assert text.lower() in fault.detail.lower()


def test_names_that_are_nearly_right_are_told() -> None:
    with pytest.raises(SpecUnfit) as caught:
        plan({"topic": "/joint", "field": "mode"})

    assert caught.value.items[0].hint == "Did you mean `/joints`?"


def test_all_columns_are_planned_and_all_their_faults_told() -> None:
    facts: dict[str, Any] = {
        "rows": {"kind": "trigger", "topic": "/joints"},
        "features": {"a/b": {"source": field("nothing")}, "c": {"source": field("mode")}},
        "labels": {"d": {"source": field("flag"), "classes": ["true", "false"]}},
    }
    with pytest.raises(SpecUnfit) as caught:
        plan_columns(make_spec(facts), SCHEMAS, {})
    assert [fault.pointer for fault in caught.value.items] == ["/features/a~1b/source/field"]

    del facts["features"]["a/b"]
    plans = plan_columns(make_spec(facts), SCHEMAS, {})
    assert [(one.name, one.is_label, str(one.final)) for one in plans] == [
        ("c", False, "int8"),
        ("d", True, "int64"),
    ]
    assert rows(plans[1]) == [0, 1, None]


def test_labels_with_a_constant_for_what_is_missing() -> None:
    spec = Label.model_validate(
        {
            "source": field("flag"),
            "classes": ["true", "false"],
            "missing": {"policy": "constant", "value": -1},
        }
    )
    filler = plan_column("a", spec, "/labels/a", SCHEMAS, {}).rest.filler

    assert filler is not None
    assert rows_of(filler) == [-1]


def test_images_have_the_size_of_those_in_the_sample() -> None:
    data = file_of(scene(30, 40), "JPEG")
    sample = pa.RecordBatch.from_pylist(
        [{"format": "jpeg", "data": b"?"}, {"format": "jpeg", "data": data}], schema=IMAGE
    )
    feature = Feature.model_validate({"source": {"topic": "/camera"}, "transforms": [{"op": "image_decode"}]})

    column = plan_column("a", feature, "", SCHEMAS, {}, {"/camera": sample})
    assert str(column.final) == "uint8[30, 40, 3]"
    found = column.before(joined(column, sample))
    assert found.present.tolist() == [False, True]
    crop = {"op": "image_crop", "width": 41, "height": 30}
    with pytest.raises(SpecUnfit, match="41 x 30 pixels"):
        plan_column(
            "a",
            Feature.model_validate(
                {"source": {"topic": "/camera"}, "transforms": [{"op": "image_decode"}, crop]}
            ),
            "",
            SCHEMAS,
            {},
            {"/camera": sample},
        )


def test_messages_with_pixels_are_no_column() -> None:
    raw = pa.schema(
        [
            ("height", pa.uint32()),
            ("width", pa.uint32()),
            ("step", pa.uint32()),
            ("encoding", pa.string()),
            ("data", pa.binary()),
        ]
    )

    with pytest.raises(SpecUnfit, match="messages with pixels"):
        plan_column("a", Feature.model_validate({"source": {"topic": "/raw"}}), "", {"/raw": raw}, {})
