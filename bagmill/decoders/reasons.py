"""Why messages can't be read. Only for those that can't they are read one by one."""

from collections.abc import Callable
from typing import Any

import numpy as np

from bagmill.decoders.base import Buffer, Offsets, UnreadableMessage
from bagmill.decoders.merging import others

_MOST_MESSAGES = 1000
_MOST_BYTES = 1 << 20
_NO_OWN_REASON = "the message does not fit its schema; others before it have the reasons"


def reasons(
    read: Callable[[bytes], Any], buffer: Buffer, start: Offsets, end: Offsets, rows: Offsets
) -> tuple[tuple[int, str], ...]:
    """The reasons of all messages but those that became rows, each with its number.

    Reading one by one is slow, so if there are many, only the first get a reason of their own.
    """
    found, total = [], 0
    for number, row in enumerate(others(rows, np.arange(len(start))).tolist()):
        first, last = int(start[row]), int(end[row])
        if number and (number >= _MOST_MESSAGES or total > _MOST_BYTES):
            found.append((row, _NO_OWN_REASON))
            continue
        total += last - first
        found.append((row, _reason(read, bytes(buffer[first:last]))))
    return tuple(found)


def _reason(read: Callable[[bytes], Any], payload: bytes) -> str:
    try:
        read(payload)
    except UnreadableMessage as error:
        return str(error)
    return "the message holds more than a column can"
