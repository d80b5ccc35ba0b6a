"""A look at all JSON messages of a topic before they are decoded."""

from collections.abc import Iterable

import numpy as np

from bagmill.decoders.base import Buffer, Decoder, Offsets
from bagmill.decoders.inspected import Inspection, payloads
from bagmill.decoders.json.decoder import JsonDecoder
from bagmill.decoders.json.kept import Kept, Room
from bagmill.decoders.json.learning import learn, type_to_read
from bagmill.decoders.json.lines import Numbers, harmful_lines, join, runs, without
from bagmill.decoders.json.plan import Plan, make_plan
from bagmill.decoders.json.reading import Columns
from bagmill.decoders.json.text import parse_message
from bagmill.decoders.json.windows import Window, sweep
from bagmill.errors import SchemaError
from bagmill.recording import Schema
from bagmill.schemas.tree import Struct, Type


class JsonInspection(Inspection):
    """Looks at JSON messages, many at once where they are like those that it has seen."""

    def __init__(self, schema: Schema | None, room: Room | None = None) -> None:
        super().__init__(schema, "json", parse_message)
        self._plan: Plan | None = None
        self._kept = Kept(room or Room())
        self._taken = 0

    def take(self, buffer: Buffer, start: Offsets, end: Offsets) -> None:
        """Look at the messages `buffer[start[i]:end[i]]`; those that can't be read are passed over."""
        for first, last in runs(start, end):
            if self.failure is None:
                self._take_run(buffer, start[first:last], end[first:last])

    def _take_run(self, buffer: Buffer, start: Offsets, end: Offsets) -> None:
        candidates = join(buffer, start, end)
        harmful = harmful_lines(candidates)
        lines = without(candidates, harmful)
        run = self._kept.begin(self._taken, candidates.text, harmful)
        self._taken += start.size

        def fast(window: Window) -> bool:
            groups = self._plan.look(lines, window.first, window.last) if self._plan else None
            if groups is None or self._plan is None:
                return False
            for group in groups:
                self._learn(self._plan.form(group.kinds).root, group.columns)
            if run is not None:
                self._kept.put(run, window.first, window.last, groups)
            right = [lines.number[window.first + group.right] for group in groups]
            self._take_each(buffer, start, end, window.others(np.concatenate(right)))
            return True

        def slow(window: Window) -> None:
            self._take_each(buffer, start, end, np.arange(window.begin, window.end))

        sweep(lines, start.size, most=lambda: self._plan.most if self._plan else 0, fast=fast, slow=slow)

    def _learn(self, root: Struct, columns: Columns) -> None:
        for item, array in zip(root.fields, columns.right(columns.arrays), strict=True):
            learn(self.shape.member(item.name), item.type, array)

    def _take_each(self, buffer: Buffer, start: Offsets, end: Offsets, number: Numbers) -> None:
        if number.size:
            self.add(payloads(buffer, start[number], end[number]))

    def add(self, messages: Iterable[bytes]) -> None:
        """Look at messages one after the other, and make the plan anew if they do not fit it."""
        super().add(messages)
        try:
            root = type_to_read(self.shape, self.shape.type(self.name))
        except SchemaError as error:
            self.failure = self.failure or error
        if self.failure:
            self._plan = None
        elif self._plan is None or self._plan.root != root:
            self._plan = make_plan(root)

    def make_decoder(self, root: Type) -> Decoder:
        """Make the decoder of a complete type."""
        return JsonDecoder(root, self.name, self.notes, self._kept)
