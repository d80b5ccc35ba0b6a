"""Transforms on columns: against plain Python, row by row."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bagmill.errors import DatasetInvalid, SpecUnfit
from tests.dataset.columns import FEW, Row, chain, kind, rows_of, run, values_of

LIMITS = {
    name: (int(np.iinfo(name).min), int(np.iinfo(name).max))
    for name in ("int8", "uint8", "int32", "uint32", "int64", "uint64")
}
numbers = (
    st.floats() | st.integers(-300, 300).map(lambda one: one / 2) | st.integers(-(2**64), 2**64).map(float)
)


def same(found: Row, expected: Row) -> bool:
    """Equal, NaN to NaN, in all places."""
    if isinstance(found, list) and isinstance(expected, list):
        return len(found) == len(expected) and all(map(same, found, expected))
    if isinstance(found, float) and isinstance(expected, float) and math.isnan(found):
        return math.isnan(expected)
    return bool(found == expected) and (found is None) == (expected is None)


def to_integer(value: float, dtype: str, overflow: str) -> int | None:
    least, most = LIMITS[dtype]
    if math.isnan(value):
        return None
    whole = value if math.isinf(value) else round(value)
    if least <= whole <= most:
        return int(whole)
    return (most if value > 0 else least) if overflow == "clamp" else None


@FEW
@given(
    st.lists(st.none() | numbers, min_size=1, max_size=9),
    st.sampled_from(sorted(LIMITS)),
    st.sampled_from(["clamp", "null"]),
)
def test_floats_become_integers(rows: list[Row], dtype: str, overflow: str) -> None:
    expected = [None if row is None else to_integer(row, dtype, overflow) for row in rows]

    assert run(rows, kind("float64"), {"op": "cast", "dtype": dtype, "overflow": overflow}) == expected


@FEW
@given(
    st.data(),
    st.sampled_from(sorted(LIMITS)),
    st.sampled_from(sorted(LIMITS)),
    st.sampled_from(["clamp", "null"]),
)
def test_integers_become_others(data: st.DataObject, source: str, target: str, overflow: str) -> None:
    rows = data.draw(st.lists(st.none() | st.integers(*LIMITS[source]), min_size=1, max_size=9))
    least, most = LIMITS[target]

    def one(row: int) -> int | None:
        return row if least <= row <= most else max(least, min(most, row)) if overflow == "clamp" else None

    expected = rows if source == target else [None if row is None else one(row) for row in rows]
    assert run(rows, kind(source), {"op": "cast", "dtype": target, "overflow": overflow}) == expected


@pytest.mark.parametrize("shape", [(2,), (None,), (None, 2), (2, None)])
def test_one_bad_element_is_a_bad_value(shape: tuple[int | None, ...]) -> None:
    good, bad = (
        ([1.0, 2.0], [1.0, 999.0])
        if len(shape) == 1
        else ([[1.0, 2.0], [3.0, 4.0]], [[1.0, 2.0], [999.0, 4.0]])
    )

    found = run(
        [good, bad, None], kind("float32", *shape), {"op": "cast", "dtype": "uint8", "overflow": "null"}
    )

    assert found == [good, None, None]


def test_what_a_type_cannot_hold_is_an_error_unless_said_otherwise() -> None:
    with pytest.raises(DatasetInvalid, match="uint8 can't hold 256") as caught:
        run([1.0, 256.0], kind("float64"), {"op": "cast", "dtype": "uint8"})

    assert caught.value.items[0].pointer == "/0"
    assert run(
        [1e300, -1e300, math.inf, math.nan][:3],
        kind("float64"),
        {"op": "cast", "dtype": "float32", "overflow": "clamp"},
    ) == [
        pytest.approx(3.4028234663852886e38),
        pytest.approx(-3.4028234663852886e38),
        math.inf,
    ]


def test_halves_are_rounded_to_even() -> None:
    assert run([0.5, 1.5, 2.5, -0.5], kind("float64"), {"op": "cast", "dtype": "int64"}) == [0, 2, 2, 0]


@pytest.mark.parametrize(
    ("source", "rows", "dtype", "expected"),
    [
        ("bool", [True, False, None], "int8", [1, 0, None]),
        ("int64", [0, 5, None], "bool", [False, True, None]),
        ("int64", [0, 5, None], "string", ["0", "5", None]),
        ("bool", [True, None], "string", ["true", None]),
        ("string", ["1.5", "x", "", None], "float64", [1.5, None, None, None]),
        ("string", ["12", "300", "-1"], "uint8", [12, None, None]),
        ("string", ["true", "no"], "bool", [True, None]),
        ("string", ["ä"], "binary", ["ä".encode()]),
        ("binary", [b"a", b"\xff", None], "string", ["a", None, None]),
        ("int64", [5, None], "timestamp", [5, None]),
        ("float64", [math.nan], "bool", [None]),
    ],
)
def test_casts_between_kinds(source: str, rows: list[Row], dtype: str, expected: list[Row]) -> None:
    assert run(rows, kind(source), {"op": "cast", "dtype": dtype, "overflow": "null"}) == expected


def test_times_are_cast_to_ns_and_text() -> None:
    values = values_of([None, None], kind("timestamp"))
    moment = type(values).dense(np.array([1_500_000_000, 0]), np.array([True, False]), values.type)

    assert rows_of(chain(values.type, {"op": "cast", "dtype": "int64"})(moment)) == [1_500_000_000, None]
    assert rows_of(chain(values.type, {"op": "cast", "dtype": "string"})(moment)) == [
        "1970-01-01T00:00:01.500000000Z",
        None,
    ]


@pytest.mark.parametrize(
    ("source", "dtype"),
    [
        ("binary", "int64"),
        ("float64", "timestamp"),
        ("timestamp", "float32"),
        ("string", "timestamp"),
        ("int8", "binary"),
    ],
)
def test_casts_without_a_meaning_are_refused(source: str, dtype: str) -> None:
    with pytest.raises(SpecUnfit, match=f"can't be cast to {dtype}"):
        chain(kind(source), {"op": "cast", "dtype": dtype})


lists = st.lists(st.integers(-50, 50).map(float), max_size=4)


@FEW
@given(st.lists(st.none() | lists, min_size=1, max_size=6), st.integers(-9, 0), st.integers(0, 9))
def test_clamp_and_scale(rows: list[Row], low: int, high: int) -> None:
    def of(step: Callable[[float], float]) -> list[Row]:
        return [None if row is None else [step(one) for one in row] for row in rows]

    source = kind("float64", None)
    assert run(rows, source, {"op": "clamp", "min": low, "max": high}) == of(
        lambda one: max(low, min(high, one))
    )
    assert run(rows, source, {"op": "clamp", "min": low}) == of(lambda one: max(low, one))
    assert run(rows, source, {"op": "scale", "factor": 2, "offset": -1}) == of(lambda one: one * 2 - 1)
    assert run(rows, source, {"op": "normalize", "mean": 1, "std": 4}) == of(lambda one: (one - 1) / 4)


@FEW
@given(st.lists(st.none() | st.tuples(st.floats(-5, 5), st.floats(-5, 5)).map(list), min_size=1, max_size=6))
def test_numbers_for_each_element(rows: list[Row]) -> None:
    source = kind("float64", 2)
    factor, offset = (2.0, 3.0), (1.0, -1.0)

    scaled = run(rows, source, {"op": "scale", "factor": factor, "offset": offset})
    assert scaled == [None if row is None else [row[0] * 2 + 1, row[1] * 3 - 1] for row in rows]
    ranged = run(
        rows, source, {"op": "normalize", "method": "range", "min": (-5, 0), "max": (5, 10), "low": 0}
    )
    for row, one in zip(rows, ranged, strict=True):
        assert (row is None) == (one is None)
        assert row is None or one == pytest.approx([(row[0] + 5) / 10, row[1] / 10], abs=1e-12)


@pytest.mark.parametrize(
    ("dtype", "result"), [("float32", "float32"), ("float64", "float64"), ("uint8", "float64")]
)
@pytest.mark.parametrize(
    "transform", [{"op": "scale", "factor": 0.5}, {"op": "normalize", "mean": 0, "std": 1}]
)
def test_floats_keep_their_width(dtype: str, result: str, transform: dict[str, Any]) -> None:
    assert chain(kind(dtype, 3), transform).type == kind(result, 3)


def test_clamped_integers_stay_integers() -> None:
    assert run([-5, 0, 200], kind("int16"), {"op": "clamp", "min": -1.5, "max": 1e9}) == [-1, 0, 200]
    with pytest.raises(SpecUnfit, match="lies within these bounds"):
        chain(kind("uint8"), {"op": "clamp", "min": 300})


def test_nan_and_infinity_go_through_arithmetic() -> None:
    found = run(
        [math.nan, math.inf], kind("float32"), {"op": "clamp", "max": 5}, {"op": "scale", "factor": 2}
    )

    assert math.isnan(found[0])
    assert found[1] == 10


MODES: dict[str, Callable[[list[float], int], Row]] = {
    "exact": lambda row, size: row if len(row) == size else None,
    "pad": lambda row, size: [*row, *[7.0] * (size - len(row))] if len(row) <= size else None,
    "truncate": lambda row, size: row[:size] if len(row) >= size else None,
    "pad_or_truncate": lambda row, size: [*row, *[7.0] * size][:size],
}


@FEW
@given(st.lists(st.none() | lists, min_size=1, max_size=6), st.integers(1, 4), st.sampled_from(sorted(MODES)))
def test_lengths(rows: list[Row], size: int, mode: str) -> None:
    found = run(rows, kind("float64", None), {"op": "length", "size": size, "mode": mode, "value": 7})

    assert found == [None if row is None else MODES[mode](row, size) for row in rows]


@FEW
@given(
    st.lists(
        st.none() | st.lists(st.lists(st.integers(0, 9), min_size=2, max_size=2), max_size=4),
        min_size=1,
        max_size=6,
    ),
    st.integers(1, 3),
)
def test_lengths_of_lists_of_lists(rows: list[Row], size: int) -> None:
    found = run(
        rows, kind("int32", None, 2), {"op": "length", "size": size, "mode": "pad_or_truncate", "value": 3}
    )

    assert found == [None if row is None else [*row, *[[3, 3]] * size][:size] for row in rows]


def test_fixed_lengths_and_texts() -> None:
    assert run([[1, 2, 3]], kind("int8", 3), {"op": "length", "size": 2, "mode": "truncate"}) == [[1, 2]]
    assert run(
        [[1, 2, 3], None], kind("int8", 3), {"op": "length", "size": 4, "mode": "pad", "value": 9}
    ) == [[1, 2, 3, 9], None]
    assert run([["a"], None], kind("string", None), {"op": "length", "size": 2, "mode": "pad"}) == [
        ["a", ""],
        None,
    ]
    for mode in ("exact", "pad"):
        with pytest.raises(SpecUnfit, match="has 3 elements, never 2"):
            chain(kind("int8", 3), {"op": "length", "size": 2, "mode": mode})


ROWS = st.lists(st.none() | st.lists(st.text(max_size=2), max_size=4), min_size=1, max_size=6)


@FEW
@given(ROWS, st.lists(st.integers(-3, 3), min_size=1, max_size=3))
def test_select_takes_elements_in_order(rows: list[Row], indices: list[int]) -> None:
    def one(row: list[str]) -> Row:
        return (
            [row[index] for index in indices]
            if all(-len(row) <= index < len(row) for index in indices)
            else None
        )

    expected = [None if row is None else one(row) for row in rows]
    assert run(rows, kind("string", None), {"op": "select", "indices": indices}) == expected


def test_select_on_fixed_shapes() -> None:
    assert run([[[1, 2], [3, 4]], None], kind("int8", 2, 2), {"op": "select", "indices": [-1, 0, 0]}) == [
        [[3, 4], [1, 2], [1, 2]],
        None,
    ]
    with pytest.raises(SpecUnfit, match="has no element 2") as caught:
        chain(kind("int8", 2, 2), {"op": "select", "indices": [0, 2]})
    assert caught.value.items[0].pointer == "/0/indices/1"


@pytest.mark.parametrize(
    ("shape", "rows", "expected"),
    [
        ((2, 2), [[[1, 2], [3, 4]], None], [[1, 2, 3, 4], None]),
        ((None, 2), [[[1, 2]], [], None], [[1, 2], [], None]),
        ((2, None), [[[1], [2, 3]], None], [[1, 2, 3], None]),
        ((None, None), [[[1], [], [2, 3]], None, [[]]], [[1, 2, 3], None, []]),
        ((), [5, None], [[5], None]),
    ],
)
def test_flatten(shape: tuple[int | None, ...], rows: list[Row], expected: list[Row]) -> None:
    assert run(rows, kind("int32", *shape), {"op": "flatten"}) == expected


@FEW
@given(
    st.lists(st.none() | st.sampled_from(["a", "b", "c", ""]), min_size=1, max_size=8),
    st.sampled_from(["null", "zeros"]),
)
def test_one_hot(rows: list[Row], unknown: str) -> None:
    def one(row: str | None) -> Row:
        if row is None or ((row not in "ab" or not row) and unknown == "null"):
            return None
        return [float(row == "a"), float(row == "b")]

    assert run(rows, kind("string"), {"op": "one_hot", "classes": ["a", "b"], "unknown": unknown}) == [
        one(row) for row in rows
    ]


@FEW
@given(
    st.lists(st.none() | st.lists(st.integers(0, 4), max_size=4), min_size=1, max_size=8),
    st.sampled_from(["null", "ignore"]),
)
def test_multi_hot(rows: list[Row], unknown: str) -> None:
    def one(row: list[int] | None) -> Row:
        if row is None or (unknown == "null" and not set(row) <= {3, 1}):
            return None
        return [float(3 in row), float(1 in row)]

    assert run(rows, kind("uint8", None), {"op": "multi_hot", "classes": [3, 1], "unknown": unknown}) == [
        one(row) for row in rows
    ]


@pytest.mark.parametrize(
    ("source", "rows", "transform"),
    [
        (kind("string"), ["a", "z"], {"op": "one_hot", "classes": ["a"]}),
        (kind("int8", None), [[1], [2]], {"op": "multi_hot", "classes": [1]}),
    ],
)
def test_values_that_are_no_class_are_refused(
    source: Any, rows: list[Row], transform: dict[str, Any]
) -> None:
    with pytest.raises(DatasetInvalid, match="none of the classes") as caught:
        run(rows, source, transform)
    assert caught.value.items[0].pointer == "/0/classes"


def test_booleans_are_classes_too() -> None:
    assert run([True, False], kind("bool"), {"op": "one_hot", "classes": [False, True]}) == [[0, 1], [1, 0]]


@pytest.mark.parametrize(
    ("source", "transform", "text"),
    [
        (kind("float64"), {"op": "one_hot", "classes": [1]}, "has no classes"),
        (kind("int8"), {"op": "one_hot", "classes": [1, "a"]}, "'a' is never a value of int8"),
        (kind("int8"), {"op": "one_hot", "classes": [1, True]}, "True is never a value of int8"),
        (kind("int8"), {"op": "one_hot", "classes": [1, 900]}, "can't hold all of them"),
        (kind("int8", 2), {"op": "one_hot", "classes": [1]}, "takes single values"),
        (kind("int8"), {"op": "multi_hot", "classes": [1]}, "takes lists"),
        (kind("string"), {"op": "scale"}, "takes numbers"),
        (kind("bool"), {"op": "clamp", "min": 1}, "takes numbers"),
        (kind("float64"), {"op": "length", "size": 2}, "takes lists"),
        (kind("float64", 2), {"op": "scale", "factor": [1, 2, 3]}, "3 numbers are given"),
        (kind("float64", None), {"op": "scale", "factor": [1, 2]}, "2 numbers are given"),
        (kind("float64", None), {"op": "normalize"}, "no statistics element by element"),
        (kind("float64", None), {"op": "length", "size": 2, "value": "a"}, "is no element"),
        (kind("float64", 3), {"op": "quaternion_to_euler"}, "4 numbers"),
        (kind("float64", 4), {"op": "image_encode"}, "takes pixels"),
        (kind("string"), {"op": "image_decode"}, "takes images"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_read(
    source: Any, transform: dict[str, Any], text: str
) -> None:
    with pytest.raises(SpecUnfit, match=text) as caught:
        chain(source, {"op": "cast", "dtype": source.to_json()["dtype"]}, transform)
    assert caught.value.items[0].pointer.startswith("/1")


def test_nothing_is_made_of_nothing() -> None:
    for source in (kind("float64", None), kind("float64", 2), kind("string", None)):
        assert (
            run(
                [],
                source,
                {"op": "length", "size": 2, "mode": "pad"},
                {"op": "select", "indices": [0]},
                {"op": "flatten"},
            )
            == []
        )


def test_losses_are_counted_where_they_come_to_be() -> None:
    work = chain(
        kind("float64", None),
        {"op": "length", "size": 2},
        {"op": "cast", "dtype": "uint8", "overflow": "null"},
    )
    work(values_of([[1.0], [1.0, 2.0], [1.0, -2.0], None], work.source))

    assert dict(work.losses) == {("/0", "it had not 2 elements"): 1, ("/1", "uint8 can't hold it"): 1}
