"""Visualize: a recording becomes a Rerun recording."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from rerun.chunk import Chunk

from bagmill.inspection import open_decoders, read_blocks
from bagmill.options import VisualizeOptions
from bagmill.recording import Recording
from bagmill.report import Progress, ProgressSink, Report, silent
from bagmill.visualize.account import Outcome, account
from bagmill.visualize.columns import Columns, Topic
from bagmill.visualize.plan import Part, plan
from bagmill.visualize.reader import sdk_chunks
from bagmill.visualize.stream import write_rrd
from bagmill.visualize.tally import Tally
from bagmill.visualize.verify import verify

FILE_NAME = "recording.rrd"


def visualize(
    recording: Path, output: Path, options: VisualizeOptions, progress: ProgressSink = silent
) -> Report:
    """Write `recording.rrd` below `output`, an empty folder.

    The same recording and options give a file whose data is equal (`rerun rrd compare --unordered`). The file
    has been read back: it holds every row that was meant to be in it. Its timelines are in ns.

    Raises:
        RecordingError: the file is no recording, or is damaged and `on_corrupt` is `fail`, or nothing is
            readable.
        SelectionError: a glob matches no topic, or the selection leaves nothing.
        OutputFailed: the file can't be written.
        OutputUnverified: what was written is not what was read.
    """
    target = output / FILE_NAME
    with Recording.open(recording) as source:
        parts = plan(source, options)
        by_sdk = frozenset(number for number, part in enumerate(parts) if part.parts is not None)
        run = _Run(source, options, parts, by_sdk, progress)
        while wrong := run.write(target):
            target.unlink()
            run = _Run(source, options, parts, run.by_sdk - wrong, progress)
        progress(Progress("verify", source.size, source.size, run.counters))
        verify(target, run.tally)
        return account(run.outcomes(), source, options, FILE_NAME)


class _Run:
    """One attempt at writing the file; `by_sdk` are the numbers of the parts that the SDK's reader gets."""

    def __init__(
        self,
        source: Recording,
        options: VisualizeOptions,
        parts: list[Part],
        by_sdk: frozenset[int],
        progress: ProgressSink,
    ) -> None:
        self.by_sdk = by_sdk
        self.tally = Tally()
        self._source = source
        self._options = options
        self._parts = parts
        self._progress = progress
        self._columns = Columns(parts)

    @property
    def counters(self) -> dict[str, int]:
        """Messages so far."""
        return {"messages": sum(self._columns.messages)}

    def write(self, target: Path) -> frozenset[int]:
        """Write the file. Returns the parts of which the SDK's reader made too few rows or too many."""
        write_rrd(
            target,
            _recording_id(self._source, self._options),
            self._source.path.name,
            self._chunks(),
            self.tally,
        )
        rows = {number: self.tally.shown(self._parts[number].entities)[1] for number in self.by_sdk}
        return frozenset(number for number in rows if rows[number] != self._columns.messages[number])

    def outcomes(self) -> list[Outcome]:
        """How each part came out."""
        return [
            Outcome.of(part, self._columns.messages[number], self.tally, self._columns.topics.get(number))
            for number, part in enumerate(self._parts)
        ]

    def _chunks(self) -> Iterator[Chunk]:
        yield from self._from_sdk()
        unseen = {number for number in self.by_sdk if not self.tally.shown(self._parts[number].entities)[1]}
        self.by_sdk -= unseen
        yield from self._from_columns()

    def _from_sdk(self) -> Iterator[Chunk]:
        topics = sorted(self._parts[number].table.topic for number in self.by_sdk)
        if topics:
            self._progress(Progress("read", 0, self._source.size))
            yield from sdk_chunks(self._source.path, topics, self._options)

    def _from_columns(self) -> Iterator[Chunk]:
        numbers = [number for number in range(len(self._parts)) if number not in self.by_sdk]
        tables = [self._parts[number].table for number in numbers]
        decoders = open_decoders(self._source, tables, self._options, self._progress)
        taken = frozenset(part.entity for part in self._parts)
        for number, decoder in zip(numbers, decoders, strict=True):
            self._columns.topics[number] = Topic(self._parts[number], decoder, taken)
        for block in read_blocks(self._source, [part.table for part in self._parts], self._options):
            yield from self._columns.chunks(block)
            done = Progress("convert", self._source.done_bytes, self._source.size, self.counters)
            self._progress(done)


def _recording_id(source: Recording, options: VisualizeOptions) -> str:
    """The same for the same recording and options: viewers merge recordings of one id."""
    identity = source.identity
    about = json.dumps([identity.size, identity.sha256, options.model_dump(mode="json")], sort_keys=True)
    return hashlib.sha256(about.encode()).hexdigest()[:32]
