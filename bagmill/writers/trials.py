"""Tries the encodings of a leaf column on a sample, and takes the cheapest.

What a value costs is its size plus the time it takes, where a nanosecond counts as much as `BYTE_PER_NS`.
Sizes come from encoding the sample; times are what the encodings took on long columns, written down here. So
the choice depends on the values alone.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from math import ceil, log2
from typing import NamedTuple

import pyarrow as pa
from pyarrow._parquet import ParquetWriter

from bagmill.writers.codecs import (
    DELTA,
    DICTIONARY,
    DICTIONARY_BYTES,
    PLAIN,
    PREFIX,
    SPLIT,
    WORTH,
    Choice,
    Codec,
)
from bagmill.writers.sampling import LeafSample, byte_size, count_distinct

BYTE_PER_NS = 0.05
"""Bytes that a value may be larger if it is written a nanosecond faster."""

_NS = {PLAIN: 5.0, SPLIT: 7.0, DELTA: 11.0, DICTIONARY: 16.0, PREFIX: 80.0}
_PLAIN_NS = 10.0
"""What a codec takes for each byte that it leaves of plain values: it finds matches everywhere."""
_SLOW_NS = 6.0
"""What a codec takes for a value in another encoding at its usual level, more than at its fast one."""


class _Way(NamedTuple):
    """A way to store the values of a leaf column.

    `dictionary`: bytes a value that a dictionary adds; `place`: those of a place in it.
    """

    encoding: str
    level: int | None
    dictionary: float = 0.0
    place: float = 0.0


def try_encodings(samples: Sequence[LeafSample], codec: Codec) -> list[Choice]:
    """The cheapest way to store each leaf column, of which there is a sample with values."""
    ways = [(number, way) for number, sample in enumerate(samples) for way in _ways(sample, codec)]
    tried = [sample.few for sample in samples]
    sizes = _sizes([(tried[number], way) for number, way in ways], codec)
    best: dict[int, tuple[float, Choice]] = {}
    for (number, way), (packed, plain) in zip(ways, sizes, strict=True):
        # Among all rows there are more different values than among the few, and so longer indexes.
        longer = max(1.0, way.place / plain)
        is_packed = packed < WORTH * plain
        choice = Choice(way.encoding, codec.name, way.level) if is_packed else Choice(way.encoding)
        size = (packed if is_packed else plain) * longer + way.dictionary
        cost = size + BYTE_PER_NS * _time(choice, packed, codec)
        if number not in best or cost < best[number][0]:
            best[number] = cost, choice
    return [best[number][1] for number in range(len(samples))]


def _ways(sample: LeafSample, codec: Codec) -> Iterator[_Way]:
    values = sample.values
    different = count_distinct(values)
    if different > 1 or codec.is_none:
        yield from _ways_of_type(values.type, codec)
    is_number = pa.types.is_primitive(values.type)
    repeats = different * 2 < len(values)
    if repeats or not is_number:
        yield _Way(PLAIN, codec.level)
    if repeats and (different > 1 or codec.is_none):
        width = byte_size(values) / len(values) + (0 if is_number else 4)
        entries = _distinct_in_all(sample, different, len(values))
        if width * entries < DICTIONARY_BYTES:
            index = ceil(log2(max(2.0, entries))) / 8
            yield _Way(DICTIONARY, codec.level, width * entries / max(1, sample.total), index)


def _ways_of_type(kind: pa.DataType, codec: Codec) -> Iterator[_Way]:
    if pa.types.is_floating(kind):
        yield _Way(SPLIT, codec.level if codec.fast is None else codec.fast)
    elif pa.types.is_integer(kind) or pa.types.is_timestamp(kind):
        yield _Way(DELTA, codec.level)
    elif pa.types.is_string(kind):
        yield _Way(PREFIX, codec.level)


def _distinct_in_all(sample: LeafSample, different: int, count: int) -> float:
    """How many different values all rows hold if their number grows on as in the sample (Heaps' law)."""
    half = pa.concat_arrays(sample.runs[::2])
    before = count_distinct(half)
    if different <= before or len(half) >= count or not before:
        return float(different)
    growth = log2(different / before) / log2(count / len(half))
    more = max(1.0, sample.total / count) ** min(1.0, growth)
    return min(float(sample.total), different * float(more))


def _sizes(ways: Sequence[tuple[pa.Array, _Way]], codec: Codec) -> list[tuple[float, float]]:
    """Bytes a value for each way, with and without the codec; a dictionary is not counted."""
    groups: dict[int, list[int]] = defaultdict(list)
    for number, (values, _) in enumerate(ways):
        groups[len(values)].append(number)
    sizes = [(0.0, 0.0)] * len(ways)
    for count, numbers in groups.items():
        group = _write([ways[number] for number in numbers], codec)
        for number, (packed, plain) in zip(numbers, group, strict=True):
            sizes[number] = packed / count, plain / count
    return sizes


def _write(ways: Sequence[tuple[pa.Array, _Way]], codec: Codec) -> Iterator[tuple[int, int]]:
    """Write columns of one length into a file that is thrown away; the bytes of each."""
    names = [str(number) for number in range(len(ways))]
    named = list(zip(names, [way for _, way in ways], strict=True))
    table = pa.Table.from_arrays([values for values, _ in ways], names)
    writer = ParquetWriter(
        pa.MockOutputStream(),
        table.schema,
        version="2.6",
        writer_engine_version="V2",
        compression=codec.name,
        compression_level={name: way.level for name, way in named if way.level is not None},
        use_dictionary=[name for name, way in named if way.encoding == DICTIONARY],
        column_encoding={name: way.encoding for name, way in named if way.encoding != DICTIONARY},
        write_statistics=False,
        store_schema=False,
    )
    writer.write_table(table, row_group_size=table.num_rows)
    writer.close()
    group = writer.metadata.row_group(0)
    for number in range(len(ways)):
        column = group.column(number)
        packed, plain = column.total_compressed_size, column.total_uncompressed_size
        if column.has_dictionary_page:
            size = column.data_page_offset - column.dictionary_page_offset
            packed, plain = packed - size, plain - size
        yield packed, plain


def _time(choice: Choice, packed: float, codec: Codec) -> float:
    """Nanoseconds a value, about."""
    if choice.codec == "none":
        return _NS[choice.encoding]
    if choice.encoding == PLAIN:
        return _NS[PLAIN] + _PLAIN_NS * packed
    return _NS[choice.encoding] + (_SLOW_NS if choice.level == codec.level else 0.0)
