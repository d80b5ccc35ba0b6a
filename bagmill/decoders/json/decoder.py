"""From JSON messages of a complete type to columns."""

import numpy as np
import pyarrow as pa

from bagmill.decoders.base import Buffer, Decoded, Note, Offsets
from bagmill.decoders.inspected import InspectedDecoder
from bagmill.decoders.json.lines import Numbers, to_lines
from bagmill.decoders.json.plan import Plan, make_plan
from bagmill.decoders.json.text import parse_message
from bagmill.decoders.json.windows import Window, sweep
from bagmill.schemas.tree import Type


class JsonDecoder(InspectedDecoder):
    """Decodes JSON messages of a complete type, many at once where that gives the same as one by one."""

    def __init__(self, root: Type, name: str, notes: list[Note]) -> None:
        super().__init__(root, name, notes, parse_message)
        self._plan = None if self.wrapped else make_plan(self.table)

    def decode(self, buffer: Buffer, start: Offsets, end: Offsets) -> Decoded:
        """Decode the messages, all at once as far as that gives the same as one after the other."""
        if self._plan is None:
            return self.decode_each(buffer, start, end)
        return _Run(self, self._plan, buffer, start, end).decoded()

    def decode_each(self, buffer: Buffer, start: Offsets, end: Offsets) -> Decoded:
        """Decode the messages one after the other."""
        return super().decode(buffer, start, end)


class _Run:
    """One call of `decode`: pieces of rows, and which messages they are."""

    def __init__(
        self, decoder: JsonDecoder, plan: Plan, buffer: Buffer, start: Offsets, end: Offsets
    ) -> None:
        self._decoder, self._plan = decoder, plan
        self._buffer, self._start, self._end = buffer, start, end
        self._lines = to_lines(buffer, start, end)
        self._pieces: list[pa.RecordBatch] = []
        self._numbers: list[Numbers] = []
        self._unreadable: list[tuple[int, str]] = []

    def decoded(self) -> Decoded:
        sweep(
            self._lines,
            self._start.size,
            most=lambda: self._plan.most,
            fast=self._take_lines,
            slow=self._take_each,
        )
        batch = pa.concat_batches(self._pieces)
        order = np.argsort(np.concatenate(self._numbers), kind="stable")
        if (np.diff(order) < 0).any():
            batch = batch.take(pa.array(order))
        return Decoded(batch, sorted(self._unreadable))

    def _take_lines(self, window: Window) -> bool:
        columns = self._plan.decode(self._lines, window.first, window.last)
        if columns is None:
            return False
        number = np.delete(self._lines.number[window.first : window.last], columns.wrong)
        self._pieces.append(pa.RecordBatch.from_arrays(columns.right(), schema=self._decoder.fields))
        self._numbers.append(number)
        self._read_each(window.others(number))
        return True

    def _take_each(self, window: Window) -> None:
        self._read_each(np.arange(window.begin, window.end))

    def _read_each(self, number: Numbers) -> None:
        """Read messages one after the other."""
        if not number.size and self._pieces:
            return
        decoded = self._decoder.decode_each(self._buffer, self._start[number], self._end[number])
        self._pieces.append(decoded.batch)
        self._numbers.append(np.delete(number, [index for index, _ in decoded.unreadable]))
        self._unreadable += [(int(number[index]), reason) for index, reason in decoded.unreadable]
