"""The lines of `queue-journal.jsonl`: one operation each, numbered, with a checksum over the line.

A line also says which number was known to be on the disk when it was written (`d`). So a bad line can be
judged: if a later line knows it to have been on the disk, the file was damaged; if none does, it is what a
crash left of lines that were never acknowledged, and it is cut off. Whether it is the last line says nothing:
the later of two pages may reach the disk before the earlier.
"""

import json
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from pydantic_core import to_json

from services.queue.board import Record

_HEAD = b'{"crc": "'
_LINE = _HEAD + b'%08x", %b'
_BODY = len(_HEAD) + 8 + len('", ')


class BadLine(Exception):
    """These bytes are no line of a journal."""


class Line(NamedTuple):
    """A line that was read: its number, what was on the disk when it was written, when, and what it says."""

    seq: int
    durable: int
    at: str
    record: Record


def encode(line: Line) -> bytes:
    """The line with its newline. Raises ValueError for what is no JSON."""
    seq, durable, at, record = line
    body = b'"seq": %d, "d": %d, "at": "%b", %b\n' % (seq, durable, at.encode(), to_json(record)[1:])
    return _LINE % (zlib.crc32(body), body)


def decode(data: bytes) -> Line:
    """A line from its bytes, newline included. Raises BadLine."""
    body = memoryview(data)[_BODY:]
    if not data.startswith(_HEAD) or not data.endswith(b"}\n"):
        raise BadLine
    try:
        if int(data[len(_HEAD) : len(_HEAD) + 8], 16) != zlib.crc32(body):
            raise BadLine
        record = json.loads(data)
        del record["crc"]
        return Line(record.pop("seq"), record.pop("d"), record.pop("at"), record)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadLine from error


def decode_all(data: bytes) -> Iterator[tuple[Line | None, int]]:
    """What lines there are in `data`, None for each bad one, and where each ends."""
    start = 0
    while start < len(data):
        end = data.find(b"\n", start) + 1 or len(data)
        try:
            yield decode(data[start:end]), end
        except BadLine:
            yield None, end
        start = end


def is_damage(rest: bytes, seq: int) -> bool:
    """Whether `rest`, which does not go on with number `seq` as it should, is no mere leftover of a crash.

    It is damage if a later line knows number `seq` to have been on the disk; and if the first line is whole,
    but another one: two writers did not know of each other.
    """
    if rest[: len(_HEAD)] == _HEAD and _decoded(rest, 0):
        return True
    start = rest.find(_HEAD)  # not at line ends only: these may be spoilt too
    while start >= 0:
        line = _decoded(rest, start)
        if line and line.durable >= seq:
            return True
        start = rest.find(_HEAD, start + 1)
    return False


def _decoded(data: bytes, start: int) -> Line | None:
    try:
        return decode(data[start : data.find(b"\n", start) + 1])
    except BadLine:
        return None
