"""The messages of one type in one place of the schema, and what a walk found in them, by rows."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from bagmill.decoders.base import Offsets
from bagmill.decoders.places.view import Mask, Rows, Values
from bagmill.decoders.protobuf.account import Account
from bagmill.decoders.protobuf.numbers import convert
from bagmill.decoders.protobuf.plan import FieldPlan, MessagePlan, Number
from bagmill.decoders.protobuf.walk import Batch, Walk

_NOTHING = np.empty(0, np.int64)


class Place(NamedTuple):
    """Where messages of one type stand, and what rows they become: `size` of them, some maybe without one.

    `first` and `last`: where each message begins and ends. `rows`: the row of each; None: message i is row i.
    `origin`: the topic's message that a row is a part of; None: row i of message i. `depth`: of nesting.
    """

    first: Offsets
    last: Offsets
    rows: Rows
    size: int
    origin: Rows
    depth: int


class Pieces(NamedTuple):
    """Bytes from `first` to `last` in some rows, in order."""

    rows: Offsets
    first: Offsets
    last: Offsets


class Level:
    """Walks through messages and gives what it finds, field by field.

    What it learns about messages goes to the account.
    """

    def __init__(self, account: Account, plan: MessagePlan, place: Place) -> None:
        walk = Walk(plan, account.view, place.first, place.last, place.depth)
        self.account = account
        self.plan = plan
        self.place = place
        # An entry of a map with an unknown field counts as an unknown field itself, and is left out.
        self._strange = account.doubtful if plan.entry else account.strange
        self._batches = walk.batches
        self.mark(account.doubtful, self._rows(np.flatnonzero(walk.bad)))
        self.mark(self._strange, self._rows(np.flatnonzero(walk.strange)))

    def origins(self, rows: Offsets) -> Offsets:
        """The topic's messages that rows are parts of."""
        return rows if self.place.origin is None else self.place.origin[rows]

    def mark(self, mask: Mask, rows: Offsets) -> None:
        """Set what is known about the messages that rows are parts of."""
        if rows.size:
            mask[self.origins(rows)] = True

    def numbers(self, item: FieldPlan, number: Number) -> tuple[npt.NDArray[Any], Mask | None]:
        """A number for each row, and in which it is; None: in all. Of several in one the last counts."""
        batches = self._batches[item.slot]
        if self._is_whole(batches) and number.named is None:
            return convert(number, batches[0].values), None
        values = np.zeros(self.place.size, number.dtype)
        present = np.zeros(self.place.size, np.bool_)
        for batch in batches:
            rows, found = self.named(number, self._rows(batch.rows), convert(number, batch.values))
            if batch.runs:
                final = np.append(rows[1:] != rows[:-1], True)[: rows.size]
                rows, found = rows[final], found[final]
            values[rows] = found
            present[rows] = True
        return values, present

    def named(
        self, number: Number, rows: Offsets, values: npt.NDArray[Any]
    ) -> tuple[Offsets, npt.NDArray[Any]]:
        """Leave out what a closed enum has no name for: it counts as an unknown field."""
        if number.named is None or (known := np.isin(values, number.named)).all():
            return rows, values
        self.mark(self._strange, rows[~known])
        return rows[known], values[known]

    def pieces(self, item: FieldPlan) -> tuple[Offsets, Offsets, Mask | None]:
        """Where the bytes of each row begin and end, and in which they are; None: in all."""
        batches = self._batches[item.slot]
        if self._is_whole(batches):
            assert batches[0].end is not None
            return batches[0].values, batches[0].end, None
        found = self.found_pieces(item.slot)
        first, last = np.zeros(self.place.size, np.int64), np.zeros(self.place.size, np.int64)
        first[found.rows], last[found.rows] = found.first, found.last
        times = np.bincount(found.rows, minlength=self.place.size)
        # Several pieces of a message would have to be joined, and each of several strings checked.
        self.mark(self.account.doubtful, np.flatnonzero(times > 1))
        return first, last, times > 0

    def found_numbers(self, slot: int) -> tuple[Offsets, npt.NDArray[Any]]:
        """The rows that numbers stand in, and the numbers as they are on the wire, in order."""
        batches = self._batches[slot]
        if not batches:
            return _NOTHING, _NOTHING.astype(np.uint64)
        rows, values = self._ordered(batches, [[batch.values for batch in batches]])
        return rows, values

    def found_pieces(self, slot: int) -> Pieces:
        """The bytes that stand in a slot."""
        batches = self._batches[slot]
        if not batches:
            return Pieces(_NOTHING, _NOTHING, _NOTHING)
        ends = [batch.end for batch in batches if batch.end is not None]
        return Pieces(*self._ordered(batches, [[batch.values for batch in batches], ends]))

    def _ordered(self, batches: list[Batch], columns: list[list[Values]]) -> list[Values]:
        """The rows of all batches and their columns, by rows; in each row the order of batches stays."""
        if all(batch.rows is None for batch in batches):  # all lists have the same length
            rows = np.repeat(self._rows(None), len(batches))
            return [rows, *(np.stack(column, axis=1).reshape(-1) for column in columns)]
        rows = np.concatenate([self._rows(batch.rows) for batch in batches])
        found = [rows, *(np.concatenate(column) for column in columns)]
        if (rows[1:] >= rows[:-1]).all():
            return found
        # Numbers of 16 bits are sorted much faster.
        keys = rows.astype(np.uint16) if self.place.size <= 1 << 16 else rows
        order = np.argsort(keys, kind="stable")
        return [column[order] for column in found]

    def _is_whole(self, batches: list[Batch]) -> bool:
        """Whether there is one batch, with a value for each row."""
        return len(batches) == 1 and batches[0].rows is None and self.place.rows is None

    def _rows(self, walked: Rows) -> Offsets:
        """The rows of some of the messages that were walked."""
        own = self.place.rows
        if walked is None:
            return np.arange(self.place.size) if own is None else own
        return walked if own is None else own[walked]
