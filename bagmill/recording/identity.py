"""Which recording is it? An answer that does not cost reading all of it."""

import hashlib
from typing import NamedTuple

from bagmill.probe import MAGIC
from bagmill.recording.records import HEAD, HEAD_SIZE, Footer, Opcode
from bagmill.recording.source import Source

_PART = 4096
_DATA_END_SIZE = HEAD_SIZE + 4


class Identity(NamedTuple):
    """Size in bytes, and a SHA-256 (hex) of the first 4 KiB and of everything from the DataEnd record on.

    What stands behind DataEnd holds the counts, times and places of all that stands before it. A file without
    a DataEnd in front of its summary (or its footer) is known by its first and its last 4 KiB.
    """

    size: int
    sha256: str


def identify(source: Source, footer: Footer | None) -> Identity:
    """Read as much of the file as its identity needs."""
    digest = hashlib.sha256(source.read(0, min(_PART, source.size)))
    end = data_end(source, footer)
    at = max(0, source.size - _PART) if end is None else end
    while at < source.size:
        part = source.read(at, min(1 << 20, source.size - at))
        digest.update(part)
        at += len(part)
    return Identity(source.size, digest.hexdigest())


def data_end(source: Source, footer: Footer | None) -> int | None:
    """File offset of the DataEnd record in front of the summary or the footer; None if there is none."""
    if footer is None:
        return None
    at = (footer.summary_start or footer.offset) - _DATA_END_SIZE
    if not len(MAGIC) <= at <= footer.offset - _DATA_END_SIZE:
        return None
    return at if HEAD.unpack(source.read(at, HEAD_SIZE)) == (Opcode.DATA_END, 4) else None
