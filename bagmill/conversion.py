"""The run of one conversion: blocks of messages go in, files and a report come out."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from bagmill.checkpoints import Checkpoint
from bagmill.choices import MAX_TIME_NS
from bagmill.columns import Failure, Rows, assemble, assemble_unreadable, table_schema, unreadable_schema
from bagmill.decoders import Decoder
from bagmill.decoders.base import Buffer, Kept
from bagmill.findings import (
    TableRun,
    restore_run,
    run_facts,
    skipped_messages,
    table_facts,
    warnings,
)
from bagmill.inspection import Grouping
from bagmill.recording import Block, Identity, Loss
from bagmill.report import OutputFile, Report
from bagmill.schemafiles import write_schemas
from bagmill.slices import slices
from bagmill.tables import Table
from bagmill.writers.base import LONG_BYTES, Format, Part
from bagmill.writers.pool import WriterPool

UNREADABLE = "unreadable"
"""The folder of the messages that could not be read."""

MAX_PAYLOAD = (1 << 31) - (1 << 20)
"""Bytes of a message that a Parquet value can hold."""


@dataclass(slots=True)
class Conversion:
    """Converts blocks, in file order, into the tables of a pool."""

    pool: WriterPool
    output: Path
    identity: Identity
    sources: Sequence[tuple[Table, Decoder]]
    aside: Format
    """Of the messages that can't be read."""
    in_place: bool = False
    """Whether the pool's format takes tables, so that long blobs can stay in the memory of their block."""
    runs: list[TableRun] = field(init=False)
    grouping: Grouping = field(init=False)

    def __post_init__(self) -> None:
        self.runs = [
            TableRun(table, decoder, self._schema(table, decoder)) for table, decoder in self.sources
        ]
        self.grouping = Grouping([run.table for run in self.runs])
        for run in self.runs:
            self.pool.begin(run.table.folder, run.schema)

    @property
    def counters(self) -> dict[str, int]:
        """Messages read and found unreadable so far."""
        return {
            "messages": sum(run.read for run in self.runs),
            "unreadable": sum(run.unreadable for run in self.runs),
        }

    def checkpoint(self, blocks: int) -> Checkpoint:
        """Finish all open files, and tell how to go on from here; `blocks` were taken."""
        return Checkpoint(blocks, [run_facts(run) for run in self.runs], self.pool.settle())

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go on where a conversion of the same recording, with the same options, was interrupted."""
        for run, facts in zip(self.runs, checkpoint.tables, strict=True):
            restore_run(run, facts)
        if UNREADABLE in checkpoint.files:
            self._begin_unreadable()
        for folder, files in checkpoint.files.items():
            self.pool.restore(folder, files)

    def take(self, block: Block) -> None:
        """Convert the messages of a block."""
        split = list(self.grouping.split(block))
        long = self._long(block, split)
        kept = block.lend().view(Kept) if long else block.buffer
        for number, rows in split:
            run = self.runs[number]
            run.read += rows.size
            for part in slices(block, rows, run.decoder.fields):
                self._convert(run, block, part, kept if number in long else block.buffer)

    def _long(self, block: Block, split: Sequence[tuple[int, Rows]]) -> set[int]:
        """The tables whose blobs may stay in the block's memory, since they make up at least half of it.

        What waits to be written is counted without what its memory holds besides.
        """
        if not self.in_place:
            return set()
        long, held = set(), 0
        for number, rows in split:
            least = rows.size * LONG_BYTES
            if least <= block.buffer.size:  # of most tables that says enough
                size = int((block.end[rows] - block.start[rows]).sum())
                if size >= least:
                    long.add(number)
                    held += size
        return long if held >= block.memory.u8.size // 2 else set()

    def _convert(self, run: TableRun, block: Block, rows: Rows, buffer: Buffer) -> None:
        too_big = block.end[rows] - block.start[rows] > MAX_PAYLOAD
        run.too_big += int(too_big.sum())
        rows = rows[~too_big]
        too_late = (block.log_time[rows] > MAX_TIME_NS) | (block.publish_time[rows] > MAX_TIME_NS)
        failures = [Failure(row, _too_late(block, row)) for row in rows[too_late].tolist()]
        rows = rows[~too_late]
        decoded = run.decoder.decode(buffer, block.start[rows], block.end[rows])
        readable = np.ones(rows.size, np.bool_)
        for index, reason in decoded.unreadable:
            readable[index] = False
            failures.append(Failure(int(rows[index]), reason))
        good = rows[readable]
        if good.size:
            self.pool.write(run.table.folder, assemble(block, good, decoded.batch, run.schema))
            run.written += good.size
            _note_order(run, block.log_time[good])
        self._keep_unreadable(run, block, sorted(failures, key=lambda failure: failure.row))

    def _keep_unreadable(self, run: TableRun, block: Block, failures: Sequence[Failure]) -> None:
        if not failures:
            return
        run.unreadable += len(failures)
        run.first_reason = run.first_reason or failures[0].reason
        schema = self._begin_unreadable()
        self.pool.write(UNREADABLE, assemble_unreadable(block, run.table.topic, failures, schema))

    def _begin_unreadable(self) -> pa.Schema:
        schema = unreadable_schema({"source": self._source})
        if UNREADABLE not in self.pool:
            self.pool.begin(UNREADABLE, schema, self.aside)
        return schema

    def finish(self, losses: Sequence[Loss], body: Mapping[str, Any]) -> Report:
        """Finish the files and say what was done.

        Args:
            losses: what the reader found damaged.
            body: what stands in the report's body before `topics` and `losses`.
        """
        parts = self.pool.close()
        skipped = skipped_messages(self.runs, losses)
        missing = sum(skipped.values()) + sum(run.unreadable for run in self.runs)
        return Report(
            outputs=tuple(self._outputs(parts)),
            warnings=tuple(warnings(self.runs, losses)),
            counters={
                **self.counters,
                "rows": sum(run.written for run in self.runs),
                "bytes": self.identity.size,
            },
            body={
                **body,
                "topics": {
                    run.table.key: table_facts(
                        run, skipped[run.table.key], self._paths(parts[run.table.folder])
                    )
                    for run in self.runs
                },
                "unreadable": self._paths(parts.get(UNREADABLE, ())),
                "losses": [loss.facts() for loss in losses],
            },
            complete=not missing and all(loss.harmless for loss in losses),
        )

    def _outputs(self, parts: Mapping[str, Sequence[Part]]) -> Iterator[OutputFile]:
        for run in self.runs:
            name = run.table.schema.name if run.table.schema else None
            for part in parts[run.table.folder]:
                yield OutputFile(self._path(part), part.rows, name)
        for part in parts.get(UNREADABLE, ()):
            yield OutputFile(self._path(part), part.rows)
        raw = [run.table.schema for run in self.runs if run.decoder.raw_reason is not None]
        for path in write_schemas(self.output, [schema for schema in raw if schema is not None]):
            yield OutputFile(path)

    def _schema(self, table: Table, decoder: Decoder) -> pa.Schema:
        schema = table.schema
        facts = {
            "topic": table.topic,
            "schema": {"name": schema.name, "encoding": schema.encoding} if schema else None,
            "message_encoding": table.message_encoding,
            "source": self._source,
            **decoder.facts,
        }
        return table_schema(decoder.fields, facts)

    @property
    def _source(self) -> Mapping[str, Any]:
        return {"size": self.identity.size, "sha256": self.identity.sha256}

    def _path(self, part: Part) -> str:
        return part.path.relative_to(self.output).as_posix()

    def _paths(self, parts: Sequence[Part]) -> list[str]:
        return [self._path(part) for part in parts]


def _note_order(run: TableRun, times: npt.NDArray[np.uint64]) -> None:
    """Take the log times (ns) of rows that were written."""
    in_order = bool(times[0] >= run.last) and bool((times[1:] >= times[:-1]).all())
    run.sorted, run.last = run.sorted and in_order, int(times[-1])


def _too_late(block: Block, row: int) -> str:
    name = "log time" if block.log_time[row] > MAX_TIME_NS else "publish time"
    return f"its {name} is beyond the year 2262, the last that a timestamp in ns can hold"
