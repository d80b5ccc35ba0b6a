"""Flatbuffer messages, decoded many at once."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from bagmill.decoders.base import Buffer, Decoded, Note, Offsets
from bagmill.decoders.flatbuffer.build import build_columns
from bagmill.decoders.flatbuffer.findings import Findings, Spots
from bagmill.decoders.flatbuffer.plan import OFFSET, compile_plan
from bagmill.decoders.places.arrays import struct_array
from bagmill.errors import BagmillError
from bagmill.kernels import call
from bagmill.schemas.arrow import arrow_schema, describe
from bagmill.schemas.tree import Struct


class FlatbufferDecoder:
    """Decodes messages of the binary schema's table `name`, whose tree is `root`.

    A message begins with the offset of its table. Every place is checked before it is read; alignment is not,
    nor that a string ends with NUL: both harm nobody here.
    """

    def __init__(self, root: Struct, name: str, data: bytes) -> None:
        self.fields = arrow_schema(root)
        self.facts: Mapping[str, Any] = describe(root)
        self.raw_reason: BagmillError | None = None
        self.notes: list[Note] = []
        self._plan = compile_plan(name, data)

    def decode(self, buffer: Buffer, start: Offsets, end: Offsets) -> Decoded:
        """Decode the messages."""
        findings = Findings(buffer, start, end)
        spots = findings.inside(Spots(start, None, None, start.size), OFFSET, "the root offset")
        columns = build_columns(findings, self._plan, findings.follow(spots, "the root table"))
        rows = struct_array(pa.struct(list(self.fields)), start.size, columns)
        good = findings.good()
        if not good.all():
            rows = call("filter", rows, pa.array(good))
        return Decoded(pa.RecordBatch.from_struct_array(rows), findings.reasons())
