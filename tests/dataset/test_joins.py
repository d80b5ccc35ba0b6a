"""Joins against the slow reference, for times in any order, and how well numbers and rotations are met."""

from collections.abc import Sequence
from math import isclose, pi

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bagmill.dataset import between
from bagmill.dataset.joins import Join, Timeline, counts, join
from bagmill.dataset.spec import Sync
from bagmill.dataset.values import Values, ValueType
from tests.dataset.reference import Message, count, taken

POLICIES = ["last", "nearest", "linear", "exact"]
SECOND = 1_000_000_000
NUMBER = ValueType(pa.float64())
QUATERNION = ValueType(pa.float64(), (4,), rotation=True)

TIMES = st.one_of(st.integers(0, 12), st.sampled_from([0, 1 << 40, (1 << 62) + 1, (1 << 63) - 1]))
MESSAGES = st.lists(st.builds(Message, TIMES, st.none() | st.integers(-8, 8).map(float)), max_size=12)
LIMITS = st.none() | st.sampled_from([0.0, 1e-9, 2e-9, 3e-9, 5e-9, 1.0])
SYNCS = st.builds(Sync, policy=st.sampled_from(POLICIES), tolerance=LIMITS, staleness=LIMITS)
ROWS = st.lists(TIMES, max_size=12).map(sorted)


def ints(values: Sequence[int]) -> npt.NDArray[np.int64]:
    return np.array(values, np.int64)


def timeline_of(messages: Sequence[Message]) -> Timeline:
    return Timeline.of(ints([message.time for message in messages]))


def values_of(messages: Sequence[Message]) -> Values:
    return Values.from_arrow(pa.array([message.value for message in messages], pa.float64()), NUMBER)


@settings(deadline=None)
@given(MESSAGES, ROWS, SYNCS)
def test_rows_take_what_the_reference_says(messages: list[Message], rows: list[int], sync: Sync) -> None:
    joined = join(timeline_of(messages), ints(rows), sync)

    found = between.take(values_of(messages), joined)

    for number, row in enumerate(rows):
        wanted = taken(messages, row, sync)
        value = None if wanted is None else wanted.value
        assert bool(found.present[number]) == (value is not None)
        assert value is None or isclose(found.data[number], value, rel_tol=1e-12, abs_tol=1e-12)
        assert joined.first[number] < 0 if wanted is None else joined.time[number] == wanted.time


@settings(deadline=None)
@given(MESSAGES, ROWS)
def test_counts_are_those_of_the_reference(messages: list[Message], rows: list[int]) -> None:
    found = counts(timeline_of(messages), ints(rows))

    assert found.tolist() == [
        count(messages, row, before) for before, row in zip([None, *rows], rows, strict=False)
    ]


@settings(deadline=None)
@given(MESSAGES, st.sampled_from(POLICIES))
def test_messages_that_are_rows_take_themselves(messages: list[Message], policy: str) -> None:
    joined = Join.own(timeline_of(messages), Sync.model_validate({"policy": policy}))

    found = between.take(values_of(messages), joined)

    ordered = sorted(messages, key=lambda message: message.time)
    assert joined.time.tolist() == [message.time for message in ordered]
    assert found.to_arrow().to_pylist() == [message.value for message in ordered]


@settings(deadline=None)
@given(MESSAGES, ROWS, SYNCS, st.slices(12))
def test_a_part_of_a_join_is_that_of_its_rows(
    messages: list[Message], rows: list[int], sync: Sync, part: slice
) -> None:
    whole = between.take(values_of(messages), join(timeline_of(messages), ints(rows), sync))
    some = between.take(values_of(messages), join(timeline_of(messages), ints(rows), sync).part(part))

    assert some.to_arrow().to_pylist() == whole.to_arrow().to_pylist()[part]


def test_a_step_leaves_no_trace_before_it() -> None:
    rng = np.random.default_rng(5)
    times = rng.integers(0, 10 * SECOND, 5000)  # in no order
    step = 5 * SECOND
    rows = np.arange(0, 10 * SECOND, SECOND // 30)

    joined = join(Timeline.of(times), rows, Sync(policy="last"))
    found = between.take(dense((times >= step).astype(np.float64), NUMBER), joined)

    assert not found.data[rows < step].any()
    assert found.data[rows >= step + SECOND].all()


def test_a_line_meets_a_sine() -> None:
    """2 Hz, sampled at a jittered 400 Hz, taken at 50 Hz."""
    times = jittered(400, 10)
    rows = np.arange(SECOND // 50, 9 * SECOND, SECOND // 50)

    joined = join(Timeline.of(times), rows, Sync(policy="linear"))
    found = between.take(dense(sine(times), NUMBER), joined)

    assert found.present.all()
    assert np.abs(found.data - sine(rows)).max() < 1e-3


def test_the_arc_meets_a_turning_body() -> None:
    """It turns about a tilted axis at up to 3 rad/s, ever faster and slower, and is seen at 100 Hz."""
    times = jittered(100, 10)
    rows = np.arange(SECOND // 50, 9 * SECOND, SECOND // 333)
    quaternions = turning(times)
    quaternions[::3] *= -1  # the same rotations

    joined = join(Timeline.of(times), rows, Sync(policy="linear"))
    found = between.take(dense(quaternions, QUATERNION), joined)

    assert found.present.all()
    assert angles_between(found.data, turning(rows)).max() < 1e-3


def test_the_arc_turns_evenly() -> None:
    """A quarter turn, of which a line through the numbers would make something else."""
    start, end = [0.0, 0.0, 0.0, 1.0], [0.0, 0.0, np.sin(pi / 4), np.cos(pi / 4)]
    rows = np.arange(0, 1001)

    joined = join(Timeline.of(ints([0, 1000])), rows, Sync(policy="linear"))
    found = between.take(dense([start, end], QUATERNION), joined)

    wanted = [[0.0, 0.0, np.sin(turn), np.cos(turn)] for turn in rows / 1000 * pi / 4]
    assert np.abs(found.data - wanted).max() < 1e-12


@pytest.mark.parametrize(
    ("end", "present"),
    [([0.0, 0.0, 0.0, 0.0], False), ([np.nan, 0.0, 0.0, 1.0], True), ([0.0, 0.0, 0.0, -2.0], True)],
)
def test_a_quaternion_without_length_is_missing(end: list[float], present: bool) -> None:
    joined = join(Timeline.of(ints([0, 2])), ints([0, 1]), Sync(policy="linear"))
    found = between.take(dense([[0.0, 0.0, 0.0, 1.0], end], QUATERNION), joined)

    assert found.present.tolist() == [True, present]


@pytest.mark.parametrize(
    ("element", "wanted"),
    [(pa.float32(), pa.float32()), (pa.int32(), pa.float64()), (pa.uint64(), pa.float64())],
)
def test_numbers_become_floats_between(element: pa.DataType, wanted: pa.DataType) -> None:
    values = Values.from_arrow(pa.array([1, 4], element), ValueType(element))

    found = between.take(values, join(Timeline.of(ints([0, 2])), ints([0, 1]), Sync(policy="linear")))

    assert found.type == between.type_between(values.type) == ValueType(wanted)
    assert found.to_arrow().equals(pa.array([1, 2.5], wanted))


def test_lists_of_one_length_have_something_between() -> None:
    type_ = ValueType(pa.int16(), (None,))
    lists = pa.array([[1, 2], [3, 6], [5], None, [7]], type_.arrow)
    times = [0, 10, 20, 30, 40]

    joined = join(Timeline.of(ints(times)), ints([0, 5, 12, 20, 25, 35, 40]), Sync(policy="linear"))
    found = between.take(Values.from_arrow(lists, type_), joined)

    assert found.type == between.type_between(type_)
    assert found.to_arrow().to_pylist() == [[1, 2], [2, 4], None, [5], None, None, [7]]


def test_several_rotations_turn_each_on_its_own() -> None:
    type_ = ValueType(pa.float32(), (2, 4), rotation=True)
    none, half = [0.0, 0.0, 0.0, 1.0], [1.0, 0.0, 0.0, 0.0]

    joined = join(Timeline.of(ints([0, 2])), ints([1]), Sync(policy="linear"))
    found = between.take(dense([[none, none], [half, none]], type_), joined)

    assert np.abs(found.data - [[[0.5**0.5, 0, 0, 0.5**0.5], none]]).max() < 1e-6


def dense(data: npt.ArrayLike, type_: ValueType) -> Values:
    array = np.asarray(data)
    return Values.dense(array, np.ones(len(array), np.bool_), type_)


def jittered(hz: int, seconds: int) -> npt.NDArray[np.int64]:
    """Times of a sensor that is up to a third of its period early or late, in no order."""
    rng = np.random.default_rng(7)
    times = (np.arange(hz * seconds) + rng.uniform(-1 / 3, 1 / 3, hz * seconds)) / hz
    return rng.permutation(np.maximum(times * SECOND, 0).astype(np.int64))


def sine(times: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    wave: npt.NDArray[np.float64] = np.sin(2 * pi * 2 * times / SECOND)
    return wave


def turning(times: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    turn = 3 * np.sin(times / SECOND)[:, np.newaxis]
    axis = np.array([2.0, -1.0, 2.0]) / 3
    return np.concatenate([np.sin(turn / 2) * axis, np.cos(turn / 2)], axis=1)


def angles_between(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    other = np.where((one * other).sum(axis=1, keepdims=True) < 0, -other, other)
    apart: npt.NDArray[np.float64] = 4 * np.arcsin(np.linalg.norm(one - other, axis=1) / 2)
    return apart
