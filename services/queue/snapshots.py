"""`queue-state.json`: the queue at one moment, for people and for whoever starts later.

JSON with a checksum in its first line, then which history it belongs to and up to which number, the counts,
and each job on a line of its own.
"""

import json
import re
import zlib
from collections import Counter
from collections.abc import Mapping
from json.encoder import encode_basestring as quoted
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from models.base import SCHEMA_VERSION
from models.queue import JobState, QueueState
from services.errors import QueueUnreadable
from services.queue.board import Board, Clock
from services.queue.entries import NEXT_FREE, PAUSED, Entry, Picture, fields_of, reason_of, state_of

_HEAD = re.compile(
    rb'\{\n  "checksum": "crc32:([0-9a-f]{8})",\n'
    rb'(  "schema_version": (\d+),\n  "history": "(\w+)",\n  "seq": (\d+),\n)'
)
_HEAD_BYTES = 512


class BadSnapshot(Exception):
    """The file was read and is no snapshot."""


class Head(NamedTuple):
    """Which history a snapshot belongs to, and the last number that it knows of."""

    history: str
    seq: int


def layout(picture: Picture) -> bytes:
    """The file."""
    now = picture.now
    states = [state_of(entry, now) for entry in picture.entries]
    counts = Counter(states)
    jobs = ",".join(
        f"\n    {_job(entry, state, picture)}" for entry, state in zip(picture.entries, states, strict=True)
    )
    text = (
        f'  "schema_version": {SCHEMA_VERSION},\n'
        f'  "history": "{picture.history}",\n'
        f'  "seq": {picture.seq},\n'
        f'  "paused": {json.dumps(picture.paused)},\n'
        f'  "held": {json.dumps(picture.held, ensure_ascii=False)},\n'
        f'  "rebuild": {json.dumps(picture.rebuild)},\n'
        f'  "updated_at": "{picture.updated_at}",\n'
        f'  "counts": {json.dumps({state: counts[state] for state in JobState})},\n'
        f'  "open": {json.dumps(picture.open, ensure_ascii=False)},\n'
        f'  "jobs": [{jobs}\n  ]\n}}\n'
    ).encode()
    return b'{\n  "checksum": "crc32:%08x",\n%b' % (zlib.crc32(text), text)


def _job(entry: Entry, state: JobState, picture: Picture) -> str:
    lease = "null"
    if entry.lease:
        known = {"fence": entry.fence, "renewals": picture.renewals.get(entry.lease["worker"], 0)}
        lease = json.dumps({**entry.lease, **known}, ensure_ascii=False)
    reason = reason_of(entry, state, paused=picture.paused, held=picture.held)
    return (
        f'{{"id": {quoted(entry.id)}, "workflow": {quoted(entry.workflow)}, "step": {quoted(entry.step)}, '
        f'"kind": {quoted(entry.kind)}, "priority": {entry.priority}, "attempt": {entry.attempt}, '
        f'"fence": {entry.fence}, "enqueued_at": "{entry.enqueued_at}", '
        f'"not_before": {quoted(entry.not_before) if entry.not_before else "null"}, "state": "{state}", '
        f'"reason": {quoted(reason) if reason else "null"}, "lease": {lease}}}'
    )


def read_head(path: Path) -> Head | None:
    """The head of the file, cheaply; None if there is no file. Raises BadSnapshot, QueueUnreadable."""
    try:
        with path.open("rb") as file:
            data = file.read(_HEAD_BYTES)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _not_readable(path, error) from error
    match = _HEAD.match(data)
    if match is None:
        raise BadSnapshot("no head")
    return Head(match[4].decode(), int(match[5]))


def read(path: Path, now: Clock) -> Board | None:
    """The whole file; None if there is none. Raises BadSnapshot, QueueUnreadable.

    A file of the first version of Bagmill, which has no checksum, belongs to no history, and to be sure it
    is to be compared with the folders.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _not_readable(path, error) from error
    match = _HEAD.match(data)
    if match is None:
        return _first_version(path, data, now)
    check_version(path, int(match[3]))
    if zlib.crc32(memoryview(data)[match.start(2) :]) != int(match[1], 16):
        raise BadSnapshot("its checksum does not fit")
    try:
        return _board(json.loads(data), now)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadSnapshot(f"{type(error).__name__}: {error}") from error


def _board(content: Mapping[str, Any], now: Clock) -> Board:
    board = Board(content["history"], rebuild=content["rebuild"], now=now)
    board.paused, board.seq, board.updated_at = content["paused"], content["seq"], content["updated_at"]
    board.held = content.get("held")
    for workflow in content["open"]:
        board.open(workflow)
    for job in content["jobs"]:
        if job["reason"] in {PAUSED, NEXT_FREE, board.held, f"Not before {job['not_before']}."}:
            job["reason"] = None
        board.put(job, job["lease"])
    return board


def _first_version(path: Path, data: bytes, now: Clock) -> Board:
    try:
        check_version(path, json.loads(data)["schema_version"])
        state = QueueState.model_validate_json(data)
    except (ValueError, KeyError, TypeError) as error:
        told = error.errors(include_url=False)[0]["msg"] if isinstance(error, ValidationError) else error
        raise BadSnapshot(str(told)) from error
    board = Board(rebuild=True, now=now)
    board.paused, board.seq = state.paused, state.seq
    for job, fields in zip(state.jobs, fields_of(state.jobs), strict=True):
        board.put(fields, job.lease.model_dump(mode="json") if job.lease else None)
    return board


def check_version(path: Path, version: int) -> None:
    """Raise QueueUnreadable for the version of a newer program."""
    if version > SCHEMA_VERSION:
        raise QueueUnreadable(
            f"The queue has version {version}; this program knows {SCHEMA_VERSION}",
            where={"path": str(path)},
            hint="It was written by a newer Bagmill: update this one.",
        )


def _not_readable(path: Path, error: OSError) -> QueueUnreadable:
    return QueueUnreadable(
        f"{error.strerror}.",
        where={"path": str(path)},
        hint="Check the permissions and the disk; the file was not touched.",
    )
