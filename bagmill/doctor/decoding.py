"""Runs the decoders over all messages, as a conversion would, and keeps nothing but what went wrong."""

from collections.abc import Iterator, Sequence

from bagmill.choices import MAX_TIME_NS
from bagmill.decoders import Decoder
from bagmill.doctor.findings import Finding, Severity, at_time, counted
from bagmill.inspection import Grouping, Rows
from bagmill.recording import Block
from bagmill.slices import slices
from bagmill.tables import Table


class Trial:
    """What the decoder of one table made of its messages. `first_at` is a log time in ns."""

    def __init__(self, table: Table, decoder: Decoder) -> None:
        self.table = table
        self.decoder = decoder
        self.read = 0
        self.bytes = 0
        self.unreadable = 0
        self.first_reason = ""
        self.first_at = 0

    def fail(self, reason: str, log_time: int, count: int = 1) -> None:
        """Count messages that can't be read."""
        if not self.unreadable:
            self.first_reason, self.first_at = reason, log_time
        self.unreadable += count


class Decoding:
    """Tries all messages of all tables, block by block."""

    def __init__(self, tables: Sequence[Table], decoders: Sequence[Decoder]) -> None:
        self.trials = [Trial(table, decoder) for table, decoder in zip(tables, decoders, strict=True)]
        self._grouping = Grouping(tables)

    def take(self, block: Block) -> None:
        """Try the messages of a block."""
        for number, rows in self._grouping.split(block):
            trial = self.trials[number]
            trial.read += rows.size
            trial.bytes += int((block.end[rows] - block.start[rows]).sum())
            beyond = (block.log_time[rows] > MAX_TIME_NS) | (block.publish_time[rows] > MAX_TIME_NS)
            if beyond.any():
                first = int(block.log_time[rows[beyond][0]])
                trial.fail("its time is beyond the year 2262", first, int(beyond.sum()))
            if trial.decoder.raw_reason is None:
                self._decode(trial, block, rows[~beyond])

    def _decode(self, trial: Trial, block: Block, rows: Rows) -> None:
        for part in slices(block, rows, trial.decoder.fields):
            decoded = trial.decoder.decode(block.buffer, block.start[part], block.end[part])
            for index, reason in decoded.unreadable:
                trial.fail(reason, int(block.log_time[part[index]]))

    def findings(self) -> Iterator[Finding]:
        """What all decoders found."""
        for trial in self.trials:
            yield from _of_trial(trial)


def _of_trial(trial: Trial) -> Iterator[Finding]:
    """What the decoder of one table found."""
    topic = trial.table.topic
    if trial.unreadable:
        yield Finding(
            Severity.ERROR,
            "unreadable_messages",
            f"{trial.unreadable} of {counted(trial.read, 'message')} can't be decoded; the first: "
            f"{trial.first_reason}.",
            topic,
            at_time(trial.first_at),
            {"count": trial.unreadable},
        )
    reason = trial.decoder.raw_reason
    if reason is not None:
        yield Finding(
            Severity.WARNING, "undecodable", f"Its messages can't be decoded: {reason.message}.", topic
        )
    for note in trial.decoder.notes:
        yield Finding(
            Severity.INFO,
            "decoding",
            f"{note.message[:1].upper()}{note.message[1:]}.",
            topic,
            {},
            {"note": note.code},
        )
