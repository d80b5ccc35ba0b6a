"""Decoders for the tables of a recording. JSON and CBOR need a look at all messages first, to know types."""

from collections.abc import Collection, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from bagmill.choices import Selecting
from bagmill.decoders import INSPECTED, Decoder, inspections, make_decoder
from bagmill.recording import Block, Recording
from bagmill.report import Progress, ProgressSink, silent
from bagmill.tables import Table
from bagmill.writers.lanes import Lanes

if TYPE_CHECKING:
    from bagmill.decoders.inspected import Inspection

Rows = npt.NDArray[np.int64]


def must_be_inspected(tables: Collection[Table]) -> bool:
    """Whether `open_decoders` reads the recording once for these tables."""
    return any(table.message_encoding in INSPECTED for table in tables)


def open_decoders(
    recording: Recording,
    tables: Sequence[Table],
    selection: Selecting,
    progress: ProgressSink = silent,
    *,
    threads: int = 1,
) -> list[Decoder]:
    """Make the decoder of each table; only JSON and CBOR cost a reading of the selection's messages.

    With `threads` above 1, reading overlaps with the look at what was read, and tables are looked at side by
    side.

    Raises:
        RecordingDamaged: the selection says `on_corrupt="fail"` and there is damage; or nothing can be read.
    """
    inspected = [table for table in tables if table.message_encoding in INSPECTED]
    kinds = inspections()
    looks = [kinds[table.message_encoding](table.schema) for table in inspected]
    grouping = Grouping(inspected)
    if inspected:
        lanes = Lanes(threads if threads > 1 else 0, most_bytes=0)
        try:
            for block in read_blocks(recording, inspected, selection, ahead=threads > 1):
                _look(block, grouping, looks, lanes)
                progress(Progress("inspect", recording.done_bytes, recording.size))
        finally:
            lanes.stop()
    found = iter(looks)
    return [
        next(found).decoder()
        if table.message_encoding in INSPECTED
        else make_decoder(table.schema, table.message_encoding)
        for table in tables
    ]


def _look(block: Block, grouping: "Grouping", looks: Sequence["Inspection"], lanes: Lanes) -> None:
    for number, rows in grouping.split(block):
        lanes.run(str(number), partial(looks[number].take, block.buffer, block.start[rows], block.end[rows]))
    lanes.finish()  # before the buffer is filled again


def read_blocks(
    recording: Recording, tables: Sequence[Table], selection: Selecting, *, ahead: bool = False
) -> Iterator[Block]:
    """The messages of some tables within the selection's times, in file order; `ahead`: read in a thread."""
    return recording.blocks(
        channels={channel for table in tables for channel in table.channels},
        start_time=selection.start_time,
        end_time=selection.end_time,
        on_corrupt=selection.on_corrupt,
        ahead=ahead,
    )


class Grouping:
    """Finds the table of each message."""

    def __init__(self, tables: Sequence[Table]) -> None:
        # Numbers of 16 bits are sorted eight times as fast.
        number_type = np.int16 if len(tables) < 1 << 15 else np.int32
        self._table_of = np.full(1 << 16, -1, number_type)
        for number, table in enumerate(tables):
            self._table_of[list(table.channels)] = number

    def split(self, block: Block) -> Iterator[tuple[int, Rows]]:
        """The number of each table that has messages in a block, and which they are, in order."""
        tables = self._table_of[block.channel_id]
        order = np.argsort(tables, kind="stable")
        borders = np.flatnonzero(np.diff(tables[order])) + 1
        for rows in np.split(order, borders):
            if rows.size and tables[rows[0]] >= 0:
                yield int(tables[rows[0]]), rows
