"""A few messages of each topic, from a few places: what can be known without reading the whole recording."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from bagmill.decoders import INSPECTED, Decoder, inspections, make_decoder
from bagmill.inspection import Grouping
from bagmill.recording import Block, ChunkIndex, Recording
from bagmill.tables import Table

PLACES = 5
"""Chunks that are read, evenly over the recording; more where topics are in none of them."""

MOST_BYTES = 48 << 20
"""Decompressed bytes that are read for samples, about: chunks are read whole."""

MOST_MESSAGES = 2000
"""Messages of a topic that are kept, at most: as many of each place."""

MOST_PAYLOAD = 2 << 20
"""Bytes of a topic's messages that are kept of each place, if more than one is."""

Times = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Place:
    """A part of the recording: log times in ns, both inclusive, and the bytes that lie there."""

    start: int
    end: int
    size: int


@dataclass
class Sample:
    """Some messages of a table.

    `batch`: them, decoded; `log_time` of each, in ns; `runs`: how many of each place follow each other.
    """

    table: Table
    decoder: Decoder
    batch: pa.RecordBatch
    log_time: Times
    runs: list[int]
    unreadable: int = 0


@dataclass
class Taken:
    """The samples of all tables, and where they come from; `size`: bytes that were read, decompressed."""

    samples: list[Sample]
    places: list[Place]
    size: int


@dataclass
class _Kept:
    payloads: list[npt.NDArray[np.uint8]] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
    runs: list[int] = field(default_factory=list)


def take_samples(
    recording: Recording,
    tables: Sequence[Table],
    *,
    places: int = PLACES,
    decoders: Sequence[Decoder] | None = None,
    most_messages: int = MOST_MESSAGES,
) -> Taken:
    """Read some messages of each table, in the order of the file within each place.

    Costs the reading of a few chunks. Without a chunk index it is the beginning of the file that is read.

    Args:
        recording: open.
        tables: those that are wanted.
        places: how many parts of the recording are looked at; 1 is the beginning.
        decoders: of the tables; without them they are made, those of JSON and CBOR of the sample alone.
        most_messages: of a table.

    Raises:
        RecordingDamaged, RecordingUnreadable: nothing can be read.
    """
    kept = [_Kept() for _ in tables]
    chosen = _places(recording, tables, places)
    total, each = 0, most_messages // max(1, min(places, len(chosen)))
    for place in chosen:
        total += _read(recording, tables, place, kept, each)
    made = decoders or [_decoder(table, one) for table, one in zip(tables, kept, strict=True)]
    samples = [_sample(*each) for each in zip(tables, made, kept, strict=True)]
    return Taken(samples, chosen, total)


def first_messages(
    recording: Recording, tables: Sequence[Table], decoders: Sequence[Decoder], count: int = 4
) -> dict[str, pa.RecordBatch]:
    """Some early messages of each topic, by topic: what `plan_columns` takes as `samples`.

    A topic of several tables has those of the first one; one of which nothing can be read is left out.
    """
    taken = take_samples(recording, tables, places=1, decoders=decoders, most_messages=count)
    found: dict[str, pa.RecordBatch] = {}
    for sample in taken.samples:
        if sample.batch.num_rows:
            found.setdefault(sample.table.topic, sample.batch)
    return found


def _places(recording: Recording, tables: Sequence[Table], count: int) -> list[Place]:
    """Where to look: chunks evenly over the recording, and one for each table that is in none of them."""
    summary = recording.summary
    if summary.start_time is None or summary.end_time is None:
        return []
    whole = Place(summary.start_time, summary.end_time, MOST_BYTES)
    chunks = sorted(summary.chunks, key=lambda chunk: (chunk.start_time, chunk.offset))
    wanted = {channel for table in tables for channel in table.channels}
    if summary.indexes_are_complete():
        chunks = [chunk for chunk in chunks if not wanted.isdisjoint(chunk.message_index_offsets)]
    if not chunks:
        return [whole]
    steps = np.linspace(0, len(chunks) - 1, min(count, len(chunks))).round().astype(int).tolist()
    chosen = dict.fromkeys(steps if count > 1 else [0])
    if summary.indexes_are_complete():
        chosen |= dict.fromkeys(_covering(chunks, tables, chosen, summary.message_counts))
    return list(_within_bytes([chunks[place] for place in chosen]))


def _covering(
    chunks: Sequence[ChunkIndex], tables: Sequence[Table], chosen: Collection[int], counts: dict[int, int]
) -> Iterator[int]:
    """Chunks for the tables that have messages, but none in those that are chosen."""
    seen = {channel for place in chosen for channel in chunks[place].message_index_offsets}
    lacking = {
        table.key: set(table.channels)
        for table in tables
        if seen.isdisjoint(table.channels) and any(counts.get(one) for one in table.channels)
    }
    for place, chunk in enumerate(chunks):
        if not lacking:
            return
        here = set(chunk.message_index_offsets)
        found = [key for key, channels in lacking.items() if not here.isdisjoint(channels)]
        if found:
            yield place
        for key in found:
            del lacking[key]


def _within_bytes(chunks: Sequence[ChunkIndex]) -> Iterator[Place]:
    """The places of the first ones, as far as the bytes go; of one that is too big, its beginning."""
    left = MOST_BYTES
    for number, chunk in enumerate(chunks):
        if number and chunk.uncompressed_size > left:
            continue
        left -= chunk.uncompressed_size
        yield Place(chunk.start_time, chunk.end_time, chunk.uncompressed_size)


def _read(
    recording: Recording, tables: Sequence[Table], place: Place, kept: Sequence[_Kept], most: int
) -> int:
    """Keep messages of one place; bytes that were read."""
    grouping = Grouping(tables)
    begun = [len(one.times) for one in kept]
    sizes = [0] * len(kept)
    total = 0
    blocks = recording.blocks(
        channels={channel for table in tables for channel in table.channels},
        start_time=place.start,
        end_time=place.end + 1,
        target_bytes=4 << 20,
    )
    for block in blocks:
        total += int((block.end - block.start).sum())
        for number, rows in grouping.split(block):
            room = most - (len(kept[number].times) - begun[number])
            sizes[number] += _keep(block, rows[: max(0, room)], kept[number], MOST_PAYLOAD - sizes[number])
        if total >= place.size:
            break
    blocks.close()  # type: ignore[attr-defined] # a generator
    for one, before in zip(kept, begun, strict=True):
        one.runs.append(len(one.times) - before)
    return total


def _keep(block: Block, rows: Times, kept: _Kept, room: int) -> int:
    """Copy messages, as many as there is room for, and one in any case; their bytes."""
    ends = np.cumsum(block.end[rows] - block.start[rows])
    fitting = int(np.searchsorted(ends, max(room, 0), side="right"))
    count = max(fitting, 1 if room == MOST_PAYLOAD else 0)
    for row in rows[:count].tolist():
        kept.payloads.append(block.buffer[block.start[row] : block.end[row]].copy())
        kept.times.append(int(block.log_time[row]))
    return int(ends[count - 1]) if count and rows.size else 0


def _joined(kept: _Kept) -> tuple[npt.NDArray[np.uint8], Times, Times]:
    """All payloads in one buffer, and where each begins and ends."""
    sizes = np.array([payload.size for payload in kept.payloads], np.int64)
    ends = np.cumsum(sizes, dtype=np.int64)
    buffer = np.concatenate([*kept.payloads, np.zeros(64, np.uint8)])
    return buffer, ends - sizes, ends


def _decoder(table: Table, kept: _Kept) -> Decoder:
    if table.message_encoding not in INSPECTED:
        return make_decoder(table.schema, table.message_encoding)
    look = inspections()[table.message_encoding](table.schema)
    look.take(*_joined(kept))
    return look.decoder()


def _sample(table: Table, decoder: Decoder, kept: _Kept) -> Sample:
    found = decoder.decode(*_joined(kept))
    bad = {row for row, _ in found.unreadable}
    readable = np.array([row not in bad for row in range(len(kept.times))], np.bool_)
    times = np.array(kept.times, np.uint64).astype(np.int64)[readable]
    parts = np.split(readable, np.cumsum(kept.runs)[:-1]) if kept.runs else []
    return Sample(table, decoder, found.batch, times, [int(part.sum()) for part in parts], len(bad))
