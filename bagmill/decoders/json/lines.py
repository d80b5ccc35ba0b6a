"""Messages as lines of one text, for a parser that takes many at once.

`pyarrow.json` reads JSON values one after the other, whatever stands between them; it does not check UTF-8,
and a `null` outside of all objects makes it read memory that is not its own. So only messages that can do no
harm become lines, and from how they begin and end follows that a line is one object, if all are read:

A line begins with `{` and ends with `}`, then comes a newline. No string goes on over a newline (JSON allows
none in it), so that `}` is no text, and behind it stands the next line's `{`: which JSON allows only where no
object or array is open. So every line ends where a value ends and holds one at least, and as many values as
lines means one each.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyarrow._compute import MatchSubstringOptions

from bagmill.decoders.base import Buffer, Offsets
from bagmill.kernels import WITHOUT_CHECKS, call, indices

Numbers = npt.NDArray[np.int64]

_SPACE = np.zeros(256, np.bool_)
_SPACE[list(b" \t\r\n")] = True
_NULL_OUTSIDE = rb"\}[ \t\r\n]*null"
_RUN_BYTES = 8 << 20
_MOST_SPACES = 64
"""White space around a message that is cut off; a message with more is not made a line."""


@dataclass(frozen=True, slots=True)
class Lines:
    """Line i is `text[offset[i]:offset[i + 1]]`, with its newline, and the message `number[i]`."""

    text: pa.Buffer
    offset: Numbers
    number: Numbers

    def __len__(self) -> int:
        return self.number.size

    def slice(self, first: int, last: int) -> pa.Buffer:
        """The text of the lines `first` to `last`."""
        begin = int(self.offset[first])
        return self.text.slice(begin, int(self.offset[last]) - begin)

    def matching(self, pattern: bytes, first: int, last: int) -> Numbers:
        """Which of the lines `first` to `last` hold a pattern, counted from `first`, ascending.

        The pattern must mean the same to RE2, which tells whether there is any, and Python, which finds them.
        """
        text = self.slice(first, last)
        options = MatchSubstringOptions(pattern)
        if not call("match_substring_regex", _value(text, pa.large_binary()), options=options)[0].as_py():
            return np.zeros(0, np.int64)
        places = [match.start() for match in re.finditer(pattern, text)]
        places_in_text = np.array(places, np.int64) + self.offset[first]
        return np.unique(np.searchsorted(self.offset, places_in_text, side="right") - 1) - first

    def objects(self, first: int, last: int) -> int:
        """At least as many as there are objects and nulls in the lines `first` to `last`."""
        text = np.frombuffer(self.slice(first, last), np.uint8)
        nulls = (text[:-1] == ord("n")) & (text[1:] == ord("u"))
        return int(np.count_nonzero(text == ord("{")) + np.count_nonzero(nulls))

    def first_behind(self, pattern: bytes, first: int, last: int) -> tuple[Numbers, Buffer]:
        """The lines `first` to `last` that hold a pattern, counted from `first`, and the byte behind it."""
        text = self.slice(first, last)
        behind = np.array([match.end() for match in re.finditer(pattern, text)], np.int64)
        behind = behind[behind < text.size]
        numbers = np.searchsorted(self.offset, behind + self.offset[first], side="right") - 1 - first
        lines, places = np.unique(numbers, return_index=True)
        return lines, np.frombuffer(text, np.uint8)[behind[places]]


def runs(start: Offsets, end: Offsets) -> Iterator[tuple[int, int]]:
    """Cut messages into runs `first` to `last` of about 8 MB each."""
    ends = np.cumsum(end - start)
    first = 0
    while first < start.size:
        before = int(ends[first - 1]) if first else 0
        last = max(int(np.searchsorted(ends, before + _RUN_BYTES, side="right")), first + 1)
        yield first, last
        first = last


def join(buffer: Buffer, start: Offsets, end: Offsets) -> Lines:
    """Make lines of the messages `buffer[start[i]:end[i]]` that look like objects.

    Those that `harmful_lines` names must not be parsed.
    """
    number = np.flatnonzero(end > start)
    begin, behind = _trimmed(buffer, start[number], end[number])
    braces = (buffer[begin] == ord("{")) & (buffer[behind - 1] == ord("}"))
    has_room = np.append(start[1:], buffer.size)[number] > behind  # for a newline
    chosen = np.flatnonzero(braces & has_room)
    return _gathered(buffer, begin[chosen], behind[chosen], number[chosen])


def without(lines: Lines, which: Numbers) -> Lines:
    """All lines but some."""
    return pick(lines, np.delete(np.arange(len(lines)), which)) if which.size else lines


def pick(lines: Lines, which: Numbers) -> Lines:
    """Some lines; `which` is ascending."""
    text = np.frombuffer(lines.text, np.uint8)
    return _gathered(text, lines.offset[:-1][which], lines.offset[1:][which] - 1, lines.number[which])


def harmful_lines(lines: Lines) -> Numbers:
    """Lines that the parser would get wrong, ascending; some are named that would do no harm."""
    return union(_harmful(lines))


def union(found: Iterable[Numbers]) -> Numbers:
    """All numbers, ascending. Mostly there are none, and `np.unique` would load numpy.ma for them."""
    joined = np.concatenate([*found])
    return np.unique(joined) if joined.size else joined


def _trimmed(buffer: Buffer, start: Offsets, end: Offsets) -> tuple[Offsets, Offsets]:
    """Leave out white space around messages, but for one byte where there is nothing else."""
    for _ in range(_MOST_SPACES):
        cut = _SPACE[buffer[end - 1]] & (end - start > 1)
        if not cut.any():
            break
        end = end - cut
    for _ in range(_MOST_SPACES):
        cut = _SPACE[buffer[start]] & (end - start > 1)
        if not cut.any():
            break
        start = start + cut
    return start, end


def _gathered(buffer: Buffer, start: Offsets, end: Offsets, number: Numbers) -> Lines:
    """The messages as one text. Arrow gathers far faster than `bytes.join`.

    The byte behind each message comes along and becomes its newline.
    """
    offset = np.zeros(number.size + 1, np.int64)
    if not number.size:
        return Lines(pa.py_buffer(b""), offset, number)
    np.cumsum(end - start + 1, out=offset[1:])
    borders = np.stack([start, end + 1], axis=1).ravel()
    buffers = [None, pa.py_buffer(borders), pa.py_buffer(buffer)]
    messages_and_gaps = pa.Array.from_buffers(pa.large_binary(), borders.size - 1, buffers)
    messages = indices(np.arange(0, borders.size, 2))
    text = call("take", messages_and_gaps, messages, options=WITHOUT_CHECKS).buffers()[2]
    np.frombuffer(text, np.uint8)[offset[1:] - 1] = ord("\n")
    return Lines(text, offset, number)


def _value(text: pa.Buffer, kind: pa.DataType) -> pa.Array:
    """A text as one value of Arrow."""
    borders = np.array([0, text.size], np.int64)
    return pa.Array.from_buffers(kind, 1, [None, pa.py_buffer(borders), text])


def _harmful(lines: Lines) -> Iterator[Numbers]:
    yield lines.matching(_NULL_OUTSIDE, 0, len(lines))
    try:
        _value(lines.text, pa.large_string()).validate(full=True)
    except pa.ArrowInvalid:
        wrong = [line for line in range(len(lines)) if not _is_utf8(lines.slice(line, line + 1))]
        yield np.array(wrong, np.int64)


def _is_utf8(text: pa.Buffer) -> bool:
    try:
        text.to_pybytes().decode()
    except UnicodeDecodeError:
        return False
    return True
