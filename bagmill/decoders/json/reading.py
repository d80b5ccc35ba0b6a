"""Reading many JSON objects at once with `pyarrow.json`.

What is invalid, does not fit the schema, has a member twice or one that is unknown is an error there; a
caller finds the message that it comes from by reading fewer at a time. What it reads otherwise than Python's
parser is found here:

- `Inf`, `-Inf` and `-NaN` are no JSON for Python, and an integer of 400 digits is beyond float64 for us; for
  it they are infinities and NaN.
- `-0` is an integer, so 0 for Python; as a float it is -0.0 for it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.json as pj

from bagmill.decoders.json.lines import Lines, Numbers, union

_MINUS_ZERO = rb"-0[^.0-9eE]"
_NO_NUMBER = rb"-NaN|Inf[^i]|[0-9]{300}"
_MOST_BYTES = 1 << 30


@dataclass(frozen=True, slots=True)
class Columns:
    """What was read of some lines: an array for each field of the schema that it was read with.

    `wrong`: rows that must not be taken from it, ascending.
    """

    schema: pa.Schema
    arrays: list[pa.Array]
    wrong: Numbers

    def right(self, arrays: list[pa.Array]) -> list[pa.Array]:
        """These arrays, one row for each line, without the wrong rows."""
        if not self.wrong.size:
            return arrays
        keep = np.ones(len(arrays[0]), np.bool_)
        keep[self.wrong] = False
        return [array.filter(pa.array(keep)) for array in arrays]


def read(schema: pa.Schema, lines: Lines, first: int, last: int) -> Columns:
    """Read the lines `first` to `last`.

    Raises:
        pa.ArrowInvalid: they do not fit the schema, or are not as many objects as lines.
    """
    text = lines.slice(first, last)
    if text.size > _MOST_BYTES:
        raise pa.ArrowInvalid("too much to be read at once")
    table = pj.read_json(
        pa.BufferReader(text),
        pj.ReadOptions(use_threads=False, block_size=text.size + 1),
        pj.ParseOptions(explicit_schema=schema, unexpected_field_behavior="error"),
    )
    if table.num_rows != last - first or table.schema != schema:
        raise pa.ArrowInvalid("a line is not one object")
    arrays = [item.chunk(0) if item.num_chunks == 1 else item.combine_chunks() for item in table.columns]
    return Columns(schema, arrays, union(_wrong(arrays, lines, first, last)))


def _wrong(read: list[pa.Array], lines: Lines, first: int, last: int) -> Iterator[Numbers]:
    """Rows with what Python's parser would read as something else, and perhaps some others."""
    yield np.zeros(0, np.int64)
    found = [values for array in read for values in floats(array)]
    with np.errstate(all="ignore"):
        if not all(np.isfinite(values.sum()) for values in found):
            yield lines.matching(_NO_NUMBER, first, last)
    lowest = np.iinfo(np.int64).min  # the bits of -0.0
    if any(values.view(np.int64).min() == lowest for values in found):
        yield lines.matching(_MINUS_ZERO, first, last)


def floats(array: pa.Array) -> Iterator[npt.NDArray[np.float64]]:
    """The values of all float columns, none of them empty; where null is, there is any value."""
    if pa.types.is_float64(array.type) and len(array):
        yield np.frombuffer(array.buffers()[1], np.float64, len(array), 8 * array.offset)
    elif pa.types.is_list(array.type):
        yield from floats(array.values)
    elif pa.types.is_struct(array.type):
        for place in range(array.type.num_fields):
            yield from floats(array.field(place))
