"""One attempt at writing a Rerun recording: the SDK's reader first, then the columns; both are counted."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from rerun.chunk import Chunk

from bagmill.inspection import must_be_inspected, open_decoders, read_blocks
from bagmill.options import VisualizeOptions
from bagmill.probe import shown
from bagmill.recording import Recording
from bagmill.report import Progress, ProgressSink
from bagmill.visualize.account import Outcome
from bagmill.visualize.columns import Columns, Topic
from bagmill.visualize.plan import Part
from bagmill.visualize.reader import sdk_chunks
from bagmill.visualize.shapes.base import LOG_TIME
from bagmill.visualize.stream import write_rrd
from bagmill.visualize.tally import Tally


class Attempt:
    """Writes the file once; `by_sdk` are the numbers of the parts that the SDK's reader gets."""

    def __init__(
        self,
        source: Recording,
        options: VisualizeOptions,
        parts: Sequence[Part],
        by_sdk: frozenset[int],
        progress: ProgressSink,
    ) -> None:
        self.by_sdk = by_sdk
        self.tally = Tally()
        self._source = source
        self._options = options
        self._parts = parts
        self._columns = Columns(parts)
        inspected = must_be_inspected([part.table for part in parts])
        self._steps = _Steps(progress, 1 + bool(by_sdk) + inspected)

    @property
    def counters(self) -> dict[str, int]:
        """Messages so far."""
        return {"messages": sum(self._columns.messages)}

    def write(self, target: Path) -> frozenset[int]:
        """Write the file. Returns the parts of which the SDK's reader made too few rows or too many.

        Raises:
            OutputFailed: the file can't be written.
            RecordingError: the recording can't be read.
        """
        name = shown(self._source.path.name)
        write_rrd(target, _recording_id(self._source, self._options), name, self._chunks(), self.tally)
        messages = self._columns.messages
        return frozenset(number for number in self.by_sdk if self._sdk_rows(number) != messages[number])

    def outcomes(self) -> list[Outcome]:
        """How each part came out."""
        return [
            Outcome.of(part, self._columns.messages[number], self.tally, self._columns.topics.get(number))
            for number, part in enumerate(self._parts)
        ]

    def _sdk_rows(self, number: int) -> int:
        return self.tally.shown(self._parts[number].entities)[1]

    def _chunks(self) -> Iterator[Chunk]:
        yield from self._from_sdk()
        self.by_sdk = frozenset(number for number in self.by_sdk if self._sdk_rows(number))
        yield from self._from_columns()

    def _from_sdk(self) -> Iterator[Chunk]:
        topics = sorted(self._parts[number].table.topic for number in self.by_sdk)
        if not topics:
            return
        done = 0
        for chunk in sdk_chunks(self._source.path, topics, self._options):
            yield chunk
            done = max(done, self._position(chunk))
            self._steps.sink(Progress("read", done, self._source.size))
        self._steps.next()

    def _from_columns(self) -> Iterator[Chunk]:
        numbers = [number for number in range(len(self._parts)) if number not in self.by_sdk]
        tables = [self._parts[number].table for number in numbers]
        decoders = open_decoders(self._source, tables, self._options, self._steps.sink)
        if must_be_inspected(tables):
            self._steps.next()
        taken = frozenset(part.entity for part in self._parts)
        for number, decoder in zip(numbers, decoders, strict=True):
            self._columns.topics[number] = Topic(self._parts[number], decoder, taken)
        for block in read_blocks(self._source, [part.table for part in self._parts], self._options):
            yield from self._columns.chunks(block)
            done = self._source.done_bytes
            self._steps.sink(Progress("convert", done, self._source.size, self.counters | {"bytes": done}))

    def _position(self, chunk: Chunk) -> int:
        """About how many bytes of the recording the SDK's reader has read, from the times of a chunk."""
        first, last = self._source.summary.start_time, self._source.summary.end_time
        if LOG_TIME not in chunk.timeline_names or first is None or last is None or last <= first:
            return 0
        time = chunk.to_record_batch().column(LOG_TIME)[-1].value
        return int(self._source.size * min(1.0, max(0.0, (time - first) / (last - first))))


class _Steps:
    """Joins the progress of several readings of the recording into one."""

    def __init__(self, progress: ProgressSink, steps: int) -> None:
        self._progress = progress
        self._steps = steps
        self._step = 0

    def next(self) -> None:
        """The next reading begins."""
        self._step = min(self._step + 1, self._steps - 1)

    def sink(self, progress: Progress) -> None:
        """Pass on where one reading stands."""
        done = self._step * progress.total + progress.done
        self._progress(Progress(progress.stage, done, self._steps * progress.total, progress.counters))


def _recording_id(source: Recording, options: VisualizeOptions) -> str:
    """The same for the same recording and options: viewers merge recordings of one id."""
    identity = source.identity
    about = json.dumps([identity.size, identity.sha256, options.model_dump(mode="json")], sort_keys=True)
    return hashlib.sha256(about.encode()).hexdigest()[:32]
