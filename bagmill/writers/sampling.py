"""A sample of a table's leaf columns: short runs of values from places all over it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

import numpy as np
import pyarrow as pa

from bagmill.kernels import call
from bagmill.writers.base import SomeRows
from bagmill.writers.leaves import Leaf, leaf_arrays

PLACES = 8
"""Places that a sample comes from. Far apart, because neighbours resemble each other."""

RUN = 512
"""Most values of a leaf column that come from one place. Together, because codecs live by neighbours."""

RUN_OF_LISTS = 4096
"""The same below lists: what a sensor measures in steps repeats only among thousands of values."""

RUN_BYTES = 128 << 10
"""Bytes of a leaf column that come from one place, about."""


@dataclass(slots=True)
class LeafSample:
    """Values of a leaf column: runs of them from several places, and how many all rows hold, about."""

    kind: pa.DataType
    total: int = 0
    runs: list[pa.Array] = field(default_factory=list)

    @property
    def values(self) -> pa.Array:
        """The runs as one array."""
        return pa.concat_arrays(self.runs) if self.runs else pa.array([], self.kind)

    @property
    def few(self) -> pa.Array:
        """The beginning of each run: enough to try an encoding."""
        return pa.concat_arrays([run.slice(0, RUN) for run in self.runs])


def take_samples(columns: Sequence[Leaf], batches: Sequence[SomeRows]) -> list[LeafSample]:
    """A sample of each leaf column; of big values, only the first of each place."""
    samples = [LeafSample(leaf.type) for leaf in columns]
    seen = 0
    for place in _places(batches):
        room = [RUN_OF_LISTS if leaf.repeated else RUN for leaf in columns]
        for piece in place:
            seen += piece.num_rows
            for number, array in enumerate(leaf_arrays(piece)):
                run = _cut(array.slice(0, room[number]))
                room[number] -= len(run)
                samples[number].total += len(array)
                samples[number].runs += [run] if len(run) else []
    rows = sum(batch.num_rows for batch in batches)
    for sample in samples:
        sample.total = sample.total * rows // max(1, seen)
    return samples


def _places(batches: Sequence[SomeRows]) -> Iterator[list[SomeRows]]:
    """Up to `RUN` rows from each place, as slices of batches."""
    ends = list(accumulate(batch.num_rows for batch in batches))
    step = max(1, ends[-1] // PLACES)
    for first in range(0, min(ends[-1], step * PLACES), step):
        pieces, left = [], min(RUN, step)
        number = int(np.searchsorted(ends, first, side="right"))
        start = first - ends[number] + batches[number].num_rows
        while left and number < len(batches):
            pieces.append(batches[number].slice(start, left))
            left -= pieces[-1].num_rows
            number, start = number + 1, 0
        yield pieces


def _cut(array: pa.Array | pa.ChunkedArray) -> pa.Array:
    """The first values, as many as have about `RUN_BYTES`; at least one."""
    size = byte_size(array)
    if size > RUN_BYTES:
        array = array.slice(0, max(1, len(array) * RUN_BYTES // size))
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def byte_size(array: pa.Array | pa.ChunkedArray) -> int:
    """Bytes of the values of a leaf column, without lengths."""
    kind = array.type
    if pa.types.is_string(kind) or pa.types.is_binary(kind):
        return int(call("sum", call("binary_length", array)).as_py() or 0)
    return int(len(array) * kind.bit_width) // 8


def count_distinct(array: pa.Array) -> int:
    """How many different values there are, nulls left out; floats are compared by their bits."""
    if not pa.types.is_primitive(array.type) or pa.types.is_boolean(array.type):
        return int(call("count_distinct", array).as_py())
    valid = call("drop_null", array)
    width = valid.type.bit_width // 8
    bits = np.frombuffer(valid.buffers()[1], f"i{width}", len(valid), valid.offset * width)
    ordered = np.sort(bits)
    return int(np.count_nonzero(ordered[1:] != ordered[:-1])) + bool(ordered.size)
