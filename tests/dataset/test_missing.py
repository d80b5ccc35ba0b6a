"""forward_fill against a loop over rows, in one piece or in several."""

from typing import NamedTuple

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from bagmill.dataset.missing import ForwardFill
from bagmill.dataset.values import Values, ValueType

NUMBER, TEXT = ValueType(pa.float64()), ValueType(pa.string())


class Row(NamedTuple):
    """A row: how much later than the one before, its value, how old that is, if an episode begins."""

    step: int
    value: int | None
    age: int
    begins: bool


ROWS = st.lists(
    st.builds(
        Row, st.integers(0, 3), st.none() | st.integers(0, 9), st.integers(-2, 4), st.integers(0, 5).map(bool)
    ),
    max_size=20,
)
STALENESS = st.none() | st.integers(0, 5).map(lambda age: age / 1e9)


def reference(
    rows: list[Row], times: list[int], episodes: list[int], staleness: float | None
) -> list[int | None]:
    """The values of rows, each from the newest row before that has one."""
    found = []
    for number, row in enumerate(rows):
        value = row.value
        earlier = [other for other in range(number) if rows[other].value is not None]
        if value is None and earlier:
            last = earlier[-1]
            age = times[number] - (times[last] - rows[last].age)
            if episodes[last] == episodes[number] and (staleness is None or age <= round(staleness * 1e9)):
                value = rows[last].value
        found.append(value)
    return found


@settings(deadline=None)
@given(ROWS, STALENESS, st.lists(st.integers(0, 20), max_size=3), st.sampled_from([NUMBER, TEXT]))
def test_rows_are_filled_as_the_reference_says(
    rows: list[Row], staleness: float | None, cuts: list[int], type_: ValueType
) -> None:
    times = np.cumsum([row.step for row in rows], dtype=np.int64)
    episodes = np.cumsum([not row.begins for row in rows], dtype=np.int64)
    ages = np.array([row.age for row in rows], np.int64)
    plain = pa.array([row.value for row in rows], pa.int64()).cast(type_.arrow)
    values = Values.from_arrow(plain, type_)
    fill = ForwardFill(staleness)
    found: list[object] = []
    filled: list[bool] = []

    for first, last in zip(edges := [0, *sorted(cuts), len(rows)], edges[1:], strict=False):
        part = np.arange(first, min(last, len(rows)))
        some, mask = fill(values.take(part), (times - ages)[part], times[part], episodes[part])
        found += some.to_arrow().to_pylist()
        filled += mask.tolist()

    wanted = reference(rows, times.tolist(), episodes.tolist(), staleness)
    assert pa.array(found, type_.arrow).equals(pa.array(wanted, pa.int64()).cast(type_.arrow))
    assert filled == [
        row.value is None and value is not None for row, value in zip(rows, wanted, strict=True)
    ]
