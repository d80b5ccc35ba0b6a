"""Decoding a block: messages of one type on one wire become one struct array."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from bagmill.decoders.base import Buffer, Offsets
from bagmill.decoders.columnar.arrays import Assembler
from bagmill.decoders.columnar.plan import Plan
from bagmill.decoders.columnar.sources import Scattered
from bagmill.decoders.columnar.texts import read_texts
from bagmill.decoders.columnar.walk import walk
from bagmill.decoders.columnar.walked import Mask

EndCheck = Callable[[Buffer, Offsets, Offsets, Offsets], Mask]
"""From the buffer, where the last fields end, and starts and ends of the messages: which are whole."""


@dataclass(frozen=True, slots=True)
class BlockDecoder:
    """`header`: bytes before the body. `ends`: checks what follows the last field."""

    plan: Plan
    header: int
    ends: EndCheck

    def decode(self, buffer: Buffer, start: Offsets, end: Offsets) -> tuple[pa.StructArray, Offsets]:
        """Decode the messages; the second are the numbers of those that became rows, ascending.

        Each message must have its header.
        """
        walked = walk(self.plan, buffer, start + self.header, end)
        rows = walked.rows
        whole = self.ends(buffer, walked.slots[self.plan.end], start[rows], end[rows])
        if not whole.all():
            walked = walked.without(_mask(rows[~whole], len(start)))
        source = Scattered(buffer)
        texts, wrong = read_texts(self.plan, source, walked.slots)
        if len(wrong):
            walked = walked.without(_mask(walked.message_of(wrong), len(start)))
            texts, _ = read_texts(self.plan, source, walked.slots)
        assembler = Assembler(self.plan, source, dict(enumerate(walked.slots)), texts)
        return assembler.column(self.plan.column, len(walked.rows)), walked.rows


def _mask(rows: Offsets, messages: int) -> Mask:
    mask = np.zeros(messages, np.bool_)
    mask[rows] = True
    return mask
