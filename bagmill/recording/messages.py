"""Where the messages stand in a run of records: from MessageIndex records as arrays, or by going through the
run.

The index is only believed if its messages and the other records tile the run without a gap: then none is
missing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from struct import Struct
from typing import NamedTuple
from weakref import ref

import numpy as np
import numpy.typing as npt

from bagmill.recording.frames import is_padding
from bagmill.recording.records import (
    HEAD,
    HEAD_SIZE,
    MAX_RECORD,
    MESSAGE_HEAD_SIZE,
    MESSAGE_START,
    Opcode,
)
from bagmill.recording.source import Window

Int64 = npt.NDArray[np.int64]
UInt64 = npt.NDArray[np.uint64]

_INDEX = Struct("<BQHI")
"""In front of a MessageIndex record's entries: opcode, length, channel id, byte length of the entries."""

_ENTRIES = _INDEX.size
_INDEX_HEAD_SIZE = _ENTRIES - HEAD_SIZE

FEW = 48
"""Up to so many messages are found sooner by going through their records one by one."""

_DEFINITIONS = frozenset({Opcode.SCHEMA, Opcode.CHANNEL})


Heads = npt.NDArray[np.void]
"""What stands before the bytes of messages, as a record of the file: fields of `HEADS`."""

HEADS = np.dtype(
    [
        ("opcode", "u1"),
        ("length", "<u8"),
        ("channel", "<u2"),
        ("sequence", "<u4"),
        ("log_time", "<u8"),
        ("publish_time", "<u8"),
    ]
)
_HEAD = np.dtype(f"V{HEADS.itemsize}")
"""The same without fields, which numpy copies fast."""


class Views:
    """Overlapping unaligned views of a buffer: element i of `u64` is the number at byte i."""

    def __init__(self, buffer: npt.NDArray[np.uint8]) -> None:
        self.u8 = buffer
        self._lent: ref[npt.NDArray[np.uint8]] | None = None
        self.u32 = np.ndarray((buffer.size - 3,), "<u4", buffer, strides=(1,))
        self.u64 = np.ndarray((buffer.size - 7,), "<u8", buffer, strides=(1,))

    def lend(self, size: int) -> npt.NDArray[np.uint8]:
        """The first bytes, for somebody who may keep them; once at a time.

        All that is made of this array refers to it, and not only to the buffer as views of `u8` do: between
        them is no array but a `memoryview`, where numpy stops when it looks for what a view is of.
        """
        lent = np.frombuffer(self.u8.data, np.uint8, size)
        self._lent = ref(lent)
        return lent

    @property
    def is_lent(self) -> bool:
        """Whether anything still refers to what was lent."""
        return self._lent is not None and self._lent() is not None

    def heads(self, starts: Int64) -> Heads:
        """Copy the heads of messages whose records begin there."""
        size = max(0, self.u8.size - _HEAD.itemsize + 1)
        everywhere: Heads = np.ndarray((size,), _HEAD, self.u8, strides=(1,))
        return everywhere[starts].view(HEADS)


def joined(heads: Sequence[Heads]) -> Heads:
    """Put arrays of heads together."""
    return np.concatenate([some.view(_HEAD) for some in heads]).view(HEADS)


@dataclass(slots=True)
class Entries:
    """What the MessageIndex records behind one chunk say, by record.

    `pairs` holds log time (ns) and offset within the chunk's records, alternating. `end` is the file offset
    behind the last record; `usable` is False if one of them is not well formed.
    """

    channels: list[int] = field(default_factory=list)
    pairs: list[UInt64] = field(default_factory=list)
    end: int = 0
    usable: bool = True

    @property
    def count(self) -> int:
        """How many messages they name."""
        return sum(pair.size for pair in self.pairs) // 2

    def columns(self) -> tuple[npt.NDArray[np.uint16], UInt64, UInt64]:
        """Channel ids, log times (ns) and offsets of all messages, one array each."""
        counts = [pair.size // 2 for pair in self.pairs]
        channel = np.repeat(np.array(self.channels, np.uint16), counts)
        pairs = np.concatenate(self.pairs) if self.pairs else np.empty(0, np.uint64)
        return channel, pairs[0::2], pairs[1::2]


class Found(NamedTuple):
    """What stands in a run of records. All positions are bytes of the buffer.

    `starts`, `ends` and `heads` are of message records; `definitions` are opcode, start and end of the
    content of Schema and Channel records in their order. `stop` is where the run ended: its end, or the first
    record that is not valid there.
    """

    starts: Int64
    ends: Int64
    heads: Heads
    definitions: list[tuple[int, int, int]]
    stop: int


def read_entries(window: Window, at: int, stop: int) -> Entries:
    """Read the MessageIndex records that begin at file offset `at`, of which none reaches beyond `stop`."""
    entries = Entries(end=at)
    while True:
        record = window.rest(entries.end, _ENTRIES)
        if len(record) < _ENTRIES:
            return entries
        opcode, length, channel, size = _INDEX.unpack_from(record)
        end = entries.end + HEAD_SIZE + length
        if opcode != Opcode.MESSAGE_INDEX or end > stop or not _INDEX_HEAD_SIZE <= length <= MAX_RECORD:
            return entries
        padding = length - _INDEX_HEAD_SIZE - size
        if padding < 0 or (padding and not is_padding(window, entries.end, end, stop)):
            return entries
        if size % 16:
            entries.usable = False
        else:
            if len(record) < _ENTRIES + size:
                record = window.at(entries.end, _ENTRIES + size)
            entries.channels.append(channel)
            entries.pairs.append(np.frombuffer(record, "<u8", size // 8, _ENTRIES))
        entries.end = end


def find_messages(views: Views, begin: int, end: int, entries: Entries) -> Found:
    """Find the messages of a decompressed chunk in `buffer[begin:end]`, in their order in the file."""
    if entries.usable and entries.count > FEW:
        found = from_index(views, begin, end, entries)
        if found is not None:
            return found
    return scan(views, begin, end, whole=True)


def from_index(views: Views, begin: int, end: int, entries: Entries) -> Found | None:
    """Take the messages from the index; None if the index and the bytes don't agree in everything."""
    channel, log_time, offset = entries.columns()
    size = end - begin
    if offset.size and (size < MESSAGE_START or int(offset.max()) > size - MESSAGE_START):
        return None
    order = np.argsort(offset, kind="stable")  # each channel's are in order already
    starts = offset[order].astype(np.int64) + begin
    heads = views.heads(starts)
    agree = (
        (heads["opcode"] == Opcode.MESSAGE)
        & (heads["channel"] == channel[order])
        & (heads["log_time"] == log_time[order])
    )
    if not agree.all():
        return None
    lengths = heads["length"]
    if lengths.size and not (int(lengths.min()) >= MESSAGE_HEAD_SIZE and int(lengths.max()) <= size):
        return None
    ends = starts + lengths.astype(np.int64) + HEAD_SIZE
    definitions = _check_gaps(views, np.append(begin, ends), np.append(starts, end))
    if definitions is None:
        return None
    return Found(starts, ends, heads, definitions, end)


def _check_gaps(views: Views, begins: Int64, ends: Int64) -> list[tuple[int, int, int]] | None:
    """Go through what stands between the messages: None if they overlap, or if one is not in the index."""
    if (begins > ends).any():
        return None
    definitions: list[tuple[int, int, int]] = []
    for gap in np.flatnonzero(begins != ends).tolist():
        end = int(ends[gap])
        found = scan(views, int(begins[gap]), end, whole=True)
        if found.starts.size or found.stop != end:
            return None
        definitions += found.definitions
    return definitions


def scan(views: Views, begin: int, end: int, *, whole: bool) -> Found:
    """Go through the records in `buffer[begin:end]` one by one.

    Args:
        views: of the buffer.
        begin: position of the first record.
        end: position behind the last one.
        whole: go on past records that are neither messages nor definitions (inside a chunk); otherwise stop
            there.
    """
    found: list[int] = []
    definitions: list[tuple[int, int, int]] = []
    data = views.u8.data
    unpack, message = HEAD.unpack_from, int(Opcode.MESSAGE)
    at, last = begin, end - HEAD_SIZE
    while at <= last:
        opcode, length = unpack(data, at)
        stop = at + HEAD_SIZE + length
        if stop > end:
            break
        if opcode == message:
            if length < MESSAGE_HEAD_SIZE:
                break
            found.append(at)
        elif opcode in _DEFINITIONS:
            definitions.append((opcode, at + HEAD_SIZE, stop))
        elif opcode == 0 or not whole:
            break
        at = stop
    starts = np.array(found, np.int64)
    heads = views.heads(starts)
    ends = starts + heads["length"].astype(np.int64) + HEAD_SIZE
    return Found(starts, ends, heads, definitions, at)
