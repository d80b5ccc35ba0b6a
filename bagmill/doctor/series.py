"""The messages of a block, sorted by channel, so that all channels are looked at in one go."""

from collections.abc import Mapping
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from bagmill.recording import Block

Int64 = npt.NDArray[np.int64]
UInt64 = npt.NDArray[np.uint64]
Flags = npt.NDArray[np.bool_]
Number = TypeVar("Number", bound=np.generic)

LAST_TIME = np.iinfo(np.int64).max
"""Times beyond the year 2262 count as this one."""


LEAST_MESSAGES = 20
"""Fewer messages don't show a rhythm, so nothing is kept of it."""


class Numbering:
    """Gives the channels of a recording the numbers 0, 1, ..., by which running states are kept in arrays.

    Those with the most messages come first; the first `rhythmic` have enough to show a rhythm.
    """

    def __init__(self, messages: Mapping[int, int]) -> None:
        """Number channels by how many messages each has, as far as is known before they are read."""
        self.channels = sorted(messages, key=lambda channel: (-messages[channel], channel))
        self.rhythmic = sum(count >= LEAST_MESSAGES for count in messages.values())
        self._number_of = np.full(1 << 16, -1, np.int64)
        self._number_of[self.channels] = np.arange(len(self.channels))

    def __len__(self) -> int:
        return len(self.channels)

    def of(self, block: Block) -> Int64:
        """The number of each message's channel."""
        return self._number_of[block.channel_id]


class Series:
    """A block's messages by channel, each channel's in the order of the file.

    `rows` are their places in the block and `number` their channel's number. `heads` and `tails` are the
    places of each channel's first and last message here, `present` the number of each channel, `segment` the
    place of each message's channel in these. Times are ns.
    """

    def __init__(self, block: Block, numbering: Numbering) -> None:
        number = numbering.of(block)
        self.rows = np.argsort(number.astype(np.uint16), kind="stable")
        self.number = number[self.rows]
        borders = np.flatnonzero(np.diff(self.number)) + 1
        self.heads = np.concatenate([[0], borders])
        self.tails = np.append(borders - 1, self.number.size - 1)
        self.lengths = self.tails - self.heads + 1
        self.segment = np.repeat(np.arange(self.heads.size), self.lengths)
        self.present = self.number[self.heads]
        self.log_time = _signed(block.log_time[self.rows])
        self.publish_time = _signed(block.publish_time[self.rows])
        self.sequence = block.sequence[self.rows]
        self.start, self.end = block.start[self.rows], block.end[self.rows]
        self.buffer = block.buffer

    def __len__(self) -> int:
        return int(self.rows.size)

    def part(self, segment: int) -> tuple[int, slice]:
        """The number of a channel that is present, and where its messages stand."""
        return int(self.present[segment]), slice(int(self.heads[segment]), int(self.tails[segment]) + 1)

    def parts(self) -> list[tuple[int, slice]]:
        """The number of each channel that is present, and where its messages stand."""
        return [self.part(segment) for segment in range(self.present.size)]


class Previous:
    """Remembers one value of each channel's last message from block to block."""

    def __init__(self, channels: int, dtype: npt.DTypeLike) -> None:
        self._last = np.zeros(channels, dtype)
        self._seen = np.zeros(channels, np.bool_)

    def shift(self, series: Series, values: npt.NDArray[Number]) -> tuple[npt.NDArray[Number], Flags]:
        """The value of the message before on the same channel, and whether there is one."""
        before = np.empty_like(values)
        before[1:] = values[:-1]
        before[series.heads] = self._last[series.present]
        known = np.ones(values.size, np.bool_)
        known[series.heads] = self._seen[series.present]
        self._last[series.present] = values[series.tails]
        self._seen[series.present] = True
        return before, known


def _signed(times: UInt64) -> Int64:
    return np.minimum(times, LAST_TIME).astype(np.int64)
