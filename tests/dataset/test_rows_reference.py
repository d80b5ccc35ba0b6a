"""Rows of whole recordings against a loop over messages and rows: joins, drops, episodes, fills together."""

import math
from collections.abc import Sequence
from math import isclose
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bagmill.dataset.spec import Sync
from bagmill.errors import DatasetInvalid
from tests.dataset.recordings import made, numbers, rows_of, spec
from tests.dataset.reference import Message, taken

TIMES = st.one_of(st.integers(0, 30), st.integers(100, 110))
MESSAGES = st.lists(st.builds(Message, TIMES, st.none() | st.integers(-8, 8).map(float)), max_size=14)
LIMITS = st.none() | st.sampled_from([0.0, 1e-9, 2e-9, 5e-9, 20e-9])
SYNCS = st.builds(
    Sync,
    policy=st.sampled_from(["last", "nearest", "linear", "exact"]),
    tolerance=LIMITS,
    staleness=LIMITS,
)
POLICIES = st.sampled_from(["null", "drop_row", "forward_fill", "error", "zeros", "constant"])


class Row(NamedTuple):
    """A row: its time, its episode and place in it, its value, and whether that is its own."""

    time: int
    episode: int
    frame: int
    value: float | None
    own: bool


class Lacking(Exception):
    """A row has no value, and that is an error."""


def rows(
    triggers: Sequence[int], messages: Sequence[Message], sync: Sync, policy: str, gap: int
) -> list[Row]:
    """The rows, one after the other."""
    found: list[Row] = []
    newest: tuple[int, float, int] | None = None  # episode, value, time of the oldest message behind it
    for time in sorted(triggers):
        one = taken(messages, time, sync)
        value = None if one is None else one.value
        if value is None and policy == "drop_row":
            continue
        if value is None and policy == "error":
            raise Lacking
        before = found[-1] if found else None
        begins = before is None or time - before.time > gap
        episode = (before.episode if before else -1) + begins
        frame = 0 if before is None or begins else before.frame + 1
        filled = value
        if value is not None and one is not None:
            newest = (episode, value, one.time)
        elif policy == "forward_fill" and newest is not None and newest[0] == episode:
            limit = math.inf if sync.staleness is None else round(sync.staleness * 1e9)
            filled = newest[1] if time - newest[2] <= limit else None
        found.append(Row(time, episode, frame, filled, value is not None))
    return found


@settings(max_examples=80, deadline=None)
@given(
    MESSAGES,
    st.lists(TIMES, max_size=10),
    SYNCS,
    POLICIES,
    st.sampled_from([1, 5, 200]),
    st.sampled_from([1, 2, 3, 100]),
)
def test_rows_are_those_of_the_reference(
    messages: list[Message], triggers: list[int], sync: Sync, policy: str, gap: int, at_a_time: int
) -> None:
    missing = {"policy": policy} | ({"value": 1.5} if policy == "constant" else {})
    feature = {
        "source": {"topic": "/b", "field": "data"},
        "sync": sync.model_dump(exclude_none=True),
        "missing": missing,
        "presence": True,
    }
    plan = spec({"b": feature}, validation={"nan": "null"}, episodes={"by": "gap", "seconds": gap / 1e9})
    b = numbers("/b", [(time, math.nan if value is None else value) for time, value in messages])
    a = numbers("/a", [(time, 0.0) for time in triggers])
    with TemporaryDirectory() as folder:
        try:
            wanted = rows(triggers, messages, sync, policy, gap)
        except Lacking:
            with pytest.raises(DatasetInvalid):
                made(Path(folder), plan, a, b, most_rows=at_a_time)
            return
        extracted = made(Path(folder), plan, a, b, most_rows=at_a_time)
        found = rows_of(extracted)

    assert found["time_ns"] == [row.time for row in wanted]
    assert found["episode"] == [row.episode for row in wanted]
    assert found["frame_index"] == [row.frame for row in wanted]
    assert found["b.present"] == [row.own for row in wanted]
    for value, row in zip(found["b"], wanted, strict=True):
        assert (value is None) == (row.value is None)
        assert row.value is None or isclose(value, row.value, rel_tol=1e-12, abs_tol=1e-12)
    facts = extracted.facts
    assert facts.candidates - facts.rows == sum(facts.drops.values())
    assert facts.column("b").missing == facts.candidates - sum(row.own for row in wanted)
    assert facts.column("b").present == sum(row.own for row in wanted)
    assert facts.column("b").filled == sum(not row.own and row.value is not None for row in wanted)
    assert [one.rows for one in facts.episodes] == [
        sum(row.episode == number for row in wanted) for number in range(len(facts.episodes))
    ]
