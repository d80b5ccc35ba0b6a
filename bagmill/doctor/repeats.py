"""Messages that stand in a recording twice, and topics that say the same again and again."""

import zlib

import numpy as np

from bagmill.doctor.series import Flags, Int64, Previous, Series, UInt64

REMEMBERED = 1 << 20
"""A message is found again among so many before it."""

_MIX = np.uint64(0x9E3779B97F4A7C15)
_FOLD = np.uint64(29)


class Repeats:
    """Running state of all channels.

    `again` counts messages that are equal to an earlier one in channel, sequence, log time and content, and
    `again_at` is the log time (ns) of the first of them. `same` counts messages whose bytes are those of the
    message before, `run` is the longest row of equal ones and `run_at` the log time (ns) of its end.
    """

    def __init__(self, channels: int) -> None:
        self.again = np.zeros(channels, np.int64)
        self.again_at = np.zeros(channels, np.int64)
        self.same = np.zeros(channels, np.int64)
        self.run = np.ones(channels, np.int64)
        self.run_at = np.zeros(channels, np.int64)
        self._current = np.ones(channels, np.int64)
        self._latest = np.full(channels, -1, np.int64)
        self._recent: list[UInt64] = []
        self._content = Previous(channels, np.uint64)
        self._checks = np.zeros(channels, np.int64)

    def take(self, series: Series) -> None:
        """Add the messages of a block."""
        content = _signatures(series)
        self._note_again(series, content)
        self._note_same(series, content)

    def _note_again(self, series: Series, content: UInt64) -> None:
        keys = _mixed(content, series.number.astype(np.uint64))
        keys = _mixed(keys, series.sequence.astype(np.uint64))
        keys = _mixed(keys, series.log_time.astype(np.uint64))
        ordered = np.sort(keys)
        again = np.zeros(keys.size, np.bool_)
        if (ordered[1:] == ordered[:-1]).any():
            first = np.unique(keys, return_index=True)[1]
            again[:] = True
            again[first] = False
        # Only what is not later than all before it can have been there before.
        early = np.flatnonzero(series.log_time <= self._latest[series.number])
        again[early] |= self._remembers(keys[early])
        self._latest[series.present] = np.maximum(
            self._latest[series.present], np.maximum.reduceat(series.log_time, series.heads)
        )
        self._remember(ordered)
        counts = np.add.reduceat(again.astype(np.int64), series.heads)
        for segment in np.flatnonzero(counts).tolist():
            number, part = series.part(segment)
            if not self.again[number]:
                self.again_at[number] = series.log_time[part][int(np.argmax(again[part]))]
            self.again[number] += counts[segment]

    def _remembers(self, keys: UInt64) -> Flags:
        found = np.zeros(keys.size, np.bool_)
        for known in self._recent if keys.size else ():
            place = np.minimum(np.searchsorted(known, keys), known.size - 1)
            found |= known[place] == keys
        return found

    def _remember(self, keys: UInt64) -> None:
        self._recent.append(keys)
        while sum(known.size for known in self._recent[1:]) >= REMEMBERED:
            del self._recent[0]

    def _note_same(self, series: Series, content: UInt64) -> None:
        before, known = self._content.shift(series, content)
        alike = known & (content == before)
        if alike.any():
            self._compare(series, alike)
        for segment, (number, part) in enumerate(series.parts()):
            if alike[part].any():
                self._note_runs(number, alike[part], series.log_time[part])
            elif series.lengths[segment]:
                self._current[number] = 1
            self._checks[number] = _check(series, int(series.tails[segment]))

    def _compare(self, series: Series, alike: Flags) -> None:
        """Make sure of what the signatures say, by all bytes (by a CRC where the block before had them)."""
        heads = dict(zip(series.heads.tolist(), series.present.tolist(), strict=True))
        data = series.buffer.data
        start, end = series.start.tolist(), series.end.tolist()
        for row in np.flatnonzero(alike).tolist():
            if row in heads:
                alike[row] = _check(series, row) == self._checks[heads[row]]
            else:
                own, other = data[start[row] : end[row]], data[start[row - 1] : end[row - 1]]
                alike[row] = bytes(own) == bytes(other)

    def _note_runs(self, number: int, alike: Flags, times: Int64) -> None:
        """Go through rows of equal messages: `alike` says which equals the one before it."""
        self.same[number] += int(alike.sum())
        places = np.arange(alike.size)
        breaks = np.maximum.accumulate(np.where(alike, -1, places))
        lengths = np.where(breaks < 0, self._current[number] + places + 1, places - breaks + 1)
        longest = int(np.argmax(lengths))
        if lengths[longest] > self.run[number]:
            self.run[number], self.run_at[number] = lengths[longest], times[longest]
        self._current[number] = lengths[-1]


def _check(series: Series, row: int) -> int:
    return zlib.crc32(series.buffer.data[series.start[row] : series.end[row]])


def _mixed(one: UInt64, other: UInt64) -> UInt64:
    mixed = (one ^ other) * _MIX
    return mixed ^ (mixed >> _FOLD)


def _signatures(series: Series) -> UInt64:
    """A number for each message from its length, its first 32 bytes, its last 8 and 8 in its middle."""
    length = series.end - series.start
    signature = length.astype(np.uint64) * _MIX
    if series.buffer.size < 8:
        return signature
    words = np.ndarray((series.buffer.size - 7,), "<u8", series.buffer, strides=(1,))
    for place in (0, 8, 16, 24):
        inside = length >= place + 8
        at = np.where(inside, series.start + place, 0)
        signature = _mixed(signature, np.where(inside, words[at], 0))
    for at in (series.end - 8, series.start + (length - 8) // 2):
        inside = length >= 8
        signature = _mixed(signature, np.where(inside, words[np.where(inside, at, 0)], 0))
    return _with_short(series, length, signature)


def _with_short(series: Series, length: Int64, signature: UInt64) -> UInt64:
    """Mix in the bytes of messages that are shorter than a word."""
    if not (length < 8).any():
        return signature
    word = np.zeros(length.size, np.uint64)
    for place in range(7):
        inside = (length < 8) & (length > place)
        own = series.buffer[np.where(inside, series.start + place, 0)].astype(np.uint64)
        word |= np.where(inside, own << np.uint64(8 * place), 0).astype(np.uint64)
    return _mixed(signature, word)
