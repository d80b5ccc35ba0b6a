"""The account of one reading: how many messages were found, how many were lost, where and why."""

from collections.abc import Collection, Mapping

import numpy as np
import numpy.typing as npt

from bagmill.choices import OnCorrupt
from bagmill.errors import RecordingDamaged
from bagmill.recording.blocks import Batch, Selection
from bagmill.recording.definitions import Definitions
from bagmill.recording.losses import Loss, LossLog
from bagmill.recording.messages import Entries, UInt64
from bagmill.recording.records import Damage, Statistics

_IDS = 1 << 16


class Account:
    """Counts by channel id, and the losses; with `OnCorrupt.FAIL` the first loss raises instead.

    `some_readable` says whether any message was readable, or a chunk was passed by as holding nothing wanted.
    """

    def __init__(
        self,
        path: str,
        definitions: Definitions,
        selection: Selection,
        policy: OnCorrupt,
        known: Collection[int] | None,
    ) -> None:
        """Open an account; messages on channels that are not `known` are losses (None: all are taken)."""
        self.log = LossLog()
        self.some_readable = False
        self.found = np.zeros(_IDS, np.int64)
        self._lost = np.zeros(_IDS, np.int64)
        self._path = path
        self._definitions = definitions
        self._selection = selection
        self._policy = policy
        self._strays: dict[int, tuple[int, int]] = {}
        self._unknown = np.full(_IDS, fill_value=known is not None)
        self._unknown[list(known or ())] = False

    def lose(
        self,
        offset: int,
        length: int | None,
        reason: str | Damage,
        messages: Mapping[int, int] | None = None,
        *,
        harmless: bool = False,
        code: str = "damaged",
    ) -> None:
        """Record a loss; `messages` are known counts by channel id. Damage has a code of its own.

        Raises:
            RecordingDamaged: the policy is to fail.
        """
        by_topic: dict[str, int] = {}
        for channel, count in (messages or {}).items():
            self._lost[channel] += count
            topic = self._definitions.topic(channel)
            by_topic[topic] = by_topic.get(topic, 0) + count
        damage = reason if isinstance(reason, Damage) else Damage(reason, code)
        loss = Loss(offset, length, damage.reason, by_topic, harmless, damage.code)
        if self._policy is OnCorrupt.FAIL:
            raise RecordingDamaged(
                f"The recording is damaged: {damage.reason}.", where={"path": self._path, "offset": offset}
            )
        self.log.add(loss)

    def named_by(self, entries: Entries, beyond: int = 0) -> dict[int, int]:
        """Count the selected messages that MessageIndex records name at or behind an offset in the chunk."""
        channel, log_time, offset = entries.columns()
        behind = offset >= beyond
        return self.selected(channel[behind], log_time[behind])

    def selected(self, channel: npt.NDArray[np.uint16], log_time: UInt64) -> dict[int, int]:
        """Count messages within the selection by channel."""
        return _counts(channel[self._selection.in_time(log_time) & self._selection.on_channel(channel)])

    def admit(self, batch: Batch, ambiguous: Mapping[int, int]) -> npt.NDArray[np.bool_]:
        """Say which messages of a batch are wanted, and count them.

        Args:
            batch: messages as they stand in the file.
            ambiguous: channels of which messages from a position of the buffer on can't be told whose they
                are.
        """
        wanted = self._selection.in_time(batch.log_time)
        stray = self._strays_in(batch, ambiguous)
        if stray is not None:
            self._note_strays(batch, stray & wanted)
            wanted &= ~stray
        self.some_readable |= stray is None or not stray.all()
        if self._selection.channels is not None:
            wanted &= self._selection.on_channel(batch.channel_id)
        self.found += np.bincount(batch.channel_id[wanted], minlength=_IDS)
        return wanted

    def close(self, statistics: Statistics | None, end: int) -> None:
        """Add what only shows at the end: messages without a channel, and what the writer counted but isn't
        there.

        Args:
            statistics: the writer's own count, None where it is not to be compared.
            end: file offset of the end of the data section.
        """
        for channel, (offset, count) in self._strays.items():
            topic = self._definitions.topic(channel)
            reason = f"messages on {topic} can't be told whose they are: {self._why(channel)}"
            self.lose(offset, None, reason, {channel: count}, code="unknown_channel")
        difference = self._difference(statistics)
        if missing := {channel: count for channel, count in difference.items() if count > 0}:
            self._place(missing, end)
        if more := -sum(count for count in difference.values() if count < 0):
            reason = f"the recording holds {more} messages more than its statistics count"
            self.lose(end, None, reason, harmless=True, code="counts_differ")

    @property
    def nothing_readable(self) -> bool:
        """Whether the recording gave no message at all, wanted or not, although some may be missing."""
        return not self.some_readable and not self.log.harmless

    def _strays_in(self, batch: Batch, ambiguous: Mapping[int, int]) -> npt.NDArray[np.bool_] | None:
        """Messages that belong to no channel, None if there are none (the usual case, kept cheap)."""
        unknown = self._unknown[batch.channel_id]
        stray: npt.NDArray[np.bool_] | None = unknown if unknown.any() else None
        for channel, position in ambiguous.items():
            doubtful = (batch.channel_id == channel) & (batch.starts >= position)
            stray = doubtful if stray is None else stray | doubtful
        return stray

    def _note_strays(self, batch: Batch, stray: npt.NDArray[np.bool_]) -> None:
        channels, first = np.unique(batch.channel_id[stray], return_index=True)
        rows = np.flatnonzero(stray)[first]
        counts = _counts(batch.channel_id[stray])
        for channel, row in zip(channels.tolist(), rows.tolist(), strict=True):
            offset, count = self._strays.get(channel, (batch.origin(row), 0))
            self._strays[channel] = (offset, count + counts[channel])
            if self._policy is OnCorrupt.FAIL:
                self.close(None, offset)

    def _why(self, channel: int) -> str:
        if not self._unknown[channel]:
            return "the channel or its schema is defined twice, differently"
        if channel in self._definitions.channels:
            return "the summary does not list the channel"
        return "the channel is not defined"

    def _difference(self, statistics: Statistics | None) -> dict[int, int]:
        if statistics is None or self._selection.timed:
            return {}
        wanted = self._selection.channels
        return {
            channel: count - int(self.found[channel] + self._lost[channel])
            for channel, count in statistics.channel_message_counts.items()
            if wanted is None or channel in wanted
        }

    def _place(self, missing: Mapping[int, int], end: int) -> None:
        """Put missing messages to the one damaged place they can come from, else on a line of their own."""
        entries = self.log.entries
        unknown = [at for at, loss in enumerate(entries) if not loss.harmless and not loss.messages]
        if len(unknown) != 1:
            reason = "the recording's statistics count more messages than it holds"
            self.lose(end, None, reason, missing, code="counts_differ")
            return
        place = entries.pop(unknown[0])
        self.lose(place.offset, place.length, place.reason, missing, code=place.code)
        entries.insert(unknown[0], entries.pop())


def _counts(channel_id: npt.NDArray[np.uint16]) -> dict[int, int]:
    channels, counts = np.unique(channel_id, return_counts=True)
    return dict(zip(channels.tolist(), counts.tolist(), strict=True))
