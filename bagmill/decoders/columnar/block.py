"""Decoding a block: messages of one type on one wire become one struct array."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from bagmill.decoders.base import Buffer, Offsets
from bagmill.decoders.columnar.arrays import Assembler
from bagmill.decoders.columnar.plan import Plan
from bagmill.decoders.columnar.scattered import Scattered
from bagmill.decoders.columnar.texts import read_texts
from bagmill.decoders.columnar.uniform import one_shape
from bagmill.decoders.columnar.walk import walk
from bagmill.decoders.columnar.walked import Mask

Part = tuple[pa.StructArray, Offsets]
"""Some of the messages as rows, and their numbers, ascending."""

EndCheck = Callable[[Buffer, Offsets, Offsets, Offsets], Mask]
"""From the buffer, where the last fields end, and starts and ends of the messages: which are whole."""


class BlockDecoder(NamedTuple):
    """`header`: bytes before the body. `ends`: checks what follows the last field."""

    plan: Plan
    header: int
    ends: EndCheck

    def decode(self, buffer: Buffer, start: Offsets, end: Offsets) -> Part:
        """Decode the messages; the second are the numbers of those that became rows, ascending.

        Each message must have its header.
        """
        return self._of_one_shape(buffer, start, end) or self._of_any_shape(buffer, start, end)

    def _of_one_shape(self, buffer: Buffer, start: Offsets, end: Offsets) -> Part | None:
        """Decode all messages if they are alike and nothing is wrong with any."""
        leaves = one_shape(self.plan, buffer, start, end, self.header)
        if leaves is None or not self.ends(buffer, start + leaves.end, start, end).all():
            return None
        others = [text for text in self.plan.texts if text.place not in leaves.texts]
        texts, wrong = read_texts(others, leaves)
        if wrong:
            return None
        rows = np.arange(len(start))
        return Assembler(leaves, leaves.texts | texts).column(self.plan.column, len(rows)), rows

    def _of_any_shape(self, buffer: Buffer, start: Offsets, end: Offsets) -> Part:
        walked = walk(self.plan, buffer, start + self.header, end)
        rows = walked.rows
        whole = self.ends(buffer, walked.slots[self.plan.end], start[rows], end[rows])
        if not whole.all():
            walked = walked.without(rows[~whole])
        texts, wrong = read_texts(self.plan.texts, Scattered(self.plan, buffer, walked.slots))
        if wrong:
            places = [walked.slots[place][numbers] for place, numbers in wrong.items()]
            walked = walked.without(walked.message_of(np.concatenate(places)))
            texts, _ = read_texts(self.plan.texts, Scattered(self.plan, buffer, walked.slots))
        assembler = Assembler(Scattered(self.plan, buffer, walked.slots), texts)
        return assembler.column(self.plan.column, len(walked.rows)), walked.rows
