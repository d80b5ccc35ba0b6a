"""Reading a recording once: the times of the messages of all topics that are needed, and their values."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from bagmill.choices import MAX_TIME_NS
from bagmill.conversion import MAX_PAYLOAD
from bagmill.dataset.fitting import Fitted, Reads
from bagmill.dataset.joins import Timeline
from bagmill.dataset.paths import Access
from bagmill.dataset.plan import MessageLeaf
from bagmill.dataset.spool import Kept, Spool, keep
from bagmill.inspection import Grouping, read_blocks
from bagmill.recording import Block, Recording
from bagmill.report import Progress, ProgressSink
from bagmill.slices import slices

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Key = tuple[str | None, bool]
"""Path of a field and whether it is a rotation."""


@dataclass(slots=True)
class Account:
    """What became of the messages of a topic.

    `read`: all that were selected; `unreadable`: could not be decoded; `timeless`: have no time, or none that
    a timestamp can hold.
    """

    read: int = 0
    unreadable: int = 0
    timeless: int = 0
    first_reason: str = ""


class Series:
    """The messages of a topic that can be used, numbered as they were read."""

    def __init__(self, leaves: Sequence[MessageLeaf], spool: Spool) -> None:
        self.account = Account()
        self.leaves = {_key(leaf): leaf for leaf in leaves}
        self._kept = {key: keep(leaf.read, spool) for key, leaf in self.leaves.items()}
        self._times: list[Ints] = []
        self._places: list[Ints] = []

    def add(self, times: Ints, places: Ints, batch: pa.RecordBatch | None, rows: Ints | None) -> None:
        """Take the next messages: their times (ns), their places among all messages of the file, and their
        content, of which only some rows are used (None: all).
        """
        self._times.append(times)
        self._places.append(places)
        for key, leaf in self.leaves.items():
            values = leaf.extract(batch)
            self._kept[key].add(values if rows is None else values.take(rows))

    def of(self, leaf: MessageLeaf) -> Kept:
        """The values of a field."""
        return self._kept[_key(leaf)]

    def timeline(self) -> Timeline:
        """The times of the messages. Those of several tables of a topic were not read in their order."""
        times, places = _joined(self._times), _joined(self._places)
        if (places[1:] > places[:-1]).all():
            return Timeline.of(times)
        order = np.argsort(places)
        found = Timeline.of(times[order])
        return Timeline(found.times, order[found.messages], found.every, order[found.order])


def _key(leaf: MessageLeaf) -> Key:
    return leaf.path, leaf.read.rotation


def _joined(parts: list[Ints]) -> Ints:
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)


class Reading:
    """Reads the messages that a spec needs, into one series a topic."""

    def __init__(self, fitted: Fitted, spool: Spool) -> None:
        self._reads = fitted.reads
        self._selection = fitted.selection
        self._stamps = fitted.times
        self._uses_publish_time = fitted.spec.time.source == "publish_time"
        self._most = fitted.spec.input.max_messages
        leaves: dict[str, list[MessageLeaf]] = defaultdict(list)
        for leaf in fitted.leaves:
            leaves[leaf.topic].append(leaf)
        self.series = {read.topic: Series(leaves[read.topic], spool) for read in fitted.reads}
        self._taken: Counter[str] = Counter()
        self._place = 0

    def run(self, recording: Recording, progress: ProgressSink, *, ahead: bool) -> None:
        """Read all of them; `ahead`: in a thread of its own.

        Raises:
            RecordingDamaged: damage, and the spec says `fail`; or nothing is readable.
            OutputFailed: values can't be put aside.
        """
        tables = [read.table for read in self._reads]
        grouping = Grouping(tables)
        for block in read_blocks(recording, tables, self._selection, ahead=ahead):
            self._take(block, list(grouping.split(block)))
            counters = {"messages": self._taken.total()}
            progress(Progress("read", recording.done_bytes, recording.size, counters))
            if self._most is not None and min(map(self._taken.__getitem__, self.series)) >= self._most:
                return

    def _take(self, block: Block, parts: list[tuple[int, Ints]]) -> None:
        if self._most is not None:
            parts = list(self._first(parts))
        for number, rows in parts:
            read = self._reads[number]
            self._taken[read.topic] += rows.size
            self.series[read.topic].account.read += rows.size
            self._use(read, block, rows)
        self._place += len(block)

    def _first(self, parts: list[tuple[int, Ints]]) -> Iterator[tuple[int, Ints]]:
        """Of each topic the messages that are still wanted, the first ones in the block."""
        assert self._most is not None
        of_topic: dict[str, list[Ints]] = defaultdict(list)
        for number, rows in parts:
            of_topic[self._reads[number].topic].append(rows)
        for number, rows in parts:
            topic = self._reads[number].topic
            together = np.sort(np.concatenate(of_topic[topic]))[: max(0, self._most - self._taken[topic])]
            yield number, rows[np.isin(rows, together)]

    def _use(self, read: Reads, block: Block, rows: Ints) -> None:
        series = self.series[read.topic]
        if not series.leaves and read.topic not in self._stamps:
            self._add(series, block, rows, None)
            return
        too_big = block.end[rows] - block.start[rows] > MAX_PAYLOAD
        series.account.unreadable += int(too_big.sum())
        for part in slices(block, rows[~too_big], read.decoder.fields):
            decoded = read.decoder.decode(block.buffer, block.start[part], block.end[part])
            readable = np.ones(part.size, np.bool_)
            readable[[index for index, _ in decoded.unreadable]] = False
            if decoded.unreadable:
                series.account.unreadable += len(decoded.unreadable)
                series.account.first_reason = series.account.first_reason or decoded.unreadable[0][1]
            self._add(series, block, part[readable], decoded.batch, self._stamps.get(read.topic))

    def _add(
        self,
        series: Series,
        block: Block,
        rows: Ints,
        batch: pa.RecordBatch | None,
        stamp: Access | None = None,
    ) -> None:
        if stamp is None or batch is None:
            clock = (block.publish_time if self._uses_publish_time else block.log_time)[rows]
            times, usable = clock.astype(np.int64), clock <= MAX_TIME_NS
        else:
            times, usable = _stamped(stamp, batch)
        if usable.all():
            series.add(times, self._place + rows, batch, None)
            return
        series.account.timeless += int((~usable).sum())
        kept = np.flatnonzero(usable)
        series.add(times[kept], self._place + rows[kept], batch, kept)


def _stamped(stamp: Access, batch: pa.RecordBatch) -> tuple[Ints, Mask]:
    """The times (ns) in a field of messages, and which of them can be used."""
    values = stamp.extract(batch)
    if not values.type.is_float:
        times = values.data
        return times.astype(np.int64), values.present & (times >= 0) & (times <= MAX_TIME_NS)
    with np.errstate(invalid="ignore", over="ignore"):
        exact = np.rint(values.data.astype(np.float64) * 1e9)
        usable = values.present & (exact >= 0) & (exact < 2.0**63)
    return np.where(usable, exact, 0).astype(np.int64), usable
