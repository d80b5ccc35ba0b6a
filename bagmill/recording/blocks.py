"""Blocks of messages: what the reader hands out, and the one buffer that it fills for them."""

from collections import deque
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bagmill.recording.messages import Found, Heads, Int64, UInt64, Views, joined
from bagmill.recording.records import MESSAGE_START

_LEAST = 64
"""A buffer is never smaller, so that each view of it has elements."""


@dataclass(frozen=True, slots=True)
class Block:
    """A run of messages in the order of the file; all arrays have one element for each message.

    `buffer` holds the decompressed records and is valid until the next block is asked for; the bytes of
    message i are `buffer[start[i]:end[i]]`. Times are ns, as they stand in the file. `memory` is what the
    reader takes back then, unless it is lent.
    """

    buffer: npt.NDArray[np.uint8]
    channel_id: npt.NDArray[np.uint16]
    sequence: npt.NDArray[np.uint32]
    log_time: UInt64
    publish_time: UInt64
    start: Int64
    end: Int64
    memory: Views = field(repr=False)

    def __len__(self) -> int:
        return int(self.start.size)

    def lend(self) -> npt.NDArray[np.uint8]:
        """The buffer, for somebody who keeps it beyond the next block; to be called once.

        Its bytes stay while anything is there that was made of this array without a copy.
        """
        return self.memory.lend(self.buffer.size)


class Selection:
    """Which messages are wanted: channels (None: all) and log times, start inclusive, end exclusive."""

    def __init__(
        self,
        channels: Collection[int] | None = None,
        start_time: int | None = None,
        end_time: int | None = None,
    ) -> None:
        self.channels = None if channels is None else frozenset(channels)
        self.start_time = start_time
        self.end_time = end_time
        self._table = np.zeros(1 << 16, np.bool_)
        self._table[slice(None) if self.channels is None else list(self.channels)] = True

    @property
    def timed(self) -> bool:
        """Whether times limit the selection."""
        return self.start_time is not None or self.end_time is not None

    def excludes_times(self, first: int, last: int) -> bool:
        """Whether no message between two log times (ns, both inclusive) can be wanted."""
        return (self.start_time is not None and last < self.start_time) or (
            self.end_time is not None and first >= self.end_time
        )

    def in_time(self, log_time: UInt64) -> npt.NDArray[np.bool_]:
        """Which log times (ns) are wanted."""
        wanted = np.ones(log_time.size, np.bool_)
        if self.start_time is not None:
            wanted &= log_time >= self.start_time
        if self.end_time is not None:
            wanted &= log_time < self.end_time
        return wanted

    def on_channel(self, channel_id: npt.NDArray[np.uint16]) -> npt.NDArray[np.bool_]:
        """Which channels are wanted."""
        return self._table[channel_id]


class Piece(NamedTuple):
    """Messages in the buffer: of one chunk, or from outside of chunks; `origin` is their file offset."""

    begin: int
    origin: int
    found: Found


@dataclass(slots=True)
class Batch:
    """All messages in the buffer, before any is selected. `starts` are positions of message records."""

    views: Views
    pieces: list[Piece]
    used: int
    starts: Int64 = field(init=False)
    ends: Int64 = field(init=False)
    heads: Heads = field(init=False)
    channel_id: npt.NDArray[np.uint16] = field(init=False)
    log_time: UInt64 = field(init=False)

    def __post_init__(self) -> None:
        found = [piece.found for piece in self.pieces]
        self.starts = np.concatenate([one.starts for one in found])
        self.ends = np.concatenate([one.ends for one in found])
        self.heads = joined([one.heads for one in found])
        self.channel_id = self.heads["channel"].copy()
        self.log_time = self.heads["log_time"].copy()

    def origin(self, row: int) -> int:
        """File offset of the chunk (or of the records outside of chunks) that message `row` came from."""
        position = int(self.starts[row])
        return max(
            (piece for piece in self.pieces if piece.begin <= position), key=lambda piece: piece.begin
        ).origin

    def block(self, wanted: npt.NDArray[np.bool_]) -> Block:
        """Make the block of the messages that are wanted."""
        rows = slice(None) if wanted.all() else np.flatnonzero(wanted)
        return Block(
            buffer=self.views.u8[: self.used],
            channel_id=self.channel_id[rows],
            sequence=self.heads["sequence"][rows].copy(),
            log_time=self.log_time[rows],
            publish_time=self.heads["publish_time"][rows].copy(),
            start=self.starts[rows] + MESSAGE_START,
            end=self.ends[rows],
            memory=self.views,
        )


class Memory:
    """Memory for blocks, used again and again: fresh memory costs more than what is done with it.

    `target`: bytes that each has, but for what must be bigger.
    """

    def __init__(self, target: int) -> None:
        self.target = max(target, _LEAST)
        self._free: deque[Views] = deque()

    def get(self, size: int) -> Views:
        """Memory of `size` bytes or more."""
        if size > self.target:
            return Views(np.empty(size, np.uint8))
        for _ in range(len(self._free)):
            views = self._free.pop()
            if not views.is_lent:
                return views
            self._free.appendleft(views)
        return Views(np.empty(self.target, np.uint8))

    def give_back(self, views: Views) -> None:
        """Take memory that nobody reads any more, but for those whom it was lent.

        What was made for one big record is let go.
        """
        if views.u8.size == self.target:
            self._free.append(views)

    def recycle(self, blocks: Iterator[Block]) -> Iterator[Block]:
        """Pass blocks on, and take back the memory of each when the next one is asked for."""
        for block in blocks:
            yield block
            self.give_back(block.memory)


class Buffer:
    """Decompressed records, one run behind the other, until somebody takes them out as a batch."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._pieces: list[Piece] = []
        self._used = 0
        self._taken = False
        self.views = memory.get(0)

    @property
    def used(self) -> int:
        """Bytes that are taken; the next run begins here."""
        return self._used

    def has_room(self, size: int) -> bool:
        """Whether `size` more bytes fit without taking out what is there (an empty buffer takes any size)."""
        return self._used == 0 or self._used + size <= self.views.u8.size

    def reserve(self, size: int) -> memoryview:
        """Memory for the next `size` bytes, for which there must be room; nothing is kept before `keep`."""
        if self._taken or size > self.views.u8.size:
            if not self._taken:
                self._memory.give_back(self.views)
            self.views = self._memory.get(size)
            self._taken = False
        return self.views.u8.data[self._used : self._used + size]

    def keep(self, size: int, origin: int, found: Found) -> None:
        """Keep the first `size` bytes of what was reserved, and where the messages in it stand."""
        self._pieces.append(Piece(self._used, origin, found))
        self._used += size

    def take(self) -> Batch | None:
        """Take everything out; None if there is nothing. The bytes stay until their memory is given back."""
        if not self._pieces:
            return None
        batch = Batch(self.views, self._pieces, self._used)
        self._pieces, self._used, self._taken = [], 0, True
        return batch
