"""How a recording is built: which of the optional parts it has, and whether its own checks hold."""

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from bagmill.recording.chunks import crc_of
from bagmill.recording.identity import data_end
from bagmill.recording.records import HEAD_SIZE, Attachment, ChunkIndex, Footer, Metadata
from bagmill.recording.source import Source
from bagmill.recording.summary import Summary


class Crc(StrEnum):
    """What a check of a CRC-32 gave. `NONE`: the writer made none; `UNKNOWN`: it is not there to be read."""

    RIGHT = "right"
    WRONG = "wrong"
    NONE = "none"
    UNKNOWN = "unknown"


class Contents(NamedTuple):
    """What one reading of the data section found beside messages, in the order of the file.

    `without_crc` counts chunks whose writer made no CRC.
    """

    chunks: Sequence[ChunkIndex]
    attachments: Sequence[Attachment]
    metadata: Sequence[Metadata]
    without_crc: int


class Structure(NamedTuple):
    """The optional parts of a file.

    `closed`: it ends with a footer. `has_summary`: the footer names a summary section, usable or not.
    `summary` is that section as it stands there, None if it can't be used. `summary_crc` says whether the
    writer made one; where it is wrong, the summary is not used.
    """

    closed: bool
    has_summary: bool
    summary: Summary | None
    summary_crc: bool


def check_data_crc(source: Source, footer: Footer | None) -> Crc:
    """Compare the CRC in the DataEnd record with that of all bytes before it; reads the whole file.

    Raises:
        RecordingUnreadable, RecordingChanged: the file can't be read any more.
    """
    end = data_end(source, footer)
    if end is None:
        return Crc.UNKNOWN
    crc = int.from_bytes(source.read(end + HEAD_SIZE, 4), "little")
    if not crc:
        return Crc.NONE
    return Crc.RIGHT if crc_of(source, 0, end) == crc else Crc.WRONG
