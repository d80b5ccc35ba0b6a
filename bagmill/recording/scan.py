"""A summary made by reading the whole recording, where its own is missing or says too little."""

from collections.abc import Callable, Collection

import numpy as np

from bagmill.choices import OnCorrupt
from bagmill.errors import RecordingDamaged
from bagmill.probe import shown
from bagmill.recording.account import Account
from bagmill.recording.blocks import Block, Memory, Selection
from bagmill.recording.definitions import Definitions
from bagmill.recording.layout import Layout
from bagmill.recording.loader import Loader
from bagmill.recording.losses import Loss
from bagmill.recording.reading import Reading
from bagmill.recording.source import Source
from bagmill.recording.summary import Summary, SummarySource

_IDS = 1 << 16
_TARGET_BYTES = 4 << 20


class Totals:
    """Counts, bytes, first and last log times (ns) by channel id, summed up over blocks."""

    def __init__(self) -> None:
        self.count = np.zeros(_IDS, np.int64)
        self.bytes = np.zeros(_IDS, np.int64)
        self.first = np.full(_IDS, np.iinfo(np.uint64).max, np.uint64)
        self.last = np.zeros(_IDS, np.uint64)

    def add(self, block: Block) -> None:
        """Add the messages of a block."""
        self.count += np.bincount(block.channel_id, minlength=_IDS)
        np.add.at(self.bytes, block.channel_id, block.end - block.start)
        np.minimum.at(self.first, block.channel_id, block.log_time)
        np.maximum.at(self.last, block.channel_id, block.log_time)

    def channels(self) -> list[int]:
        """Ids of the channels that have messages."""
        return np.flatnonzero(self.count).tolist()


def scan_summary(
    source: Source,
    layout: Layout,
    given: Summary | None,
    on_progress: Callable[[int], None] | None = None,
    *,
    max_record: int,
) -> Summary:
    """Read all messages and sum them up.

    Args:
        source: the file.
        layout: what is known of it.
        given: its own summary, whose definitions are taken over.
        on_progress: told how many bytes of the file have been read.
        max_record: most bytes of a record or chunk in memory.

    Raises:
        RecordingDamaged: there is damage and not one readable message.
    """
    given = given or Summary()
    definitions = Definitions(given.schemas.values(), given.channels.values())
    account = Account(shown(source.path), definitions, Selection(), OnCorrupt.RECOVER, known=None)
    memory = Memory(_TARGET_BYTES)
    loader = Loader(source, definitions, account, memory, max_record)
    reading = Reading(source, layout, definitions, Selection(), account, loader)
    totals = Totals()
    for block in memory.recycle(reading.blocks()):
        totals.add(block)
        if on_progress:
            on_progress(reading.done)
    _lose_undefined(account, totals, definitions, layout)
    if not totals.count[list(definitions.channels)].any() and not account.log.harmless:
        raise nothing_readable(source, account.log.entries)
    summary = _summary(totals, definitions)
    summary.statistics, summary.losses = given.statistics, tuple(account.log.entries)
    summary.chunks, summary.attachments, summary.metadata = (
        reading.inventory.chunks,
        reading.inventory.attachments,
        reading.inventory.metadata,
    )
    return summary


def _lose_undefined(account: Account, totals: Totals, definitions: Definitions, layout: Layout) -> None:
    """Messages on channels that are defined nowhere: only now is it known that no definition comes."""
    for channel in totals.channels():
        if channel not in definitions.channels:
            reason = f"messages on channel {channel}, which is not defined, can't be told whose they are"
            account.lose(
                layout.start, None, reason, {channel: int(totals.count[channel])}, code="unknown_channel"
            )


def _summary(totals: Totals, definitions: Definitions) -> Summary:
    filled = [channel for channel in totals.channels() if channel in definitions.channels]
    first = {channel: int(totals.first[channel]) for channel in filled}
    last = {channel: int(totals.last[channel]) for channel in filled}
    return Summary(
        source=SummarySource.SCAN,
        schemas=definitions.schemas,
        channels=definitions.channels,
        message_counts={channel: int(totals.count[channel]) for channel in definitions.channels},
        start_time=min(first.values(), default=None),
        end_time=max(last.values(), default=None),
        first_times=first,
        last_times=last,
        payload_bytes={channel: int(totals.bytes[channel]) for channel in definitions.channels},
    )


def nothing_readable(source: Source, losses: Collection[Loss]) -> RecordingDamaged:
    """Make the error for a recording that is damaged and gives no message."""
    loss = next((loss for loss in losses if not loss.harmless), None)
    return RecordingDamaged(
        f"Nothing readable is in the recording: {loss.reason if loss else 'it is damaged'}.",
        where={"path": shown(source.path), "offset": loss.offset if loss else 0},
        hint="Copy the file again from where it was recorded; nothing of this copy can be recovered.",
    )
