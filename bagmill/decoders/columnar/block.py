"""Decoding a block: messages of one type on one wire become one struct array."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa

from bagmill.decoders.base import Buffer, Kept, Offsets
from bagmill.decoders.columnar.arrays import Assembler
from bagmill.decoders.columnar.inplace import left_in_place
from bagmill.decoders.columnar.plan import Plan
from bagmill.decoders.columnar.scattered import Scattered
from bagmill.decoders.columnar.texts import read_texts
from bagmill.decoders.columnar.uniform import OneShape
from bagmill.decoders.columnar.walk import walk
from bagmill.decoders.columnar.walked import Mask

Part = tuple[pa.StructArray, Offsets]
"""Some of the messages as rows, and their numbers, ascending."""

EndCheck = Callable[[Buffer, Offsets, Offsets, Offsets], Mask]
"""From the buffer, where the last fields end, and starts and ends of the messages: which are whole."""


class BlockDecoder:
    """`header`: bytes before the body. `ends`: checks what follows the last field."""

    def __init__(self, plan: Plan, header: int, ends: EndCheck) -> None:
        self._plan = plan
        self._header = header
        self._ends = ends
        self._one_shape = OneShape(plan, header)

    def decode(self, buffer: Buffer, start: Offsets, end: Offsets) -> Part:
        """Decode the messages; the second are the numbers of those that became rows, ascending.

        Each message must have its header.
        """
        return self._of_one_shape(buffer, start, end) or self._of_any_shape(buffer, start, end)

    def _of_one_shape(self, buffer: Buffer, start: Offsets, end: Offsets) -> Part | None:
        """Decode all messages if they are alike and nothing is wrong with any."""
        leaves = self._one_shape.read(buffer, start, end)
        if leaves is None or not self._ends(buffer, start + leaves.end, start, end).all():
            return None
        others = [text for text in self._plan.texts if text.place not in leaves.texts]
        texts, wrong = read_texts(others, leaves)
        if wrong:
            return None
        rows = np.arange(len(start))
        return Assembler(leaves, leaves.texts | texts).column(self._plan.column, len(rows)), rows

    def _of_any_shape(self, buffer: Buffer, start: Offsets, end: Offsets) -> Part:
        walked = walk(self._plan, buffer, start + self._header, end)
        rows = walked.rows
        whole = self._ends(buffer, walked.slots[self._plan.end], start[rows], end[rows])
        if not whole.all():
            walked = walked.without(rows[~whole])
        texts, wrong = read_texts(self._plan.texts, Scattered(self._plan, buffer, walked.slots))
        if wrong:
            places = [walked.slots[place][numbers] for place, numbers in wrong.items()]
            walked = walked.without(walked.message_of(np.concatenate(places)))
            texts, _ = read_texts(self._plan.texts, Scattered(self._plan, buffer, walked.slots))
        assembler = Assembler(Scattered(self._plan, buffer, walked.slots), texts)
        if isinstance(buffer, Kept) and len(rows := walked.rows):
            payloads = int((end[rows] - start[rows]).sum())
            return left_in_place(self._plan, assembler, buffer, walked.slots, payloads), rows
        return assembler.column(self._plan.column, len(walked.rows)), walked.rows
