"""How each leaf column of a Parquet file is stored: a fixed rule for little data, a sample of it for more."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from bagmill.choices import Compression
from bagmill.schemas.names import OWN_COLUMNS
from bagmill.writers.base import LONG_BYTES, SomeRows
from bagmill.writers.codecs import (
    CODECS,
    DELTA,
    DICTIONARY,
    DICTIONARY_BYTES,
    NO_CODEC,
    PLAIN,
    WORTH,
    Choice,
    Codec,
)
from bagmill.writers.leaves import Leaf, leaf_arrays, leaves
from bagmill.writers.sampling import LeafSample, byte_size, take_samples
from bagmill.writers.trials import try_encodings

SAMPLED_BYTES = 8 << 20
"""Arrow bytes of a row group below which a sample would cost more than it saves."""

BLOB_BYTES = 128 << 10
"""The same for a table with blobs: a codec that finds nothing in them costs more than all the rest."""

TRIED_LENGTH = 256
"""Bytes a value above which equal values are not looked for; only the codec is tried."""

PAGE_BYTES = 1 << 20
"""Bytes after which a page ends."""

PROBE_BYTES = 1 << 20
"""Bytes of a column of long values that the codec is tried on."""


def writer_settings(
    schema: pa.Schema, compression: Compression, batches: Sequence[SomeRows]
) -> dict[str, Any]:
    """Every argument of the library's writer that changes bytes, for a file that begins with these rows."""
    columns = leaves(schema)
    choices = choose(columns, CODECS[compression], batches)
    return {
        "version": "2.6",
        "writer_engine_version": "V2",
        "data_page_version": "1.0",
        "data_page_size": PAGE_BYTES,
        "write_batch_size": _values_at_a_time(batches),
        "max_rows_per_page": 20_000,
        "dictionary_pagesize_limit": DICTIONARY_BYTES,
        "use_dictionary": [path for path, choice in choices.items() if choice.encoding == DICTIONARY],
        "column_encoding": {
            path: choice.encoding for path, choice in choices.items() if choice.encoding != DICTIONARY
        },
        "compression": {path: choice.codec for path, choice in choices.items()},
        "compression_level": {
            path: choice.level for path, choice in choices.items() if choice.level is not None
        },
        # Nobody filters by the least element of all lists, and comparing texts takes as long as writing them.
        "write_statistics": [leaf.path for leaf in columns if leaf.is_number and not leaf.repeated],
        "write_page_index": True,
        "store_schema": True,
    }


def compresses_blobs(schema: pa.Schema, settings: Mapping[str, Any]) -> bool:
    """Whether a file with these settings has a codec for bytes, which then takes longer than all else."""
    codecs = settings["compression"]
    return any(leaf.is_blob and codecs[leaf.path] != NO_CODEC.name for leaf in leaves(schema))


def _values_at_a_time(batches: Sequence[SomeRows]) -> int:
    """After how many values the library looks whether a page is full; by itself it looks too seldom."""
    arrays = leaf_arrays(batches[0]) if batches else []
    longest = max((byte_size(array) // len(array) for array in arrays if len(array)), default=0)
    if longest >= LONG_BYTES:
        return 1  # a page may end behind any value, as it must where each is a chunk of its own
    return min(1024, PAGE_BYTES // max(1, longest))


def choose(columns: Sequence[Leaf], codec: Codec, batches: Sequence[SomeRows]) -> dict[str, Choice]:
    """How to store each leaf column of a table that begins with these rows, by path."""
    choices = {leaf.path: _usual(leaf, codec) for leaf in columns}
    size = sum(batch.nbytes for batch in batches)
    has_blobs = any(leaf.is_blob for leaf in columns)
    if size < (BLOB_BYTES if has_blobs else SAMPLED_BYTES):
        return choices
    tried = []
    for leaf, sample in zip(columns, take_samples(columns, batches), strict=True):
        if sample.runs and _is_long(sample):
            is_worth_it = _shrinks(sample, codec, min(PROBE_BYTES, size // 8))
            choices[leaf.path] = Choice.of(PLAIN, codec if is_worth_it else NO_CODEC)
        elif sample.runs and size >= SAMPLED_BYTES and not pa.types.is_boolean(leaf.type):
            tried.append((leaf.path, sample))
    found = try_encodings([sample for _, sample in tried], codec)
    return choices | {path: choice for (path, _), choice in zip(tried, found, strict=True)}


def _usual(leaf: Leaf, codec: Codec) -> Choice:
    """Without a look at the values: what costs least, as codecs are good at plain values."""
    if leaf.path in OWN_COLUMNS:
        return Choice.of(DELTA, codec)
    is_plain = leaf.is_blob or pa.types.is_boolean(leaf.type) or not codec.is_none
    return Choice.of(PLAIN if is_plain else DICTIONARY, codec)


def _is_long(sample: LeafSample) -> bool:
    return sum(byte_size(run) for run in sample.runs) > TRIED_LENGTH * sum(len(run) for run in sample.runs)


def _shrinks(sample: LeafSample, codec: Codec, budget: int) -> bool:
    """Whether the codec makes long values smaller; it is given about `budget` bytes of them."""
    if codec.is_none:
        return False
    tool = pa.Codec(codec.name, codec.level)
    pieces = [_bytes(run)[: budget // len(sample.runs)] for run in sample.runs]
    left = sum(tool.compress(piece).size for piece in pieces)
    return bool(left < WORTH * sum(piece.size for piece in pieces))


def _bytes(array: pa.Array) -> pa.Buffer:
    """The bytes of all values."""
    kind, buffers = array.type, array.buffers()
    if pa.types.is_fixed_size_binary(kind):
        return buffers[1][array.offset * kind.byte_width : (array.offset + len(array)) * kind.byte_width]
    offsets = np.frombuffer(buffers[1], np.int32, len(array) + 1, array.offset * 4)
    return buffers[2][int(offsets[0]) : int(offsets[-1])]
