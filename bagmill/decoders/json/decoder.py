"""From JSON messages of a complete type to columns."""

import numpy as np
import pyarrow as pa

from bagmill.decoders.base import Buffer, Decoded, Note, Offsets
from bagmill.decoders.columnar.block import Part
from bagmill.decoders.inspected import InspectedDecoder
from bagmill.decoders.json.kept import Kept, Run
from bagmill.decoders.json.lines import Lines, Numbers, harmful_lines, join, without
from bagmill.decoders.json.plan import Plan, make_plan
from bagmill.decoders.json.text import parse_message
from bagmill.decoders.json.windows import Window, sweep
from bagmill.decoders.merging import merge
from bagmill.schemas.tree import Type


class JsonDecoder(InspectedDecoder):
    """Decodes JSON messages of a complete type, many at once where that gives the same as one by one."""

    def __init__(self, root: Type, name: str, notes: list[Note], kept: Kept | None = None) -> None:
        super().__init__(root, name, notes, parse_message)
        self._plan = None if self.wrapped else make_plan(self.table)
        self._kept = kept
        self._taken = 0

    def decode(self, buffer: Buffer, start: Offsets, end: Offsets) -> Decoded:
        """Decode the messages, all at once as far as that gives the same as one after the other."""
        if self._plan is None:
            return self.decode_each(buffer, start, end)
        decoding = _Decoding(self, self._plan, buffer, start, end)
        candidates = join(buffer, start, end)
        run = self._kept.pop(self._taken, candidates.text) if self._kept else None
        self._taken += start.size
        harmful = run.harmful if run else harmful_lines(candidates)
        return decoding.decoded(without(candidates, harmful), run)

    def decode_each(self, buffer: Buffer, start: Offsets, end: Offsets) -> Decoded:
        """Decode the messages one after the other."""
        return super().decode(buffer, start, end)


class _Decoding:
    """One call of `decode`."""

    def __init__(
        self, decoder: JsonDecoder, plan: Plan, buffer: Buffer, start: Offsets, end: Offsets
    ) -> None:
        self._decoder, self._plan = decoder, plan
        self._buffer, self._start, self._end = buffer, start, end
        self._parts: list[Part] = []
        self._unreadable: list[tuple[int, str]] = []

    def decoded(self, lines: Lines, run: Run | None) -> Decoded:
        """Decode all messages: those that are lines together, the others one by one."""
        sweep(
            lines,
            self._start.size,
            most=lambda: self._plan.most,
            known=run.known if run else lambda _: 0,
            fast=lambda window: self._take_lines(lines, window, run),
            slow=lambda window: self._read_each(np.arange(window.begin, window.end)),
        )
        rows, _ = merge(self._parts, pa.struct(list(self._decoder.fields)))
        batch = pa.RecordBatch.from_arrays(rows.flatten(), schema=self._decoder.fields)
        return Decoded(batch, sorted(self._unreadable))

    def _take_lines(self, lines: Lines, window: Window, run: Run | None) -> bool:
        first, last = window.first, window.last
        parts = self._plan.decode(lines, first, last, run.groups(first, last) if run else ())
        if parts is None:
            return False
        for arrays, which in parts:
            batch = pa.RecordBatch.from_arrays(arrays, schema=self._decoder.fields)
            self._parts.append((batch.to_struct_array(), lines.number[first + which]))
        read = [number for _, number in self._parts[-len(parts) :]]
        self._read_each(window.others(np.concatenate(read)))
        return True

    def _read_each(self, number: Numbers) -> None:
        """Read messages one after the other."""
        if not number.size and self._parts:
            return
        decoded = self._decoder.decode_each(self._buffer, self._start[number], self._end[number])
        readable = np.delete(number, [index for index, _ in decoded.unreadable])
        self._parts.append((decoded.batch.to_struct_array(), readable))
        self._unreadable += [(int(number[index]), reason) for index, reason in decoded.unreadable]
