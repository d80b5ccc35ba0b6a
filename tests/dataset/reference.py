"""Joins as their description says it, message by message: slow and plain."""

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from bagmill.dataset.spec import Sync


class Message(NamedTuple):
    """A message: when it was (ns), and its value, None for none."""

    time: int
    value: float | None


class Taken(NamedTuple):
    """What a row takes: a value, None for none, and the time of the oldest message that it is from."""

    value: float | None
    time: int


def taken(messages: Sequence[Message], row: int, sync: Sync) -> Taken | None:
    """What a row at a time (ns) takes of messages in the order of the file."""
    before = newest_before(messages, row)
    after = oldest_after(messages, row)
    if sync.policy == "linear":
        return between(before, after, row, sync)
    if sync.policy == "nearest":
        chosen = before
        if before is None or (after is not None and after.time - row < row - before.time):
            chosen = after
    else:
        chosen = before
    if chosen is None or not is_fine(chosen, row, sync):
        return None
    return Taken(chosen.value, chosen.time)


def newest_before(messages: Sequence[Message], row: int) -> Message | None:
    """The newest message not later than a time; of several with one time the last in the file."""
    found = None
    for message in messages:
        if message.time <= row and (found is None or message.time >= found.time):
            found = message
    return found


def oldest_after(messages: Sequence[Message], row: int) -> Message | None:
    """The first message later than a time; of several with one time the last in the file."""
    found = None
    for message in messages:
        if message.time > row and (found is None or message.time <= found.time):
            found = message
    return found


def is_fine(message: Message, row: int, sync: Sync) -> bool:
    """Whether tolerance and staleness let a row take a message."""
    tolerance = 0.0 if sync.policy == "exact" and sync.tolerance is None else sync.tolerance
    within = tolerance is None or abs(row - message.time) <= round(tolerance * 1e9)
    return within and (sync.staleness is None or row - message.time <= round(sync.staleness * 1e9))


def between(before: Message | None, after: Message | None, row: int, sync: Sync) -> Taken | None:
    """What lies between two messages, at the time of a row."""
    if before is not None and before.time == row:
        after = before
    if before is None or after is None or not (is_fine(before, row, sync) and is_fine(after, row, sync)):
        return None
    if before.value is None or after.value is None:
        return Taken(None, before.time)
    if before.time == after.time:
        return Taken(before.value, before.time)
    share = Fraction(row - before.time, after.time - before.time)
    value = Fraction(before.value) + (Fraction(after.value) - Fraction(before.value)) * share
    return Taken(float(value), before.time)


def count(messages: Sequence[Message], row: int, earlier: int | None) -> int:
    """How many messages are not later than a row, and later than the row before."""
    return sum(message.time <= row and (earlier is None or message.time > earlier) for message in messages)
