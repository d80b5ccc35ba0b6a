"""What a conversion tells at its end: facts of each table, warnings, and how many messages are missing."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from bagmill.decoders import Decoder
from bagmill.decoders.base import Note
from bagmill.recording import Loss
from bagmill.report import Warn
from bagmill.tables import Table


@dataclass(slots=True)
class TableRun:
    """One table while it is made. `sorted`: its rows stand in the order of their log times so far.

    Counts are messages: `read` from the recording, `written` as rows, `unreadable` kept aside, `too_big` for
    a file to hold.
    """

    table: Table
    decoder: Decoder
    schema: pa.Schema
    read: int = 0
    written: int = 0
    unreadable: int = 0
    too_big: int = 0
    sorted: bool = True
    last: int = 0
    first_reason: str = ""


_KEPT = ("read", "written", "unreadable", "too_big", "sorted", "last", "first_reason")


def run_facts(run: TableRun) -> dict[str, Any]:
    """What is to be known of a table to go on with it, ready for JSON."""
    facts = {name: getattr(run, name) for name in _KEPT}
    return facts | {"last": int(run.last), "sorted": bool(run.sorted), "notes": list(run.decoder.notes)}


def restore_run(run: TableRun, facts: Mapping[str, Any]) -> None:
    """Go on with a table after these facts."""
    for name in _KEPT:
        setattr(run, name, facts[name])
    run.decoder.notes[:] = [Note(*note) for note in facts["notes"]]


def skipped_messages(runs: Sequence[TableRun], losses: Sequence[Loss]) -> dict[str, int]:
    """Messages known to be missing, by table: lost by the recording's damage, or too big for a file.

    What a topic with several tables has lost can't be told apart, and counts with the first of them.
    """
    lost: dict[str, int] = {}
    for loss in losses:
        for topic, count in loss.messages.items():
            lost[topic] = lost.get(topic, 0) + count
    return {run.table.key: run.too_big + lost.pop(run.table.topic, 0) for run in runs}


def table_facts(run: TableRun, skipped: int, files: list[str]) -> dict[str, Any]:
    """What the manifest says about one table."""
    schema = run.table.schema
    return {
        "topic": run.table.topic,
        "schema": schema.name if schema else None,
        "schema_encoding": schema.encoding if schema else None,
        "encoding": run.table.message_encoding,
        "decoded": run.decoder.raw_reason is None,
        "rows": run.written,
        "sorted": run.sorted,
        "messages": {
            "read": run.read,
            "written": run.written,
            "skipped": skipped,
            "unreadable": run.unreadable,
        },
        "files": files,
    }


def warnings(runs: Sequence[TableRun], losses: Sequence[Loss]) -> Iterator[Warn]:
    """What the user must know: damage first, then missing messages, then how topics were decoded."""
    for loss in losses:
        yield Warn("damaged", str(loss), {"offset": loss.offset})
    for run in runs:
        where: Mapping[str, str | int] = {"topic": run.table.key}
        if run.unreadable:
            yield Warn(
                "unreadable_messages",
                f"{run.unreadable} of {run.read} messages of {run.table.key} are unreadable and kept aside; "
                f"the first: {run.first_reason}.",
                where,
            )
        if run.too_big:
            yield Warn("too_big", f"{run.too_big} messages of {run.table.key} are too big for a file.", where)
    for run in runs:
        yield from _decoding_notes(run)


def _decoding_notes(run: TableRun) -> Iterator[Warn]:
    where = {"topic": run.table.key}
    reason = run.decoder.raw_reason
    if reason is not None:
        yield Warn(
            "kept_raw",
            f"{run.table.key} is kept as raw bytes in the column data: {reason.message}.",
            where | ({"schema": run.table.schema.name} if run.table.schema else {}),
        )
    for note in run.decoder.notes:
        yield Warn(note.code, f"{run.table.key}: {note.message}.", where)
