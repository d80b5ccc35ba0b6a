"""Where the fields of tables stand."""

from typing import NamedTuple

import numpy as np

from bagmill.decoders.base import Offsets
from bagmill.decoders.flatbuffer.findings import Findings, Spots

_U16 = np.dtype("<u2")
_I32 = np.dtype("<i4")
_HEAD = 4
"""Bytes of a vtable before the offsets of fields: its own size and that of the table."""


class Fields(NamedTuple):
    """Tables, and where the vtable of each is and how many bytes it has, all inside the message."""

    findings: Findings
    tables: Spots
    vtables: Offsets
    sizes: Offsets

    @classmethod
    def of(cls, findings: Findings, name: str, tables: Spots) -> "Fields":
        """Look up the vtables of tables, of which the first 4 bytes are inside; `name`: of their type."""
        reason = f"the vtable of a table {name} reaches beyond the message"
        vtables = tables.at - findings.view.numbers(tables.at, _I32)
        good = findings.are_inside(tables.moved(vtables), _HEAD)
        tables, vtables = findings.keep(tables, good, reason), vtables[good]
        sizes = findings.view.numbers(vtables, _U16).astype(np.int64)
        good = findings.are_inside(tables.moved(vtables), sizes) & (sizes >= _HEAD) & (sizes % 2 == 0)
        return cls(findings, findings.keep(tables, good, reason), vtables[good], sizes[good])

    def spots(self, slot: int, size: int, name: str, *, required: bool = False) -> Spots:
        """Where a field of so many bytes is, in those tables that have it."""
        offsets = np.zeros(self.sizes.size, np.int64)
        known = np.flatnonzero(self.sizes > slot)
        offsets[known] = self.findings.view.numbers(self.vtables[known] + slot, _U16)
        if required:
            self.findings.keep(self.tables, offsets > 0, f"{name} is missing, which is required")
        spots = self.tables.moved(self.tables.at + offsets)
        if not offsets.all():
            spots = spots.pick(offsets > 0)
        return self.findings.inside(spots, size, name)
