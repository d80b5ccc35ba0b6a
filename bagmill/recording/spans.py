"""First and last log time of each channel, from few and small reads.

MessageIndex records hold the log time of every message. A chunk can only change a channel's first time if the
chunk begins before the first time found so far, so one or two records a channel are enough.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bagmill.recording.records import HEAD, HEAD_SIZE, ChunkIndex, Opcode
from bagmill.recording.source import Source
from bagmill.recording.summary import Summary

_ENTRIES = HEAD_SIZE + 6
_MAP_ENTRY = np.dtype([("channel", "<u2"), ("offset", "<u8")])
_Chunks = npt.NDArray[np.intp]
_Offsets = npt.NDArray[np.uint64]


class Span(NamedTuple):
    """First and last log time in ns, both inclusive; not `exact`: they lie within these times."""

    first: int
    last: int
    exact: bool


def channel_spans(source: Source, summary: Summary) -> dict[int, Span]:
    """Find the time span of each channel that has messages, by channel id."""
    if summary.payload_bytes is not None:
        return {
            channel: Span(first, summary.last_times[channel], exact=True)
            for channel, first in summary.first_times.items()
        }
    if summary.start_time is None or summary.end_time is None:
        return {}
    around = Span(summary.start_time, summary.end_time, exact=False)
    filled = [channel for channel, count in summary.message_counts.items() if count]
    if not summary.indexes_are_complete():
        return dict.fromkeys(filled, around)
    indexes = _Indexes(source, summary.chunks)
    return {channel: indexes.span(channel) or around for channel in filled}


def union(spans: Iterable[Span]) -> Span | None:
    """The span of several channels together; None of none."""
    spans = list(spans)
    if not spans:
        return None
    first, last = min(span.first for span in spans), max(span.last for span in spans)
    return Span(first, last, exact=all(span.exact for span in spans))


class _Indexes:
    """The MessageIndex records of a file, found through the maps of its chunk index."""

    def __init__(self, source: Source, chunks: Sequence[ChunkIndex]) -> None:
        self._source = source
        self._chunks = chunks
        self._starts = np.array([chunk.start_time for chunk in chunks], np.uint64)
        self._ends = np.array([chunk.end_time for chunk in chunks], np.uint64)
        maps = [np.frombuffer(chunk.index_map, _MAP_ENTRY) for chunk in chunks]
        entries = np.concatenate(maps)
        order = np.argsort(entries["channel"], kind="stable")
        self._channels = entries["channel"][order]
        self._offsets = entries["offset"][order]
        self._chunk_of = np.repeat(np.arange(len(chunks)), [entry.size for entry in maps])[order]

    def span(self, channel: int) -> Span | None:
        """Time span of a channel; None if its MessageIndex records are not what the chunk index says."""
        begin, end = np.searchsorted(self._channels, (channel, channel + 1)).tolist()
        chunks = self._chunk_of[begin:end]
        offsets = self._offsets[begin:end]
        first = self._first(channel, chunks, offsets)
        last = None if first is None else self._last(channel, chunks, offsets)
        return None if first is None or last is None else Span(first, last, exact=True)

    def _first(
        self, channel: int, chunks: npt.NDArray[np.intp], offsets: npt.NDArray[np.uint64]
    ) -> int | None:
        first: int | None = None
        for row in np.argsort(self._starts[chunks], kind="stable"):
            chunk = self._chunks[chunks[row]]
            if first is not None and chunk.start_time >= first:
                break
            if (span := self._read(channel, chunk, int(offsets[row]))) is None:
                return None
            first = span.first if first is None else min(first, span.first)
        return first

    def _last(
        self, channel: int, chunks: npt.NDArray[np.intp], offsets: npt.NDArray[np.uint64]
    ) -> int | None:
        last: int | None = None
        for row in np.argsort(self._ends[chunks], kind="stable")[::-1]:
            chunk = self._chunks[chunks[row]]
            if last is not None and chunk.end_time <= last:
                break
            if (span := self._read(channel, chunk, int(offsets[row]))) is None:
                return None
            last = span.last if last is None else max(last, span.last)
        return last

    def _read(self, channel: int, chunk: ChunkIndex, offset: int) -> Span | None:
        """First and last log time in one record; None if it is empty or can't be believed."""
        end = min(chunk.end + chunk.message_index_length, self._source.size)
        if not chunk.end <= offset <= end - _ENTRIES:
            return None
        head = self._source.read(offset, _ENTRIES)
        opcode, length = HEAD.unpack_from(head)
        size = int(length) - 6
        own = int.from_bytes(head[HEAD_SIZE : HEAD_SIZE + 2], "little")
        if (opcode, own) != (Opcode.MESSAGE_INDEX, channel) or not 0 < size <= end - offset - _ENTRIES:
            return None
        if size % 16:
            return None
        times = np.frombuffer(self._source.read(offset + _ENTRIES, size), "<u8")[0::2]
        span = Span(int(times.min()), int(times.max()), exact=True)
        return span if chunk.start_time <= span.first and span.last <= chunk.end_time else None
