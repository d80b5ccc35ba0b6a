"""A look at all JSON messages of a topic before they are decoded."""

from collections.abc import Iterable, Iterator

import numpy as np

from bagmill.decoders.base import Buffer, Decoder, Note, Offsets, UnreadableMessage
from bagmill.decoders.json.decoder import JsonDecoder
from bagmill.decoders.json.learning import learn, type_to_read
from bagmill.decoders.json.lines import Numbers, runs, to_lines
from bagmill.decoders.json.plan import Columns, Plan, make_plan
from bagmill.decoders.json.text import parse_message
from bagmill.decoders.json.windows import Window, sweep
from bagmill.decoders.raw import RawDecoder
from bagmill.errors import SchemaError
from bagmill.recording import Schema
from bagmill.schemas import parse
from bagmill.schemas.inference import Shape


class JsonInspection:
    """Looks at all messages of a topic before they are decoded, to find types that hold all of them."""

    def __init__(self, schema: Schema | None) -> None:
        self._name = schema.name if schema and schema.name else "message"
        self._notes: list[Note] = []
        self._failure: SchemaError | None = None
        self._plan: Plan | None = None
        try:
            self._shape = Shape(parse(schema, "json"))
        except SchemaError as error:
            self._shape = Shape()
            self._notes.append(
                Note("schema_ignored", f"{error.message}; the types are taken from the messages instead")
            )

    def take(self, buffer: Buffer, start: Offsets, end: Offsets) -> None:
        """Look at the messages `buffer[start[i]:end[i]]`; those that are no JSON are passed over."""
        for first, last in runs(start, end):
            _Look(self, buffer, start[first:last], end[first:last]).run()

    def decoder(self) -> Decoder:
        """The decoder for all that was seen; a raw one if that is no table."""
        try:
            if self._failure is not None:
                raise self._failure
            return JsonDecoder(self._shape.type(self._name), self._name, self._notes)
        except SchemaError as error:
            return RawDecoder(error)

    @property
    def plan(self) -> Plan | None:
        """How messages can be read at once, after all that was seen."""
        return self._plan

    def learn(self, columns: Columns) -> None:
        """Take messages that were read at once by the plan."""
        assert self._plan is not None
        for item, array in zip(self._plan.root.fields, columns.right(), strict=True):
            learn(self._shape.member(item.name), item.type, array)

    def add(self, payloads: Iterable[bytes]) -> None:
        """Take messages one after the other, and make the plan new if they do not fit it."""
        try:
            for payload in payloads:
                self._add(payload)
            self._renew_plan()
        except SchemaError as error:
            self._failure = self._failure or error
            self._plan = None

    def _add(self, payload: bytes) -> None:
        try:
            self._shape.add(parse_message(payload))
        except UnreadableMessage:
            return

    def _renew_plan(self) -> None:
        root = type_to_read(self._shape, self._shape.type(self._name))
        if self._plan is None or self._plan.root != root:
            self._plan = make_plan(root)


class _Look:
    """One call of `take`."""

    def __init__(self, inspection: JsonInspection, buffer: Buffer, start: Offsets, end: Offsets) -> None:
        self._inspection = inspection
        self._buffer, self._start, self._end = buffer, start, end
        self._lines = to_lines(buffer, start, end)

    def run(self) -> None:
        sweep(self._lines, self._start.size, most=self._most, fast=self._take_lines, slow=self._take_each)

    def _most(self) -> int:
        return self._inspection.plan.most if self._inspection.plan else 0

    def _take_lines(self, window: Window) -> bool:
        plan = self._inspection.plan
        columns = plan.look(self._lines, window.first, window.last) if plan else None
        if columns is None:
            return False
        self._inspection.learn(columns)
        number = np.delete(self._lines.number[window.first : window.last], columns.wrong)
        self._inspection.add(self._payloads(window.others(number)))
        return True

    def _take_each(self, window: Window) -> None:
        self._inspection.add(self._payloads(np.arange(window.begin, window.end)))

    def _payloads(self, number: Numbers) -> Iterator[bytes]:
        for first, last in zip(self._start[number].tolist(), self._end[number].tolist(), strict=True):
            yield bytes(self._buffer[first:last])
