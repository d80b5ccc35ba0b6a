"""Episodes: which rows lie in one, and how those that are left count."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from bagmill.dataset.extracted import EpisodeFacts
from bagmill.dataset.joins import Timeline, nanoseconds
from bagmill.dataset.transforms.leaves import leaves
from bagmill.dataset.values import Mask, Values

Ints = npt.NDArray[np.int64]

OUTSIDE = -1
"""The number of rows in no episode."""


def by_gaps(timeline: Timeline, rows: Ints, seconds: float) -> Ints:
    """Episodes that end where a topic has no message for longer than `seconds`; int64[N].

    The message that ends the gap begins the next one: rows within a gap belong to the episode before it, and
    rows before the first message to the first.
    """
    gaps = np.diff(timeline.times) > nanoseconds(seconds)
    return np.searchsorted(timeline.times[1:][gaps], rows, side="right").astype(np.int64)


def by_values(values: Values, wanted: tuple[str, ...] | None) -> Ints:
    """An episode for each run of rows with one value that counts; `OUTSIDE` for others, int64[N].

    `wanted`: the values that count, as text; None: all but false, 0 and the empty text.
    """
    texts = leaves(values).cast(pa.string()).fill_null("")
    codes = texts.dictionary_encode().indices.to_numpy()
    if wanted is None:
        counted = ~pc.is_in(texts, value_set=pa.array(["", "0", "false"])).to_numpy(zero_copy_only=False)
    else:
        counted = pc.is_in(texts, value_set=pa.array(wanted, pa.string())).to_numpy(zero_copy_only=False)
    inside: Mask = counted.astype(np.bool_) & values.present
    begins = inside.copy()
    begins[1:] &= (codes[1:] != codes[:-1]) | ~inside[:-1]
    return np.where(inside, np.cumsum(begins) - 1, OUTSIDE)


@dataclass(slots=True)
class Counting:
    """Numbers the rows that are left, piece by piece: their episodes from 0 on, and rows within each.

    `gap`: seconds without a row after which a new episode begins; None if that does not matter.
    """

    gap: float | None = None
    found: list[EpisodeFacts] = field(default_factory=list)
    _last: int = field(default=OUTSIDE, init=False)

    def __call__(self, raw: Ints, times: Ints) -> tuple[Ints, Ints]:
        """The episode and the place in it of each row.

        Args:
            raw: the numbers of their episodes before any row was dropped, ascending, int64[N].
            times: of the rows, ns, ascending, int64[N].
        """
        if not raw.size:
            return raw, raw
        before = self.found[-1] if self.found else None
        begins = np.append(before is None or raw[0] != self._last, raw[1:] != raw[:-1])
        if self.gap is not None:
            since = np.diff(times, prepend=times[0] if before is None else before.last_ns)
            begins |= since > nanoseconds(self.gap)
        numbers = np.cumsum(begins) + len(self.found) - 1
        starts = np.flatnonzero(begins)
        first = np.maximum.accumulate(np.where(begins, np.arange(raw.size), 0))
        frames = np.arange(raw.size) - first
        if not begins[0]:
            assert before is not None
            frames[: starts[0] if starts.size else None] += before.rows
        self._note(numbers, frames, times)
        self._last = int(raw[-1])
        return numbers, frames

    def _note(self, numbers: Ints, frames: Ints, times: Ints) -> None:
        ends = np.append(np.flatnonzero(numbers[1:] != numbers[:-1]), numbers.size - 1)
        starts = np.append(0, ends[:-1] + 1)
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
            number, rows = int(numbers[start]), int(frames[end]) + 1
            first = int(times[start]) if frames[start] == 0 else self.found.pop().first_ns
            last = int(times[end])
            self.found.append(EpisodeFacts(index=number, first_ns=first, last_ns=last, rows=rows))
