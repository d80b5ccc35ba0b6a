"""The first part of a recording, as long as so many bytes of messages are."""

from bisect import bisect_right
from collections.abc import Collection
from dataclasses import dataclass
from itertools import accumulate

from bagmill.recording import ChunkIndex, Recording


@dataclass(frozen=True, slots=True)
class Window:
    """Log times from `start` up to but without `end`, in ns; `whole`: there is nothing more to read."""

    start: int
    end: int
    whole: bool


class Windows:
    """Windows of a recording that begin at one time.

    Args:
        recording: is needed for no longer than this call.
        channels: ids of those whose messages will be read.
        start, end: what may be read, in ns of log time; `end` is not part of it.
    """

    def __init__(self, recording: Recording, channels: Collection[int], start: int, end: int) -> None:
        self._start, self._end = start, end
        chunks = [chunk for chunk in recording.summary.chunks if _counts(chunk, channels, start, end)]
        chunks.sort(key=lambda chunk: chunk.start_time)
        self._begins = [chunk.start_time for chunk in chunks]
        self._read = list(accumulate(chunk.uncompressed_size for chunk in chunks))
        self._has_chunks, self._size = bool(recording.summary.chunks), recording.size

    def of(self, size: int) -> Window:
        """The window of so many decompressed bytes, about: chunks are read whole, and one at least."""
        reach = self._reach(size) if self._has_chunks else self._share(size)
        return Window(self._start, min(reach, self._end), whole=reach >= self._end)

    def _reach(self, size: int) -> int:
        fitting = bisect_right(self._read, size)
        # A chunk that begins at the very start of the window must be read, however big it is.
        return next((begin for begin in self._begins[fitting:] if begin > self._start), self._end)

    def _share(self, size: int) -> int:
        """Where nothing but the size of the file tells how much there is."""
        share = size / max(1, self._size)
        return self._end if share >= 1 else self._start + max(1, int((self._end - self._start) * share))


def _counts(chunk: ChunkIndex, channels: Collection[int], start: int, end: int) -> bool:
    """Whether a chunk must be read; one whose channels are not told must."""
    held = chunk.message_index_offsets
    return (
        chunk.end_time >= start
        and chunk.start_time < end
        and (not held or not held.keys().isdisjoint(channels))
    )
